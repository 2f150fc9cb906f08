//! Events of other protocols, written as the wire has them.
//!
//! A protocol says whose events they are ([`Source`]), what each is ([`Draft`]), and fills in its data. It needs no more to be shown
//! wherever events are shown: what names and data mean stands in `docs/events.md`.

use std::collections::HashMap;

use lastword::limits::SESSION_ID_BYTES_MAX;
use lastword::{EventKind, Severity};

use super::event::NO_INDEX;
use super::object::Object;
use super::{Detail, Envelope, Event, Exception, Intake, Key, Refusal, Refused};
use crate::clock;
use crate::limits::{
    DROP_REASONS_MAX, EVENT_BYTES_MAX, EVENT_ID_CHARS_MAX, NAME_BYTES_MAX, REQUEST_EVENTS_BYTES_MAX, REQUEST_EVENTS_MAX,
};

/// Whose events they are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Source<'a> {
    /// The session; an empty one is `unknown`, and a long one is cut.
    pub(crate) session_id: &'a str,
    pub(crate) platform: Option<&'a str>,
    pub(crate) sdk_version: Option<&'a str>,
    pub(crate) process_uuid: Option<&'a str>,
}

/// One event, but for its data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft<'a> {
    pub(crate) kind: EventKind,
    /// What the same event has whenever it is sent, in its session.
    pub(crate) id: &'a str,
    pub(crate) severity: Severity,
    pub(crate) time_us: i64,
    /// The name of a generic event; others have none.
    pub(crate) name: &'a str,
    /// Its number in its session, where the protocol tells it.
    pub(crate) index: Option<u64>,
    /// Type and message of an error, by which it is grouped with those like it. An `UNHANDLED_EXCEPTION` says them as its own fields.
    pub(crate) error: Option<(&'a str, &'a str)>,
    /// The traceback of an `UNHANDLED_EXCEPTION`.
    pub(crate) traceback: Option<&'a str>,
    /// How long the session lasted that a `SESSION_END` ends, in milliseconds.
    pub(crate) duration_ms: Option<f64>,
    /// What the client says that it dropped, by reason.
    pub(crate) drops: &'a [(String, i64)],
}

impl<'a> Draft<'a> {
    /// A generic event that is nothing but its name and its data.
    pub(crate) fn generic(name: &'a str, id: &'a str, severity: Severity, time_us: i64) -> Self {
        Self {
            kind: EventKind::Generic,
            id,
            severity,
            time_us,
            name,
            index: None,
            error: None,
            traceback: None,
            duration_ms: None,
            drops: &[],
        }
    }
}

/// Collects the events of a request.
pub(crate) struct Drafts {
    /// The time of events whose senders say none.
    arrived_us: i64,
    pending: Vec<Pending>,
    by_session: HashMap<String, usize>,
    events: usize,
    bytes: usize,
    refused: Vec<Refusal>,
}

struct Pending {
    envelope: Envelope,
    body: Vec<u8>,
}

/// A session of a request, to which events are added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionKey(usize);

impl Drafts {
    /// Begins a request that arrived at a time.
    pub(crate) fn new(arrived_us: i64) -> Self {
        Self { arrived_us, pending: Vec::new(), by_session: HashMap::new(), events: 0, bytes: 0, refused: Vec::new() }
    }

    /// Returns the session of a source, which is added if it is new.
    pub(crate) fn session(&mut self, source: &Source<'_>) -> SessionKey {
        let id = if source.session_id.is_empty() { "unknown" } else { source.session_id };
        let id = &id[..id.floor_char_boundary(SESSION_ID_BYTES_MAX)];
        if let Some(place) = self.by_session.get(id) {
            return SessionKey(*place);
        }
        let text = |text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty())?;
            Some(text[..text.floor_char_boundary(NAME_BYTES_MAX)].to_owned())
        };
        let envelope = Envelope {
            session_id: id.to_owned(),
            platform: text(source.platform),
            sdk_version: text(source.sdk_version),
            process_uuid: text(source.process_uuid),
            ..Envelope::default()
        };
        self.by_session.insert(id.to_owned(), self.pending.len());
        self.pending.push(Pending { envelope, body: Vec::new() });
        SessionKey(self.pending.len() - 1)
    }

    /// Adds an event, whose data `fill` writes. One that is larger than an event may be is refused, as the `place`-th of the request.
    ///
    /// # Errors
    ///
    /// The request has too many events, or more bytes come of it than of one request may.
    pub(crate) fn add(
        &mut self,
        session: SessionKey,
        place: usize,
        draft: &Draft<'_>,
        fill: impl FnOnce(&mut Object<'_>),
    ) -> Result<(), Refused> {
        let Some(Pending { envelope, body }) = self.pending.get_mut(session.0) else { return Ok(()) };
        if self.events >= REQUEST_EVENTS_MAX {
            return Err(Refused::TooManyEvents);
        }
        self.events += 1;
        // Whatever the protocol takes for an id, a time or a number: what is stored is what readers take.
        // When an event is sent again that says no time it has another one, so it must not be known by it.
        let has_arrived = draft.time_us == self.arrived_us;
        let hashed =
            (has_arrived && Key::is_timed(draft.id) || !is_id(draft.id)).then(|| id_of(&[draft.id.as_bytes()]));
        let draft = &Draft {
            id: hashed.as_deref().unwrap_or(draft.id),
            time_us: draft.time_us.clamp(clock::FIRST_US, clock::LAST_US),
            index: draft.index.filter(|index| i64::try_from(*index).is_ok_and(|index| index < i64::MAX)),
            ..draft.clone()
        };
        let begin = body.len();
        write(body, draft, fill);
        let bytes = body.len() - begin;
        if bytes > EVENT_BYTES_MAX {
            body.truncate(begin);
            let reason = format!("the event has {bytes} bytes: at most {EVENT_BYTES_MAX} are taken");
            self.refuse(place, Some(draft.id), reason);
            return Ok(());
        }
        self.bytes += bytes;
        if self.bytes > REQUEST_EVENTS_BYTES_MAX {
            return Err(Refused::TooLarge);
        }
        let is_generic = draft.kind == EventKind::Generic;
        envelope.events.push(Event {
            range: begin..body.len(),
            key: Key::new(draft.id, draft.time_us),
            kind: draft.kind,
            severity: draft.severity,
            index: draft.index.and_then(|index| i64::try_from(index).ok()).unwrap_or(NO_INDEX),
            time_us: draft.time_us,
            name: is_generic.then(|| draft.name[..draft.name.floor_char_boundary(NAME_BYTES_MAX)].into()),
            detail: detail(draft).map(Box::new),
            has_arrived,
        });
        Ok(())
    }

    /// Sets aside what can't be stored.
    pub(crate) fn refuse(&mut self, place: usize, id: Option<&str>, reason: impl Into<String>) {
        let id = id.map(|id| id[..id.floor_char_boundary(NAME_BYTES_MAX)].to_owned());
        self.refused.push(Refusal { index: place, event_id: id, reason: reason.into() });
    }

    /// Returns how many were set aside.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Returns all of it.
    pub(crate) fn finish(self) -> Intake {
        let whole = |Pending { mut envelope, body }| {
            // Only text was written into it; if that were ever wrong, no event is lost but the bytes that are no text.
            envelope.body =
                String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            envelope
        };
        let envelopes = self.pending.into_iter().map(whole).filter(|envelope| !envelope.events.is_empty());
        Intake { envelopes: envelopes.collect(), refused: self.refused }
    }
}

/// Whether it may be the id of an event.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().nth(EVENT_ID_CHARS_MAX).is_none()
}

/// Returns what few events have.
fn detail(draft: &Draft<'_>) -> Option<Detail> {
    if !draft.drops.is_empty() {
        return Some(Detail::Drops(draft.drops.iter().take(DROP_REASONS_MAX).cloned().collect()));
    }
    draft.error.map(|(kind, message)| Detail::Exception(Exception::of(kind, message)))
}

/// Writes an event, its own fields in the order in which our reporter writes them.
fn write(body: &mut Vec<u8>, draft: &Draft<'_>, fill: impl FnOnce(&mut Object<'_>)) {
    let mut event = Object::begin(body, 0);
    event.text("event", draft.kind.as_str());
    event.text("event_id", draft.id);
    if let Some(index) = draft.index {
        event.uint("event_session_index", index);
    }
    event.text("severity", draft.severity.as_str());
    event.text("timestamp", &clock::format(draft.time_us));
    if draft.kind == EventKind::Generic {
        event.text("event_name", draft.name);
    }
    if draft.kind == EventKind::UnhandledException {
        let (kind, message) = draft.error.unwrap_or(("Error", ""));
        event.text("error_type", kind);
        event.text("error_message", message);
        event.text_if("traceback", draft.traceback);
    }
    if draft.kind == EventKind::SessionEnd {
        let duration =
            std::time::Duration::try_from_secs_f64(draft.duration_ms.unwrap_or(0.0) / 1e3).unwrap_or_default();
        let mut text = Vec::new();
        lastword::wire::write_duration(&mut text, duration);
        event.text("duration", &String::from_utf8_lossy(&text));
    }
    event.object("event_data", fill);
    event.end();
}

/// Returns an id for what has none: the same for the same bytes.
pub(crate) fn id_of(parts: &[&[u8]]) -> String {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for part in parts {
        hash.update(&part.len().to_le_bytes());
        hash.update(part);
    }
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_says_no_time_is_the_same_whenever_it_arrives() {
        let key = |id: &str, time_us: Option<i64>, arrived_us: i64| {
            let mut drafts = Drafts::new(arrived_us);
            let session = drafts.session(&Source::default());
            let draft = Draft::generic("x", id, Severity::Info, time_us.unwrap_or(arrived_us));
            drafts.add(session, 0, &draft, |_| {}).unwrap();
            drafts.finish().envelopes.remove(0).events.remove(0).key
        };
        for id in ["3f2b8c1e-2c4d-4e5f-8a6b-9c0d1e2f3a4b", "642b3652356ec46f43ead45575b86b87-e8a40931eab9429c", "a"] {
            let (one_day, another) = (1_795_672_661_000_000, 1_795_872_661_000_000);
            assert_eq!(key(id, None, one_day), key(id, None, another), "{id}");
            assert_eq!(key(id, Some(5_000_000), one_day), key(id, Some(5_000_000), another), "{id}");
        }
    }
}
