//! The audit trail: what those who look after the collector did, who, when, and by which request.
//!
//! Entries are only added; the database itself refuses to change one. They go when they are older than their own retention says, and
//! what a person says of an entry is bounded and has no control characters. Users are named by the SHA-256 of their ids: whoever was
//! forgotten is not to be found here, and who knows an id can still see that it was.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::clock;
use crate::limits::{AUDIT_DESCRIPTION_CHARS_MAX, AUDIT_METADATA_CHARS_MAX};

/// All that entries of the audit trail are about.
pub const ACTIONS: [&str; 14] = [
    "session.delete",
    "user.delete",
    "user.forget",
    "user.opt_in",
    "exception.resolve",
    "exception.reopen",
    "key.added",
    "key.rotated",
    "key.changed",
    "key.removed",
    "setting.changed",
    "config.reload",
    "store.vacuum",
    "store.restore",
];

/// Who does something where no key is asked for.
pub(crate) const ANYONE: &str = "anyone";

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// `key:NAME`, `cli:USER`, `collector` for what it finds changed, `anyone` where no key is asked for.
    pub(crate) actor: String,
    /// From where, as far as it is known.
    pub(crate) address: Option<String>,
    /// The request by which it was asked.
    pub(crate) request_id: Option<String>,
}

impl Who {
    /// Somebody who asks by no request.
    pub(crate) fn local(actor: &str) -> Self {
        Self { actor: actor.to_owned(), address: None, request_id: None }
    }
}

/// Something that is in force and may be changed where the collector does not see it: a setting, a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) what: What,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A setting, with its value.
    Setting,
    /// A key, with its scopes and a part of its hash.
    Key,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::Key => "key",
        }
    }
}

/// Names a user by the SHA-256 of the id.
pub(crate) fn user(id: &str) -> Value {
    let hex = Sha256::digest(id).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    json!({ "user_sha256": hex })
}

/// Adds an entry.
pub(crate) fn add(
    connection: &Connection,
    who: &Who,
    action: &str,
    description: &str,
    metadata: &Value,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO audit (time_us, actor, address, action, description, metadata, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            clock::now_us(),
            cut(&who.actor),
            who.address,
            action,
            cut(description),
            bounded(metadata),
            who.request_id
        ])
        .map(drop)
}

/// Adds an entry together with what it is about: both are there, or none. There is none of what changes nothing.
pub(crate) fn with<T>(
    connection: &mut Connection,
    (who, action, description, metadata): (&Who, &str, &str, &Value),
    change: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Option<T>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(changed) = change(&transaction)? else { return Ok(None) };
    add(&transaction, who, action, description, metadata)?;
    transaction.commit()?;
    Ok(Some(changed))
}

/// Compares what is in force with what was known before, adds an entry for each difference, and knows it from then on. Keys are all
/// that there are, settings may be some of them.
pub(crate) fn observe(connection: &mut Connection, kind: What, in_force: &[InForce]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let who = Who::local("collector");
    let mut known = known(&transaction, kind)?;
    // A setting that was never seen is no change: the store is new, or the setting is.
    for InForce { name, value, .. } in in_force.iter().filter(|one| one.what == kind) {
        let before = known.iter().position(|(known, _)| known == name).map(|place| known.swap_remove(place).1);
        if before.as_ref() == Some(value) {
            continue;
        }
        transaction
            .prepare_cached("INSERT INTO audit_known (what, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")?
            .execute(params![kind.as_str(), name, value])?;
        match (kind, before) {
            (What::Setting, None) => {}
            (What::Setting, Some(before)) => {
                let metadata = json!({ "setting": name, "from": before, "to": value });
                add(&transaction, &who, "setting.changed", &format!("{name} was {before} and is {value}"), &metadata)?;
            }
            (What::Key, before) => key(&transaction, &who, name, before.as_deref(), value)?,
        }
    }
    if kind == What::Key {
        for (name, _) in known {
            transaction.execute("DELETE FROM audit_known WHERE what = 'key' AND name = ?", [&name])?;
            add(
                &transaction,
                &who,
                "key.removed",
                &format!("the key {name} is no longer known"),
                &json!({ "key": name }),
            )?;
        }
    }
    transaction.commit()
}

/// Notes that somebody had the configuration read again, and what of it is another now.
pub(crate) fn reload(connection: &mut Connection, settings: &[InForce]) -> rusqlite::Result<()> {
    let told = "the configuration was read again";
    add(connection, &Who::local("collector"), "config.reload", told, &json!({}))?;
    observe(connection, What::Setting, settings)
}

/// Returns what is known to be in force, by name.
pub(crate) fn known(connection: &Connection, kind: What) -> rusqlite::Result<Vec<(String, String)>> {
    let mut find = connection.prepare_cached("SELECT name, value FROM audit_known WHERE what = ? ORDER BY name")?;
    find.query_map([kind.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Notes that a key is new, or another one under the same name.
fn key(
    transaction: &Transaction<'_>,
    who: &Who,
    name: &str,
    before: Option<&str>,
    value: &str,
) -> rusqlite::Result<()> {
    let parts = |value: &str| value.rsplit_once(' ').map(|(scopes, hash)| (scopes.to_owned(), hash.to_owned()));
    let (scopes, hash) = parts(value).unwrap_or_default();
    let Some((scopes_before, hash_before)) = before.and_then(parts) else {
        let told = format!("the key {name} is known, for {scopes}");
        return add(transaction, who, "key.added", &told, &json!({ "key": name, "scopes": scopes }));
    };
    let is_rotated = hash != hash_before;
    let action = if is_rotated { "key.rotated" } else { "key.changed" };
    let told = if is_rotated { format!("{name} is another key") } else { format!("the key {name} is for {scopes}") };
    let metadata = json!({ "key": name, "scopes": scopes, "scopes_before": scopes_before });
    add(transaction, who, action, &told, &metadata)
}

/// Removes entries from before a moment.
pub(crate) fn remove_before(connection: &Connection, before_us: i64) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM audit WHERE time_us < ?")?.execute([before_us])
}

/// Cuts what is too long, and takes out what acts on terminals.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(AUDIT_DESCRIPTION_CHARS_MAX).collect()
}

/// Writes metadata, or in place of too many of them how many they were.
fn bounded(metadata: &Value) -> String {
    let json = metadata.to_string();
    match json.chars().count() {
        chars if chars > AUDIT_METADATA_CHARS_MAX => json!({ "truncated": true, "chars": chars }).to_string(),
        _ => json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        add(&connection, &who, "x", &"é".repeat(1_000), &long).unwrap();
        let fits = json!({ "a": "é".repeat(AUDIT_METADATA_CHARS_MAX - 8) });
        add(&connection, &who, "x", "a\nb", &fits).unwrap();
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
        add(&connection, &Who::local("a"), "x", "d", &json!({})).unwrap();
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
