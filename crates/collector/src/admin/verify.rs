//! Whether a store is whole, and whether its parts agree with each other.

use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use super::{AdminError, read_only};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// What is wrong, in words.
    pub problems: Vec<String>,
}

/// What must be so: what is said if it is not, and the number of rows of which it is not.
const RULES: &[(&str, &str)] = &[
    (
        "batches overlap",
        "SELECT count(*) FROM (SELECT first_row, lag(last_row) OVER (ORDER BY last_row) AS before FROM batches)
         WHERE first_row <= before",
    ),
    (
        "events are in no batch",
        "SELECT count(*) FROM events e WHERE NOT EXISTS (
             SELECT 1 FROM batches b WHERE b.first_row <= e.row
             AND b.last_row = (SELECT min(last_row) FROM batches WHERE last_row >= e.row))",
    ),
    (
        "batches have no event",
        "SELECT count(*) FROM batches b WHERE NOT EXISTS (
             SELECT 1 FROM events e WHERE e.row BETWEEN b.first_row AND b.last_row)",
    ),
    (
        "batches are of a session that there is not",
        "SELECT count(*) FROM batches WHERE session NOT IN (SELECT id FROM sessions)",
    ),
    (
        "sessions count other events than there are",
        "SELECT count(*) FROM sessions s LEFT JOIN (
             SELECT b.session, count(*) AS events FROM batches b CROSS JOIN events e
             WHERE e.row BETWEEN b.first_row AND b.last_row GROUP BY b.session) found ON found.session = s.id
         WHERE s.events <> coalesce(found.events, 0)",
    ),
    (
        "sessions have another number of ids than of events",
        "SELECT count(*) FROM sessions s LEFT JOIN (SELECT session, count(*) AS ids FROM ids GROUP BY session) known
         ON known.session = s.id WHERE s.events <> coalesce(known.ids, 0)",
    ),
    (
        "ids are of a session that there is not",
        "SELECT count(*) FROM ids WHERE session NOT IN (SELECT id FROM sessions)",
    ),
    (
        "events have a name that there is not",
        "SELECT count(*) FROM events WHERE name IS NOT NULL AND name NOT IN (SELECT id FROM names)",
    ),
    (
        "minutes count other events than there are",
        "SELECT abs((SELECT coalesce(sum(count), 0) FROM counts WHERE width = 60000000) - (SELECT count(*) FROM events))",
    ),
    (
        "hours count other events than minutes",
        "SELECT abs((SELECT coalesce(sum(count), 0) FROM counts WHERE width = 60000000)
                  - (SELECT coalesce(sum(count), 0) FROM counts WHERE width = 3600000000))",
    ),
    (
        "batches have no filter, so that a search passes over nothing of them but is slower",
        "SELECT count(*) FROM batches WHERE last_row NOT IN (SELECT last_row FROM filters)",
    ),
    (
        "events are not found by their name",
        "SELECT count(*) FROM batches b CROSS JOIN events e WHERE e.row BETWEEN b.first_row AND b.last_row
         AND e.name IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM batch_names n WHERE n.name = e.name AND n.last_row = b.last_row)",
    ),
    (
        "names, traces, runs or users are said to be in batches that there are not",
        "SELECT (SELECT count(*) FROM batch_names WHERE last_row NOT IN (SELECT last_row FROM batches))
              + (SELECT count(*) FROM batch_traces WHERE last_row NOT IN (SELECT last_row FROM batches))
              + (SELECT count(*) FROM batch_runs WHERE last_row NOT IN (SELECT last_row FROM batches))
              + (SELECT count(*) FROM batch_users WHERE last_row NOT IN (SELECT last_row FROM batches))",
    ),
    (
        "large values are missing, or parts of events that there are not",
        "SELECT count(*) FROM parts WHERE blob NOT IN (SELECT id FROM blobs) OR row NOT IN (SELECT row FROM events)",
    ),
    ("large values are parts of no event", "SELECT count(*) FROM blobs WHERE id NOT IN (SELECT blob FROM parts)"),
    (
        "groups of exceptions count others than there are",
        "SELECT count(*) FROM exceptions x WHERE x.count <> (SELECT count(*) FROM exception_rows r WHERE r.exception = x.id)",
    ),
    (
        "minutes or hours count other exceptions of a group than there are",
        "SELECT count(*) FROM exceptions x JOIN (SELECT 60000000 AS width UNION ALL SELECT 3600000000) w
         WHERE x.count <> (SELECT coalesce(sum(c.count), 0) FROM exception_counts c WHERE c.exception = x.id AND c.width = w.width)",
    ),
    (
        "groups of exceptions count other sessions, severities or versions than there are",
        "SELECT count(*) FROM exceptions x WHERE
             x.sessions <> (SELECT count(*) FROM exception_sessions s WHERE s.exception = x.id)
             OR x.count <> (SELECT coalesce(sum(s.count), 0) FROM exception_sessions s WHERE s.exception = x.id)
             OR x.count <> (SELECT coalesce(sum(t.count), 0) FROM exception_tallies t WHERE t.exception = x.id AND t.what < 0)
             OR x.buckets <> (SELECT coalesce(sum(1 << t.what), 0) FROM exception_tallies t WHERE t.exception = x.id AND t.what >= 0)
             OR x.count < (SELECT coalesce(sum(v.count), 0) FROM exception_versions v WHERE v.exception = x.id)",
    ),
    (
        "what is counted is of groups of exceptions that there are not",
        "SELECT (SELECT count(*) FROM exception_sessions WHERE exception NOT IN (SELECT id FROM exceptions))
              + (SELECT count(*) FROM exception_tallies WHERE exception NOT IN (SELECT id FROM exceptions))
              + (SELECT count(*) FROM exception_versions WHERE exception NOT IN (SELECT id FROM exceptions))
              + (SELECT count(*) FROM exception_counts WHERE exception NOT IN (SELECT id FROM exceptions))",
    ),
    (
        "traces, runs or series of metrics have nothing that is there",
        "SELECT (SELECT count(*) FROM traces WHERE id NOT IN (SELECT trace FROM batch_traces))
              + (SELECT count(*) FROM runs WHERE id NOT IN (SELECT run FROM batch_runs))
              + (SELECT count(*) FROM series WHERE id NOT IN (SELECT series FROM points))",
    ),
    (
        "exceptions are events that there are not",
        "SELECT count(*) FROM exception_rows WHERE row NOT IN (SELECT row FROM events)",
    ),
];

/// Checks the store of a directory. A collector may run on it: what is checked is the store of one moment. `progress` is told what is
/// looked at.
///
/// # Errors
///
/// There is no store, or it can't be read at all. What is wrong with one that can is in the report.
pub fn verify(dir: impl AsRef<Path>, mut progress: impl FnMut(&str)) -> Result<Report, AdminError> {
    let mut connection = read_only(dir.as_ref())?;
    let snapshot = connection.transaction()?;
    progress("pages and indexes");
    let mut problems = pages(&snapshot)?;
    for (wrong, sql) in RULES {
        progress(wrong);
        match snapshot.query_row(sql, [], |row| row.get::<_, i64>(0)) {
            Ok(0) => {}
            Ok(count) => problems.push(format!("{wrong}: {count}")),
            Err(error) => problems.push(format!("it can't be told whether {wrong}: {error}")),
        }
    }
    progress("large values");
    let changed = changed_values(&snapshot)?;
    if changed > 0 {
        problems.push(format!("large values are not what they were: {changed}"));
    }
    Ok(Report { ok: problems.is_empty(), problems })
}

/// Counts the large values that do not have their hash, or do not fit their events.
fn changed_values(connection: &Connection) -> Result<usize, AdminError> {
    let mut find = connection.prepare("SELECT hash, text FROM blobs WHERE outside = 0")?;
    let mut rows = find.query([])?;
    let mut changed = 0;
    while let Some(row) = rows.next()? {
        let (hash, text): (String, String) = (row.get(0)?, row.get(1)?);
        changed += usize::from(crate::ingest::id_of(&[text.as_bytes()]) != hash);
    }
    let mut find = connection.prepare("SELECT row, body FROM events WHERE row IN (SELECT row FROM parts)")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        changed += usize::from(crate::store::inside_event(connection, row.get(0)?, row.get(1)?).is_err());
    }
    Ok(changed)
}

/// What SQLite itself finds wrong.
fn pages(connection: &Connection) -> Result<Vec<String>, AdminError> {
    let mut check = connection.prepare("PRAGMA integrity_check")?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    let mut problems = Vec::new();
    for line in lines {
        match line {
            Ok(line) if line == "ok" => {}
            Ok(line) => problems.push(line),
            Err(error) => {
                problems.push(error.to_string());
                break;
            }
        }
    }
    Ok(problems)
}
