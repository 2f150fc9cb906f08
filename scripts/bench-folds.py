#!/usr/bin/env python3
"""What folds of sealed hours save (`query/clickhouse/folds.rs`): the same questions over HTTP with and without them, in one run.

    bench-folds.py --server COMMAND --lastword BINARY [--events N] [--days N] [--rounds N] [--data DIR]

COMMAND is a server of ClickHouse that takes `--port 0 --data DIR` and says `PORT n`, such as `PYTHON scripts/clickhouse-server.py` with a Python that
has chDB; BINARY has the feature `clickhouse`. A collector makes the tables of a new store. Then it is filled by the server itself, with events of `--days`
days up to now as writers would have written them an hour ago, without the index of texts, which no count reads; and the collector makes its folds.

Without folds: all hours are touched, as by events that came late, so no fold counts until nobody has written to them for 10 minutes. With: that is taken back, and
the same folds count again. Each round asks each question twice in both ways, of a collector that was started anew, since one knows for a while what was folded; the
first answer only has both know what they will, and a time is the median of the second ones. Answers have to be the same: it says which are not.

With `--data` the events stay in that directory, and are taken as they are if they are there. Folds are made anew: while they don't count, they may be removed once
they are half an hour old. The collector folds a day a minute.
"""
import argparse
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone

HOUR, MINUTE = 3600, 60
# The bits of a row behind its milliseconds: `clickhouse/numbers.rs`.
ROW_BITS = 21
# Events that one statement makes.
STEP = 250_000
# How long the collector may take to fold everything.
FOLDING_MAX_S = 1800

# Sessions of 100 events, one every 6 s: a fifth each begins and ends a span, of which two in five are calls of 5 models and 20 tools; the others
# are of 40 names, the first of them the most.
FILL = """
INSERT INTO events (hour, session, time_us, id, row, received_us, idx, kind, severity, class, name, platform, version, process, trace, bucket, what,
    duration_us, failed, call, callee, provider, tokens_in, tokens_out, cost, body)
SELECT toStartOfHour(toDateTime(intDiv(t, 1000000), 'UTC')), concat('session-', lower(hex(cityHash64(s)))), t,
    concat(lower(leftPad(hex(n), 8, '0')), '-0000-7000-8000-000000000000'), bitShiftLeft(toUInt64({filled_ms}), {row_bits}) + n, t + 1000000, i,
    3, toUInt8(multiIf(h % 100 = 1, 4, h % 100 = 2, 3, h % 3 = 0, 1, 2)), if(e = 0, 0, 1),
    multiIf(e = 1, 'span.start', e = 2, 'span.end', concat('user.action.', toString(toUInt32(pow(h2 % 1000 / 1000, 2) * 40)))),
    'linux-x86_64', concat('1.', toString(s % 7), '.0'), '', toFixedString('', 16), 255, toUInt8(e),
    if(e = 2, toInt64(1000 * exp(h2 % 900 / 100)), -1), e = 2 AND h % 50 = 0, toUInt8(c),
    multiIf(c = 1, concat('model-', toString(h2 % 5)), c = 2, concat('tool-', toString(h2 % 20)), ''),
    if(c = 1, concat('provider-', toString(h2 % 5)), ''),
    if(c = 1, h2 % 8000, 0), if(c = 1, h % 2000, 0), if(c = 1, h2 % 8000 * 0.000003 + h % 2000 * 0.000015, 0), concat('{{"n":', toString(n), '}}')
FROM (
    SELECT number AS n, intDiv(n, 100) AS s, n % 100 AS i, cityHash64(n, 3) AS h, cityHash64(n, 4) AS h2,
        toInt64({begin_us}) + s * {gap_us} + i * 6000000 + toInt64(cityHash64(n, 1) % 5000000) AS t,
        multiIf(h % 10 < 2, 1, h % 10 < 4, 2, 0) AS e, if(e = 2, multiIf(intDiv(h, 10) % 5 = 0, 1, intDiv(h, 10) % 5 = 1, 2, 0), 0) AS c
    FROM numbers({first}, {count})
)
"""
# What a writer says beside events, as far as counts read it.
BESIDE = [
    "INSERT INTO names (name, row) SELECT name, min(row) FROM events GROUP BY name",
    "INSERT INTO touched (hour, row) SELECT hour, max(row) + 1 FROM events GROUP BY hour",
]


class Server:
    """A process that says on its first line where it listens."""

    def __init__(self, command, said, log):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        found = re.search(said, line)
        if not found:
            sys.exit(f"{shlex.join(map(str, command))} says {line!r}, and nothing like {said!r}")
        self.at = found[1]

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


def ask(url, body=None, timeout=600):
    request = urllib.request.Request(url, data=body, headers={"Accept": "application/json, text/html"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.code} {error.read().decode(errors='replace')[:2000]}")


class Store:
    def __init__(self, port):
        self.port = port

    def run(self, sql):
        return ask(f"http://127.0.0.1:{self.port}/?database=bench", sql.encode()).decode().strip()

    def count(self, sql):
        return int(self.run(sql))

    def fill(self, events, days, now):
        begin_us = (now - days * 24 * HOUR) * 1_000_000
        # The last session ends before now.
        gap_us = (days * 24 * HOUR - 11 * MINUTE) * 1_000_000 * 100 // events
        self.run("ALTER TABLE events DROP INDEX IF EXISTS by_text")
        for first in range(0, events, STEP):
            count = min(STEP, events - first)
            filled_ms = (now - HOUR) * 1000
            self.run(FILL.format(filled_ms=filled_ms, row_bits=ROW_BITS, begin_us=begin_us, gap_us=gap_us, first=first, count=count))
            progress(f"{first + count} of {events} events")
        for sql in BESIDE:
            self.run(sql)

    def standing(self):
        """How many hours have events, and of how many a fold counts."""
        hours = self.count("SELECT count() FROM (SELECT hour FROM touched WHERE hour > 0 GROUP BY hour)")
        folded = self.count(
            "SELECT count() FROM (SELECT hour, argMax(version, fold) AS v FROM folded GROUP BY hour) AS f "
            "JOIN (SELECT hour, max(row) AS r FROM touched GROUP BY hour) AS t ON t.hour = f.hour WHERE f.v > t.r"
        )
        return hours, folded

    def fold(self):
        """Waits until the collector has folded all hours."""
        begun = time.monotonic()
        while time.monotonic() - begun < FOLDING_MAX_S:
            hours, folded = self.standing()
            progress(f"{folded} of {hours} hours folded")
            if folded == hours:
                return folded
            time.sleep(0.5)
        sys.exit(f"after {FOLDING_MAX_S} s only {folded} of {hours} hours are folded")

    def forget(self):
        for table in ("folded", "fold_minutes", "fold_hours", "fold_calls"):
            self.run(f"TRUNCATE TABLE {table}")
        # A run that was broken off has left it, with nothing in it.
        self.run("DROP TABLE IF EXISTS touched_before")

    def touch(self):
        """Has no fold count: as if something had come late, in all hours."""
        row = int(time.time() * 1000) << ROW_BITS
        self.run("CREATE TABLE IF NOT EXISTS touched_before ENGINE = Memory AS SELECT hour, max(row) AS row FROM touched GROUP BY hour")
        self.run(f"INSERT INTO touched (hour, row) SELECT hour, toUInt64({row}) FROM touched_before")

    def untouch(self):
        self.run("TRUNCATE TABLE touched")
        self.run("INSERT INTO touched (hour, row) SELECT hour, row FROM touched_before")
        self.run("DROP TABLE touched_before")


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:40}", end="", file=sys.stderr, flush=True)


def questions(now, days):
    """What is asked, with what it is called. The range begins and ends within an hour, as most do."""
    said = lambda moment: datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    at = f"since={said(now - days * 24 * HOUR)}&until={said(now)}"
    return [
        ("statistics by hour", f"/api/stats?by=hour&{at}"),
        ("by hour, one name", f"/api/stats?by=hour&name=user.action.3&{at}"),
        ("by hour, one severity", f"/api/stats?by=hour&severity=ERROR&{at}"),
        ("by minute, one name", f"/api/stats?by=minute&name=user.action.30&{at}"),
        ("calls by name", f"/api/calls?by=name&{at}"),
        ("calls by version", f"/api/calls?by=version&{at}"),
        ("calls by hour", f"/api/calls?by=hour&{at}"),
        ("calls of models by name", f"/api/calls?by=name&kind=model&{at}"),
        ("page: overview", f"/?{at}"),
        ("page: explorer, one name", f"/events?name=user.action.3&{at}"),
        ("page: models and tools", f"/calls?{at}"),
    ]


def same(question, one, other):
    """Whether two answers are the same. Pages say how long ago something was."""
    if not question.startswith("/api/"):
        return True
    return rounded(json.loads(one)) == rounded(json.loads(other))


def rounded(value):
    """Sums of fractions depend on the order in which they are added up."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def measure(store, collect, asked, rounds):
    """Asks all questions in turns with and without folds; returns the times and the last answer of each."""
    times = {(path, way): [] for _, path in asked for way in (True, False)}
    answers = {}
    for turn in range(rounds):
        for way in (True, False):
            if not way:
                store.touch()
            collector = collect()
            for _, path in asked * 2:
                begun = time.monotonic()
                answers[path, way] = ask(collector.at + path)
                times[path, way].append((time.monotonic() - begun) * 1000)
            for _, path in asked:
                times[path, way].pop(-2)
            collector.end()
            if not way:
                store.untouch()
        progress(f"round {turn + 1} of {rounds}")
    return times, answers


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--server", default=os.environ.get("LASTWORD_CLICKHOUSE_SERVER"), help="the server's command [env: LASTWORD_CLICKHOUSE_SERVER]")
    args.add_argument("--lastword", default="target/release/lastword", help="the binary [default: %(default)s]")
    args.add_argument("--events", type=int, default=5_000_000)
    args.add_argument("--days", type=int, default=7)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--data", help="where to keep what is made [default: nowhere]")
    args = args.parse_args()
    if not args.server:
        sys.exit("no server: --server or LASTWORD_CLICKHOUSE_SERVER is its command, as scripts/suite-clickhouse says")
    if min(args.events, args.days, args.rounds) < 1:
        sys.exit("--events, --days and --rounds are at least 1")
    with tempfile.TemporaryDirectory() as scratch:
        run(args, args.data or scratch)


def run(args, directory):
    known = os.path.join(directory, "now")
    os.makedirs(directory, exist_ok=True)
    servers = []
    with open(os.path.join(directory, "log"), "a", encoding="utf-8") as log:
        try:
            server = Server([*shlex.split(args.server), "--port", "0", "--data", f"{directory}/server"], r"PORT (\d+)", log)
            servers.append(server)
            url = f"clickhouse://default@127.0.0.1:{server.at}/bench"
            command = [args.lastword, "serve", "--store", url, "--data", f"{directory}/collector", "--listen", "127.0.0.1:0", "--grpc-listen", "off"]

            def collect():
                servers.append(Server(command, r"listening on (http://\S+)", log))
                return servers[-1]

            report(args, Store(server.at), collect, known)
        finally:
            for process in reversed(servers):
                process.end()


def report(args, store, collect, known):
    collector = collect()
    if os.path.exists(known):
        with open(known, encoding="utf-8") as file:
            now = int(file.read())
        store.forget()
    else:
        now = int(time.time())
        begun = time.monotonic()
        store.fill(args.events, args.days, now)
        print(f"filled in {time.monotonic() - begun:.1f} s")
        with open(known, "w", encoding="utf-8") as file:
            file.write(str(now))
    begun = time.monotonic()
    folded = store.fold()
    print(f"{folded} hours folded in {time.monotonic() - begun:.1f} s")
    collector.end()
    asked = questions(now, args.days)
    times, answers = measure(store, collect, asked, args.rounds)
    hours, _ = store.standing()
    print(f"{store.count('SELECT count() FROM events')} events, {args.days} days, {hours} hours, median of {args.rounds}\n")
    print("| question | events | folds | times as quick | answer |\n|---|---|---|---|---|")
    different = []
    for what, path in asked:
        with_folds, without = (statistics.median(times[path, way]) for way in (True, False))
        size = len(answers[path, True])
        print(f"| {what} | {without:.0f} ms | {with_folds:.0f} ms | {without / with_folds:.2f} | {size / 1000:.0f} kB |")
        if not same(path, answers[path, True], answers[path, False]):
            different.append(what)
    if different:
        sys.exit(f"not the same with and without folds: {', '.join(different)}")


if __name__ == "__main__":
    main()
