"""What our Datadog sink puts on the wire, validated by the models of the real `datadog-api-client` package.

Usage: datadog_models.py EXAMPLE

The example is run against a server of this script that fails once. Every request body is read into `HTTPLog` as the client
reads it, strictly, and each entry comes out as it went in; path, header and encoding are those that the client has.
"""

import gzip
import http.server
import json
import os
import re
import subprocess
import sys
import threading

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.model_utils import validate_and_convert_types
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.version import __version__

KEY = "a-key-for-this-test"
# Of one request, as the client's documentation of `submit_log` has them.
ENTRIES_MAX, BYTES_MAX, ENTRY_BYTES_MAX = 1_000, 5_000_000, 1_000_000
STATUSES = {"emerg", "alert", "critical", "error", "warning", "notice", "info", "debug", "ok"}
OWN = {"message", "ddsource", "ddtags", "service", "hostname", "status", "timestamp"}
OWN |= {"event", "event_id", "event_session_index", "session_id", "platform", "process_uuid"}
requests = []
passed, failed = [], []


class Intake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        requests.append((self.path, self.headers, body))
        self.send_response(500 if len(requests) == 1 else 202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def check(name, run):
    try:
        print(f"ok: {name}: {run()}")
        passed.append(name)
    except Exception as error:
        print(f"FAILED: {name}: {type(error).__name__}: {error}")
        failed.append(name)


def read(entries):
    """Reads entries into the model; what it does not understand is an error."""
    log = validate_and_convert_types(entries, (HTTPLog,), ["body"], True, True, Configuration())
    assert not log._unparsed, f"no HTTPLog: {entries}"
    for item in log.value:
        assert not item._unparsed, f"no HTTPLogItem: {item}"
    return log


def the_model_refuses():
    for wrong in ([{"message": 5}], [{"ddtags": "a:b"}], [{"message": "m", "service": 7}], {"message": "m"}):
        try:
            read(wrong)
        except Exception:
            continue
        raise AssertionError(f"{wrong} was taken")
    return "what is no log, by itself"


def check_requests():
    endpoint = LogsApi(ApiClient(Configuration()))._submit_log_endpoint
    for path, headers, body in requests:
        assert path == "/prefix" + endpoint.settings["endpoint_path"], path
        assert headers["dd-api-key"] == KEY, "the key"
        assert headers["content-type"] == "application/json", headers["content-type"]
        encoding = ContentEncoding(headers["content-encoding"])
        assert encoding == ContentEncoding.GZIP and not encoding._unparsed, encoding
        plain = gzip.decompress(body)
        assert len(plain) <= BYTES_MAX and len(json.loads(plain)) <= ENTRIES_MAX
        assert KEY.encode() not in plain
    assert requests[0][2] == requests[1][2], "what failed is sent again as it was"
    return f"{len(requests)} requests"


def check_entry(entry):
    item = read([entry]).value[0]
    for field in ("message", "ddsource", "ddtags", "service", "hostname"):
        assert type(item[field]) is str and item[field] == entry[field], field
    again = item.to_dict()
    for field, value in entry.items():
        # The client makes dates of texts that look like one.
        if isinstance(value, (str, int, float)) and isinstance(again[field], (str, int, float)):
            assert again[field] == value, f"{field}: {value!r} came out as {again[field]!r}"
    assert set(again) == set(entry) and OWN <= set(entry), entry
    assert len(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()) <= ENTRY_BYTES_MAX
    assert entry["status"] in STATUSES, entry["status"]
    assert type(entry["timestamp"]) is int and 1.6e12 < entry["timestamp"] < 1e13, entry["timestamp"]
    assert not any(isinstance(value, dict) and value for value in entry.values()), f"not flat: {entry}"
    tags = entry["ddtags"].split(",")
    assert len(tags) == 3 and all(re.fullmatch(r"[a-z]+:[\w./-]{1,190}", tag) for tag in tags), tags
    name = entry["message"] if entry["event"] == "GENERIC_EVENT" else entry["event"]
    assert tags[0] == f"event:{name}" and tags[2] == "env:example", tags


def check_entries(entries):
    for entry in entries:
        check_entry(entry)
    assert [entry["event_session_index"] for entry in entries] == list(range(len(entries)))
    assert len({entry["event_id"] for entry in entries}) == len(entries)
    return f"{len(entries)} entries, each once, without a gap"


def check_shapes(entries):
    by_name = {entry["message"]: entry for entry in entries}
    query, reserved = by_name["query"], by_name["reserved"]
    assert (query["usage.tokens.in"], query["usage.tokens.out"], query["tools"]) == (7, 320, ["read", "write"]), query
    assert (reserved["status"], reserved["data.status"], reserved["data.message"]) == ("info", 404, "mine"), reserved
    assert reserved["service"] == "lastword-example" and reserved["data.service.name"] == "x", reserved
    errors = [entry for entry in entries if entry["event"] == "UNHANDLED_EXCEPTION"]
    assert [error["status"] for error in errors] == ["error", "critical"], errors
    for error in errors:
        assert error["message"] == f"{error['error.kind']}: {error['error.message']}", error
    assert by_name["SESSION_END"]["duration"] > 0
    return "nested, reserved, errors"


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Intake)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/prefix"
    environment = {**os.environ, "LASTWORD_URL": url, "DD_API_KEY": KEY, "TINKER_TELEMETRY": "1"}
    run = subprocess.run([sys.argv[1]], env=environment, capture_output=True, text=True, timeout=60)
    server.shutdown()
    check("the example ends well and tells nobody the key", lambda: end_of(run))
    check("the model refuses", the_model_refuses)
    check("requests", check_requests)
    taken = [entry for _, _, body in requests[1:] for entry in json.loads(gzip.decompress(body))]
    check("entries", lambda: check_entries(taken))
    check("shapes", lambda: check_shapes(taken))
    print(f"datadog-api-client {__version__}")
    print(f"{len(passed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


def end_of(run):
    assert run.returncode == 0, run.stderr
    assert KEY not in run.stdout + run.stderr
    return run.stdout.splitlines()[-1]


main()
