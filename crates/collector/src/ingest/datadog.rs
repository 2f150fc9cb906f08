//! Logs as Datadog takes them: a list of entries, one entry, or one a line.
//!
//! An entry becomes `log`, or `error` where it tells of one; what our own reporter sent to Datadog comes back as it was, but that its data
//! are flat. Tags become an object. A message that is JSON stays a text, as it was sent: level, time and error are looked for in it where the
//! entry itself has none.

use std::collections::HashSet;

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde_json::{Map, Value};

use super::lines::{Failure, LOG, Seen};
use super::read::{self, Fields, first, text};
use super::{Draft, Drafts, Intake, Object, RESOURCE, Refused, SessionKey, Source, id_of, instance, quote, values};

/// Where our own reporter sends from, as Datadog asks for it.
const LASTWORD: &str = "lastword";
const SESSION: [&str; 3] = ["session_id", "session.id", "usr.session_id"];
const TIME: [&str; 6] = ["timestamp", "date", "@timestamp", "time", "_timestamp", "published_date"];
const LEVEL: [&str; 5] = ["status", "severity", "level", "syslog.severity", "levelname"];
const TAGS: &str = "ddtags";
/// What our sink says of who sends, alike in all entries.
const SENDER: [&str; 3] = ["service", "hostname", "userBucket"];
/// What our sink says of an event besides its data.
const ORIGIN: [&str; 13] = [
    "message",
    "ddsource",
    TAGS,
    "status",
    "timestamp",
    "event",
    "event_id",
    "event_session_index",
    "session_id",
    "platform",
    "process_uuid",
    "duration",
    "error.kind",
];

/// What the query says of all entries that don't say it themselves.
#[derive(Debug, Default)]
pub(crate) struct Alike(pub(crate) Vec<(String, String)>);

impl Alike {
    /// The names that a query may have.
    pub(crate) const NAMES: [&'static str; 5] = ["ddsource", TAGS, "service", "hostname", "host"];
}

/// Reads a body.
///
/// # Errors
///
/// It is no text, or a list that can't be read, or has too many entries.
pub(crate) fn decode(body: &[u8], alike: &Alike, now_us: i64) -> Result<Intake, Refused> {
    let mut desk = Desk { drafts: Drafts::new(now_us), seen: Seen::default(), resources: HashSet::new(), now_us };
    values::each(values::utf8(body)?, |place, entry| {
        match entry {
            Ok(Value::Object(entry)) => return desk.entry(place, entry, alike),
            Ok(other) => {
                let reason = format!("the entry is {}: it must be an object", quote(&other.to_string()));
                desk.drafts.refuse(place, None, reason);
            }
            Err(reason) => desk.drafts.refuse(place, None, format!("the entry can't be read: {reason}")),
        }
        Ok(())
    })?;
    Ok(desk.drafts.finish())
}

struct Desk {
    drafts: Drafts,
    seen: Seen,
    resources: HashSet<String>,
    now_us: i64,
}

impl Desk {
    fn entry(&mut self, place: usize, mut entry: Fields, alike: &Alike) -> Result<(), Refused> {
        for (name, value) in &alike.0 {
            match entry.get_mut(name).filter(|own| !own.is_null()) {
                // Tags of the query and of the entry are tags of the entry.
                Some(Value::String(own)) if name == TAGS => *own = format!("{own},{value}"),
                Some(_) => {}
                None => {
                    entry.insert(name.clone(), Value::from(value.clone()));
                }
            }
        }
        let kind = text(&entry, &["event"]).and_then(kind_of);
        match (kind, text(&entry, &["session_id"]), text(&entry, &["event_id"])) {
            (Some(kind), Some(session), Some(id)) if text(&entry, &["ddsource"]) == Some(LASTWORD) => {
                self.ours(place, &entry, kind, session, id)
            }
            _ => self.theirs(place, &entry),
        }
    }

    fn theirs(&mut self, place: usize, entry: &Fields) -> Result<(), Refused> {
        // A logger that writes JSON has its line as the message.
        let inner = text(entry, &["message"]).filter(|message| message.trim_start().starts_with('{'));
        let inner = inner.and_then(|message| serde_json::from_str::<Fields>(message).ok());
        let within =
            |names: &[&str]| first(entry, names).or_else(|| inner.as_ref().and_then(|inner| first(inner, names)));
        let time_us = within(&TIME).and_then(read::moment);
        let severity = within(&LEVEL).and_then(read::level).unwrap_or(Severity::Info);
        let failure = Failure::of(entry).or_else(|| inner.as_ref().and_then(Failure::of));
        let told = failure.as_ref().filter(|_| severity >= Severity::Error);
        let host = text(entry, &["hostname", "host"]);
        let instance = instance(text(entry, &["service"]).unwrap_or(LOG), host, None);
        let session_id = text(entry, &SESSION).unwrap_or(&instance);
        let id = self.seen.id(entry, time_us, self.now_us);
        let draft = Draft {
            error: told.map(|failure| (&*failure.kind, &*failure.message)),
            ..Draft::generic(
                if told.is_some() { names::ERROR } else { LOG },
                &id,
                severity,
                time_us.unwrap_or(self.now_us),
            )
        };
        let session = self.drafts.session(&Source { session_id, ..Source::default() });
        self.drafts.add(session, place, &draft, |data| {
            let mut written = vec![TAGS];
            data.text_if("message", text(entry, &["message"]));
            if let Some(failure) = &failure {
                failure.write(data, entry, &mut written);
            }
            write_tags(data, entry, "");
            read::rest(data, entry, &[&written[..], if data.has("message") { &["message"] } else { &[] }].concat());
        })
    }

    /// Adds an event that our own reporter sent to Datadog.
    fn ours(
        &mut self,
        place: usize,
        entry: &Fields,
        kind: EventKind,
        session_id: &str,
        id: &str,
    ) -> Result<(), Refused> {
        let message = text(entry, &["message"]).unwrap_or_default();
        let tags = tags(entry, "event:");
        let version = tags.get("version").and_then(Value::as_str);
        let source = Source {
            session_id,
            platform: text(entry, &["platform"]),
            sdk_version: version,
            process_uuid: text(entry, &["process_uuid"]),
        };
        let session = self.drafts.session(&source);
        let time_us = first(entry, &["timestamp"]).and_then(read::moment).unwrap_or(self.now_us);
        self.sender(place, session, session_id, entry, time_us)?;
        let severity = first(entry, &["status"]).and_then(read::level).unwrap_or(Severity::Info);
        let failure =
            (text(entry, &["error.kind"]).unwrap_or("Error"), text(entry, &["error.message"]).unwrap_or_default());
        let is_exception = kind == EventKind::UnhandledException;
        let mut drops = Vec::new();
        if message == names::TELEMETRY_DROPPED {
            let counts =
                entry.iter().filter(|(name, _)| !ORIGIN.contains(&name.as_str()) && !SENDER.contains(&name.as_str()));
            let counts = counts.filter_map(|(name, count)| Some((name.clone(), count.as_i64()?)));
            drops.extend(counts.filter(|(_, count)| *count > 0));
        }
        let draft = Draft {
            kind,
            index: first(entry, &["event_session_index"]).and_then(Value::as_u64),
            error: is_exception.then_some(failure),
            traceback: text(entry, &["error.stack"]),
            drops: &drops,
            ..Draft::generic(message, id, severity, time_us)
        };
        self.drafts.add(session, place, &draft, |data| {
            if kind == EventKind::SessionEnd
                && let Some(nanos) = first(entry, &["duration"]).and_then(Value::as_f64)
            {
                data.float(names::DURATION_MS, nanos / 1e6);
            }
            let of_exception: &[&str] = if is_exception { &["error.message", "error.stack"] } else { &[] };
            read::rest(data, entry, &[&ORIGIN[..], &SENDER, of_exception].concat());
        })
    }

    /// Adds what is alike in all entries of a session of ours.
    fn sender(
        &mut self,
        place: usize,
        session: SessionKey,
        session_id: &str,
        entry: &Fields,
        time_us: i64,
    ) -> Result<(), Refused> {
        let said = SENDER.map(|name| entry.get(name).map(Value::to_string).unwrap_or_default());
        let tags = Value::from(tags(entry, "event:")).to_string();
        let id = id_of(&[said[0].as_bytes(), said[1].as_bytes(), said[2].as_bytes(), tags.as_bytes()]);
        if !self.resources.insert(format!("{id} {session_id}")) {
            return Ok(());
        }
        self.drafts.add(session, place, &Draft::generic(RESOURCE, &id, Severity::Info, time_us), |data| {
            for name in SENDER {
                if let Some(value) = entry.get(name) {
                    data.value(name, value);
                }
            }
            write_tags(data, entry, "event:");
        })
    }
}

fn kind_of(name: &str) -> Option<EventKind> {
    [EventKind::SessionStart, EventKind::SessionEnd, EventKind::UnhandledException, EventKind::Generic]
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

/// Reads tags, but those that begin so: `env:prod,solo` is `{"env": "prod", "solo": true}`, and a name with several values has them all.
fn tags(entry: &Fields, but: &str) -> Fields {
    let mut tags = Map::new();
    let said = text(entry, &[TAGS]).unwrap_or_default();
    for tag in said.split(',').map(str::trim).filter(|tag| !tag.is_empty() && (but.is_empty() || !tag.starts_with(but)))
    {
        let (name, value) = tag.split_once(':').map_or((tag, Value::Bool(true)), |(name, value)| (name, value.into()));
        match tags.get_mut(name) {
            None => {
                tags.insert(name.to_owned(), value);
            }
            Some(Value::Array(known)) => known.push(value),
            Some(known) => *known = Value::from(vec![known.take(), value]),
        }
    }
    tags
}

fn write_tags(data: &mut Object<'_>, entry: &Fields, but: &str) {
    match entry.get(TAGS) {
        Some(Value::String(_)) => {
            let tags = tags(entry, but);
            if !tags.is_empty() {
                data.value("tags", &Value::from(tags));
            }
        }
        Some(Value::Null) | None => {}
        // It is no list of tags, whatever it is.
        Some(other) => data.value(TAGS, other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_become_an_object_and_none_is_lost() {
        let entry = json!({"ddtags": "env:staging, solo,url:http://a:1,team:a,team:b,team:a,,:x"});
        let Value::Object(entry) = entry else { panic!("an object") };
        let expected = json!({"env": "staging", "solo": true, "url": "http://a:1", "team": ["a", "b", "a"], "": "x"});
        assert_eq!(Value::from(tags(&entry, "")), expected);
    }
}
