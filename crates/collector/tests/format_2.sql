-- A database as the program of format 2 left it: a session of an agent with spans, metrics, a run, a user and an exception, and another session.
BEGIN TRANSACTION;
PRAGMA user_version = 2;
CREATE TABLE batch_names (
        name INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (name, last_row)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "batch_names" VALUES(1,4);
INSERT INTO "batch_names" VALUES(2,4);
INSERT INTO "batch_names" VALUES(3,4);
INSERT INTO "batch_names" VALUES(4,4);
INSERT INTO "batch_names" VALUES(4,9);
INSERT INTO "batch_names" VALUES(5,9);
INSERT INTO "batch_names" VALUES(6,9);
INSERT INTO "batch_names" VALUES(7,11);
CREATE TABLE batches (
        last_row INTEGER PRIMARY KEY, first_row INTEGER NOT NULL,
        session INTEGER NOT NULL, received_us INTEGER NOT NULL,
        min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, mask INTEGER NOT NULL
    ) STRICT;
INSERT INTO "batches" VALUES(4,1,1,1795673393811376,1795166430000000,1795166552000000,1032);
INSERT INTO "batches" VALUES(9,5,1,1795673393835065,1795166434000000,1795166555000000,13326);
INSERT INTO "batches" VALUES(11,10,2,1795673393842027,1795166430000000,1795166494000000,5132);
CREATE TABLE drops (
        session INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (session, reason)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE events (
        row INTEGER PRIMARY KEY,
        time_us INTEGER NOT NULL, idx INTEGER NOT NULL, kind INTEGER NOT NULL, severity INTEGER NOT NULL,
        name INTEGER, body TEXT NOT NULL
    ) STRICT;
INSERT INTO "events" VALUES(1,1795166430000000,0,3,2,1,'{"event": "GENERIC_EVENT", "event_id": "id-0", "event_session_index": 0, "severity": "INFO", "timestamp": "2026-11-20T09:20:30.000000Z", "event_name": "session.user", "event_data": {"userBucket": 7, "user_id": "ada"}}');
INSERT INTO "events" VALUES(2,1795166491000000,1,3,2,2,'{"event": "GENERIC_EVENT", "event_id": "id-1", "event_session_index": 1, "severity": "INFO", "timestamp": "2026-11-20T09:21:31.000000Z", "event_name": "run.run_start", "event_data": {"run_id": "run_1", "objective": "mend it"}}');
INSERT INTO "events" VALUES(3,1795166552000000,2,3,2,3,'{"event": "GENERIC_EVENT", "event_id": "id-2", "event_session_index": 2, "severity": "INFO", "timestamp": "2026-11-20T09:22:32.000000Z", "event_name": "span.start", "event_data": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "span_name": "invoke_agent", "run_id": "run_1"}}');
INSERT INTO "events" VALUES(4,1795166433000000,3,3,2,4,'{"event": "GENERIC_EVENT", "event_id": "id-3", "event_session_index": 3, "severity": "INFO", "timestamp": "2026-11-20T09:20:33.000000Z", "event_name": "span.end", "event_data": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b8", "parent_span_id": "00f067aa0ba902b7", "span_name": "chat", "duration_ms": 250.5, "status": "ok", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20, "gen_ai.usage.cost": 0.01, "run_id": "run_1"}}');
INSERT INTO "events" VALUES(5,1795166494000000,4,3,4,4,'{"event": "GENERIC_EVENT", "event_id": "id-4", "event_session_index": 4, "severity": "ERROR", "timestamp": "2026-11-20T09:21:34.000000Z", "event_name": "span.end", "event_data": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "span_name": "invoke_agent", "duration_ms": 900, "status": "error", "run_id": "run_1"}}');
INSERT INTO "events" VALUES(6,1795166555000000,5,3,2,5,'{"event": "GENERIC_EVENT", "event_id": "id-5", "event_session_index": 5, "severity": "INFO", "timestamp": "2026-11-20T09:22:35.000000Z", "event_name": "metrics", "event_data": {"interval_ms": 1000, "series": [{"name": "requests", "type": "counter", "labels": {"route": "/a"}, "value": 3}, {"name": "depth", "type": "gauge", "value": 2, "count": 2, "min": 1, "max": 4}]}}');
INSERT INTO "events" VALUES(7,1795166436000000,6,3,2,6,'{"event": "GENERIC_EVENT", "event_id": "id-6", "event_session_index": 6, "severity": "INFO", "timestamp": "2026-11-20T09:20:36.000000Z", "event_name": "run.run_end", "event_data": {"run_id": "run_1", "status": "failed"}}');
INSERT INTO "events" VALUES(8,1795166434000000,7,2,5,NULL,'{"event": "UNHANDLED_EXCEPTION", "event_id": "x-7", "event_session_index": 7, "severity": "CRITICAL", "timestamp": "2026-11-20T09:20:34Z", "error_type": "TimeoutError", "error_message": "no answer after 30 s", "event_data": {"userBucket": 7}}');
INSERT INTO "events" VALUES(9,1795166435000000,8,1,2,NULL,'{"event": "SESSION_END", "event_id": "end-8", "event_session_index": 8, "severity": "INFO", "timestamp": "2026-11-20T09:20:35Z", "duration": "0:00:01"}');
INSERT INTO "events" VALUES(10,1795166430000000,0,3,2,7,'{"event": "GENERIC_EVENT", "event_id": "id-0", "event_session_index": 0, "severity": "INFO", "timestamp": "2026-11-20T09:20:30.000000Z", "event_name": "cache.miss", "event_data": {"key": "unicorn"}}');
INSERT INTO "events" VALUES(11,1795166494000000,1,2,4,NULL,'{"event": "UNHANDLED_EXCEPTION", "event_id": "x-1", "event_session_index": 1, "severity": "ERROR", "timestamp": "2026-11-20T09:21:34Z", "error_type": "TimeoutError", "error_message": "no answer after 5 s"}');
CREATE TABLE exception_sessions (
        exception INTEGER NOT NULL, session INTEGER NOT NULL, PRIMARY KEY (exception, session)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "exception_sessions" VALUES(1,1);
INSERT INTO "exception_sessions" VALUES(1,2);
CREATE TABLE exceptions (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE, error_type TEXT NOT NULL, message TEXT NOT NULL,
        severity INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        count INTEGER NOT NULL, sessions INTEGER NOT NULL, sample_row INTEGER NOT NULL
    ) STRICT;
INSERT INTO "exceptions" VALUES(1,'e4bdba8c5cc238f7','TimeoutError','no answer after 30 s',5,1795166434000000,1795166494000000,2,2,8);
CREATE TABLE ids (session INTEGER NOT NULL, id ANY NOT NULL, PRIMARY KEY (session, id)) STRICT, WITHOUT ROWID;
INSERT INTO "ids" VALUES(1,'end-8');
INSERT INTO "ids" VALUES(1,'id-0');
INSERT INTO "ids" VALUES(1,'id-1');
INSERT INTO "ids" VALUES(1,'id-2');
INSERT INTO "ids" VALUES(1,'id-3');
INSERT INTO "ids" VALUES(1,'id-4');
INSERT INTO "ids" VALUES(1,'id-5');
INSERT INTO "ids" VALUES(1,'id-6');
INSERT INTO "ids" VALUES(1,'x-7');
INSERT INTO "ids" VALUES(2,'id-0');
INSERT INTO "ids" VALUES(2,'x-1');
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "names" VALUES(1,'session.user');
INSERT INTO "names" VALUES(2,'run.run_start');
INSERT INTO "names" VALUES(3,'span.start');
INSERT INTO "names" VALUES(4,'span.end');
INSERT INTO "names" VALUES(5,'metrics');
INSERT INTO "names" VALUES(6,'run.run_end');
INSERT INTO "names" VALUES(7,'cache.miss');
CREATE TABLE ranges (
        session INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, PRIMARY KEY (session, low)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "ranges" VALUES(1,0,8);
INSERT INTO "ranges" VALUES(2,0,1);
CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL UNIQUE,
        platform TEXT, sdk_version TEXT, process_uuid TEXT,
        first_received_us INTEGER NOT NULL, last_received_us INTEGER NOT NULL,
        first_us INTEGER, last_us INTEGER,
        events INTEGER NOT NULL DEFAULT 0,
        debug INTEGER NOT NULL DEFAULT 0, info INTEGER NOT NULL DEFAULT 0, warning INTEGER NOT NULL DEFAULT 0,
        error INTEGER NOT NULL DEFAULT 0, critical INTEGER NOT NULL DEFAULT 0,
        exceptions INTEGER NOT NULL DEFAULT 0,
        max_index INTEGER NOT NULL DEFAULT -1,
        -- How many different numbers from 0 to max_index have arrived.
        covered INTEGER NOT NULL DEFAULT 0,
        -- The last SESSION_END, and the first CRITICAL exception.
        end_index INTEGER, critical_index INTEGER,
        recovered INTEGER NOT NULL DEFAULT 0
    , signal TEXT) STRICT;
INSERT INTO "sessions" VALUES(1,'agent','Linux','0.38.0',NULL,1795673393811376,1795673393835065,1795166430000000,1795166555000000,9,0,7,0,1,1,1,8,9,8,7,0,NULL);
INSERT INTO "sessions" VALUES(2,'other','Linux','0.38.0',NULL,1795673393842027,1795673393842027,1795166430000000,1795166494000000,2,0,1,0,1,0,1,1,2,NULL,NULL,0,NULL);
CREATE INDEX batches_of_session ON batches (session);
COMMIT;
