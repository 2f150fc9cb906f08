"""OpenTelemetry's SDK for Python reports to `lastword serve`: over HTTP, over gRPC and in JSON, each batch twice.

Usage: otlp_in.py LASTWORD AGENT_TRACE OTLP_EXAMPLE
"""

import importlib
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

LASTWORD, AGENT_TRACE, OTLP_EXAMPLE = sys.argv[1:]
EXPORTERS = {"http": "opentelemetry.exporter.otlp.proto.http", "grpc": "opentelemetry.exporter.otlp.proto.grpc",
             "json": "opentelemetry.exporter.otlp.json.http"}
PATIENCE_SECONDS = 20
SPANS = 1_300
# What examples/otlp.rs sends: the start, six severities, four shapes, one step a log and a span each, the error, the end.
OURS = 1 + 6 + 4 + 250 + 250 + 2
passed, failed = [], []


class Collector:
    """`lastword serve` on free ports, with a directory of its own."""

    def __init__(self, directory):
        told = pathlib.Path(directory, "told")
        command = [LASTWORD, "serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0", "--data", f"{directory}/data"]
        command += ["--log-format", "json"]
        with told.open("wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()
        self.grpc = "http://" + wait_for(lambda: re.search(r"OTLP over gRPC on ([0-9.:]+)", told.read_text()))[1]

    def endpoint(self, kind):
        return self.grpc if kind == "grpc" else self.url

    def ask(self, *arguments):
        """What a command prints, one JSON value a line."""
        ran = subprocess.run([LASTWORD, *arguments, "--url", self.url, "--json"], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def events(self, *arguments):
        return self.ask("events", *arguments)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE_SECONDS) == 0


def wait_for(find):
    """What is found, waited for within bounds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found


class Twice:
    """An exporter that sends each batch twice, as one does whose answer was lost."""

    def __init__(self, exporter):
        self.exporter = exporter

    def export(self, batch, *rest, **more):
        batch = list(batch) if isinstance(batch, (list, tuple)) else batch
        self.exporter.export(batch, *rest, **more)
        return self.exporter.export(batch, *rest, **more)

    def __getattr__(self, name):
        return getattr(self.exporter, name)


class Program:
    """A program that reports by one exporter."""

    def __init__(self, collector, kind, session):
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.endpoint(kind)
        base = EXPORTERS[kind]
        of = lambda module, name: getattr(importlib.import_module(f"{base}.{module}"), name)
        compression = {"compression": importlib.import_module(base).Compression.Gzip} if kind == "http" else {}
        resource = Resource.create({"service.name": "suite", "service.instance.id": session})
        self.traces = TracerProvider(resource=resource)
        self.traces.add_span_processor(BatchSpanProcessor(Twice(of("trace_exporter", "OTLPSpanExporter")(**compression))))
        metrics = of("metric_exporter", "OTLPMetricExporter")()
        send = metrics.export
        metrics.export = lambda *given, **more: (send(*given, **more), send(*given, **more))[1]
        reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)
        self.metrics = MeterProvider(resource=resource, metric_readers=[reader])
        self.logs = LoggerProvider(resource=resource)
        self.logs.add_log_record_processor(BatchLogRecordProcessor(Twice(of("_log_exporter", "OTLPLogExporter")())))
        self.tracer = self.traces.get_tracer("suite", "1.0")
        self.meter = self.metrics.get_meter("suite")
        self.logger = logging.getLogger(f"suite.{session}")
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.logger.addHandler(LoggingHandler(logger_provider=self.logs))

    def end(self):
        assert self.traces.force_flush(PATIENCE_SECONDS * 1_000)
        assert self.logs.force_flush(PATIENCE_SECONDS * 1_000)
        for provider in (self.traces, self.metrics, self.logs):
            provider.shutdown()


def check(name, run, *arguments):
    try:
        print(f"ok: {name}: {run(*arguments)}", flush=True)
        passed.append(name)
    except Exception as error:
        print(f"FAILED: {name}: {type(error).__name__}: {error}", flush=True)
        failed.append(name)


def check_three_signals(collector, kind):
    session = f"python-{kind}"
    # A series that begins in the second in which the collector did may be one of before.
    program = Program(collector, kind, session)
    jobs, took = program.meter.create_counter("jobs"), program.meter.create_histogram("took")
    for number in range(SPANS):
        with program.tracer.start_as_current_span(f"step {number}", attributes={"number": number, "tags": ["a", "b"]}):
            if number % 13 == 0:
                program.logger.warning("step %s", number, extra={"number": number})
    for _ in range(3):
        jobs.add(5, {"queue": "mail"})
        took.record(7.5)
        assert program.metrics.force_flush()
    program.end()

    spans = collector.events("--session", session, "--name", "span.end")
    assert len(spans) == SPANS, f"{len(spans)} spans"
    assert sorted(event["event_data"]["number"] for event in spans) == list(range(SPANS)), "each once"
    assert len({event["event_id"] for event in spans}) == SPANS
    logs = collector.events("--session", session, "--name", "log")
    assert len(logs) == SPANS // 13, f"{len(logs)} logs"
    by_id = {event["event_data"]["span_id"]: event["event_data"]["span_name"] for event in spans}
    assert all(by_id[log["event_data"]["span_id"]] == log["event_data"]["message"] for log in logs), "logs within spans"
    [resource] = collector.events("--session", session, "--name", "resource")
    assert resource["event_data"]["service.name"] == "suite"
    series = [one for event in collector.events("--session", session, "--name", "metrics") for one in event["event_data"]["series"]]
    counted = sum(one.get("value", 0) for one in series if one["name"] == "jobs")
    observed = sum(one.get("count", 0) for one in series if one["name"] == "took")
    assert (counted, observed) == (15, 3), (counted, observed)
    return f"{len(spans)} spans, {len(logs)} logs, metrics that add up, each once though sent twice"


def work(tracer):
    """The same work as examples/agent_trace.rs."""
    def model(tokens, cost, reason):
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
                      "gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1], "gen_ai.usage.cost": cost,
                      "gen_ai.response.finish_reasons": [reason]}
        with tracer.start_as_current_span("chat gpt-4o", kind=trace.SpanKind.CLIENT, attributes=attributes):
            pass

    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper", "gen_ai.usage.input_tokens": 3_200}
    with tracer.start_as_current_span("invoke_agent helper", attributes=agent):
        for tool, fails in (("search", False), ("read_file", True)):
            model((1_000, 50), 0.003, "tool_calls")
            attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
            with tracer.start_as_current_span(f"execute_tool {tool}", attributes=attributes) as span:
                if fails:
                    span.set_attribute("error.type", "FileNotFoundError")
                    span.set_status(trace.StatusCode.ERROR, "no such file")
        model((1_200, 200), 0.005, "stop")


# What differs between two runs of the same work, and what the agent's span repeats.
DIFFERS = {"id", "trace_id", "span_id", "parent", "parent_span_id", "start", "started", "start_nanos", "end", "timestamp", "session_id",
           "session", "duration_ms", "duration_nanos", "took_ms", "duration"}
ENVELOPE = {"flags", "start_unix_nano", "resource", "otel.scope.name", "otel.scope.version"}


def shown(value):
    """A view, but for times and ids."""
    if isinstance(value, dict):
        kept = {name: shown(inner) for name, inner in value.items() if name not in DIFFERS | ENVELOPE and not is_latency(name)}
        if kept.get("gen_ai.operation.name") == "invoke_agent":
            kept.pop("gen_ai.usage.input_tokens", None)
        return kept
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return value


def is_latency(name):
    return name.endswith(("_ms", "_nanos", "_us")) or any(part in name for part in ("latency", "p50", "p95", "p99", "mean", "reliability"))


def check_agents(directory):
    """The trace of an agent in Python and of one in Rust, each at a collector of its own, are shown alike."""
    views = []
    for language in ("python", "rust"):
        pathlib.Path(directory, language).mkdir()
        collector = Collector(f"{directory}/{language}")
        try:
            if language == "python":
                program = Program(collector, "http", "agent-trace")
                work(program.tracer)
                program.end()
            else:
                subprocess.run([AGENT_TRACE, collector.url], check=True, timeout=60, env={**os.environ, "TINKER_TELEMETRY": "1"})
            [listed] = wait_for(lambda: collector.ask("traces", "list"))
            trace_id = listed.get("trace_id") or listed["id"]
            views.append([shown(collector.ask("traces", "show", trace_id)), shown(collector.ask("traces", "summary"))])
        finally:
            collector.stop()
    python, rust = views
    for one, other in zip(python, rust):
        assert one == other, f"\npython: {json.dumps(one, sort_keys=True)}\nrust:   {json.dumps(other, sort_keys=True)}"
    text = json.dumps(python)
    assert all(f'"{said}"' in text for said in ("invoke_agent helper", "chat gpt-4o", "execute_tool read_file", "no such file")), text
    assert '"input_tokens": 3200' in text and '"output_tokens": 300' in text, text
    return "traces show and traces summary are the same"


def check_our_sink(collector):
    """What our own reporter sends in OTLP is the events that it would have sent itself."""
    environment = {**os.environ, "TINKER_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    subprocess.run([OTLP_EXAMPLE], check=True, capture_output=True, timeout=60, env=environment)
    sessions = [session for session in collector.ask("sessions") if not session["session_id"].startswith("python")]
    [session] = [session["session_id"] for session in sessions]
    events = [event for event in collector.events("--session", session) if event.get("event_name") != "resource"]
    indices = sorted(event["event_session_index"] for event in events)
    assert indices == list(range(OURS)), f"{len(indices)} events of {OURS}"
    kinds = [event["event"] for event in sorted(events, key=lambda event: event["event_session_index"])]
    assert (kinds[0], kinds[-1], kinds.count("UNHANDLED_EXCEPTION")) == ("SESSION_START", "SESSION_END", 2), kinds[-2:]
    assert sum(event.get("event_name") == "span.end" for event in events) == 250
    assert sessions[0]["state"] == "ended" and sessions[0]["missing"] == 0, sessions
    return f"{len(events)} events, none missing"


def main():
    with tempfile.TemporaryDirectory() as directory:
        collector = Collector(directory)
        # So that no series begins in the second in which the collector did.
        time.sleep(0.01)
        try:
            for kind in EXPORTERS:
                check(f"traces, metrics and logs by {kind}", check_three_signals, collector, kind)
            check("our own sink", check_our_sink, collector)
        finally:
            collector.stop()
        check("agents of two languages", check_agents, directory)
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


main()
