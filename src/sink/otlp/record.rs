//! One event as a record of a log, or as a span.

use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::told::Told;
use super::trace::{Ended, Place};
use super::value::{Damaged, IntoAny, attribute, attributes, text};
use crate::event::{Body, EventView, Severity, names};
use crate::sink::{BatchEvent, Session};

const SESSION_ID: &str = "session.id";
const INDEX: &str = "event_session_index";
/// OpenTelemetry's name for what makes a record unique; spans have it too, so that one name finds an event in both.
const UID: &str = "log.record.uid";
const USER_BUCKET: &str = "userBucket";
/// What no property may be named. A name must not be empty either.
const RESERVED: [&str; 5] = ["", SESSION_ID, INDEX, UID, USER_BUCKET];
/// What stands before the name of a property that is reserved or there already.
const ELSEWHERE: &str = "data.";

/// What an event becomes.
pub(super) enum Item {
    Log(LogRecord),
    Span(Span),
    /// Nothing: a span is sent when it ends, and OpenTelemetry has no word for one that has not.
    Begun,
}

/// Makes a record of a log of an event; a span, where it is the end of one and `takes_spans`.
pub(super) fn item(event: &BatchEvent<'_>, session: &Session, takes_spans: bool) -> Result<Item, Damaged> {
    let view = event.view().map_err(|_| Damaged)?;
    let index = i64::try_from(event.index()).map_err(|_| Damaged)?;
    let mut own = vec![
        text(SESSION_ID, &session.id),
        attribute(INDEX, Value::IntValue(index)),
        text(UID, &event.id(&view).hyphenated().to_string()),
    ];
    own.extend(session.user_bucket.map(|bucket| attribute(USER_BUCKET, Value::IntValue(bucket.into()))));
    let kind = view.kind().as_str();
    let log = |body: &str, attributes| record(&view, kind, body, Place::default(), attributes);
    Ok(match view.body() {
        Body::SessionStart => Item::Log(log(kind, own)),
        Body::SessionEnd { duration } => {
            own.push(attribute("duration_ms", Value::DoubleValue(duration.as_secs_f64() * 1_000.0)));
            Item::Log(log(kind, own))
        }
        Body::UnhandledException { error_type, message, traceback } => {
            own.push(text("exception.type", error_type));
            // A sink that is given no texts that nobody has checked is given none here.
            own.extend(Some(message).filter(|message| !message.is_empty()).map(|said| text("exception.message", said)));
            own.extend(traceback.map(|traceback| text("exception.stacktrace", traceback)));
            let body = if message.is_empty() { error_type.to_owned() } else { format!("{error_type}: {message}") };
            Item::Log(log(&body, own))
        }
        Body::Generic { name, data } => {
            let mut said = attributes(data.as_bytes())?;
            let mut place = Place::take(&mut said, view.time(), takes_spans);
            let ended = place.span.take();
            if takes_spans && name == names::SPAN_START && !place.span_id.is_empty() {
                return Ok(Item::Begun);
            }
            let told = (name == names::SPAN_END && ended.is_some()).then(|| Told::take(&mut said));
            set_apart(&mut said);
            own.append(&mut said);
            match ended {
                Some(ended) => {
                    let told = told.unwrap_or_else(|| Told {
                        name: name.to_owned(),
                        kind: SpanKind::Internal,
                        status: status(view.severity(), &own),
                        attributes_dropped: 0,
                    });
                    Item::Span(span(&view, told, place, ended, own))
                }
                None => Item::Log(record(&view, name, name, place, own)),
            }
        }
    })
}

fn record(view: &EventView<'_>, name: &str, body: &str, place: Place, attributes: Vec<KeyValue>) -> LogRecord {
    let nanos = view.time().unix_nanos();
    let (number, severity) = severity(view.severity());
    LogRecord {
        time_unix_nano: nanos,
        // Who records it sees it when it happens. The time of sending would make each attempt another record.
        observed_time_unix_nano: nanos,
        severity_number: number.into(),
        severity_text: severity.to_owned(),
        body: Some(Value::StringValue(body.to_owned()).into_any()),
        attributes,
        trace_id: place.trace_id,
        span_id: place.span_id,
        event_name: name.to_owned(),
        ..LogRecord::default()
    }
}

fn span(view: &EventView<'_>, told: Told, place: Place, ended: Ended, attributes: Vec<KeyValue>) -> Span {
    Span {
        trace_id: place.trace_id,
        span_id: place.span_id,
        parent_span_id: ended.parent_span_id,
        name: told.name,
        kind: told.kind.into(),
        start_time_unix_nano: ended.start_nanos,
        end_time_unix_nano: view.time().unix_nanos(),
        status: told.status,
        dropped_attributes_count: told.attributes_dropped,
        attributes,
        ..Span::default()
    }
}

/// Says how a span ended: badly, where it says so in `error` or by its severity; unset otherwise, as OpenTelemetry leaves
/// what nobody has judged.
fn status(severity: Severity, attributes: &[KeyValue]) -> Option<Status> {
    let error = attributes.iter().find(|attribute| attribute.key == "error");
    let message = match error.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(message)) if !message.is_empty() => message.clone(),
        Some(Value::BoolValue(true)) => String::new(),
        _ if severity >= Severity::Error => String::new(),
        _ => return None,
    };
    Some(Status { message, code: StatusCode::Error.into() })
}

/// Renames properties whose name is reserved or there already: nothing takes the place of what says which event it is. Where
/// the other name is there too, the property is left out.
fn set_apart(attributes: &mut Vec<KeyValue>) {
    let mut names: HashSet<String> = RESERVED.into_iter().map(str::to_owned).collect();
    attributes.retain_mut(|attribute| {
        if names.insert(attribute.key.clone()) {
            return true;
        }
        attribute.key.insert_str(0, ELSEWHERE);
        names.insert(attribute.key.clone())
    });
}

/// The number and the word that OpenTelemetry and we have for a severity.
const fn severity(severity: Severity) -> (SeverityNumber, &'static str) {
    match severity {
        Severity::Trace => (SeverityNumber::Trace, "TRACE"),
        Severity::Debug => (SeverityNumber::Debug, "DEBUG"),
        Severity::Info => (SeverityNumber::Info, "INFO"),
        Severity::Warning => (SeverityNumber::Warn, "WARNING"),
        Severity::Error => (SeverityNumber::Error, "ERROR"),
        Severity::Critical => (SeverityNumber::Fatal, "CRITICAL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Vec<String> {
        let mut attributes: Vec<_> = names.iter().map(|name| text(name, "")).collect();
        set_apart(&mut attributes);
        attributes.into_iter().map(|attribute| attribute.key).collect()
    }

    #[test]
    fn no_property_takes_the_place_of_what_says_which_event_it_is() {
        for own in RESERVED {
            assert_eq!(keys(&["a", own, "exception.type"]), ["a", &format!("data.{own}"), "exception.type"]);
        }
    }

    #[test]
    fn two_properties_never_share_a_name() {
        assert_eq!(keys(&["a", "a", "a", "b"]), ["a", "data.a", "b"], "the third has nowhere to go");
    }

    #[test]
    fn a_span_has_failed_where_it_says_so_or_its_severity_does() {
        let message = |severity, attributes: &[KeyValue]| status(severity, attributes).map(|status| status.message);
        let error = |value| [attribute("error", value)];
        let text = |text: &str| Value::StringValue(text.to_owned());
        assert_eq!(message(Severity::Info, &[]), None);
        assert_eq!(message(Severity::Warning, &error(text(""))), None);
        assert_eq!(message(Severity::Info, &error(Value::BoolValue(false))), None);
        assert_eq!(message(Severity::Info, &error(Value::BoolValue(true))), Some(String::new()));
        assert_eq!(message(Severity::Info, &error(text("no disk"))), Some("no disk".into()));
        assert_eq!(message(Severity::Critical, &error(text("no disk"))), Some("no disk".into()));
        assert_eq!(message(Severity::Error, &[]), Some(String::new()));
    }
}
