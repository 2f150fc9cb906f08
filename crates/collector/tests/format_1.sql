-- A database as the program of format 1 left it: of four sessions one was recovered with the signal that ended its process, one
-- without, one with something else in its place.
BEGIN TRANSACTION;
PRAGMA user_version = 1;
CREATE TABLE batch_names (
        name INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (name, last_row)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "batch_names" VALUES(1,1);
INSERT INTO "batch_names" VALUES(1,3);
INSERT INTO "batch_names" VALUES(1,6);
INSERT INTO "batch_names" VALUES(1,9);
INSERT INTO "batch_names" VALUES(1,11);
INSERT INTO "batch_names" VALUES(2,6);
INSERT INTO "batch_names" VALUES(2,9);
INSERT INTO "batch_names" VALUES(2,11);
CREATE TABLE batches (
        last_row INTEGER PRIMARY KEY, first_row INTEGER NOT NULL,
        session INTEGER NOT NULL, received_us INTEGER NOT NULL,
        min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, mask INTEGER NOT NULL
    ) STRICT;
INSERT INTO "batches" VALUES(1,1,1,1795627685174172,1795166430000000,1795166430000000,1032);
INSERT INTO "batches" VALUES(3,2,2,1795627685178603,1795166430000000,1795166431000000,1034);
INSERT INTO "batches" VALUES(6,4,1,1795627685181741,1795166431000000,1795166433000000,3082);
INSERT INTO "batches" VALUES(9,7,3,1795627685184806,1795166430000000,1795166432000000,3082);
INSERT INTO "batches" VALUES(11,10,4,1795627685187435,1795166430000000,1795166431000000,3080);
CREATE TABLE drops (
        session INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (session, reason)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE events (
        row INTEGER PRIMARY KEY,
        time_us INTEGER NOT NULL, idx INTEGER NOT NULL, kind INTEGER NOT NULL, severity INTEGER NOT NULL,
        name INTEGER, body TEXT NOT NULL
    ) STRICT;
INSERT INTO "events" VALUES(1,1795166430000000,0,3,2,1,'{"event":"GENERIC_EVENT","event_id":"e-0","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:30.000000Z","event_name":"n","event_data":{}}');
INSERT INTO "events" VALUES(2,1795166430000000,0,3,2,1,'{"event":"GENERIC_EVENT","event_id":"e-0","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:30.000000Z","event_name":"n","event_data":{}}');
INSERT INTO "events" VALUES(3,1795166431000000,1,1,2,NULL,'{"event":"SESSION_END","event_id":"e-1","event_session_index":1,"severity":"INFO","timestamp":"2026-11-20T09:20:31.000000Z","duration":"0:00:01"}');
INSERT INTO "events" VALUES(4,1795166431000000,1,3,2,1,'{"event":"GENERIC_EVENT","event_id":"e-1","event_session_index":1,"severity":"INFO","timestamp":"2026-11-20T09:20:31.000000Z","event_name":"n","event_data":{}}');
INSERT INTO "events" VALUES(5,1795166432000000,2,3,3,2,'{"event":"GENERIC_EVENT","event_id":"e-2","event_session_index":2,"severity":"WARNING","timestamp":"2026-11-20T09:20:32.000000Z","event_name":"session.recovered","event_data":{"events":1,"torn":0,"age_ms":5,"pid":7,"signal":"SIGSEGV"}}');
INSERT INTO "events" VALUES(6,1795166433000000,3,1,2,NULL,'{"event":"SESSION_END","event_id":"e-3","event_session_index":3,"severity":"INFO","timestamp":"2026-11-20T09:20:33.000000Z","duration":"0:00:01"}');
INSERT INTO "events" VALUES(7,1795166430000000,0,3,2,1,'{"event":"GENERIC_EVENT","event_id":"e-0","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:30.000000Z","event_name":"n","event_data":{}}');
INSERT INTO "events" VALUES(8,1795166431000000,1,3,3,2,'{"event":"GENERIC_EVENT","event_id":"e-1","event_session_index":1,"severity":"WARNING","timestamp":"2026-11-20T09:20:31.000000Z","event_name":"session.recovered","event_data":{"events":1,"torn":0,"age_ms":5,"pid":7}}');
INSERT INTO "events" VALUES(9,1795166432000000,2,1,2,NULL,'{"event":"SESSION_END","event_id":"e-2","event_session_index":2,"severity":"INFO","timestamp":"2026-11-20T09:20:32.000000Z","duration":"0:00:01"}');
INSERT INTO "events" VALUES(10,1795166430000000,0,3,2,1,'{"event":"GENERIC_EVENT","event_id":"e-0","event_session_index":0,"severity":"INFO","timestamp":"2026-11-20T09:20:30.000000Z","event_name":"n","event_data":{}}');
INSERT INTO "events" VALUES(11,1795166431000000,1,3,3,2,'{"event":"GENERIC_EVENT","event_id":"e-1","event_session_index":1,"severity":"WARNING","timestamp":"2026-11-20T09:20:31.000000Z","event_name":"session.recovered","event_data":{"events":1,"torn":0,"age_ms":5,"pid":7,"signal":11}}');
CREATE TABLE exception_sessions (
        exception INTEGER NOT NULL, session INTEGER NOT NULL, PRIMARY KEY (exception, session)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE exceptions (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE, error_type TEXT NOT NULL, message TEXT NOT NULL,
        severity INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        count INTEGER NOT NULL, sessions INTEGER NOT NULL, sample_row INTEGER NOT NULL
    ) STRICT;
CREATE TABLE ids (session INTEGER NOT NULL, id ANY NOT NULL, PRIMARY KEY (session, id)) STRICT, WITHOUT ROWID;
INSERT INTO "ids" VALUES(1,'e-0');
INSERT INTO "ids" VALUES(1,'e-1');
INSERT INTO "ids" VALUES(1,'e-2');
INSERT INTO "ids" VALUES(1,'e-3');
INSERT INTO "ids" VALUES(2,'e-0');
INSERT INTO "ids" VALUES(2,'e-1');
INSERT INTO "ids" VALUES(3,'e-0');
INSERT INTO "ids" VALUES(3,'e-1');
INSERT INTO "ids" VALUES(3,'e-2');
INSERT INTO "ids" VALUES(4,'e-0');
INSERT INTO "ids" VALUES(4,'e-1');
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "names" VALUES(1,'n');
INSERT INTO "names" VALUES(2,'session.recovered');
CREATE TABLE ranges (
        session INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, PRIMARY KEY (session, low)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "ranges" VALUES(1,0,3);
INSERT INTO "ranges" VALUES(2,0,1);
INSERT INTO "ranges" VALUES(3,0,2);
INSERT INTO "ranges" VALUES(4,0,1);
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
    ) STRICT;
INSERT INTO "sessions" VALUES(1,'segfault','unix/linux','1.0',NULL,1795627685174172,1795627685181741,1795166430000000,1795166433000000,4,0,3,1,0,0,0,3,4,3,NULL,1);
INSERT INTO "sessions" VALUES(2,'other','unix/linux','1.0',NULL,1795627685178603,1795627685178603,1795166430000000,1795166431000000,2,0,2,0,0,0,0,1,2,1,NULL,0);
INSERT INTO "sessions" VALUES(3,'killed','unix/linux','1.0',NULL,1795627685184806,1795627685184806,1795166430000000,1795166432000000,3,0,2,1,0,0,0,2,3,2,NULL,1);
INSERT INTO "sessions" VALUES(4,'odd','unix/linux','1.0',NULL,1795627685187435,1795627685187435,1795166430000000,1795166431000000,2,0,1,1,0,0,0,1,2,NULL,NULL,1);
CREATE INDEX batches_of_session ON batches (session);
COMMIT;
