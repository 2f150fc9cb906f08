//! The object that an event is on the wire.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::datum::Datum;
use super::field::{Fields, ReadInto};
use super::meaning::wants_all;
use super::{Event, EventError};
use crate::clock::Timestamp;
use crate::event::{EventKind, Severity};
use crate::views::moment::Moment;
use crate::wire;

/// Reads an event from anything that gives out JSON's values.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Event<'de>, EventError> {
    let mut object = Object::default();
    object.deserialize_from(from).map_err(|error| EventError::Unreadable(error.to_string()))?;
    object.into_event()
}

/// What stands in the object, as it is found.
#[derive(Default)]
struct Object<'a> {
    kind: Datum<'a>,
    index: Datum<'a>,
    severity: Datum<'a>,
    timestamp: Datum<'a>,
    session_id: Datum<'a>,
    name: Datum<'a>,
    duration: Datum<'a>,
    error_type: Datum<'a>,
    error_message: Datum<'a>,
    fields: Fields<'a>,
}

impl<'a> Object<'a> {
    fn deserialize_from<D: Deserializer<'a>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(Read(self))
    }

    fn into_event(self) -> Result<Event<'a>, EventError> {
        let kind = self.kind.text().and_then(EventKind::from_wire);
        let kind = kind.ok_or_else(|| EventError::Kind(said(&self.kind)))?;
        let time = self.timestamp.text().and_then(timestamp);
        let time = time.ok_or_else(|| EventError::Time(said(&self.timestamp)))?;
        let severity = self.severity.text().and_then(Severity::from_wire).unwrap_or_default();
        let session_id = into_text(self.session_id);
        let moment = Moment::new(time, &session_id, self.index.count().unwrap_or(0));
        let mut event = Event { session_id, fields: self.fields, ..Event::new(kind, severity, moment) };
        match kind {
            EventKind::Generic => event.name = into_text(self.name),
            EventKind::SessionEnd => {
                event.session_duration = self.duration.text().and_then(duration).unwrap_or_default();
            }
            EventKind::UnhandledException => {
                event.fields = Fields::NONE;
                event.fields.set_error(into_text(self.error_type), into_text(self.error_message));
            }
            EventKind::SessionStart => {}
        }
        event.understand();
        Ok(event)
    }
}

struct Read<'o, 'a>(&'o mut Object<'a>);

impl<'de> Visitor<'de> for Read<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let object = self.0;
        while let Some(key) = entries.next_key::<Datum<'de>>()? {
            let place = match key.text().unwrap_or("") {
                "event" => &mut object.kind,
                "event_session_index" => &mut object.index,
                "severity" => &mut object.severity,
                "timestamp" => &mut object.timestamp,
                "session_id" => &mut object.session_id,
                "event_name" => &mut object.name,
                "duration" => &mut object.duration,
                "error_type" => &mut object.error_type,
                "error_message" => &mut object.error_message,
                "event_data" => {
                    // Where the name stands behind the data, all is read, and what was not wanted is left out later.
                    let all = object.name.text().is_none_or(wants_all);
                    entries.next_value_seed(ReadInto { fields: &mut object.fields, all })?;
                    continue;
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = entries.next_value()?;
        }
        Ok(())
    }
}

fn into_text(datum: Datum<'_>) -> Cow<'_, str> {
    if let Datum::Text(text) = datum { text } else { Cow::Borrowed("") }
}

/// Says what stands where something else should, short.
fn said(datum: &Datum<'_>) -> String {
    const CHARS_MAX: usize = 40;
    if datum.is_null() {
        return "missing".to_owned();
    }
    let mut json = String::new();
    datum.write_json(&mut json);
    json.chars().take(CHARS_MAX).collect()
}

/// Reads a time; one before 1970 is 1970.
fn timestamp(text: &str) -> Option<Timestamp> {
    // Nearly all events are ours.
    if let Some(time) = wire::read_timestamp(text) {
        return Some(time);
    }
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos().max(0);
    Some(Timestamp::from_unix_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// Reads how long a session lasted: `H:MM:SS`, and a fraction where there is one.
fn duration(text: &str) -> Option<Duration> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let hours = hours.parse::<u64>().ok()?.checked_mul(3_600)?;
    let minutes = minutes.parse::<u64>().ok()?.checked_mul(60)?;
    let seconds = hours.checked_add(minutes)?.checked_add(seconds.parse().ok()?)?;
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(Duration::new(seconds, micros * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_of_the_wire_is_read_back_to_the_microsecond() {
        for duration_of in [Duration::ZERO, Duration::from_millis(61_500), Duration::from_micros(90_001_000_005)] {
            let mut text = Vec::new();
            crate::wire::write_duration(&mut text, duration_of);
            assert_eq!(duration(std::str::from_utf8(&text).unwrap()), Some(duration_of));
        }
        for none in ["", "5", "1:2", "a:00:00", "-1:00:00", "18446744073709551615:00:00"] {
            assert_eq!(duration(none), None, "{none}");
        }
    }

    #[test]
    fn a_time_with_any_offset_is_read_and_one_before_1970_is_1970() {
        let nanos = |text| timestamp(text).map(Timestamp::unix_nanos);
        assert_eq!(nanos("1970-01-01T00:00:01.000001Z"), Some(1_000_001_000));
        assert_eq!(nanos("1970-01-01T02:00:01+02:00"), Some(1_000_000_000));
        assert_eq!(nanos("1969-12-31T23:59:59Z"), Some(0));
        assert_eq!(nanos("yesterday"), None);
    }
}
