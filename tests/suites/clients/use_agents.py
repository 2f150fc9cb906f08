"""The unmodified `openai-agents`: a run of an agent whose model is a part of this program. Prints what was told, as JSON.

Usage: use_agents.py URL_THAT_PASSES_ON URL_THAT_FAILS_ONCE
"""

import asyncio
import json
import os
import sys

os.environ["OPENAI_API_KEY"] = "a-key-for-this-test"

from agents import Agent, Model, ModelResponse, Runner, Usage, custom_span, function_tool, generation_span
from agents import guardrail_span, handoff_span, set_trace_processors, trace
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    """A model that first calls a tool and then answers."""

    calls = 0

    async def get_response(self, *_, **__):
        self.calls += 1
        said = dict(input=[{"role": "user", "content": "double 2"}], output=[{"role": "assistant", "content": "4"}])
        with generation_span(model="scripted-1", usage={"input_tokens": 10, "output_tokens": 4}, **said):
            pass
        if self.calls == 1:
            call = dict(arguments='{"number":2}', call_id="call-1", name="double", type="function_call")
            output = ResponseFunctionToolCall(**call)
        else:
            text = ResponseOutputText(annotations=[], text="4", type="output_text")
            output = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[output], usage=Usage(requests=1), response_id=None)

    def stream_response(self, *_, **__):
        raise NotImplementedError


@function_tool
def double(number: int) -> int:
    """Doubles a number."""
    return number * 2


def run(url):
    exporter = BackendSpanExporter(endpoint=f"{url}/v1/traces/ingest", base_delay=0.05)
    processor = BatchTraceProcessor(exporter)
    set_trace_processors([processor])
    with trace("suite workflow", group_id="thread-1", metadata={"key": "value"}) as workflow:
        agent = Agent(name="doubler", tools=[double], model=Scripted())
        answer = asyncio.run(Runner.run(agent, "double 2")).final_output
        with custom_span("odd", {"a": {"b": 1}}) as odd:
            odd.set_error({"message": "it went wrong", "data": {"why": "a test"}})
        with handoff_span("doubler", "halver"):
            pass
        with guardrail_span("polite", triggered=True):
            pass
    processor.force_flush()
    processor.shutdown()
    return {"trace": workflow.trace_id, "answer": answer}


if __name__ == "__main__":
    print(json.dumps({**run(sys.argv[1]), "refused": run(sys.argv[2])}))
