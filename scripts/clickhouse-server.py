#!/usr/bin/env python3
"""The engine of ClickHouse (chDB, a Python package) behind the HTTP of ClickHouse, for tests.

    clickhouse-server.py --data DIR [--port N] [--password SECRET] [--shards N]      prints "PORT n" when it answers

GET /ping, and GET or POST / with `query`, `database`, `default_format`, `param_*` and settings in the URL. A body is joined to the
query, as ClickHouse does; rows of an insert may be in any format. What only a real server has is not here: one statement runs at a
time, and there are no replicas, no compression but gzip, no users but one.

With `--shards N` it is a cluster, `main`, of so many shards. `Distributed` tables are the engine's own: they spread inserts, ask each shard, and
put together what shards answer. Three things are not, since one process can't have them:
- `ON CLUSTER main` is left out: what it says is run once. `Replicated...MergeTree` is the engine without `Replicated` and its two paths.
- A table that is behind a `Distributed` one is on the disk once. Each shard is shown those rows that the sharding key gives it, and who asks
  such a table itself is shown none. Those of two shards never come together in a merge if the table's key has the sharding key in it.
- There is no TCP between shards: they are always asked as the local one (`prefer_localhost_replica`).
"""
import argparse
import base64
import gzip
import hmac
import os
import re
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb

# Statements that run at once: with several connections the engine falls over, by an index that is out of bounds.
CONNECTIONS_MAX = 1
# Beyond this, a body is no test's.
BODY_BYTES_MAX = 1 << 30
# What is in a URL and no setting.
NO_SETTINGS = {"query", "database", "default_format", "query_id", "user", "password", "session_id", "compress", "wait_end_of_query"}
# Statuses of errors that are not answered with 500.
STATUS_OF_CODE = {47: 404, 60: 404, 62: 400, 81: 404, 241: 500, 516: 403}
READS = (b"select", b"with", b"show", b"exists", b"describe", b"desc", b"explain")
# An insert up to its format: what is quoted on the way is passed over.
INSERT = re.compile(
    rb"""\s*(insert\s+into\b(?:'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|[^'"`])*?)\bformat\s+(\w+)[ \t\r]*\n?""",
    re.IGNORECASE | re.DOTALL,
)
# A cluster's name, and the port that says that its shards are this process; nobody listens there.
CLUSTER, CLUSTER_PORT = b"main", 19000
# What changes something, up to where it says on which servers.
ON_CLUSTER = re.compile(rb"\s*(?:/\*[^*]*\*/\s*)?(?:CREATE|ALTER|DROP|DELETE|OPTIMIZE|TRUNCATE|RENAME)\s[^'\"(=]*?(\sON\s+CLUSTER\s+[`']?%s[`']?)(?=\W|$)" % CLUSTER, re.IGNORECASE)
REPLICATED = re.compile(rb"(\bENGINE\s*=\s*)Replicated(\w*MergeTree\()'[^']*',\s*'[^']*'(?:,\s*)?", re.IGNORECASE)
# What a `Distributed` table is of, and by what it is spread, as the engine tells it.
DISTRIBUTED = re.compile(r"Distributed\('[^']*', '([^']*)', '([^']*)', (.*)\)$", re.DOTALL)


class Refused(Exception):
    """What is answered instead of rows: the code of ClickHouse and its text."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Pool:
    """Connections to one engine. Each remembers its database, which is asked for again most of the time."""

    def __init__(self, data, shards):
        self.data = data
        self.shards = shards
        self.free = []
        self.places = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self.lock = threading.Lock()

    def connect(self):
        if not self.shards:
            return chdb.connect(self.data)
        os.makedirs(self.data, exist_ok=True)
        shard = "<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>%d</port></replica></shard>" % CLUSTER_PORT
        parts = (CLUSTER_PORT, CLUSTER.decode(), shard * self.shards, CLUSTER.decode())
        file = os.path.join(os.path.abspath(self.data), "cluster.xml")
        with open(file, "w") as config:
            config.write("<clickhouse><tcp_port>%d</tcp_port><remote_servers><%s>%s</%s></remote_servers></clickhouse>" % parts)
        connection = chdb.connect("%s?config-file=%s" % (self.data, file))
        self.spread(connection)
        return connection

    def spread(self, connection):
        """Shows each shard its own rows. System tables, which are of a server, are the first one's."""
        told = connection.query("SELECT engine_full FROM system.tables WHERE engine = 'Distributed'", "TabSeparatedRaw")
        own = {"system.parts": "shardNum() < 2"}
        for database, table, key in (DISTRIBUTED.match(line).groups() for line in told.bytes().decode().splitlines()):
            own["%s.%s" % (database, table)] = "toUInt64(%s) %% %d = shardNum() - 1" % (key, self.shards)
        filters = ", ".join("%s: %s" % (text(table), text(condition)) for table, condition in own.items())
        connection.query("SET additional_table_filters = {%s}" % filters)

    def take(self, database):
        self.places.acquire()
        try:
            with self.lock:
                same = next((place for place, (_, known) in enumerate(self.free) if known == database), -1)
                connection, known = self.free.pop(same) if self.free else (self.connect(), None)
            if known != database:
                try:
                    connection.query("USE %s" % quoted(database))
                except Exception:
                    self.keep(connection, known)
                    raise
            return connection
        except BaseException:
            self.places.release()
            raise

    def keep(self, connection, database):
        with self.lock:
            self.free.append((connection, database))

    def give(self, connection, database):
        self.keep(connection, database)
        self.places.release()


def quoted(name):
    return "`%s`" % name.replace("\\", "\\\\").replace("`", "\\`")


def text(value):
    return "'%s'" % value.replace("\\", "\\\\").replace("'", "\\'")


def run(pool, given, statement):
    """Runs a statement, and returns what it prints."""
    database = given.get("database") or "default"
    none = NO_SETTINGS | {"prefer_localhost_replica"} if pool.shards else NO_SETTINGS
    settings = {name: value for name, value in given.items() if name not in none and not name.startswith("param_")}
    connection = pool.take(database)
    done = []
    try:
        for name, value in settings.items():
            connection.query("SET %s = %s" % (quoted(name), text(value)))
            done.append(name)
        if not pool.shards:
            return run_on(connection, given, statement)
        if on_cluster := ON_CLUSTER.match(statement):
            statement = statement[: on_cluster.start(1)] + REPLICATED.sub(rb"\1\2", statement[on_cluster.end(1) :])
        answer = run_on(connection, given, statement)
        if on_cluster:
            pool.spread(connection)
        return answer
    finally:
        for name in done:
            connection.query("SET %s = DEFAULT" % quoted(name))
        pool.give(connection, database)


def run_on(connection, given, statement):
    insert = INSERT.match(statement)
    rows = statement[insert.end() :] if insert else b""
    if rows:
        into = connection.send_insert(decoded(insert[1]), decoded(insert[2]))
        try:
            into.append(rows)
            into.finish()
        except Exception:
            into.cancel()
            raise
        return b""
    form = given.get("default_format", "TabSeparated")
    parameters = {name[6:]: value for name, value in given.items() if name.startswith("param_")}
    answer = connection.query(decoded(statement), form, params=parameters) if parameters else connection.query(decoded(statement), form)
    return answer.bytes() if hasattr(answer, "bytes") else b""


def decoded(statement):
    try:
        return statement.decode()
    except UnicodeDecodeError as error:
        raise Refused(62, "Code: 62. DB::Exception: the statement is no UTF-8: %s. (SYNTAX_ERROR)" % error) from error


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Seconds that a connection may be silent.
    timeout = 600

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        """Head and body go out together: whoever waits for a body that is sent apart waits for 40 ms."""
        lines = ["HTTP/1.1 %d %s" % (status, self.responses.get(status, ("",))[0]), "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % header for header in headers]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = []
            while size := int(self.rfile.readline(64).split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline(8)
            self.rfile.readline(8)
            body = b"".join(parts)
        else:
            size = int(self.headers.get("Content-Length") or 0)
            if size > BODY_BYTES_MAX:
                raise Refused(1, "a body of %d bytes is too large" % size)
            body = self.rfile.read(size)
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def do_GET(self):
        url = urlsplit(self.path)
        try:
            given = dict(parse_qsl(url.query, keep_blank_values=True))
            body = self.body()
            if url.path == "/ping":
                return self.answer(200, b"Ok.\n")
            self.check(given)
            if self.headers.get("X-ClickHouse-Database"):
                given.setdefault("database", self.headers["X-ClickHouse-Database"])
            query = given.get("query", "").encode()
            statement = query + b"\n" + body if query and body else query or body
            if self.command == "GET" and not statement.lstrip().lower().startswith(READS):
                raise Refused(164, "Code: 164. DB::Exception: GET does not change anything. (READONLY)")
            rows = run(self.server.pool, given, statement)
        except Exception as error:  # The engine has one class for all that goes wrong.
            return self.fail(error)
        return self.answer(200, rows, [("Content-Type", "text/plain; charset=UTF-8")])

    do_POST = do_GET

    def fail(self, error):
        said = str(error)
        code = getattr(error, "code", None) or int((re.search(r"Code: (\d+)", said) or [0, 1])[1])
        headers = [("X-ClickHouse-Exception-Code", code), ("Content-Type", "text/plain; charset=UTF-8")]
        self.answer(STATUS_OF_CODE.get(code, 500), said.encode("utf-8", "replace") + b"\n", headers)

    def check(self, given):
        secret = self.server.secret
        told = self.headers.get("X-ClickHouse-Key", given.get("password", self.basic_password()))
        if secret is not None and not hmac.compare_digest(told.encode(), secret.encode()):
            raise Refused(516, "Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)")

    def basic_password(self):
        """What `Authorization: Basic` has as the password, which is how the collector tells it."""
        scheme, _, told = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            return base64.b64decode(told, validate=True).decode().partition(":")[2]
        except ValueError:
            raise Refused(516, "Code: 516. DB::Exception: `Authorization` can't be read. (AUTHENTICATION_FAILED)") from None


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Handler)
        self.pool = Pool(options.data, options.shards)
        self.secret = options.password

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request, client_address):
        # A client that went away is no matter of ours.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0, help="of the loopback; 0 takes a free one")
    arguments.add_argument("--data", required=True, help="the directory that has the tables")
    arguments.add_argument("--password", help="what clients have to send; without it all may do all")
    arguments.add_argument("--shards", type=int, default=0, help="so many, of the cluster `main`; without it it is one server")
    server = Server(arguments.parse_args())
    # The engine begins with the first connection.
    run(server.pool, {}, b"SELECT 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("PORT", server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
