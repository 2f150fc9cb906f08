//! What the audit trail says: who did what, in which words, and what of settings and keys is another than was known. No store is in it.
//!
//! What a person says of an entry is bounded and has no control characters. Users are named by the SHA-256 of their ids: whoever was
//! forgotten is not to be found here, and who knows an id can still see that it was.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::beside::Noted;
use super::erase::Target;
use crate::limits::{AUDIT_DESCRIPTION_CHARS_MAX, AUDIT_METADATA_CHARS_MAX};

/// All that entries of the audit trail are about.
pub const ACTIONS: [&str; 15] = [
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
    "store.copy",
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
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::Key => "key",
        }
    }
}

/// An entry that is to be added.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(super) who: Who,
    pub(super) action: String,
    pub(super) description: String,
    pub(super) metadata: String,
}

impl Entry {
    /// Says what somebody did, cut to what is kept of it.
    pub(crate) fn new(who: &Who, action: &str, description: &str, metadata: &Value) -> Self {
        let who = Who { actor: cut(&who.actor), ..who.clone() };
        Self { who, action: action.to_owned(), description: cut(description), metadata: bounded(metadata) }
    }

    /// A user has opted in.
    pub(crate) fn opt_in(who: &Who, user_id: &str) -> Self {
        Self::new(who, "user.opt_in", "a user has opted in", &user(user_id))
    }

    /// A group of exceptions is dealt with, or is not.
    pub(crate) fn resolve(who: &Who, fingerprint: &str, resolved: bool) -> Self {
        let (action, told) =
            if resolved { ("exception.resolve", "resolved") } else { ("exception.reopen", "not resolved") };
        let told = format!("the exceptions with the fingerprint {fingerprint} are {told}");
        Self::new(who, action, &told, &json!({ "fingerprint": fingerprint }))
    }

    /// Somebody has something removed. What goes for its age is nobody's doing.
    pub(crate) fn removal(who: &Who, target: &Target) -> Option<Self> {
        let (action, told, metadata) = match target {
            Target::Session(session) => {
                ("session.delete", format!("the session {session} is removed"), json!({ "session_id": session }))
            }
            Target::User(id) => ("user.delete", "all events that name a user are removed".to_owned(), user(id)),
            Target::UserId(id) => ("user.forget", "the id of a user is taken out of all events".to_owned(), user(id)),
            Target::Older(_) | Target::Oldest(_) => return None,
        };
        Some(Self::new(who, action, &told, &metadata))
    }

    /// A store was copied: all that another one has is in this one.
    pub(crate) fn copy(who: &Who, from: &str, events: u64) -> Self {
        let told = format!("what is in {from} is copied: {events} events");
        Self::new(who, "store.copy", &told, &json!({ "from": from, "events": events }))
    }

    /// Returns it as it stands in a trail, with a number and a moment of its own.
    pub(crate) fn noted(self, number: i64, time_us: i64) -> Noted {
        let Self { who: Who { actor, address, request_id }, action, description, metadata } = self;
        Noted { number, time_us, actor, address, action, description, metadata, request_id }
    }

    /// The configuration was read again.
    pub(super) fn reload() -> Self {
        Self::new(&collector(), "config.reload", "the configuration was read again", &json!({}))
    }
}

/// What of settings or keys is another than was known.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) name: String,
    /// What is in force now; `None` where there is nothing any more.
    pub(super) value: Option<String>,
    /// What is told of it. A setting that was never seen is no change: the store is new, or the setting is.
    pub(super) entry: Option<Entry>,
}

/// Compares what is in force with what was known before. Keys are all that there are, settings may be some of them.
pub(super) fn changes(kind: What, mut known: Vec<(String, String)>, in_force: &[InForce]) -> Vec<Change> {
    let mut changes = Vec::new();
    for InForce { name, value, .. } in in_force.iter().filter(|one| one.what == kind) {
        let before = known.iter().position(|(known, _)| known == name).map(|place| known.swap_remove(place).1);
        if before.as_ref() == Some(value) {
            continue;
        }
        let entry = match (kind, before) {
            (What::Setting, None) => None,
            (What::Setting, Some(before)) => {
                let metadata = json!({ "setting": name, "from": before, "to": value });
                let told = format!("{name} was {before} and is {value}");
                Some(Entry::new(&collector(), "setting.changed", &told, &metadata))
            }
            (What::Key, before) => Some(key(name, before.as_deref(), value)),
        };
        changes.push(Change { name: name.clone(), value: Some(value.clone()), entry });
    }
    if kind == What::Key {
        changes.extend(known.into_iter().map(|(name, _)| {
            let told = format!("the key {name} is no longer known");
            let entry = Entry::new(&collector(), "key.removed", &told, &json!({ "key": name }));
            Change { name, value: None, entry: Some(entry) }
        }));
    }
    changes
}

/// A key is new, or another one under the same name.
fn key(name: &str, before: Option<&str>, value: &str) -> Entry {
    let parts = |value: &str| value.rsplit_once(' ').map(|(scopes, hash)| (scopes.to_owned(), hash.to_owned()));
    let (scopes, hash) = parts(value).unwrap_or_default();
    let Some((scopes_before, hash_before)) = before.and_then(parts) else {
        let told = format!("the key {name} is known, for {scopes}");
        return Entry::new(&collector(), "key.added", &told, &json!({ "key": name, "scopes": scopes }));
    };
    let is_rotated = hash != hash_before;
    let action = if is_rotated { "key.rotated" } else { "key.changed" };
    let told = if is_rotated { format!("{name} is another key") } else { format!("the key {name} is for {scopes}") };
    let metadata = json!({ "key": name, "scopes": scopes, "scopes_before": scopes_before });
    Entry::new(&collector(), action, &told, &metadata)
}

/// Who tells what nobody did by a request.
fn collector() -> Who {
    Who::local("collector")
}

/// Names a user by the SHA-256 of the id.
fn user(id: &str) -> Value {
    let hex = Sha256::digest(id).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    json!({ "user_sha256": hex })
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
