"""The collector's own OpenAPI document, checked by schemathesis against the collector.

Usage: openapi.py LASTWORD ST

Left out: the live stream, which does not end, and the health of the stream between collectors, whose right answer here is 503.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
LEFT_OUT = ["/api/stream", "/api/health/mq"]
EXAMPLES = 10
PATIENCE_SECONDS = 240

EVENTS = {
    "session_id": "s-1",
    "platform": "Linux",
    "sdk_version": "1.0",
    "events": [
        {"event": "GENERIC_EVENT", "event_id": "a", "event_session_index": 0, "severity": "INFO",
         "timestamp": "2026-11-20T09:20:34Z", "event_name": "n", "event_data": {"a": 1}},
        {"event": "UNHANDLED_EXCEPTION", "event_id": "b", "event_session_index": 1, "severity": "ERROR",
         "timestamp": "2026-11-20T09:20:35Z", "error_type": "TypeError", "error_message": "x"},
    ],
}


def post(url, body):
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def main():
    lastword, schemathesis = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as directory:
        data = pathlib.Path(directory, "data")
        command = [lastword, "serve", "--listen", "127.0.0.1:0", "--data", data]
        with pathlib.Path(directory, "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            url = server.stdout.readline().strip().removeprefix("listening on ")
            assert post(f"{url}/api/v1/telemetry", EVENTS)["accepted"] == 2
            command = [schemathesis, "run", f"{url}/api/openapi.json", "--checks", CHECKS, "--seed", "1"]
            command += ["--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--no-color"]
            command += ["--suppress-health-check", "all", "--continue-on-failure"]
            command += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
            code = subprocess.run(command, cwd=directory, timeout=PATIENCE_SECONDS).returncode
            assert server.poll() is None, "the collector ended"
        finally:
            server.terminate()
            server.wait(20)
    sys.exit(code)


main()
