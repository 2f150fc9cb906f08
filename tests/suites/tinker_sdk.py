"""The unmodified `tinker` SDK against a collector: what it logged is there, once each, after the collector ended too.

Usage: tinker_sdk.py PATH_OF_LASTWORD
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

# More than one request holds (100), fewer than the SDK's queue does (10,000).
LOGGED = 700
# The SDK sends every 10 seconds unless something urges it.
PATIENCE_SECONDS = 30


class Collector:
    """`lastword serve` on a free port, as a process of its own."""

    def __init__(self, binary, data):
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        assert line.startswith("listening on http://"), f"serve said {line!r}"
        self.url = line.removeprefix("listening on ")

    def get(self, path, **params):
        query = urllib.parse.urlencode(params)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=10) as answer:
            return json.load(answer)

    def all(self, path, rows, **params):
        found, cursor = [], ""
        while cursor is not None:
            page = self.get(path, cursor=cursor, **params)
            found += page[rows]
            cursor = page["next"]
        return found

    def events(self, **params):
        return self.all("/api/events", "events", order="asc", limit=250, **params)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=20) == 0, "serve did not end cleanly"
        finally:
            self.process.kill()


class Refused(Exception):
    """An error that is the user's, by its status."""

    status_code = 422
    body = {"field": "rank"}


def report(url):
    """Uses the SDK as a program does; returns the ids of its two sessions."""
    os.environ["TINKER_BASE_URL"] = f"{url}/services/tinker-prod"
    os.environ["TINKER_API_KEY"] = "tml-test"
    os.environ["TINKER_TELEMETRY"] = "1"
    import tinker

    with tinker.ServiceClient() as client:
        client.holder  # The session begins with its first use.
        telemetry = client.get_telemetry()
        for number in range(LOGGED):
            assert telemetry.log("suite.tick", event_data={"number": number, "text": "é\u0000\"\\"})
        telemetry.log("suite.odd", event_data={"big": 2**70, "nan": float("nan"), "none": None}, severity="WARNING")
        for message in ["no answer after 30 s", "no answer after 5 s"]:
            telemetry.log_exception_sync(TimeoutError(message))
        telemetry.log_exception_sync(Refused("rank must be positive"))
        assert telemetry.log_fatal_exception_sync(RuntimeError("out of memory"), severity="CRITICAL")
        session = telemetry._session_id

    # It can't be closed: what it logged is sent by its timer.
    telemetry = tinker.RestClient().get_telemetry()
    telemetry.log("suite.rest")
    sessionless = telemetry._session_id
    return session, sessionless


def wait_until(holds):
    """Waits until something holds, and fails if it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def every_event_is_stored_once_and_in_order(collector, session, _):
    events = collector.events(session=session)
    ids = [event["event_id"] for event in events]
    assert len(ids) == len(set(ids)), "an event is stored twice"
    ticks = [event["event_data"]["number"] for event in events if event.get("event_name") == "suite.tick"]
    assert ticks == list(range(LOGGED)), f"{len(ticks)} ticks"
    assert [event["event_session_index"] for event in events] == list(range(len(events)))
    kinds = [event["event"] for event in events if event.get("event_name") != "suite.tick"]
    assert kinds[0] == "SESSION_START" and kinds[-1] == "SESSION_END", kinds


def values_come_back_as_they_were_sent(collector, session, _):
    [odd] = collector.events(session=session, name="suite.odd")
    assert odd["event_data"] == {"big": 2**70, "nan": None, "none": None}, odd
    assert odd["severity"] == "WARNING"
    first = collector.get("/api/events", order="asc", limit=1, name="suite.tick")["events"][0]
    assert first["event_data"]["text"] == "é\u0000\"\\"


def the_session_is_shown_as_ended_by_a_fatal_error_with_nothing_missing(collector, session, _):
    shown = collector.get(f"/api/sessions/{session}")
    assert (shown["state"], shown["fatal"], shown["missing"], shown["gaps"]) == ("ended", True, 0, 0), shown
    assert shown["sdk_version"] == "0.38.0" and shown["process_uuid"], shown
    assert shown["events"] == len(collector.events(session=session))


def exceptions_are_grouped_and_user_errors_are_none(collector, session, _):
    groups = {group["error_type"]: group for group in collector.all("/api/exceptions", "exceptions")}
    assert set(groups) == {"TimeoutError", "RuntimeError"}, groups.keys()
    assert groups["TimeoutError"]["count"] == 2 and groups["RuntimeError"]["severity"] == "CRITICAL"
    [error] = collector.events(session=session, name="user_error")
    assert error["event_data"]["status_code"] == 422, error


def a_client_without_a_session_reports_too(collector, _, sessionless):
    [event] = collector.events(session=sessionless, name="suite.rest")
    assert event["session_id"].startswith("sessionless-")


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as data:
        collector = Collector(binary, data)
        try:
            sessions = report(collector.url)
            wait_until(lambda: collector.events(session=sessions[1]))
            checks = [
                every_event_is_stored_once_and_in_order,
                values_come_back_as_they_were_sent,
                the_session_is_shown_as_ended_by_a_fatal_error_with_nothing_missing,
                exceptions_are_grouped_and_user_errors_are_none,
                a_client_without_a_session_reports_too,
            ]
            failed = sum(not passes(check, collector, sessions) for check in checks)
        finally:
            collector.stop()
        collector = Collector(binary, data)
        try:
            failed += not passes(every_event_is_stored_once_and_in_order, collector, sessions, " (after a restart)")
        finally:
            collector.stop()
    total = len(checks) + 1
    print(f"test result: {'FAILED' if failed else 'ok'}. {total - failed} passed; {failed} failed")
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


def passes(check, collector, sessions, note=""):
    try:
        check(collector, *sessions)
    except Exception:  # Whatever went wrong, the check failed, and the others are of interest.
        traceback.print_exc()
        print(f"test {check.__name__}{note} ... FAILED")
        return False
    print(f"test {check.__name__}{note} ... ok")
    return True


if __name__ == "__main__":
    sys.exit(main())
