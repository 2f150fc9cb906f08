"""What our Sentry sink puts on the wire, read by the real `sentry-sdk` and taken by the real `sentry-relay`.

Usage: sentry_models.py EXAMPLE

The example is run against a server of this script that fails once, in the middle of a batch. Every envelope is read by the SDK's
own reader and holds what the documentation lets it hold; every event and transaction goes through the normalizer of Relay,
which is the first thing that Sentry's server does with it, and which marks what it does not understand.
"""

import gzip
import http.server
import json
import os
import re
import subprocess
import sys
import threading

from sentry_relay.consts import DataCategory
from sentry_relay.processing import VALID_PLATFORMS, StoreNormalizer, parse_release
from sentry_sdk.consts import VERSION, EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.utils import Dsn, format_attribute, serialize_attribute

KEY, PROJECT = "0123456789abcdef0123456789abcdef", 42
RELEASE, ENVIRONMENT = "lastword-example@1.2.3", "staging"
# Of the documentation for those who write SDKs: "Envelopes", "Logs", "Client Reports", "Sessions".
ITEM_BYTES_MAX, LOGS_MAX, REPORT_BYTES_MAX = 1024 * 1024, 100, 4 * 1024
LEVELS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
FAILS_AT = 4
requests = []
passed, failed = [], []


class Ingest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        requests.append((self.path, self.headers, body))
        answer = b'{"id":"%s"}' % (b"0" * 32)
        self.send_response(500 if len(requests) == FAILS_AT else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def check(name, run):
    try:
        print(f"ok: {name}: {run()}")
        passed.append(name)
    except Exception as error:
        print(f"FAILED: {name}: {type(error).__name__}: {error}")
        failed.append(name)


def taken():
    """All items that the server took, each with the headers of its envelope."""
    answered = [body for number, (_, _, body) in enumerate(requests, 1) if number != FAILS_AT]
    envelopes = [Envelope.deserialize(gzip.decompress(body)) for body in answered]
    return [(envelope.headers, item) for envelope in envelopes for item in envelope]


def payloads(kind):
    return [json.loads(item.get_bytes()) for _, item in taken() if item.type == kind]


def check_requests(dsn):
    url = Dsn(dsn).to_auth("x").get_api_url(EndpointType.ENVELOPE)
    for path, headers, body in requests:
        assert url.endswith(path) and path == f"/prefix/api/{PROJECT}/envelope/", path
        scheme, _, pairs = headers["x-sentry-auth"].partition(" ")
        auth = dict(pair.split("=", 1) for pair in pairs.split(", "))
        assert scheme == "Sentry" and auth["sentry_version"] == "7" and auth["sentry_key"] == KEY, auth
        assert re.fullmatch(r"lastword/\d+\.\d+\.\d+", auth["sentry_client"]), auth
        assert headers["content-type"] == "application/x-sentry-envelope", headers["content-type"]
        assert headers["content-encoding"] == "gzip", headers["content-encoding"]
        assert KEY.encode() not in gzip.decompress(body)
    return f"{len(requests)} requests"


def check_envelope(body):
    plain = gzip.decompress(body)
    envelope = Envelope.deserialize(plain)
    assert envelope.items and "sent_at" in envelope.headers and envelope.headers["sdk"]["name"] == "lastword"
    again = Envelope.deserialize(envelope.serialize())
    assert [item.get_bytes() for item in again] == [item.get_bytes() for item in envelope]
    lines = plain.split(b"\n")
    assert lines.pop() == b"" and len(lines) == 1 + 2 * len(envelope.items), "nothing beside the items"
    kinds = sorted(item.type for item in envelope)
    assert kinds in (["event"], ["event", "session"], ["transaction"], ["session"], ["log"], ["client_report", "log"]), kinds
    for item, payload in zip(envelope, lines[2::2]):
        length = item.headers.get("length")
        assert length is None or length == len(payload), (item.type, length, len(payload))
        assert len(payload) <= (REPORT_BYTES_MAX if item.type == "client_report" else ITEM_BYTES_MAX)
        if item.type == "log":
            logs = json.loads(payload)["items"]
            assert item.headers["item_count"] == len(logs) <= LOGS_MAX
            assert item.headers["content_type"] == "application/vnd.sentry.items.log+json"
        if item.type in ("event", "transaction"):
            assert envelope.headers["event_id"].replace("-", "") == json.loads(payload)["event_id"]


def check_envelopes():
    for _, _, body in requests:
        check_envelope(body)
    return f"{len(requests)} envelopes"


def normalized(event, kind="event"):
    """What Relay makes of an event, and all that it complains of."""
    event = {**event, "type": "transaction"} if kind == "transaction" else event
    after = StoreNormalizer(project_id=PROJECT, client_ip=None, protocol_version="7").normalize_event(event)
    errors = []

    def look(meta, path):
        if isinstance(meta, dict):
            errors.extend((path, error) for error in meta.get("", {}).get("err", ()))
            for name, inner in meta.items():
                if name != "":
                    look(inner, f"{path}.{name}")

    look(after.get("_meta"), "")
    return after, errors


def the_normalizer_complains():
    event = payloads("event")[0]
    wrong = [{"level": "loud"}, {"environment": "a/b"}, {"environment": "none"}, {"release": "latest"}, {"release": "a/b"}]
    wrong += [{"environment": "x" * 65}, {"release": "x" * 201}, {"tags": {"session_id": "a\nb"}}]
    wrong += [{"platform": 7}, {"exception": {"values": [{"type": {}}]}}]
    for change in wrong:
        assert normalized({**event, **change})[1], f"{change} was taken"
    return f"of {len(wrong)} things that are wrong"


def check_event(event, kind):
    after, errors = normalized(event, kind)
    assert not errors, f"{event.get('event_id')}: {errors}"
    assert event["platform"] in VALID_PLATFORMS and after["platform"] == "native"
    for field in ("event_id", "release", "environment"):
        assert after[field] == event[field], field
    assert (event["release"], event["environment"]) == (RELEASE, ENVIRONMENT)
    tags = dict(after["tags"])
    assert (tags["session_id"], tags["server_name"]) == ("sentry-example", "example-host"), tags
    assert after["level"] == event.get("level", "info" if kind == "transaction" else "error")
    assert set(after["extra"]) == set(event["extra"]) if "extra" in event else True
    trace = after["contexts"]["trace"]
    for field in ("trace_id", "span_id"):
        assert trace[field] == event["contexts"]["trace"][field], field
    origin = after["contexts"]["lastword"]
    assert origin["event_id"].replace("-", "") == event["event_id"] and origin["event_session_index"] >= 0, origin
    assert after["sdk"]["name"] == "lastword"
    return after


def check_issues():
    events = [check_event(event, "event") for event in payloads("event")]
    by = {event["logentry"]["formatted"] if "logentry" in event else event["exception"]["values"][-1]["type"]: event for event in events}
    assert set(by) == {"severity", "BadSettings", "panic", "Error"}, set(by)
    settings = by["BadSettings"]["exception"]["values"]
    assert [value["type"] for value in settings] == ["ParseIntError", "BadSettings"], settings
    assert settings[1]["mechanism"]["handled"] is True and "stacktrace" not in settings[0], settings
    [panic] = by["panic"]["exception"]["values"]
    frames = panic["stacktrace"]["frames"]
    functions = [frame.get("function", "") for frame in frames]
    assert "divide" in functions[-1] and frames[-1]["filename"].endswith("examples/sentry.rs"), functions
    assert frames[-1]["lineno"] > 0 and frames[-1]["in_app"] is True, frames[-1]
    assert panic["mechanism"]["handled"] is False and panic["mechanism"]["data"]["thread"] == "worker", panic
    fatal = by["Error"]
    assert fatal["level"] == "fatal" and fatal["exception"]["values"][-1]["mechanism"]["handled"] is False
    return f"{len(events)} events, of which Relay marks nothing"


def check_transactions():
    call, tool = (check_event(event, "transaction") for event in payloads("transaction"))
    assert (call["transaction"], tool["transaction"]) == ("model.call", "tool.call")
    assert call["contexts"]["trace"]["op"] == "gen_ai.chat" and call["contexts"]["trace"]["status"] == "ok"
    assert tool["contexts"]["trace"]["parent_span_id"] == call["contexts"]["trace"]["span_id"]
    assert tool["contexts"]["trace"]["status"] == "internal_error" and tool["extra"]["error"] == "no such file"
    assert abs(call["timestamp"] - call["start_timestamp"] - 0.2505) < 1e-3, call
    assert call["spans"] == [] and call["type"] == "transaction"
    return "2 transactions, of which Relay marks nothing"


def check_logs():
    logs = [log for payload in payloads("log") for log in payload["items"]]
    for log in logs:
        assert set(log) == {"timestamp", "trace_id", "level", "severity_number", "body", "attributes"}, log
        assert LEVELS[log["level"]] == log["severity_number"] and log["timestamp"] > 1.6e9
        assert re.fullmatch("[0-9a-f]{32}", log["trace_id"]), log
        for name, attribute in log["attributes"].items():
            value = attribute["value"]
            # As the SDK would send the same value.
            assert attribute == serialize_attribute(format_attribute(value)), (name, attribute)
        values = {name: attribute["value"] for name, attribute in log["attributes"].items()}
        assert (values["sentry.release"], values["sentry.environment"]) == (RELEASE, ENVIRONMENT)
        assert values["server.address"] == "example-host" and values["session_id"] == "sentry-example"
    ids = [log["attributes"]["event_id"]["value"] for log in logs]
    assert len(set(ids)) == len(ids), "each once, though a request failed"
    steps = [log["attributes"]["step"]["value"] for log in logs if log["body"] == "burst"]
    assert sorted(steps) == list(range(250))
    by_name = {log["body"]: log["attributes"] for log in logs}
    assert by_name["query"]["usage.tokens.in"] == {"value": 7, "type": "integer"}
    assert by_name["numbers"]["max"] == {"value": str(2**64 - 1), "type": "string"}
    issues = [event["contexts"]["trace"]["trace_id"] for event in payloads("event")]
    assert {log["trace_id"] for log in logs} == set(issues), "the trace of the session joins them"
    return f"{len(logs)} logs"


def check_sessions():
    updates = payloads("session")
    assert len({update["sid"] for update in updates}) == 1 == len({update["started"] for update in updates})
    assert [update.get("init", False) for update in updates] == [True] + [False] * (len(updates) - 1)
    assert all(update["attrs"] == {"release": RELEASE, "environment": ENVIRONMENT} for update in updates)
    told = [(update["status"], update["errors"]) for update in updates]
    assert told == [("ok", 0), ("ok", 1), ("ok", 2), ("crashed", 3)], told
    seqs = [update["seq"] for update in updates]
    assert seqs == sorted(set(seqs)), seqs
    assert parse_release(RELEASE)["version_parsed"]["major"] == 1
    return f"{len(updates)} updates of one session"


def check_sampling(run):
    """A second run, of which no trace is sent."""
    assert run.returncode == 0, run.stderr
    assert not payloads("transaction")
    discarded = [entry for report in payloads("client_report") for entry in report["discarded_events"]]
    for entry in discarded:
        assert DataCategory.parse(entry["category"]) is not None and entry["reason"] == "sample_rate", entry
    counts = {category: sum(entry["quantity"] for entry in discarded if entry["category"] == category) for category in ("transaction", "span")}
    assert counts == {"transaction": 1, "span": 1}, counts
    failed_call = next(event for event in payloads("event") if event.get("message") == "tool.call")
    assert check_event(failed_call, "event")["contexts"]["trace"]["span_id"] == "00f067aa0ba902b7"
    return "a transaction is reported as left out, and the one that failed is an issue"


def end_of(run):
    assert run.returncode == 0, run.stderr
    assert KEY not in run.stdout + run.stderr
    return run.stdout.splitlines()[-1]


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    dsn = f"http://{KEY}@127.0.0.1:{server.server_address[1]}/prefix/{PROJECT}"
    environment = {**os.environ, "SENTRY_DSN": dsn, "SENTRY_ENVIRONMENT": ENVIRONMENT, "SENTRY_RELEASE": RELEASE, "TINKER_TELEMETRY": "1"}
    environment = {**environment, "RUST_BACKTRACE": "1"}

    def run(**more):
        requests.clear()
        return subprocess.run([sys.argv[1]], env={**environment, **more}, capture_output=True, text=True, timeout=60)

    first = run()
    check("the example ends well and tells nobody the key", lambda: end_of(first))
    check("requests", lambda: check_requests(dsn))
    check("envelopes", check_envelopes)
    check("the normalizer complains", the_normalizer_complains)
    check("issues", check_issues)
    check("transactions", check_transactions)
    check("logs", check_logs)
    check("sessions", check_sessions)
    second = run(SENTRY_TRACES_SAMPLE_RATE="0")
    check("sampling", lambda: check_sampling(second))
    server.shutdown()
    print(f"sentry-sdk {VERSION}")
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


main()
