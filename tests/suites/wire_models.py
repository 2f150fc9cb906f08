"""What our reporter puts on the wire, validated by the models of the real `tinker` package.

Usage: wire_models.py EXAMPLE...

Each example is run against a server of this script, which reads every request body into `TelemetrySendRequest` (extra
fields forbidden) and each event into the model of its kind, strictly.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import threading

import tinker
from tinker.types.generic_event import GenericEvent
from tinker.types.session_end_event import SessionEndEvent
from tinker.types.session_start_event import SessionStartEvent
from tinker.types.telemetry_response import TelemetryResponse
from tinker.types.telemetry_send_request import TelemetrySendRequest
from tinker.types.unhandled_exception_event import UnhandledExceptionEvent

MODELS = {
    "GENERIC_EVENT": GenericEvent,
    "SESSION_END": SessionEndEvent,
    "SESSION_START": SessionStartEvent,
    "UNHANDLED_EXCEPTION": UnhandledExceptionEvent,
}
requests = []


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        requests.append((self.path, dict(self.headers), body))
        answer = TelemetryResponse(status="accepted").model_dump_json().encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def check_event(event):
    """Reads an event into the model of its kind: each field is one that the model has, and comes out as it went in."""
    model = MODELS[event["event"]]
    unknown = set(event) - set(model.model_fields)
    assert not unknown, f"{event['event']} has fields that the model does not know: {unknown}"
    read = model.model_validate(event)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["timestamp"]), event["timestamp"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event["event_id"])
    again = json.loads(read.model_dump_json())
    for field, value in event.items():
        if field != "timestamp":
            assert again[field] == value, f"{field}: {value!r} came out as {again[field]!r}"
    return read


def check_session(bodies):
    """One session's requests: indices without a gap, in order, one start and one end."""
    events = [event for body in bodies for event in body["events"]]
    assert [event["event_session_index"] for event in events] == list(range(len(events)))
    kinds = [event["event"] for event in events]
    assert kinds.count("SESSION_START") == 1 and kinds[0] == "SESSION_START", kinds
    assert kinds.count("SESSION_END") == 1, kinds
    assert all(len(body["events"]) <= 100 for body in bodies)
    return len(events)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/services/tinker-prod"
    passed = failed = 0
    for example in sys.argv[1:]:
        requests.clear()
        subprocess.run([example], env={**os.environ, "LASTWORD_URL": url}, stdout=subprocess.DEVNULL, timeout=60)
        try:
            assert requests, "nothing arrived"
            for path, headers, body in requests:
                assert path == "/services/tinker-prod/api/v1/telemetry", path
                assert headers["content-type"] == "application/json", headers
                assert headers["x-idempotency-key"], headers
                request = TelemetrySendRequest.model_validate_json(body)
                assert request.process_uuid and request.platform and request.sdk_version and request.session_id
                for event in json.loads(body)["events"]:
                    check_event(event)
            count = check_session([json.loads(body) for _, _, body in requests])
            print(f"ok: {os.path.basename(example)}: {count} events in {len(requests)} requests")
            passed += 1
        except Exception as error:
            print(f"FAILED: {os.path.basename(example)}: {type(error).__name__}: {error}")
            failed += 1
    server.shutdown()
    print(f"tinker {tinker.__version__ if hasattr(tinker, '__version__') else ''}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
