"""Arrow and DuckDB read what `lastword store export --format parquet` writes.

Usage: parquet_readers.py LASTWORD
"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

import duckdb
import pyarrow
import pyarrow.parquet

LASTWORD = sys.argv[1]
SESSIONS, EVENTS = 3, 5_000
passed, failed = [], []


def check(what, holds):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    (passed if holds else failed).append(what)


def report(url, session):
    events = [{"event": "GENERIC_EVENT", "event_id": f"{session}-{index}", "event_name": f"step.{index % 5}", "severity": "INFO",
               "timestamp": f"2026-11-20T09:30:{index % 60:02}.123456Z", "event_session_index": index,
               "event_data": {"tokens": index, "note": "zażółć\n\"gęślą\""}} for index in range(EVENTS - 1)]
    events.append({"event": "UNHANDLED_EXCEPTION", "event_id": f"{session}-last", "severity": "CRITICAL", "error_type": "Boom",
                   "timestamp": "2026-11-20T09:31:00Z", "event_session_index": EVENTS - 1, "error_message": "no answer"})
    body = {"events": events, "platform": "unix/linux", "sdk_version": "1.0", "session_id": session}
    request = urllib.request.Request(f"{url}/api/v1/telemetry", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["accepted"] == EVENTS


with tempfile.TemporaryDirectory() as directory:
    command = [LASTWORD, "serve", "--listen", "127.0.0.1:0", "--data", f"{directory}/data"]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = serving.stdout.readline().removeprefix("listening on ").strip()
        for session in range(SESSIONS):
            report(url, f"s-{session}")
        file = pathlib.Path(directory, "events.parquet")
        subprocess.run([LASTWORD, "store", "export", "--format", "parquet", "--url", url, "--output", file], check=True, timeout=60)
        lines = subprocess.run([LASTWORD, "store", "export", "--url", url], check=True, capture_output=True, timeout=60)
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(timeout=30)
    stored = [json.loads(line) for line in lines.stdout.splitlines()]

    table = pyarrow.parquet.read_table(file)
    check("Arrow reads every event", table.num_rows == len(stored) == SESSIONS * EVENTS)
    check("times are moments in UTC", table.schema.field("event_timestamp").type == pyarrow.timestamp("us", tz="UTC"))
    rows = table.to_pylist()
    check("each row says what its line of JSON says", all(
        (row["session_id"], row["id"], row["name"], row["severity"], row["event_session_index"])
        == (event["session_id"], event["event_id"], event.get("event_name"), event["severity"], event["event_session_index"])
        and json.loads(row["event_data"] or "null") == event.get("event_data") for row, event in zip(rows, stored)))
    check("what has no column is in `rest`",
          json.loads(rows[-1]["rest"]) == {"error_type": "Boom", "error_message": "no answer"})

    ask = duckdb.connect().execute
    total = ask(f"SELECT sum((event_data->>'tokens')::BIGINT) FROM '{file}' WHERE kind = 'GENERIC_EVENT'").fetchone()[0]
    check("DuckDB asks the data of events as JSON", total == SESSIONS * sum(range(EVENTS - 1)))
    counts = ask(f"SELECT event_type, count(*) FROM '{file}' GROUP BY 1 ORDER BY 1").fetchall()
    check("DuckDB groups them by what they are", len(counts) == 6 and counts[0] == ("UNHANDLED_EXCEPTION", SESSIONS))
    hours = ask(f"SELECT DISTINCT date_trunc('hour', event_timestamp AT TIME ZONE 'UTC')::VARCHAR FROM '{file}'").fetchall()
    check("DuckDB takes times for times", hours == [("2026-11-20 09:00:00",)])
    print(f"{file.stat().st_size} bytes of Parquet, {len(lines.stdout)} of JSON lines")

print(f"{len(passed)} passed, {len(failed)} failed")
sys.exit(1 if failed or not passed else 0)
