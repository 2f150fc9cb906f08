//! Where each event is sent: what it is to Sentry.

use sentry_types::protocol::v7::EnvelopeItem;
use sentry_types::protocol::v7::Log;
use sentry_types::protocol::v7::client_report::{Category as Kind, Item, Reason};
use serde_json::{Map, Value};

use super::health::Told;
use super::rate::Category;
use super::scene::{self, Ids};
use super::{Sentry, data, issue, log, trace};
use crate::event::span::{self, Span};
use crate::event::{Body, DecodeError, EventView, Severity, names};
use crate::sink::{BatchEvent, Session};
use crate::wire::TranscodeError;

/// Where an event is sent.
pub(super) enum Home {
    /// In an envelope of its own.
    Own(Category, Vec<EnvelopeItem>, Told),
    /// Among logs, with what it says of events that nobody has.
    Log(Box<Log>, Vec<Item>),
    /// Nowhere: it is of a trace that is not among those that are sent.
    Unsampled,
    /// Nowhere: it says that a span began, and a span is sent when it ends.
    Begun,
}

/// Its bytes are damaged.
pub(super) struct Damaged;

impl From<DecodeError> for Damaged {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl From<TranscodeError> for Damaged {
    fn from(_: TranscodeError) -> Self {
        Self
    }
}

/// Finds homes for the events of one session.
pub(super) struct Desk<'a> {
    sentry: &'a Sentry,
    session: &'a Session,
    ids: Ids,
}

impl<'a> Desk<'a> {
    pub(super) fn new(sentry: &'a Sentry, session: &'a Session) -> Self {
        Self { sentry, session, ids: Ids::of(session) }
    }

    pub(super) fn home(&self, event: &BatchEvent<'_>) -> Result<Home, Damaged> {
        let view = &event.view()?;
        let (scene, ids, nonce) = (&self.sentry.scene, &self.ids, self.session.nonce);
        let sessions = &self.sentry.sessions;
        let (update, told) = match view.body() {
            Body::SessionStart => (sessions.start(scene, ids, nonce, view.time()), Told::Nothing),
            Body::SessionEnd { duration } => {
                (sessions.end(scene, ids, nonce, (event.index(), view.time(), duration)), Told::End)
            }
            Body::UnhandledException { error_type, message, traceback } => {
                return Ok(self.exception(event, view, (error_type, message, traceback)));
            }
            Body::Generic { name, data } => return Ok(self.generic(event, view, name, data::object(data)?)),
        };
        Ok(match update {
            Some(update) => Home::Own(Category::Session, vec![update.into()], told),
            None => self.log(event, view, Map::new(), Vec::new()),
        })
    }

    fn exception(&self, event: &BatchEvent<'_>, view: &EventView<'_>, error: (&str, &str, Option<&str>)) -> Home {
        let Sentry { scene, sessions, limits, .. } = self.sentry;
        let severity = view.severity();
        let issue = issue::plain(scene, &self.ids, self.session, event, view);
        let mut items: Vec<EnvelopeItem> = vec![issue::exception(issue, severity, error).into()];
        if !scene::is_error(view) {
            return Home::Own(Category::Error, items, Told::Nothing);
        }
        let (is_fatal, place) = (severity == Severity::Critical, (event.index(), view.time()));
        // Where Sentry takes no sessions for now, the next update says as much.
        let update = match limits.wait(Category::Session) {
            None => sessions.error(scene, &self.ids, self.session.nonce, place, is_fatal),
            Some(_) => None,
        };
        let told = Told::Error { is_fatal, with_update: update.is_some() };
        items.extend(update.map(Into::into));
        Home::Own(Category::Error, items, told)
    }

    fn generic(&self, event: &BatchEvent<'_>, view: &EventView<'_>, name: &str, data: Map<String, Value>) -> Home {
        let Sentry { scene, sessions, .. } = self.sentry;
        if name == names::SPAN_START && span::span_id(&data, names::SPAN_ID).is_some() {
            return Home::Begun;
        }
        let span_name = (name == names::SPAN_END).then(|| span::name(&data).to_owned());
        let name = span_name.as_deref().unwrap_or(name);
        match Span::of(&data, view.time()) {
            Some(span) if trace::is_sampled(&span, self.sentry.rate()) => {
                let transaction = trace::transaction((scene, &span), self.session, event, view, (name, data));
                return Home::Own(Category::Transaction, vec![transaction.into()], Told::Nothing);
            }
            // An error is never left out: where its trace is, it is an issue.
            Some(_) if !scene::is_error(view) => return Home::Unsampled,
            _ => {}
        }
        if scene::is_error(view) {
            let issue = issue::plain(scene, &self.ids.within(&data), self.session, event, view);
            return Home::Own(Category::Error, vec![issue::message(issue, name, data).into()], Told::Nothing);
        }
        if name == names::SESSION_RECOVERED {
            sessions.lost(self.session.nonce, data.contains_key("signal"));
        }
        let lost = if name == names::TELEMETRY_DROPPED { never_taken(&data) } else { Vec::new() };
        self.log(event, view, data, lost)
    }

    fn log(&self, event: &BatchEvent<'_>, view: &EventView<'_>, data: Map<String, Value>, lost: Vec<Item>) -> Home {
        let log = log::log((&self.sentry.scene, &self.ids), self.session, event, view, data);
        Home::Log(Box::new(log), lost)
    }
}

/// Returns what of the events that were dropped no sink was given, in Sentry's words. What others say of their own losses
/// is no loss here; and what an event was is not known any more, so each counts as the log that most are.
fn never_taken(drops: &Map<String, Value>) -> Vec<Item> {
    const REASONS: [(&str, Reason); 3] = [
        ("queue_full", Reason::QueueOverflow),
        ("invalid_data", Reason::InternalSdkError),
        ("scrub_failed", Reason::BeforeSend),
    ];
    let counted = |(name, reason)| Some(Item::new(Kind::LogItem, reason, drops.get(name)?.as_u64()?));
    REASONS.into_iter().filter_map(counted).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use sentry_types::protocol::v7::SessionStatus;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{EncodeError, Encoder, EventKind, Tag};
    use crate::sink::{Batch, BatchBuilder};

    /// What a later process finds of a session, and says of it.
    fn recovered(data: &Value) -> Batch {
        let session = Session::new("s", "1.0", Uuid::nil(), 1);
        let mut builder = BatchBuilder::new(Arc::new(session));
        for (index, kind) in [(7, EventKind::Generic), (8, EventKind::SessionEnd)] {
            let mut encoder = Encoder::take();
            encoder.time(Timestamp::from_unix_nanos(1_700_000_000_000_000_000));
            if kind == EventKind::SessionEnd {
                encoder.duration(Duration::from_secs(1));
            } else {
                encoder.name(names::SESSION_RECOVERED);
                encoder.data(data).unwrap();
            }
            let (tag, bytes) = (Tag::new(kind, Severity::Warning).to_u32(), encoder.finish().unwrap());
            let read = |out: &mut Vec<u8>| {
                out.extend_from_slice(bytes);
                Ok::<_, EncodeError>(())
            };
            builder.push(index, tag, read).unwrap();
        }
        builder.build()
    }

    #[test]
    fn a_session_that_was_recovered_ends_as_it_was_left() {
        for (data, expected) in [
            (json!({"events": 7}), SessionStatus::Abnormal),
            (json!({"events": 7, "signal": "SIGSEGV"}), SessionStatus::Crashed),
        ] {
            let sentry = Sentry::new("http://k@127.0.0.1:1/42").release("a@1");
            let batch = recovered(&data);
            let desk = Desk::new(&sentry, batch.session());
            let homes: Vec<_> = batch.events().filter_map(|event| desk.home(&event).ok()).collect();
            let [Home::Log(log, _), Home::Own(Category::Session, items, Told::End)] = &homes[..] else {
                panic!("a log, and an end");
            };
            assert_eq!(log.body, names::SESSION_RECOVERED);
            let [EnvelopeItem::SessionUpdate(update)] = &items[..] else { panic!("one update") };
            assert_eq!((update.status, update.duration), (expected, Some(1.0)));
        }
    }

    #[test]
    fn only_what_was_never_taken_is_told_in_sentrys_words() {
        let told = |drops: Value| serde_json::to_value(never_taken(drops.as_object().unwrap())).unwrap();
        let drops =
            json!({"queue_full": 7, "scrub_failed": 1, "rejected": 5, "retries_exhausted": 9, "invalid_data": "x"});
        let expected = json!([
            {"category": "log_item", "reason": "queue_overflow", "quantity": 7},
            {"category": "log_item", "reason": "before_send", "quantity": 1},
        ]);
        assert_eq!(told(drops), expected);
        assert_eq!(told(json!({})), json!([]));
    }
}
