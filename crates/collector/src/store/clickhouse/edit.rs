//! What is no event: who has opted in, which exceptions are dealt with, what is kept by a key, and the audit trail.
//!
//! There are no transactions: the trail is written before what it speaks of, so that nothing is ever changed that it does not tell. Of what is
//! said more than once the latest counts. "Latest" is by a number that is beyond the one that is there, also where a clock was set back.

use std::collections::HashSet;

use uuid::Uuid;

use super::groups::{USERS, write_user};
use super::shapes::insert;
use crate::clickhouse::{Client, Error, RowBinary, Sql};
use crate::clock;
use crate::store::Consents;
use crate::store::trail::{Entry, What};

/// Columns of what users have said.
pub(super) const OPT_INS: [&str; 3] = ["user", "changed_us", "opted_in"];
/// Columns of what is said of groups of exceptions.
pub(super) const MARKS: [&str; 4] = ["fingerprint", "changed_us", "resolved_us", "resolved_row"];
/// Columns of the audit trail.
pub(super) const AUDIT: [&str; 8] =
    ["time_us", "row", "actor", "address", "action", "description", "metadata", "request_id"];
/// By which key the name of the store is kept.
const NAME: &str = "store";

/// Returns a version that is later than the one that a key has in a table.
fn later(client: &Client, table: &str, column: &str, key: &str) -> Result<i64, Error> {
    let mut sql = Sql::new(&format!("SELECT max(changed_us) FROM {table} WHERE {column} = "));
    let known: Option<(i64,)> = client.row(sql.text(key))?;
    Ok(clock::now_us().max(known.map_or(0, |(known,)| known).saturating_add(1)))
}

/// Reads all who have opted in.
///
/// # Errors
///
/// The server can't be asked.
pub(super) fn opted_in(client: &Client) -> Result<HashSet<String>, Error> {
    let users: Vec<(String,)> = client.rows(&Sql::new("SELECT user FROM opt_ins FINAL WHERE opted_in = 1"))?;
    Ok(users.into_iter().map(|(user,)| user).collect())
}

/// Reads again who has opted in: other processes change it.
///
/// # Errors
///
/// The server can't be asked. Those are known then who were known before.
pub(crate) fn read_consents(client: &Client, consents: &Consents) -> Result<(), Error> {
    consents.replace(opted_in(client)?);
    Ok(())
}

/// Stores that a user has opted in. The user is known from then on, with or without an event.
pub(super) fn opt_in(client: &Client, user: &str, row: u64) -> Result<(), Error> {
    let changed_us = later(client, "opt_ins", "user", user)?;
    let mut rows = RowBinary::new();
    write_user(&mut rows, user, row, i64::MAX, i64::MIN);
    insert(client, "users", &USERS, &rows)?;
    let mut rows = RowBinary::new();
    rows.text(user).i64(changed_us).u8(1).end_row();
    insert(client, "opt_ins", &OPT_INS, &rows)
}

/// Returns whether there is a group of exceptions.
pub(super) fn has_group(client: &Client, fingerprint: &str) -> Result<bool, Error> {
    let mut sql = Sql::new("SELECT 1 FROM occurrences WHERE fingerprint = ");
    let found: Option<(u8,)> = client.row(sql.text(fingerprint).add(" LIMIT 1"))?;
    Ok(found.is_some())
}

/// Says of a group of exceptions that it is dealt with, or is not. What gets a later row than this has come back.
pub(super) fn mark(client: &Client, fingerprint: &str, resolved: bool, row: u64) -> Result<(), Error> {
    let changed_us = later(client, "marks", "fingerprint", fingerprint)?;
    let (resolved_us, row) = if resolved { (clock::now_us(), row) } else { (0, 0) };
    let mut rows = RowBinary::new();
    rows.text(fingerprint).i64(changed_us).i64(resolved_us).u64(row).end_row();
    insert(client, "marks", &MARKS, &rows)
}

/// Adds an entry to the audit trail.
pub(super) fn note(client: &Client, entry: &Entry, row: u64) -> Result<(), Error> {
    let Entry { who, action, description, metadata } = entry;
    let mut rows = RowBinary::new();
    rows.i64(clock::now_us()).u64(row).text(&who.actor).text(who.address.as_deref().unwrap_or_default());
    rows.text(action).text(description).text(metadata).text(who.request_id.as_deref().unwrap_or_default()).end_row();
    insert(client, "audit", &AUDIT, &rows)
}

/// Removes entries of the audit trail from before a moment.
pub(super) fn forget_audit(client: &Client, before_us: i64) -> Result<(), Error> {
    let mut sql = Sql::new("SELECT 1 FROM audit WHERE time_us < ");
    // Asked first: to remove nothing costs as much as to remove something, and it is asked for each minute.
    let found: Option<(u8,)> = client.row(sql.number(before_us).add(" LIMIT 1"))?;
    if found.is_none() {
        return Ok(());
    }
    let mut sql = Sql::new(&format!("DELETE FROM {} WHERE time_us < ", client.changed("audit")));
    client.run(sql.number(before_us))
}

/// Returns what is known to be in force of a process, by name.
pub(super) fn known(client: &Client, whose: &str, kind: What) -> Result<Vec<(String, String)>, Error> {
    let prefix = prefix(whose, kind);
    let mut sql = Sql::new("SELECT key, value FROM kept FINAL WHERE startsWith(key, ");
    let known: Vec<(String, String)> = client.rows(sql.text(&prefix).add(") ORDER BY key"))?;
    let named = |(key, value): (String, String)| Some((key.strip_prefix(&prefix)?.to_owned(), value));
    Ok(known.into_iter().filter_map(named).collect())
}

/// Knows from now on that this is in force of a process, or is no more.
pub(super) fn know(client: &Client, whose: &str, kind: What, name: &str, value: Option<&str>) -> Result<(), Error> {
    let key = format!("{}{name}", prefix(whose, kind));
    match value {
        Some(value) => keep(client, &key, value),
        None => {
            let mut sql = Sql::new(&format!("DELETE FROM {} WHERE key = ", client.changed("kept")));
            client.run(sql.text(&key))
        }
    }
}

/// How keys begin of what is known to be in force. Each process has its own: another role, another directory are no change of anything.
fn prefix(whose: &str, kind: What) -> String {
    format!("{}/{whose}/", kind.as_str())
}

/// Returns what is kept by a key.
pub(super) fn kept(client: &Client, key: &str) -> Result<Option<String>, Error> {
    let mut sql = Sql::new("SELECT value FROM kept FINAL WHERE key = ");
    Ok(client.row::<(String,)>(sql.text(key))?.map(|(value,)| value))
}

/// Keeps a value by a key.
pub(super) fn keep(client: &Client, key: &str, value: &str) -> Result<(), Error> {
    keep_as(client, key, value, later(client, "kept", "key", key)?)
}

fn keep_as(client: &Client, key: &str, value: &str, changed_us: i64) -> Result<(), Error> {
    let mut rows = RowBinary::new();
    rows.text(key).i64(changed_us).text(value).end_row();
    insert(client, "kept", &["key", "changed_us", "value"], &rows)
}

/// Returns the name of the store, which it gets here if it has none.
pub(super) fn name(client: &Client) -> Result<String, Error> {
    if let Some(known) = known_name(client)? {
        return Ok(known);
    }
    let (drawn, _) = Uuid::new_v4().as_u64_pair();
    // Of two processes that give it a name at once the first one does: its version is the larger one.
    keep_as(client, NAME, &format!("{drawn:016x}"), i64::MAX - clock::now_us())?;
    Ok(known_name(client)?.unwrap_or_default())
}

/// Returns the name of the store if it has one, for who only reads it.
pub(crate) fn known_name(client: &Client) -> Result<Option<String>, Error> {
    Ok(kept(client, NAME)?.map(|name| format!("store {name}")))
}
