//! What is taken out of events before they are stored, by the rules of the library: names of secrets, shapes of secrets, who somebody is.
//!
//! Our reporter takes all of that out before anything leaves its process. What comes from elsewhere was never looked at, so it is looked at
//! here, on the runtime's threads, before the writer sees it.
//!
//! # Invariants
//!
//! - An event in which nothing is found is stored byte for byte as it came.
//! - What was taken out is on no disk and in no line of a log; only how often which rule took something is counted.
//! - Fields of the protocol itself (`event_id`, `timestamp`, the id of a session) stay: they are what events are known by.
//! - A user's id is stored only where that user has opted in, here or at the client ([`SESSION_USER`], which says it for no other reason).
//!   Otherwise the user's bucket is.

mod seen;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use lastword::event::names::SESSION_USER;
use lastword::event::{Screen, Shown};
use lastword::privacy::{Privacy, Redactor, user_bucket};

use crate::ingest::{Detail, Event, Exception, Intake};
use crate::json::Cursor;
use crate::limits::NAME_BYTES_MAX;
use seen::Seen;

/// Fields of an event that are the protocol's and not the program's.
const OWN: [&str; 5] = ["event", "event_id", "event_session_index", "severity", "timestamp"];
/// Names of objects that say who a user is: `id` and `name` in them are the user's.
const USER_OBJECTS: [&str; 4] = ["user", "usr", "$set", "$set_once"];
/// Names of a person's name in such an object.
const NAMES: [&str; 2] = ["name", "full_name"];
/// Rules that are counted by name. Marks that a client writes itself are no rules, and could be without end.
const RULES_COUNTED_MAX: usize = 64;
/// The longest name that is looked at as a word only.
const WORD_BYTES_MAX: usize = 40;
/// What stands for a value whose name says that it is a secret.
const HIDDEN: &str = "\"[redacted]\"";
/// Names of fields that hold who somebody is, as the protocols have them: in small letters, and letters only.
const USERS: [&str; 6] = ["userid", "enduserid", "distinctid", "anondistinctid", "usrid", "langfuseuserid"];
/// Names of fields that hold a person's name or address, as the protocols have them: no id, so nobody can have opted in by it.
const PERSONS: [&str; 13] = [
    "remote_addr",
    "username",
    "ip_address",
    "email",
    "user.name",
    "user.username",
    "user.full_name",
    "user.email",
    "user.ip_address",
    "usr.name",
    "usr.email",
    "client.address",
    "$ip",
];
/// The field that says which bucket a user is in.
const BUCKET: &str = "user_bucket";

/// Who may be stored by name.
pub(crate) type OptedIn = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What was found harmless in a request.
struct Harmless {
    /// Names of fields that are harmless wherever they are, but for the object of a user.
    names: Seen,
    texts: Seen,
}

/// Takes out of events what must not be stored.
pub(crate) struct Redaction {
    redactor: Option<Redactor>,
    opted_in: OptedIn,
    /// Whether a client is believed that says by `session.user` that its user has agreed.
    client_opt_in: bool,
    /// How often each rule took something.
    counts: Mutex<BTreeMap<String, u64>>,
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redaction").field("redactor", &self.redactor).finish_non_exhaustive()
    }
}

impl Redaction {
    /// Applies these settings. Long texts are not cut: that is the clients' affair.
    pub(crate) fn new(privacy: Privacy, opted_in: OptedIn) -> Self {
        Self { redactor: privacy.uncut().redactor(), opted_in, client_opt_in: true, counts: Mutex::default() }
    }

    /// Sets whether a client is believed that says by [`SESSION_USER`] that its user has agreed, for that event. It is.
    pub(crate) fn client_opt_in(self, is_believed: bool) -> Self {
        Self { client_opt_in: is_believed, ..self }
    }

    /// Returns how often each rule took something out.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes out of a request's events what must not be stored.
    pub(crate) fn apply(&self, intake: &mut Intake) {
        let Some(redactor) = &self.redactor else { return };
        let mut harmless = Harmless { names: Seen::new(), texts: Seen::new() };
        for envelope in &mut intake.envelopes {
            let told = [&mut envelope.platform, &mut envelope.sdk_version, &mut envelope.process_uuid];
            for text in told.into_iter().flatten() {
                *text = redactor.redact(text).into_owned();
            }
            for event in &mut envelope.events {
                let Some(text) = self.event(redactor, &mut harmless, &envelope.body[event.range.clone()], event) else {
                    continue;
                };
                // What was there before is passed over when the events are written.
                event.range = envelope.body.len()..envelope.body.len() + text.len();
                envelope.body.push_str(&text);
                if let Some(name) = &mut event.name {
                    let left = redactor.redact(name);
                    *name = left[..left.floor_char_boundary(NAME_BYTES_MAX)].into();
                }
                if let Some(Detail::Exception(exception)) = event.detail.as_deref_mut() {
                    let (kind, message) = (redactor.redact(&exception.error_type), redactor.redact(&exception.message));
                    *exception = Exception::of(&kind, &message);
                }
            }
        }
    }

    /// Returns an event's text without what must not be stored; `None` if there is nothing.
    fn event(&self, redactor: &Redactor, harmless: &mut Harmless, json: &str, event: &Event) -> Option<String> {
        let says_user = self.client_opt_in && event.name.as_deref() == Some(SESSION_USER);
        let mut out = Out { json, text: String::new(), at: 0 };
        let mut cursor = Cursor::new(json);
        // Which of the names that the cursor stands under are of objects that say who a user is: a bit for the depth of each.
        let mut users = 0_u128;
        while let Some(text) = cursor.next_text() {
            // What no `str` holds is looked at as it is written.
            let said = cursor.said(&text).unwrap_or_else(|| cursor.raw(&text).into());
            if !text.is_name {
                if !harmless.texts.has(&said) && !self.replace(&mut out, &text.range, &said, redactor) {
                    harmless.texts.add(&said);
                }
                continue;
            }
            if users != 0 {
                users &= bit(text.depth).wrapping_sub(1);
            }
            if text.depth == 1 && OWN.contains(&&*said) && !matches!(cursor.value_begins_with(), Some(b'{' | b'[')) {
                cursor.pass_value();
                continue;
            }
            let of_user = users != 0 && users & bit(cursor.owner_depth(&text)) != 0;
            if !of_user && harmless.names.has(&said) {
                continue;
            }
            let (is_user_object, is_user) = (USER_OBJECTS.contains(&&*said), is_user(&said));
            if is_user_object {
                users |= bit(text.depth);
            }
            if !says_user && (is_user || of_user && said == "id") {
                self.user(&mut out, &text.range, &mut cursor);
                continue;
            }
            // Its name is looked at too: who makes a field for each user has them as names.
            let is_replaced = !is_word(&said) && self.replace(&mut out, &text.range, &said, redactor);
            if redactor.hides(&said) || is_person(&said) || of_user && NAMES.contains(&&*said) {
                let value = cursor.pass_value();
                if !matches!(&json[value.clone()], HIDDEN | "null") {
                    out.put(value, HIDDEN);
                    self.count("name", 1);
                }
            } else if !(is_replaced || is_user_object || is_user) {
                harmless.names.add(&said);
            }
        }
        out.finish()
    }

    /// Writes a text without what is found in it; returns whether there is anything.
    fn replace(&self, out: &mut Out<'_>, range: &Range<usize>, said: &str, redactor: &Redactor) -> bool {
        let left = match redactor.text(b"", said) {
            Ok(Shown::AsItIs) => return false,
            Ok(Shown::Instead(left)) => left,
            Ok(Shown::Nothing) | Err(_) => "[redacted]".to_owned(),
        };
        self.count_marks(said, &left);
        let quoted = serde_json::Value::from(left).to_string();
        out.put(range.clone(), &quoted[1..quoted.len() - 1]);
        true
    }

    /// Writes a user's bucket in place of the id that follows.
    fn user(&self, out: &mut Out<'_>, name: &Range<usize>, cursor: &mut Cursor<'_>) {
        let value = cursor.pass_value();
        let json = out.json;
        let id = match serde_json::from_str(&json[value.clone()]) {
            Ok(serde_json::Value::String(id)) => id,
            Ok(serde_json::Value::Number(id)) => id.to_string(),
            Ok(serde_json::Value::Null | serde_json::Value::Bool(_)) => return,
            // No id, but whatever is in it says who somebody is.
            _ => {
                self.count("name", 1);
                return out.put(value, HIDDEN);
            }
        };
        if id.is_empty() || (self.opted_in)(&id) {
            return;
        }
        self.count("user_id", 1);
        if json.contains(BUCKET) || out.text.contains(BUCKET) {
            return out.put(value, "null");
        }
        out.put(name.clone(), BUCKET);
        out.put(value, &user_bucket(&id).to_string());
    }

    fn count_marks(&self, before: &str, after: &str) {
        let mut rules = BTreeMap::<&str, u64>::new();
        marks(after).for_each(|rule| *rules.entry(rule).or_default() += 1);
        for rule in marks(before) {
            rules.entry(rule).and_modify(|count| *count = count.saturating_sub(1));
        }
        if rules.values().all(|count| *count == 0) {
            // A home is left as what everybody names it by.
            rules.insert("home", 1);
        }
        rules.into_iter().for_each(|(rule, count)| self.count(rule, count));
    }

    fn count(&self, rule: &str, count: u64) {
        if count == 0 {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !counts.contains_key(rule);
        let rule = if is_new && (counts.len() >= RULES_COUNTED_MAX || !is_word(rule)) { "other" } else { rule };
        match counts.get_mut(rule) {
            Some(known) => *known += count,
            None => drop(counts.insert(rule.to_owned(), count)),
        }
    }
}

/// The bit of a depth; none for one that no event has.
fn bit(depth: usize) -> u128 {
    u32::try_from(depth).ok().and_then(|depth| 1_u128.checked_shl(depth)).unwrap_or(0)
}

/// Whether a name is one that programs use, and nothing that anybody is known by: nearly all names are.
fn is_word(name: &str) -> bool {
    name.len() <= WORD_BYTES_MAX && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'.'))
}

/// Whether a field of this name holds who somebody is, however the name is written.
fn is_user(name: &str) -> bool {
    // Nearly all names are told by their end.
    let ends = name.len() <= WORD_BYTES_MAX
        && name.as_bytes().last_chunk().is_some_and(|end: &[u8; 2]| end.eq_ignore_ascii_case(b"id"));
    let letters = name.chars().filter(char::is_ascii_alphabetic).map(|char| char.to_ascii_lowercase());
    ends && USERS.iter().any(|known| letters.clone().eq(known.chars()))
}

/// Whether a field of this name holds a person's name or address.
fn is_person(name: &str) -> bool {
    PERSONS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The rules whose marks stand in a text.
fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.split("[redacted:").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0))
}

/// What is left of a text, which is copied only from the first thing that is taken out.
struct Out<'j> {
    json: &'j str,
    text: String,
    /// Up to where the text was copied.
    at: usize,
}

impl Out<'_> {
    fn put(&mut self, range: Range<usize>, text: &str) {
        if self.text.is_empty() {
            self.text.reserve(self.json.len() + 64);
        }
        let _ = write!(self.text, "{}{text}", &self.json[self.at..range.start]);
        self.at = range.end;
    }

    fn finish(mut self) -> Option<String> {
        if self.at == 0 {
            return None;
        }
        self.text.push_str(&self.json[self.at..]);
        Some(self.text)
    }
}

#[cfg(test)]
mod tests;
