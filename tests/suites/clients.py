"""What the unmodified clients of Sentry, Datadog, OpenAI's SDK for agents and PostHog send is there, once, and can be queried.

Usage: clients.py PATH_OF_LASTWORD DIRECTORY_OF_EXAMPLES

Each client is a process of its own (`clients/`), and sends through a gate of this script, which passes requests on to the collector,
keeps a copy of each, and answers the first one of some paths with 503. Afterwards every request is sent again. Our own sinks for
Sentry and Datadog send through these protocols too, and what they sent comes back as it was.
"""

import collections
import http.client
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import traceback

CLIENTS = ("sentry", "datadog", "agents", "posthog")
PATIENCE_SECONDS = 60
KEY = "a-key-for-this-test"


class Collector:
    """`lastword serve` on a free port, asked by `lastword events`."""

    def __init__(self, binary, data):
        self.binary = binary
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), f"serve said {line!r}"
        self.url = line.removeprefix("listening on ")
        self.address = self.url.removeprefix("http://")

    def events(self, *arguments):
        command = [self.binary, "events", "--json", "--url", self.url, *arguments]
        lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=20) == 0, "serve did not end cleanly"
        finally:
            self.process.kill()


class Gate(http.server.BaseHTTPRequestHandler):
    """Passes requests on, but for the first under `/fails-once/<client>`."""

    protocol_version = "HTTP/1.1"
    address = ""
    failed, taken = set(), []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        client = "/".join(self.path.split("/")[1:3])
        if client.startswith("fails-once") and client not in self.failed:
            self.failed.add(client)
            # As the collector answers when its queue is full.
            self.answer(503, {"retry-after": "1"}, b'{"error":"a test"}')
            return
        self.taken.append((self.path, headers, body))
        status, answer = send(self.address, self.path, headers, body)
        self.answer(status, {}, answer)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in {**headers, "content-type": "application/json", "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def send(address, path, headers, body):
    onward = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
    onward.request("POST", path, body, headers)
    answer = onward.getresponse()
    return answer.status, answer.read()


def run_clients(gate_url):
    """Runs all clients at once and returns what each says that it told."""
    folder = pathlib.Path(__file__).parent / "clients"
    processes = {}
    for client in CLIENTS:
        urls = [f"{gate_url}/passes/{client}", f"{gate_url}/fails-once/{client}"]
        command = [sys.executable, str(folder / f"use_{client}.py"), *urls]
        processes[client] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told = {}
    for client, process in processes.items():
        try:
            out, _ = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, f"{client} ended with {process.returncode}"
            told[client] = json.loads(out.splitlines()[-1])
        finally:
            process.kill()
    return told


def run_examples(folder, collector):
    """Runs the examples of our own sinks against the collector."""
    dsn = collector.url.replace("http://", "http://public@") + "/9"
    settings = dict(SENTRY_DSN=dsn, SENTRY_TRACES_SAMPLE_RATE="1", LASTWORD_URL=collector.url, DD_API_KEY=KEY)
    for sink in ("sentry", "datadog"):
        command = [os.path.join(folder, sink)]
        run = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        assert run.returncode == 0 and ", 0 dropped" in run.stdout.splitlines()[-1], run.stdout + run.stderr


class Checks:
    def __init__(self, told, events):
        self.told = told
        self.events = events
        self.by_id = {event["event_id"]: event for event in events}

    def named(self, name, **data):
        return [e for e in self.events if e.get("event_name") == name and data.items() <= e["event_data"].items()]

    def one(self, name, **data):
        found = self.named(name, **data)
        assert len(found) == 1, f"{len(found)} of {name} {data}: {found[:3]}"
        return found[0]

    def sentry_errors_and_messages(self):
        told = self.told["sentry"]
        session = [event for event in self.events if event["session_id"] == told["session"]]
        kinds = sorted(event.get("event_name", event["event"]) for event in session)
        expected = ["SESSION_END", "SESSION_START", "UNHANDLED_EXCEPTION", "error", "error", "log", "resource"]
        assert kinds == expected, f"errors stand beside their session: {kinds}"
        for number, event_id in zip((42, 43), told["handled"]):
            data = self.by_id[event_id]["event_data"]
            assert (data["error.type"], data["error.message"]) == ("ValueError", f"bad number {number}"), data
            assert data["traceback"].endswith(f"ValueError: bad number {number}"), data["traceback"]
            assert data["release"] == "suite@1.2.3" and "user_bucket" in data, data
        unhandled = self.by_id[told["unhandled"]]
        assert unhandled["error_type"] == "RuntimeError" and "KeyError" in unhandled["traceback"], unhandled
        message = self.by_id[told["message"]]
        assert (message["event_data"]["message"], message["severity"]) == ("a message", "WARNING"), message
        end = next(event for event in session if event["event"] == "SESSION_END")
        assert end["severity"] == "CRITICAL" and end["event_data"]["errors"] == 3, end

    def sentry_transactions(self):
        told = self.told["sentry"]["transaction"]
        spans = {s["event_data"]["span_id"]: s for s in self.named("span.end", trace_id=told["trace"])}
        assert set(spans) == {told["root"], told["query"], told["call"]}, spans.keys()
        root, query, call = (spans[told[name]]["event_data"] for name in ("root", "query", "call"))
        assert (root["span_name"], root["span_kind"], root["status"]) == ("work", "consumer", "ok"), root
        assert (query["parent_span_id"], query["span_kind"], query["rows"]) == (told["root"], "client", 3), query
        names = ("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.input_tokens", "status")
        assert [call[name] for name in names] == ["chat", "m-1", 5, "error"], call
        within = self.by_id[told["within"]]["event_data"]
        assert (within["trace_id"], within["span_id"]) == (told["trace"], told["root"]), within

    def sentry_logs_and_the_rest(self):
        told = self.told["sentry"]
        logs = [log["event_data"]["sentry.message.parameter.number"] for log in self.named("log") if "odd" in log["event_data"]]
        assert sorted(logs) == list(range(150)), f"{len(logs)} logs"
        assert self.one("log", message="a log that tells of an error")["severity"] == "ERROR"
        aggregates = self.named("session.aggregate")
        assert sum(minute["event_data"]["exited"] for minute in aggregates) == 3, aggregates
        series = {event["event_data"]["series"][0]["name"]: event["event_data"]["series"][0] for event in self.named("metrics")}
        clicks, took = series["suite.clicks"], series["suite.took"]
        assert (clicks["type"], clicks["value"], clicks["labels"]["color"]) == ("counter", 3, "blue"), clicks
        assert (took["type"], took["sum"], took["unit"]) == ("histogram", 1.5, "millisecond"), took
        self.one("sentry.check_in", check_in_id=told["check_in"], monitor_slug="nightly", status="ok")
        self.one("sentry.attachment", event_id=told["attached"], filename="note.txt", content="some text")

    def sentry_says_what_it_threw_away(self):
        told = self.told["sentry"]["refused"]
        assert told["lost"] not in self.by_id and told["after"] in self.by_id, told
        dropped = self.named("telemetry.dropped")
        assert [event["event_data"] for event in dropped] == [{"error.network_error": 1}], dropped

    def datadog_logs(self):
        told = self.told["datadog"]
        for encoding in told["encodings"]:
            for number in range(100):
                data = self.one("log", message=f"{encoding} {number}")["event_data"]
                assert data["tags"] == {"env": "suite", "solo": True, "of": "query"}, data
            [within] = [log for log in self.named("log") if f"{encoding} in JSON" in log["event_data"]["message"]]
            assert within["severity"] == "WARNING" and within["session_id"] == "shop@suite-host", within
            error = self.one("error", message=f"{encoding} failed")["event_data"]
            assert (error["error.type"], error["error.message"]) == ("KeyError", "'k'"), error
        assert told["refused"] == 503, "the client tells its caller, who sends it again"
        assert not self.named("log", message="refused")
        self.one("log", message="taken")

    def agents_traces(self):
        for told in (self.told["agents"], self.told["agents"]["refused"]):
            assert told["answer"] == "4"
            session = [event for event in self.events if event["session_id"] == told["trace"]]
            [workflow] = [event["event_data"] for event in session if event["event_name"] == "trace"]
            assert (workflow["workflow_name"], workflow["gen_ai.conversation.id"]) == ("suite workflow", "thread-1")
            spans = [event["event_data"] for event in session if event["event_name"] == "span.end"]
            names = collections.Counter(span["span_name"] for span in spans)
            expected = {"chat scripted-1": 2, "execute_tool double": 1, "invoke_agent doubler": 1, "odd": 1, "turn": 2}
            expected |= {"handoff halver": 1, "guardrail polite": 1, "task": 1}
            assert names == expected, names
            by_name = {span["span_name"]: span for span in spans}
            chat, tool, odd = by_name["chat scripted-1"], by_name["execute_tool double"], by_name["odd"]
            assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (10, 4), chat
            assert sum("gen_ai.usage.input_tokens" in span for span in spans) == 2, "tokens are counted once"
            assert (tool["gen_ai.tool.call.arguments"], tool["gen_ai.tool.call.result"]) == ('{"number":2}', "4"), tool
            assert (odd["status"], odd["error.message"]) == ("error", "it went wrong"), odd
            ids = {span["span_id"] for span in spans}
            parents = {span["parent_span_id"] for span in spans if "parent_span_id" in span}
            assert parents < ids and len(ids) == len(spans), "every parent is there"

    def posthog_events(self):
        told = self.told["posthog"]
        clicks = [self.by_id[event_id]["event_data"] for event_id in told["events"]]
        assert [click["number"] for click in clicks] == list(range(120))
        assert all("user_bucket" in click and "user-1" not in json.dumps(click) for click in clicks), clicks[0]
        assert self.by_id[told["set"]]["event_data"]["$set"]["plan"] == "pro"
        spans = {s["event_data"]["span_name"]: s for s in self.named("span.end") if "posthog.event" in s["event_data"]}
        assert set(spans) == {"chat m-1", "retrieve", "answer"}, spans.keys()
        chat, span, trace = (spans[name]["event_data"] for name in ("chat m-1", "retrieve", "answer"))
        assert chat["parent_span_id"] == span["span_id"] and span["parent_span_id"] == trace["span_id"]
        assert (chat["duration_ms"], chat["gen_ai.usage.input_tokens"], chat["status"]) == (1500, 10, "ok"), chat
        error = self.by_id[told["exception"]]["event_data"]
        assert (error["error.type"], error["error.message"]) == ("KeyError", "'key'"), error

    def posthog_sends_again_what_was_refused(self):
        told = self.told["posthog"]["refused"]
        assert {told["set"], told["exception"], *told["events"]} <= set(self.by_id), told


    def our_own_sinks_come_back_as_they_were(self):
        for sink, first, last in (("sentry", "severity", 265), ("datadog", "severity", 263)):
            session = [event for event in self.events if event["session_id"] == f"{sink}-example"]
            ours = {event["event_session_index"]: event for event in session if "event_session_index" in event}
            assert sorted(ours) == list(range(last + 1)), f"{sink}: {sorted(ours)}"
            assert (ours[0]["event"], ours[last]["event"]) == ("SESSION_START", "SESSION_END"), ours[last]
            severities = [ours[index]["severity"] for index in range(1, 7)]
            assert severities == ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], severities
            assert {ours[index]["event_name"] for index in range(1, 7)} == {first}
            assert ours[7]["event_data"]["usage.tokens.in"] == 7 and ours[last - 1]["error_message"] == "the end", ours[7]
            bursts = [ours[index]["event_data"]["step"] for index in range(last - 251, last - 1)]
            assert bursts == list(range(250)), bursts
        spans = self.named("span.end", trace_id="0af7651916cd43dd8448eb211c80319c")
        assert {span["event_data"]["span_name"]: span["severity"] for span in spans} == {"model.call": "INFO", "tool.call": "ERROR"}


def everything_is_there_once(collector, before):
    """Sends all requests again: nothing is added but counts of sessions, which have neither an id nor a time of sending."""
    for path, headers, body in Gate.taken:
        status, answer = send(collector.address, path, headers, body)
        assert status < 300, (path, status, answer)
    lasting = lambda events: [event for event in events if event.get("event_name") != "session.aggregate"]
    after = collector.events()
    assert len(lasting(after)) == len(lasting(before)), f"{len(before)} events became {len(after)}"


def no_key_was_stored(events):
    assert KEY not in json.dumps(events) and "phc_suite" not in json.dumps(events)


def main():
    failed, checks = 0, [name for name in vars(Checks) if name.partition("_")[0] in (*CLIENTS, "our")]
    with tempfile.TemporaryDirectory() as data:
        collector = Collector(sys.argv[1], data)
        Gate.address = collector.address
        gate = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
        threading.Thread(target=gate.serve_forever, daemon=True).start()
        try:
            told = run_clients(f"http://127.0.0.1:{gate.server_port}")
            run_examples(sys.argv[2], collector)
            events = collector.events()
            all_checks = Checks(told, events)
            failed += sum(not passes(name, getattr(all_checks, name)) for name in checks)
            failed += not passes("everything_is_there_once", everything_is_there_once, collector, events)
            failed += not passes("no_key_was_stored", no_key_was_stored, events)
        finally:
            gate.shutdown()
            collector.stop()
    total = len(checks) + 2
    print(f"test result: {'FAILED' if failed else 'ok'}. {total - failed} passed; {failed} failed; {len(events)} events")
    return 1 if failed else 0


def passes(name, check, *arguments):
    try:
        check(*arguments)
    except Exception:  # Whatever went wrong, the check failed, and the others are of interest.
        traceback.print_exc()
        print(f"test {name} ... FAILED")
        return False
    print(f"test {name} ... ok")
    return True


if __name__ == "__main__":
    sys.exit(main())
