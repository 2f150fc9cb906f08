"""The unmodified `datadog-api-client`: logs in each of its encodings. Prints what was told, as JSON.

Usage: use_datadog.py URL_THAT_PASSES_ON URL_THAT_FAILS_ONCE
"""

import json
import sys
import time

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem

NOW_MS = int(time.time() * 1000)


def entry(message, **fields):
    """An entry that says when it was: all fields but the five that Datadog knows are texts."""
    known = dict(ddsource="suite", ddtags="env:suite,solo", hostname="suite-host", service="shop")
    return HTTPLogItem(message=message, timestamp=str(NOW_MS), **{**known, **fields})


def send(url, messages, **options):
    configuration = Configuration(host=url)
    configuration.api_key["apiKeyAuth"] = "a-key-for-this-test"
    with ApiClient(configuration) as client:
        return LogsApi(client).submit_log(body=HTTPLog(messages), ddtags="of:query", **options)


def main(passes, fails_once):
    encodings = {"plain": {}}
    for name in ("gzip", "deflate"):
        encodings[name] = {"content_encoding": ContentEncoding(name)}
    for name, options in encodings.items():
        burst = [entry(f"{name} {number}", number=str(number)) for number in range(100)]
        burst.append(entry(json.dumps({"level": "warn", "message": f"{name} in JSON"})))
        stack = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'k'"
        error = {"error.kind": "KeyError", "error.message": "'k'", "error.stack": stack}
        burst.append(entry(f"{name} failed", status="error", **error))
        send(passes, burst, **options)
    try:
        send(fails_once, [entry("refused")])
        refused = None
    except ApiException as error:
        refused = error.status
    send(fails_once, [entry("taken")])
    print(json.dumps({"encodings": list(encodings), "refused": refused}))


if __name__ == "__main__":
    main(*sys.argv[1:])
