//! Large values, each stored once, and the events that they are a part of.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::index::{Outside, Part, put_back};
use crate::ingest::id_of;

/// Stores the values that were taken out of an event.
pub(super) fn add(transaction: &Transaction<'_>, row: i64, parts: &[Part]) -> rusqlite::Result<()> {
    for part in parts {
        let blob = match &part.outside {
            Some(outside) => blob_outside(transaction, outside)?,
            None => blob(transaction, &part.text)?,
        };
        let at = i64::try_from(part.at).unwrap_or(i64::MAX);
        transaction.prepare_cached("INSERT INTO parts (row, at, blob) VALUES (?, ?, ?)")?.execute([row, at, blob])?;
    }
    Ok(())
}

/// Returns the number of a value, which is stored here if it is new. Two of the same hash are told apart: it is no secret how to make such.
fn blob(transaction: &Transaction<'_>, text: &str) -> rusqlite::Result<i64> {
    let hash = id_of(&[text.as_bytes()]);
    let known: Option<i64> = transaction
        .prepare_cached("SELECT id FROM blobs WHERE hash = ? AND text = ?")?
        .query_row([hash.as_str(), text], |row| row.get(0))
        .optional()?;
    match known {
        Some(known) => Ok(known),
        None => {
            transaction.prepare_cached("INSERT INTO blobs (hash, text) VALUES (?, ?)")?.insert([hash.as_str(), text])
        }
    }
}

/// Returns the number of a value that is outside, which is told apart by its hash: nobody can make two of the same.
fn blob_outside(transaction: &Transaction<'_>, Outside { hash, bytes, .. }: &Outside) -> rusqlite::Result<i64> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT id FROM blobs WHERE hash = ? AND outside > 0")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    transaction.prepare_cached("DELETE FROM unnamed WHERE hash = ?")?.execute([hash])?;
    let bytes = i64::try_from(*bytes).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT INTO blobs (hash, text, outside) VALUES (?, '', ?)")?
        .insert(params![hash, bytes])
}

/// Reads a value, wherever it is: see [`Source::define`](super::outside::Source::define).
const TEXT: &str = "CASE b.outside WHEN 0 THEN b.text ELSE outside(b.hash, b.outside) END";

/// Returns an event byte for byte as it came. The connection must be one that may wait for values that are outside.
///
/// # Errors
///
/// SQLite can't read, the place of a value does not answer, or what was taken out of the event does not fit it any more.
pub(crate) fn whole(connection: &Connection, row: i64, stored: String) -> rusqlite::Result<String> {
    let sql = format!("SELECT p.at, {TEXT} FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = ? ORDER BY p.at");
    put_parts_back(connection, row, stored, &sql)
}

/// Returns an event as far as it is in the store, with all that anything is known by.
pub(crate) fn inside(connection: &Connection, row: i64, stored: String) -> rusqlite::Result<String> {
    let sql =
        "SELECT p.at, b.text FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = ? AND b.text <> '' ORDER BY p.at";
    put_parts_back(connection, row, stored, sql)
}

/// Returns an event to be looked at while the place of its values does not answer: a text says so in place of each.
pub(crate) fn told(connection: &Connection, row: i64, stored: String) -> rusqlite::Result<String> {
    let sql = "SELECT p.at, CASE b.outside WHEN 0 THEN b.text
                   ELSE '\"[a value of ' || b.outside || ' bytes can''t be read now: the object store does not answer]\"' END
               FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = ? ORDER BY p.at";
    put_parts_back(connection, row, stored, sql)
}

fn put_parts_back(connection: &Connection, row: i64, stored: String, sql: &str) -> rusqlite::Result<String> {
    let mut find = connection.prepare_cached(sql)?;
    let parts = find.query_map([row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let parts = parts.collect::<rusqlite::Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Ok(stored);
    }
    let parts = parts.iter().map(|(at, text)| (usize::try_from(*at).unwrap_or(usize::MAX), text.as_str()));
    put_back(&stored, parts).ok_or_else(|| {
        let why = format!("the parts of the event in row {row} do not fit it");
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
    })
}

/// Forgets the parts of an event that is removed, and the values that no event has any more.
pub(super) fn remove(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<()> {
    let blobs: Vec<i64> = transaction
        .prepare_cached("DELETE FROM parts WHERE row = ? RETURNING blob")?
        .query_map([row], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for blob in blobs {
        let gone: Option<(String, i64)> = transaction
            .prepare_cached(
                "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM parts WHERE blob = ?1) RETURNING hash, outside",
            )?
            .query_row([blob], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((hash, 1..)) = gone {
            // The object goes when this is on disk: one that is not there any more must not be named.
            transaction.prepare_cached("INSERT OR IGNORE INTO unnamed (hash) VALUES (?)")?.execute([hash])?;
        }
    }
    Ok(())
}

/// Returns some of the values outside that no event names any more.
pub(super) fn unnamed(connection: &Connection, max: usize) -> rusqlite::Result<Vec<Box<str>>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    connection.prepare_cached("SELECT hash FROM unnamed LIMIT ?")?.query_map([max], |row| row.get(0))?.collect()
}

/// Notes that these are deleted.
pub(super) fn forget_unnamed(connection: &mut Connection, hashes: &[Box<str>]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for hash in hashes {
        transaction.prepare_cached("DELETE FROM unnamed WHERE hash = ?")?.execute([hash])?;
    }
    transaction.commit()
}

/// Returns those of these values outside that events name.
pub(super) fn named(connection: &Connection, hashes: Vec<Box<str>>) -> rusqlite::Result<HashSet<Box<str>>> {
    let mut find = connection.prepare_cached("SELECT 1 FROM blobs WHERE hash = ? AND outside > 0")?;
    let mut named = HashSet::new();
    for hash in hashes {
        if find.exists([&hash])? {
            named.insert(hash);
        }
    }
    Ok(named)
}

/// Returns how many values are outside, and their bytes.
pub(crate) fn outside_values(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("SELECT count(*), coalesce(sum(outside), 0) FROM blobs WHERE outside > 0", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Moves the parts of an event behind a place of it, which has become longer by so many bytes, or shorter.
pub(super) fn shift(transaction: &Transaction<'_>, row: i64, behind: i64, by: i64) -> rusqlite::Result<()> {
    // Away from each other and back, so that no two are at the same place meanwhile.
    transaction
        .prepare_cached("UPDATE parts SET at = -(at + ?3) - 1 WHERE row = ?1 AND at > ?2")?
        .execute(params![row, behind, by])?;
    transaction.prepare_cached("UPDATE parts SET at = -(at + 1) WHERE row = ? AND at < 0")?.execute([row]).map(drop)
}
