"""The unmodified `posthog`: events, people, models and errors. Prints what was told, as JSON.

Usage: use_posthog.py URL_THAT_PASSES_ON URL_THAT_FAILS_ONCE
"""

import json
import sys

from posthog import Posthog

PERSON = "user-1"


def run(url, events, **options):
    client = Posthog("phc_suite", host=url, gzip=True, flush_at=50, max_retries=3, **options)
    told = {"events": []}
    with_session = {"$session_id": "posthog-session"}
    for number in range(events):
        told["events"].append(client.capture("clicked", distinct_id=PERSON, properties={**with_session, "number": number}))
    told["set"] = client.set(distinct_id=PERSON, properties={"plan": "pro"})
    model = {"$ai_model": "m-1", "$ai_provider": "openai", "$ai_input_tokens": 10, "$ai_output_tokens": 4}
    model |= {"$ai_input": [{"role": "user", "content": "hi"}], "$ai_http_status": 200, "$ai_latency": 1.5}
    within = {"$ai_trace_id": "t-1", **with_session}
    capture = lambda name, properties: client.capture(name, distinct_id=PERSON, properties={**within, **properties})
    told["generation"] = capture("$ai_generation", {**model, "$ai_span_id": "g-1", "$ai_parent_id": "s-1"})
    told["span"] = capture("$ai_span", {"$ai_span_id": "s-1", "$ai_parent_id": "t-1", "$ai_span_name": "retrieve", "$ai_latency": 0.25})
    told["trace"] = capture("$ai_trace", {"$ai_span_name": "answer", "$ai_latency": 2})
    try:
        {}["key"]
    except KeyError as error:
        told["exception"] = client.capture_exception(error, distinct_id=PERSON, properties=with_session)
    client.flush()
    client.shutdown()
    return told


if __name__ == "__main__":
    print(json.dumps({**run(sys.argv[1], 120), "refused": run(sys.argv[2], 1)}))
