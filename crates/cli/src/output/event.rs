//! An event as one line of text: time, severity, session, name, and its data in short.

use lastword_collector::query::Moment;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cells::{DIM, Line, PLAIN, of_severity};
use super::{Look, fields, text};
use crate::limits::NAME_WIDTH_MAX;

/// Columns of a time: `2026-11-20 09:20:34.502`.
pub(crate) const UTC_COLUMNS: usize = 23;

/// The fields of the wire that a line shows. Whatever is missing is left out: the store keeps what clients sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shown {
    session_id: String,
    event: String,
    severity: String,
    timestamp: String,
    event_name: Option<String>,
    event_data: Option<Box<RawValue>>,
    error_type: Option<String>,
    error_message: Option<String>,
    duration: Option<String>,
}

/// Writes events as lines. The column of names grows with the names it has seen and never shrinks.
pub(crate) struct EventLines {
    look: Look,
    name_width: usize,
}

impl EventLines {
    /// Lines that fit where they are shown.
    pub(crate) fn new(look: Look) -> Self {
        Self { look, name_width: "UNHANDLED_EXCEPTION".len() }
    }

    /// Returns the line of a stored event.
    pub(crate) fn line(&mut self, event: &RawValue) -> String {
        let Ok(shown) = serde_json::from_str::<Shown>(event.get()) else {
            return Line::new(self.look).rest(event.get(), DIM);
        };
        let name = shown.event_name.as_deref().unwrap_or(&shown.event);
        let width_max = self.look.width.map_or(NAME_WIDTH_MAX, |width| (width / 4).clamp(12, NAME_WIDTH_MAX));
        self.name_width = self.name_width.max(text::width(name)).min(width_max);
        let style = of_severity(&shown.severity);
        Line::new(self.look)
            .cell(&utc(&shown.timestamp), UTC_COLUMNS, DIM)
            .cell(&shown.severity, 8, style)
            .cell(&text::short_id(&shown.session_id), 12, DIM)
            .cell(name, self.name_width, style)
            .rest(&shown.summary(), PLAIN)
    }
}

impl Shown {
    /// Returns what there is to say beyond the name.
    fn summary(&self) -> String {
        if let Some(kind) = &self.error_type {
            return match self.error_message.as_deref() {
                Some(message) if !message.is_empty() => format!("{kind}: {message}"),
                _ => kind.clone(),
            };
        }
        match (&self.event_data, &self.duration) {
            (Some(data), _) => fields::summary(data),
            (None, Some(duration)) => format!("after {duration}"),
            (None, None) => String::new(),
        }
    }
}

/// Returns a timestamp as UTC to the millisecond, or as it is where it is none.
pub(crate) fn utc(timestamp: &str) -> String {
    match Moment::parse(timestamp) {
        Some(moment) => moment.to_string().chars().take(UTC_COLUMNS).map(|c| if c == 'T' { ' ' } else { c }).collect(),
        None => timestamp.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str) -> String {
        EventLines::new(Look::PLAIN).line(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn an_event_shows_time_severity_session_name_and_data() {
        let json = r#"{"session_id":"session-123","event":"GENERIC_EVENT","severity":"WARNING",
            "timestamp":"2026-11-20T11:20:34.502124+02:00","event_name":"cache.miss",
            "event_data":{"key":1,"why":"not there","deep":{"a":[1,2]}}}"#;
        assert_eq!(
            line(json),
            "2026-11-20 09:20:34.502  WARNING   session-123   cache.miss           key=1 why=\"not there\" deep={\"a\":[1,2]}"
        );
    }

    #[test]
    fn an_exception_shows_its_type_and_message_and_an_end_its_duration() {
        let json = r#"{"event":"UNHANDLED_EXCEPTION","error_type":"RuntimeError","error_message":"no\nway"}"#;
        assert!(line(json).ends_with("UNHANDLED_EXCEPTION  RuntimeError: no\\nway"), "{}", line(json));
        assert!(line(r#"{"event":"SESSION_END","duration":"0:00:05"}"#).ends_with("after 0:00:05"));
    }

    #[test]
    fn what_is_no_event_is_shown_as_it_is() {
        assert_eq!(line(r#"{"event":7}"#), r#"{"event":7}"#);
    }

    #[test]
    fn a_hostile_event_cannot_act_on_the_terminal() {
        let json = r#"{"event":"GENERIC_EVENT","event_name":"\u001b]0;owned\u0007","session_id":"\u001b[2J",
            "severity":"\u001b[31m","timestamp":"\u001b[1A","event_data":{"\u001b[0m":"\r\u009b1;1H\u202e"}}"#;
        let line = line(json);
        assert!(!line.chars().any(|character| character.is_control() || character == '\u{202e}'), "{line:?}");
        assert!(line.contains("\\u{1b}]0;owned\\u{7}"), "{line}");
    }
}
