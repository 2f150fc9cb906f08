//! Large values, each stored once, and the events that they are a part of.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::index::{Part, put_back};
use crate::ingest::id_of;

/// Stores the values that were taken out of an event.
pub(super) fn add(transaction: &Transaction<'_>, row: i64, parts: &[Part]) -> rusqlite::Result<()> {
    for part in parts {
        let blob = blob(transaction, &part.text)?;
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

/// Returns an event byte for byte as it came.
///
/// # Errors
///
/// SQLite can't read, or what was taken out of the event does not fit it any more.
pub(crate) fn whole(connection: &Connection, row: i64, stored: String) -> rusqlite::Result<String> {
    let mut find = connection.prepare_cached(
        "SELECT p.at, b.text FROM parts p JOIN blobs b ON b.id = p.blob WHERE p.row = ? ORDER BY p.at",
    )?;
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
        transaction
            .prepare_cached("DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM parts WHERE blob = ?1)")?
            .execute([blob])?;
    }
    Ok(())
}

/// Moves the parts of an event behind a place of it, which has become longer by so many bytes, or shorter.
pub(super) fn shift(transaction: &Transaction<'_>, row: i64, behind: i64, by: i64) -> rusqlite::Result<()> {
    // Away from each other and back, so that no two are at the same place meanwhile.
    transaction
        .prepare_cached("UPDATE parts SET at = -(at + ?3) - 1 WHERE row = ?1 AND at > ?2")?
        .execute(params![row, behind, by])?;
    transaction.prepare_cached("UPDATE parts SET at = -(at + 1) WHERE row = ? AND at < 0")?.execute([row]).map(drop)
}
