"""The unmodified `sentry-sdk`: everything that a program tells it. Prints what was told, as JSON.

Usage: use_sentry.py URL_THAT_PASSES_ON URL_THAT_FAILS_ONCE
"""

import json
import sys

import sentry_sdk
from sentry_sdk import crons, logger, metrics, sessions
from sentry_sdk.utils import event_from_exception

RELEASE = "suite@1.2.3"


def start(url):
    options = dict(release=RELEASE, environment="suite", server_name="suite-host", traces_sample_rate=1.0)
    dsn = url.replace("http://", "http://public@") + "/7"
    sentry_sdk.init(dsn=dsn, enable_logs=True, default_integrations=False, auto_enabling_integrations=False, **options)


def fails(number):
    raise ValueError(f"bad number {number}")


def handled(number):
    try:
        fails(number)
    except ValueError as error:
        return sentry_sdk.capture_exception(error)


def unhandled():
    try:
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("nobody handled it") from error
    except RuntimeError as error:
        options = sentry_sdk.get_client().options
        event, hint = event_from_exception(error, options, mechanism={"type": "excepthook", "handled": False})
        return sentry_sdk.capture_event(event, hint=hint)


def transaction():
    with sentry_sdk.start_transaction(op="queue.task", name="work") as root:
        with sentry_sdk.start_span(op="db", name="SELECT 1") as query:
            query.set_data("rows", 3)
        with sentry_sdk.start_span(op="gen_ai.chat", name="chat m-1") as call:
            call.set_data("gen_ai.request.model", "m-1")
            call.set_data("gen_ai.usage.input_tokens", 5)
            call.set_status("internal_error")
        within = sentry_sdk.capture_message("within the transaction")
        return dict(trace=root.trace_id, root=root.span_id, query=query.span_id, call=call.span_id, within=within)


def all_of_it():
    scope = sentry_sdk.get_isolation_scope()
    told = {}
    with sessions.track_session(scope, session_mode="application"):
        told["session"] = str(scope._session.sid)
        sentry_sdk.set_user({"id": "user-1"})
        # So that the errors of the session stand beside its start and its end.
        scope.set_tag("session.id", told["session"])
        told["handled"] = [handled(number) for number in (42, 43)]
        told["message"] = sentry_sdk.capture_message("a message", level="warning")
        told["unhandled"] = unhandled()
    scope.remove_tag("session.id")
    told["transaction"] = transaction()
    for number in range(150):
        logger.info("log {number}", number=number, attributes={"odd": number % 2 == 1})
    logger.error("a log that tells of an error")
    metrics.count("suite.clicks", 3, attributes={"color": "blue"})
    metrics.distribution("suite.took", 1.5, unit="millisecond")
    for _ in range(3):
        with sessions.track_session(scope, session_mode="request"):
            pass
    told["check_in"] = crons.capture_checkin(monitor_slug="nightly", status="ok")
    scope.add_attachment(bytes=b"some text", filename="note.txt")
    told["attached"] = sentry_sdk.capture_message("with an attachment")
    sentry_sdk.flush()
    sentry_sdk.get_client().close()
    return told


def one_is_refused():
    """It throws away what is answered with 503, and says so in a report with its last envelope."""
    told = {"lost": handled(1)}
    sentry_sdk.flush()
    told["after"] = handled(2)
    sentry_sdk.flush()
    sentry_sdk.get_client().close()
    return told


if __name__ == "__main__":
    start(sys.argv[1])
    everything = all_of_it()
    sentry_sdk.get_isolation_scope().clear()
    start(sys.argv[2])
    print(json.dumps({**everything, "refused": one_is_refused()}))
