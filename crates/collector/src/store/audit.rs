//! The audit trail in the database: what those who look after the collector did, who, when, and by which request.
//!
//! Entries are only added; the database itself refuses to change one. They go when they are older than their own retention says. What they
//! say stands in [`trail`](super::trail).

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::trail::{Change, Entry, InForce, What, changes};
use crate::clock;

/// Adds an entry.
pub(crate) fn add(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { who, action, description, metadata } = entry;
    connection
        .prepare_cached(
            "INSERT INTO audit (time_us, actor, address, action, description, metadata, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![clock::now_us(), who.actor, who.address, action, description, metadata, who.request_id])
        .map(drop)
}

/// Adds an entry together with what it is about: both are there, or none. There is none of what changes nothing.
pub(crate) fn with<T>(
    connection: &mut Connection,
    entry: &Entry,
    change: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Option<T>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(changed) = change(&transaction)? else { return Ok(None) };
    add(&transaction, entry)?;
    transaction.commit()?;
    Ok(Some(changed))
}

/// Compares what is in force with what was known before, adds an entry for each difference, and knows it from then on. Keys are all
/// that there are, settings may be some of them.
pub(crate) fn observe(connection: &mut Connection, kind: What, in_force: &[InForce]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in changes(kind, known(&transaction, kind)?, in_force) {
        note(&transaction, kind, &change)?;
    }
    transaction.commit()
}

fn note(transaction: &Transaction<'_>, kind: What, change: &Change) -> rusqlite::Result<()> {
    let Change { name, value, entry } = change;
    match value {
        Some(value) => transaction
            .prepare_cached("INSERT INTO audit_known (what, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")?
            .execute(params![kind.as_str(), name, value])?,
        None => transaction.execute("DELETE FROM audit_known WHERE what = ? AND name = ?", [kind.as_str(), name])?,
    };
    entry.as_ref().map_or(Ok(()), |entry| add(transaction, entry))
}

/// Notes that somebody had the configuration read again, and what of it is another now.
pub(crate) fn reload(connection: &mut Connection, settings: &[InForce]) -> rusqlite::Result<()> {
    add(connection, &Entry::reload())?;
    observe(connection, What::Setting, settings)
}

/// Returns what is known to be in force, by name.
pub(crate) fn known(connection: &Connection, kind: What) -> rusqlite::Result<Vec<(String, String)>> {
    let mut find = connection.prepare_cached("SELECT name, value FROM audit_known WHERE what = ? ORDER BY name")?;
    find.query_map([kind.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Removes entries from before a moment.
pub(crate) fn remove_before(connection: &Connection, before_us: i64) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM audit WHERE time_us < ?")?.execute([before_us])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::AUDIT_METADATA_CHARS_MAX;
    use crate::store::trail::{ACTIONS, Who};

    fn store() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::store::migrate(&mut connection, 0).unwrap();
        connection
    }

    fn told(connection: &Connection) -> Vec<(String, String, String)> {
        let mut find = connection.prepare("SELECT action, description, metadata FROM audit ORDER BY id").unwrap();
        find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn long_metadata_are_replaced_by_a_marker_and_a_long_description_is_cut() {
        let connection = store();
        let who = Who::local("cli:ada\u{1b}[31m");
        let long = json!({ "a": "é".repeat(AUDIT_METADATA_CHARS_MAX) });
        add(&connection, &Entry::new(&who, "x", &"é".repeat(1_000), &long)).unwrap();
        let fits = json!({ "a": "é".repeat(AUDIT_METADATA_CHARS_MAX - 8) });
        add(&connection, &Entry::new(&who, "x", "a\nb", &fits)).unwrap();
        let told = told(&connection);
        assert_eq!(told[0].1.chars().count(), 512);
        assert_eq!(told[0].2, r#"{"chars":4008,"truncated":true}"#);
        assert_eq!((told[1].1.as_str(), &told[1].2), ("ab", &fits.to_string()));
        let actor: String = connection.query_row("SELECT actor FROM audit", [], |row| row.get(0)).unwrap();
        assert_eq!(actor, "cli:ada[31m");
    }

    #[test]
    fn an_entry_is_never_changed_and_goes_by_its_age_alone() {
        let connection = store();
        add(&connection, &Entry::new(&Who::local("a"), "x", "d", &json!({}))).unwrap();
        let changed = connection.execute("UPDATE audit SET actor = 'b'", []).unwrap_err().to_string();
        assert!(changed.contains("an entry of the audit trail is never changed"), "{changed}");
        assert_eq!(remove_before(&connection, clock::now_us() - 60_000_000).unwrap(), 0);
        assert_eq!(remove_before(&connection, clock::now_us() + 60_000_000).unwrap(), 1);
    }

    #[test]
    fn keys_and_settings_are_told_of_when_they_differ_from_what_was_known() {
        let mut connection = store();
        let one = |what, name: &str, value: &str| InForce { what, name: name.to_owned(), value: value.to_owned() };
        let setting = |value| [one(What::Setting, "retention.events_days", value)];
        for value in ["30", "30", "7"] {
            observe(&mut connection, What::Setting, &setting(value)).unwrap();
        }
        for keys in [
            vec![one(What::Key, "ci", "ingest 01"), one(What::Key, "ann", "read,admin 02")],
            vec![one(What::Key, "ci", "ingest 03"), one(What::Key, "ann", "read 02")],
            vec![one(What::Key, "ann", "read 02")],
        ] {
            observe(&mut connection, What::Key, &keys).unwrap();
        }
        let told = told(&connection);
        let actions: Vec<&str> = told.iter().map(|(action, ..)| action.as_str()).collect();
        let expected = ["setting.changed", "key.added", "key.added", "key.rotated", "key.changed", "key.removed"];
        assert_eq!(actions, expected);
        assert!(expected.iter().all(|action| ACTIONS.contains(action)), "each can be asked for by name");
        assert_eq!(told[0].1, "retention.events_days was 30 and is 7");
        assert_eq!(told[4].2, r#"{"key":"ann","scopes":"read","scopes_before":"read,admin"}"#);
    }
}
