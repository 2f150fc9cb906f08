//! Events as PostHog's clients send them: a batch, a list, or one event.
//!
//! What models and agents did (`$ai_generation`, `$ai_embedding`, `$ai_span`, `$ai_trace`) is `span.end` with the names that OpenTelemetry has
//! for it; `$exception` is `error`, or `UNHANDLED_EXCEPTION` where nobody handled it; everything else is an event of its own name. Who it was,
//! `distinct_id`, is `user_id`.

mod ai;

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::read::{self, Fields, first, text};
use super::sentry::traceback;
use super::values::{self, Raws};
use super::{Draft, Drafts, Intake, Key, Object, Refused, Source, id_of, quote};
use crate::limits::REQUEST_EVENTS_MAX;

/// The session of events that name none, and whose library names none.
const SOME: &str = "posthog";
const EXCEPTION: &str = "$exception";
/// What our events call the person.
const USER_ID: &str = "user_id";
/// The person, where the properties say it.
const PERSON: [&str; 1] = ["distinct_id"];
/// Fields of an event that are told otherwise.
const TOLD: [&str; 8] = ["event", "uuid", "distinct_id", "properties", "timestamp", "api_key", "session_id", "offset"];

/// What a request says.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) intake: Intake,
    /// The ids of its events, those that are refused as well.
    pub(crate) ids: Vec<String>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Option<Raws<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads a body.
///
/// # Errors
///
/// It is neither a batch, nor a list, nor an event, or has too many events.
pub(crate) fn decode(body: &[u8], now_us: i64) -> Result<Decoded, Refused> {
    let body = values::utf8(body)?;
    let mut desk = Desk { drafts: Drafts::new(now_us), ids: Vec::new(), now_us };
    if body.trim_start().starts_with('[') {
        values::each(body, |place, event| desk.take(place, event))?;
    } else {
        let bad = |error| {
            Refused::Bad(format!(
                "the body must be an object with a list `batch`, a list of events, or an event: {error}"
            ))
        };
        let wire: Batch<'_> = serde_json::from_str(body).map_err(bad)?;
        match (wire.batch, wire.data) {
            (Some(Raws(events)), _) if events.len() > REQUEST_EVENTS_MAX => return Err(Refused::TooManyEvents),
            (Some(Raws(events)), _) => {
                for (place, event) in events.into_iter().enumerate() {
                    desk.take(place, values::read(event.get()))?;
                }
            }
            (None, Some(list)) if list.get().starts_with('[') => {
                values::each(list.get(), |place, event| desk.take(place, event))?;
            }
            _ => desk.take(0, values::read(body))?,
        }
    }
    Ok(Decoded { intake: desk.drafts.finish(), ids: desk.ids })
}

struct Desk {
    drafts: Drafts,
    ids: Vec<String>,
    now_us: i64,
}

impl Desk {
    fn take(&mut self, place: usize, event: Result<Value, String>) -> Result<(), Refused> {
        let reason = match event {
            Ok(Value::Object(event)) if text(&event, &["event"]).is_some() => return self.event(place, &event),
            Ok(Value::Object(event)) => {
                let id = text(&event, &["uuid"]).map(str::to_owned);
                self.ids.extend(id.clone());
                self.drafts.refuse(place, id.as_deref(), "`event` is missing: it must be the name of the event");
                return Ok(());
            }
            Ok(other) => format!("the event is {}: it must be an object", quote(&other.to_string())),
            Err(reason) => format!("the event can't be read: {reason}"),
        };
        self.drafts.refuse(place, None, reason);
        Ok(())
    }

    fn event(&mut self, place: usize, event: &Fields) -> Result<(), Refused> {
        let nothing = Fields::new();
        let properties = read::object(event, "properties").unwrap_or(&nothing);
        let time_us = self.time_us(event);
        // What says how long ago it was, or nothing, has another time when it is sent again.
        let says_time = first(event, &["timestamp"]).and_then(read::moment).is_some();
        let own = |id: &str| if says_time || !Key::is_timed(id) { id.to_owned() } else { id_of(&[id.as_bytes()]) };
        let id = match text(event, &["uuid"]).or_else(|| text(properties, &["$insert_id"])) {
            Some(id) => own(id),
            None => {
                let arrived = if time_us.is_none() { self.now_us } else { 0 };
                id_of(&[&serde_json::to_vec(event).unwrap_or_default(), &arrived.to_le_bytes()])
            }
        };
        self.ids.push(id.clone());
        let time_us = time_us.unwrap_or(self.now_us);
        let name = text(event, &["event"]).unwrap_or_default();
        let session = self.drafts.session(&Source {
            session_id: session(event, properties),
            platform: text(properties, &["$os"]),
            sdk_version: text(properties, &["$lib_version"]),
            process_uuid: None,
        });
        if let Some(span) = ai::Span::of(name, properties, &id) {
            let key = own(span.key());
            let draft = Draft::generic(names::SPAN_END, &key, span.severity(), time_us);
            return self.drafts.add(session, place, &draft, |data| {
                span.write(data);
                person(data, event);
                read::rest(data, properties, &[&span.told()[..], &PERSON].concat());
                read::rest(data, event, &TOLD);
            });
        }
        let severity = first(properties, &["$exception_level", "$level"]).and_then(read::level);
        if name == EXCEPTION {
            let failure = Failure::of(properties);
            let draft = failure.draft(&id, severity.unwrap_or(Severity::Error), time_us);
            return self.drafts.add(session, place, &draft, |data| {
                failure.write(data);
                person(data, event);
                read::rest(data, properties, &PERSON);
                read::rest(data, event, &TOLD);
            });
        }
        let draft = Draft::generic(name, &id, severity.unwrap_or(Severity::Info), time_us);
        self.drafts.add(session, place, &draft, |data| {
            person(data, event);
            read::rest(data, properties, &PERSON);
            read::rest(data, event, &TOLD);
        })
    }

    /// Returns when it happened: a time, or how many milliseconds before it was sent.
    fn time_us(&self, event: &Fields) -> Option<i64> {
        first(event, &["timestamp"]).and_then(read::moment).or_else(|| {
            let offset_ms = first(event, &["offset"]).and_then(Value::as_i64)?;
            Some(self.now_us.saturating_sub(offset_ms.saturating_mul(1000)))
        })
    }
}

/// Returns the session that an event names; else the trace of a model, or the library. Never the person.
fn session<'f>(event: &'f Fields, properties: &'f Fields) -> &'f str {
    text(properties, &["$session_id"])
        .or_else(|| text(event, &["session_id"]))
        .or_else(|| text(properties, &["$ai_session_id", "$lib"]))
        .unwrap_or(SOME)
}

fn person(data: &mut Object<'_>, event: &Fields) {
    if let Some(person) = first(event, &["distinct_id"]).or_else(|| event.get("properties")?.get("distinct_id")) {
        data.value(USER_ID, person);
    }
}

/// The exception that was raised last, of a list whose first it is.
struct Failure<'f> {
    kind: &'f str,
    message: &'f str,
    is_handled: bool,
    traceback: Option<String>,
}

impl<'f> Failure<'f> {
    fn of(properties: &'f Fields) -> Self {
        let mut exceptions: Vec<&Fields> =
            read::list(properties, "$exception_list").iter().filter_map(Value::as_object).collect();
        let raised = exceptions.first().copied();
        let of_raised = |name| raised.and_then(|raised| text(raised, &[name]));
        let is_unhandled = |exception: &&Fields| {
            exception.get("mechanism").and_then(|how| how.get("handled")).and_then(Value::as_bool) == Some(false)
        };
        let is_handled = !exceptions.iter().any(is_unhandled);
        exceptions.reverse();
        Self {
            kind: of_raised("type").or_else(|| text(properties, &["$exception_type"])).unwrap_or("Error"),
            message: of_raised("value").or_else(|| text(properties, &["$exception_message"])).unwrap_or_default(),
            is_handled,
            traceback: traceback::render(&exceptions),
        }
    }

    fn draft<'a>(&'a self, id: &'a str, severity: Severity, time_us: i64) -> Draft<'a> {
        let draft =
            Draft { error: Some((self.kind, self.message)), ..Draft::generic(names::ERROR, id, severity, time_us) };
        if self.is_handled {
            return draft;
        }
        Draft { kind: EventKind::UnhandledException, traceback: self.traceback.as_deref(), ..draft }
    }

    fn write(&self, data: &mut Object<'_>) {
        if self.is_handled {
            data.text(names::ERROR_TYPE, self.kind);
            data.text_if(names::ERROR_MESSAGE, Some(self.message));
            data.text_if("traceback", self.traceback.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_says_how_long_ago_it_was_is_the_same_whenever_it_is_sent() {
        let trace = "3f2b8c1e-2c4d-4e5f-8a6b-9c0d1e2f3a4b";
        let said = [r#""offset":1000"#, r#""offset":1000,"timestamp":null"#, r#""timestamp":"2026-11-20T09:20:34Z""#];
        for said in said {
            let body = format!(
                r#"{{"event":"$ai_generation","uuid":"{trace}",{said},"properties":{{"$ai_trace_id":"{trace}","$ai_span_id":"00f067aa0ba902b7"}}}}"#
            );
            let key = |now_us| decode(body.as_bytes(), now_us).unwrap().intake.envelopes.remove(0).events.remove(0).key;
            assert_eq!(key(1_795_672_661_000_000), key(1_795_872_661_000_000), "{said}");
        }
    }
}
