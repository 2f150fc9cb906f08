//! The tables, and how an older database becomes one of today.

use rusqlite::{Connection, Transaction};

use super::fill;

/// The format that this program writes, kept in the database's `user_version`.
pub(crate) const FORMAT: i64 = 8;

/// What leads from each format to the next.
const STEPS: [Step; 8] = [
    Step { sql: BEGIN, fill: None },
    Step { sql: SIGNAL, fill: None },
    Step { sql: INDEX, fill: Some(fill::index) },
    Step { sql: IDS, fill: Some(fill::ids) },
    Step { sql: AUDIT, fill: None },
    Step { sql: COUNTED, fill: None },
    Step { sql: TAKEN_AWAY, fill: Some(fill::counted) },
    Step { sql: OUTSIDE, fill: None },
];

/// The tables of a format, and what is to be put into them of the events that are there.
struct Step {
    sql: &'static str,
    fill: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

/// The tables.
const BEGIN: &str = "
    -- A session and what is known of it as a whole. Written once a transaction.
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
    -- Which events there are. The session first, so that the ids of one session are neighbours.
    CREATE TABLE ids (session INTEGER NOT NULL, id ANY NOT NULL, PRIMARY KEY (session, id)) STRICT, WITHOUT ROWID;
    CREATE TABLE events (
        row INTEGER PRIMARY KEY,
        time_us INTEGER NOT NULL, idx INTEGER NOT NULL, kind INTEGER NOT NULL, severity INTEGER NOT NULL,
        name INTEGER, body TEXT NOT NULL
    ) STRICT;
    -- The events of one request: rows first_row to last_row. The mask has a bit for each kind and severity among them.
    CREATE TABLE batches (
        last_row INTEGER PRIMARY KEY, first_row INTEGER NOT NULL,
        session INTEGER NOT NULL, received_us INTEGER NOT NULL,
        min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, mask INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX batches_of_session ON batches (session);
    CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE batch_names (
        name INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (name, last_row)
    ) STRICT, WITHOUT ROWID;
    -- The numbers of a session that have arrived, as ranges with gaps between them.
    CREATE TABLE ranges (
        session INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, PRIMARY KEY (session, low)
    ) STRICT, WITHOUT ROWID;
    -- What clients said that they dropped.
    CREATE TABLE drops (
        session INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (session, reason)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE exceptions (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE, error_type TEXT NOT NULL, message TEXT NOT NULL,
        severity INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        count INTEGER NOT NULL, sessions INTEGER NOT NULL, sample_row INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE exception_sessions (
        exception INTEGER NOT NULL, session INTEGER NOT NULL, PRIMARY KEY (exception, session)
    ) STRICT, WITHOUT ROWID;
";

/// The signal that ended a session's process. Those that were recovered before have it in their events. What SQLite does
/// not take for JSON says nothing, and must not keep the database from being opened.
const SIGNAL: &str = "
    ALTER TABLE sessions ADD COLUMN signal TEXT;
    UPDATE sessions SET signal = substr(said.signal, 1, 32)
    FROM (
        SELECT batches.session AS session, json_extract(events.body, '$.event_data.signal') AS signal
        FROM names
        JOIN batch_names ON batch_names.name = names.id
        JOIN batches ON batches.last_row = batch_names.last_row
        JOIN events ON events.row BETWEEN batches.first_row AND batches.last_row AND events.name = names.id
        WHERE names.name = 'session.recovered'
          AND CASE WHEN json_valid(events.body) THEN json_type(events.body, '$.event_data.signal') END = 'text'
    ) AS said
    WHERE said.session = sessions.id;
";

/// What events are counted, grouped and found by beside their batches.
const INDEX: &str = "
    -- What must outlive the rows that it is about.
    CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    -- Events by minute and by hour (width and begin in microseconds), by name (its number; -1 and below: a kind without names) and severity.
    CREATE TABLE counts (
        width INTEGER NOT NULL, begin INTEGER NOT NULL, what INTEGER NOT NULL, severity INTEGER NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (width, begin, what, severity)
    ) STRICT, WITHOUT ROWID;
    -- Which texts may be in a batch.
    CREATE TABLE filters (last_row INTEGER PRIMARY KEY, filter BLOB NOT NULL) STRICT;
    CREATE TABLE traces (
        id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL UNIQUE, session INTEGER NOT NULL,
        name TEXT, duration_us INTEGER, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        events INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, errors INTEGER NOT NULL,
        model_calls INTEGER NOT NULL, tool_calls INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost REAL NOT NULL
    ) STRICT;
    CREATE TABLE batch_traces (
        trace INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (trace, last_row)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, session INTEGER NOT NULL,
        objective TEXT, status TEXT, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, ended_us INTEGER,
        events INTEGER NOT NULL, errors INTEGER NOT NULL,
        model_calls INTEGER NOT NULL, tool_calls INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost REAL NOT NULL
    ) STRICT;
    CREATE TABLE batch_runs (
        run INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (run, last_row)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE,
        telemetry_opt_in INTEGER NOT NULL DEFAULT 0, changed_us INTEGER, first_us INTEGER, last_us INTEGER
    ) STRICT;
    CREATE TABLE batch_users (
        user INTEGER NOT NULL, last_row INTEGER NOT NULL, PRIMARY KEY (user, last_row)
    ) STRICT, WITHOUT ROWID;
    -- Metrics: labels are a JSON object with its keys in order. Points are by minute, in microseconds.
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, unit TEXT, labels TEXT NOT NULL,
        last_us INTEGER NOT NULL, last REAL NOT NULL, UNIQUE (name, type, labels)
    ) STRICT;
    CREATE TABLE points (
        series INTEGER NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL,
        sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, last REAL NOT NULL, PRIMARY KEY (series, minute)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE exceptions ADD COLUMN resolved_us INTEGER;
    ALTER TABLE exceptions ADD COLUMN regressed_us INTEGER;
    -- A bit for each bucket of users that it happened to.
    ALTER TABLE exceptions ADD COLUMN buckets INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE exception_versions (
        exception INTEGER NOT NULL, version TEXT NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (exception, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE exception_rows (row INTEGER PRIMARY KEY, exception INTEGER NOT NULL) STRICT;
    CREATE INDEX rows_of_exception ON exception_rows (exception);
    CREATE INDEX exceptions_of_session ON exception_sessions (session);
    -- Large values of events' data, and where in what is stored of an event each belongs.
    CREATE TABLE blobs (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, text TEXT NOT NULL) STRICT;
    CREATE INDEX blobs_by_hash ON blobs (hash);
    CREATE TABLE parts (
        row INTEGER NOT NULL, at INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (row, at)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX parts_of_blob ON parts (blob);
    -- As other programs of the field have them. Values that were too large for a row are not seen by it.
    CREATE VIEW telemetry_events AS
    SELECT said ->> '$.event_id' AS id,
           coalesce(said ->> '$.event_data.repo_id', said ->> '$.event_data.repoId') AS repo_id,
           said ->> '$.event_data.user_id' AS user_id,
           coalesce(name, said ->> '$.event') AS event_type,
           said -> '$.event_data' AS event_data,
           strftime('%Y-%m-%dT%H:%M:%fZ', time_us / 1000000.0, 'unixepoch') AS event_timestamp
    FROM (
        SELECT events.time_us, names.name, CASE WHEN json_valid(events.body) THEN events.body ELSE '{}' END AS said
        FROM events LEFT JOIN names ON names.id = events.name
    );
";

/// Ids drawn by lot stand behind the time of their event, so they are written again.
const IDS: &str = "DELETE FROM ids;";

/// What those who look after the collector did, and what was in force when that was looked at last.
const AUDIT: &str = "
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, actor TEXT NOT NULL, address TEXT, action TEXT NOT NULL,
        description TEXT NOT NULL, metadata TEXT NOT NULL, request_id TEXT
    ) STRICT;
    CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an entry of the audit trail is never changed'); END;
    CREATE TABLE audit_known (
        what TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (what, name)
    ) STRICT, WITHOUT ROWID;
";

/// What is counted beside events.
const COUNTED: &str = "
    -- Exceptions of each group by minute and by hour, as `counts` has events.
    CREATE TABLE exception_counts (
        exception INTEGER NOT NULL, width INTEGER NOT NULL, begin INTEGER NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (exception, width, begin)
    ) STRICT, WITHOUT ROWID;
    -- Calls of models (kind 0) and tools (1) by the hour in which they ended, in microseconds. A name that is empty has those together that there
    -- was no room for; a provider or a version that is empty is not known. Times are in microseconds, of the calls of which it is known how long they
    -- took; `spread` says how those are spread.
    CREATE TABLE calls (
        hour INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, provider TEXT NOT NULL, version TEXT NOT NULL,
        calls INTEGER NOT NULL, errors INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, cost REAL NOT NULL,
        timed INTEGER NOT NULL, total_us INTEGER NOT NULL, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL,
        spread BLOB NOT NULL,
        PRIMARY KEY (hour, kind, name, provider, version)
    ) STRICT, WITHOUT ROWID;
";

/// What must be known of events so that what was counted of them can be taken away. All of it is counted anew: before, versions were those that sessions
/// said last.
const TAKEN_AWAY: &str = "
    -- The version of the program, as the request said it: a session may go on in another one.
    ALTER TABLE batches ADD COLUMN version TEXT;
    UPDATE batches SET version = (SELECT sdk_version FROM sessions WHERE id = batches.session);
    -- The bucket of the session's user, if the session says it (`session.user`): it counts for its exceptions.
    ALTER TABLE sessions ADD COLUMN bucket INTEGER;
    UPDATE sessions SET bucket = said.bucket
    FROM (
        SELECT batches.session AS session, json_extract(events.body, '$.event_data.user_bucket') AS bucket
        FROM names
        JOIN batch_names ON batch_names.name = names.id
        JOIN batches ON batches.last_row = batch_names.last_row
        JOIN events ON events.row BETWEEN batches.first_row AND batches.last_row AND events.name = names.id
        WHERE names.name = 'session.user'
          AND CASE WHEN json_valid(events.body) THEN json_type(events.body, '$.event_data.user_bucket') END = 'integer'
    ) AS said
    WHERE said.session = sessions.id AND said.bucket BETWEEN 0 AND 29;
    -- How many exceptions of a session are in a group, and the bucket that is counted with them.
    DELETE FROM exception_sessions;
    ALTER TABLE exception_sessions ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE exception_sessions ADD COLUMN bucket INTEGER;
    -- Exceptions of each group by severity (-1 for the least, and below), and by bucket of users (0 and above): of those that say it themselves, and one for
    -- each session that says it.
    CREATE TABLE exception_tallies (
        exception INTEGER NOT NULL, what INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (exception, what)
    ) STRICT, WITHOUT ROWID;
    UPDATE exceptions SET sessions = 0, buckets = 0;
    DELETE FROM exception_versions;
    DELETE FROM exception_counts;
    DELETE FROM calls;
";

/// Large values that are kept outside of the store.
const OUTSIDE: &str = "
    -- The bytes of a value that is an object under its SHA-256, which is its `hash` then, and its `text` is empty; 0 where the value is its `text`.
    ALTER TABLE blobs ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
    -- Where they are: one row, or none.
    CREATE TABLE outside (url TEXT NOT NULL, endpoint TEXT) STRICT;
    -- Objects that no event names any more, until they are deleted.
    CREATE TABLE unnamed (hash TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// Returns the format of a database; 0 for an empty one.
pub(crate) fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database of a format up to [`FORMAT`] there, all or nothing.
pub(crate) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(from).unwrap_or(0);
    if done >= STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for Step { sql, fill } in &STEPS[done..] {
        transaction.execute_batch(sql)?;
        if let Some(fill) = fill {
            fill(&transaction)?;
        }
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
