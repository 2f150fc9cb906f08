"""What our OTLP sink sends, taken by the real collector `rotel`, which prints each record and span that it has.

Usage: otlp_rotel.py EXAMPLE

The example is run against a gate of this script that passes requests on to rotel, but fails each signal once: so what is
counted at rotel was sent again where it had to be, and only there.
"""

import collections
import gzip
import http.client
import http.server
import importlib.metadata
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import rotel

# What examples/otlp.rs sends: the start, six severities, four shapes, one step a log and a span each, the error, the end.
STEPS = 250
LOGS = 1 + 6 + 4 + STEPS + 2
PATIENCE_SECONDS = 20
KEY = "a key, for this test"
passed, failed = [], []


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Rotel:
    """The collector, on free ports, with all that it prints in a file."""

    def __init__(self, directory):
        self.printed = pathlib.Path(directory, "printed")
        self.port = free_port()
        agent = pathlib.Path(rotel.__file__).parent / "rotel-agent"
        command = [agent, "start", "--exporter", "blackhole", "--batch-timeout", "50ms"]
        command += ["--otlp-http-endpoint", f"127.0.0.1:{self.port}", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"]
        command += ["--debug-log", "logs", "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
        command += ["--pid-file", f"{directory}/pid", "--log-file", f"{directory}/log"]
        with self.printed.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        wait_until(self.answers)

    def answers(self):
        assert self.process.poll() is None, f"rotel ended: {self.text()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def text(self):
        return self.printed.read_bytes().decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=PATIENCE_SECONDS)
        finally:
            self.process.kill()


class Gate(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and fails the first of each path without passing it on."""

    protocol_version = "HTTP/1.1"
    requests = []
    rotel_port = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_first = self.path not in [path for path, _, _, _ in self.requests]
        status, answer = (503, b"") if is_first else self.pass_on(body)
        self.requests.append((self.path, dict(self.headers), body, status))
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def pass_on(self, body):
        onward = http.client.HTTPConnection("127.0.0.1", self.rotel_port, timeout=PATIENCE_SECONDS)
        names = ("content-type", "content-encoding", "accept", "user-agent")
        onward.request("POST", self.path, body, {name: self.headers[name] for name in names})
        answer = onward.getresponse()
        return answer.status, answer.read()

    def log_message(self, *_):
        pass


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def check(name, run, *arguments):
    try:
        print(f"ok: {name}: {run(*arguments)}")
        passed.append(name)
    except Exception as error:
        print(f"FAILED: {name}: {type(error).__name__}: {error}")
        failed.append(name)


def parts(text):
    """What was printed, one part a record or span."""
    found = re.split(r"^(LogRecord|Span) #\d+$", text, flags=re.MULTILINE)
    # What follows the last record of a request is of the next one.
    pairs = [(kind, part.split("\nResourceLog #")[0].split("\nResourceSpans #")[0]) for kind, part in zip(found[1::2], found[2::2])]
    return [part for kind, part in pairs if kind == "LogRecord"], [part for kind, part in pairs if kind == "Span"]


def one(pattern, part):
    [found] = re.findall(pattern, part, flags=re.MULTILINE)
    return found


def check_end(run):
    assert run.returncode == 0, run.stderr
    assert KEY not in run.stdout + run.stderr, "the key"
    last = run.stdout.splitlines()[-1]
    assert last.startswith(f"{LOGS + STEPS} delivered, 0 dropped"), last
    return last


def check_requests():
    for path, headers, body, status in Gate.requests:
        assert path in ("/v1/logs", "/v1/traces"), path
        assert headers["content-type"] == "application/x-protobuf", headers
        assert headers["x-api-key"] == KEY, "the header is decoded"
        assert status in (200, 503), status
        assert KEY.encode() not in gzip.decompress(body)
    for path in ("/v1/logs", "/v1/traces"):
        bodies = [body for other, _, body, _ in Gate.requests if other == path]
        assert bodies[0] == bodies[1], f"{path}: what failed is sent again as it was"
        assert len(bodies) == len(set(bodies)) + 1, f"{path}: and nothing else is sent twice"
    return f"{len(Gate.requests)}, two of which failed"


def check_counts(logs, spans):
    assert (len(logs), len(spans)) == (LOGS, STEPS), f"{len(logs)} records and {len(spans)} spans"
    uid = r"-> log\.record\.uid: Str\((.*)\)$"
    uids = collections.Counter(one(uid, part) for part in logs + spans)
    assert len(uids) == LOGS + STEPS and set(uids.values()) == {1}, uids.most_common(3)
    indices = sorted(int(one(r"-> event_session_index: Int\((\d+)\)$", part)) for part in logs + spans)
    assert indices == list(range(LOGS + STEPS)), "a gap"
    return f"{len(logs)} records and {len(spans)} spans, each once, without a gap"


def check_logs(logs):
    by_name = {one(r"^EventName: (.*)$", part): part for part in logs}
    numbers, query = by_name["numbers"], by_name["query"]
    for said in ("max: Str(18446744073709551615)", f"wide: Str({-2**127})", f"min: Int({-2**63})", "nan: Double(NaN)"):
        assert f"-> {said}" in numbers, numbers
    assert "-> usage: Map(tokens:Map(in:Int(7), out:Int(320)))" in query, query
    assert "-> tools: Slice(Str(read), Str(write))" in query, query
    severities = [one(r"^SeverityNumber: SEVERITY_NUMBER_(\w+)\(", part) for part in logs if "EventName: severity\n" in part]
    assert severities == ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], severities
    errors = [part for part in logs if "-> exception.type: " in part]
    assert len(errors) == 2 and all("-> exception.message: " in part for part in errors), errors
    begun = [part for part in logs if "EventName: step.begin\n" in part]
    ids = [int(one(r"^    Span ID        : (\w{16})$", part), 16) for part in begun]
    assert sorted(ids) == list(range(1, STEPS + 1)), "logs of a span"
    return "numbers, nested values, severities, exceptions, context"


def check_spans(spans):
    for part in spans:
        step = int(one(r"-> step: Int\((\d+)\)$", part))
        assert one(r"^    Trace ID       : (\w+)$", part) == "0af7651916cd43dd8448eb211c80319c", part
        assert one(r"^    Parent ID      : (\w+)$", part) == "b7ad6b7169203331", part
        assert int(one(r"^    ID             : (\w+)$", part), 16) == step, part
        start, end = (int(one(rf"^{which} time: (\d+)$", part)) for which in ("Start", "End"))
        assert end - start == 1_500_000, part
        assert ("STATUS_CODE_ERROR" in part) == (step == STEPS), part
    return "ids, times, status"


def check_resources(text):
    kinds = text.count("\nResourceLog #") + text.count("\nResourceSpans #")
    assert kinds >= 2, kinds
    for said in ("service.name: Str(otlp suite)", "team: Str(a,b)", "telemetry.sdk.name: Str(lastword)"):
        assert text.count(f"     -> {said}") == kinds, said
    return f"{kinds}, each with what the environment says"


def main():
    with tempfile.TemporaryDirectory() as directory:
        collector = Rotel(directory)
        try:
            Gate.rotel_port = collector.port
            gate = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
            threading.Thread(target=gate.serve_forever, daemon=True).start()
            environment = {**os.environ, "TINKER_TELEMETRY": "1"}
            environment |= {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{gate.server_port}",
                "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=a%20key%2C%20for%20this%20test",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                "OTEL_SERVICE_NAME": "otlp suite",
                "OTEL_RESOURCE_ATTRIBUTES": "service.name=ignored,team=a%2Cb",
            }
            run = subprocess.run([sys.argv[1]], env=environment, capture_output=True, text=True, timeout=60)
            wait_until(lambda: sum(map(len, parts(collector.text()))) >= LOGS + STEPS)
            gate.shutdown()
        finally:
            collector.stop()
        text = collector.text()
    logs, spans = parts(text)
    check("the example ends well and tells nobody the key", check_end, run)
    check("requests", check_requests)
    check("what arrived", check_counts, logs, spans)
    check("logs", check_logs, logs)
    check("spans", check_spans, spans)
    check("resources", check_resources, text)
    print(f"rotel {importlib.metadata.version('rotel')}")
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


main()
