//! Which lines are events, and which of these are wanted.

use std::borrow::Cow;

use lastword::{EventKind, Severity};
use lastword_collector::query::Moment;
use serde::Deserialize;
use serde_json::error::Category;

use super::Skipped;
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::source::feed::Each;

/// What is looked at in a line.
#[derive(Deserialize)]
struct Line<'a> {
    event: &'a str,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    severity: Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
}

/// Which events are wanted, as the query of a collector has it.
pub(super) struct Selection {
    filter: EventFilter,
    kind: Option<EventKind>,
}

impl Selection {
    pub(super) fn new(mut filter: EventFilter) -> Self {
        let kind = filter.kind.as_ref().and_then(|kind| EventKind::from_wire(&kind.to_ascii_uppercase()));
        filter.text = filter.text.map(|text| text.to_ascii_lowercase());
        Self { filter, kind }
    }

    /// Hands a line on if it is an event that is wanted; counts it if it is no event.
    pub(super) fn hand_on(&self, line: Option<&[u8]>, skipped: &mut Skipped, each: &mut Each<'_>) -> Result<(), Error> {
        let Some(text) = line.and_then(|line| std::str::from_utf8(line).ok()) else {
            skipped.torn += 1;
            return Ok(());
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        match serde_json::from_str::<Line<'_>>(text) {
            Ok(line) => match EventKind::from_wire(line.event) {
                Some(kind) if self.wants(&line, kind, text) => each(text)?,
                Some(_) => {}
                None => skipped.foreign += 1,
            },
            Err(error) if error.classify() == Category::Data => skipped.foreign += 1,
            Err(_) => skipped.torn += 1,
        }
        Ok(())
    }

    fn wants(&self, line: &Line<'_>, kind: EventKind, text: &str) -> bool {
        // What only a store can tell is refused where the flags are read.
        let EventFilter { session, name, kind: _, severity, since, until, text: part, stored: _ } = &self.filter;
        let is = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let moment = || Moment::parse(&line.timestamp);
        is(session, &line.session_id)
            && is(name, &line.event_name)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && severity.is_none_or(|least| Severity::from_wire(&line.severity).is_some_and(|found| found >= least))
            && since.is_none_or(|since| moment().is_some_and(|moment| moment >= since))
            && until.is_none_or(|until| moment().is_some_and(|moment| moment < until))
            && part.as_ref().is_none_or(|part| text.to_ascii_lowercase().contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `text` that are handed on, and what was skipped.
    fn selected(filter: EventFilter, text: &str) -> (Vec<String>, Skipped) {
        let selection = Selection::new(filter);
        let (mut taken, mut skipped) = (Vec::new(), Skipped::default());
        for line in text.split('\n') {
            let mut each = |event: &str| {
                taken.push(event.to_owned());
                Ok(())
            };
            selection.hand_on(Some(line.as_bytes()), &mut skipped, &mut each).unwrap();
        }
        (taken, skipped)
    }

    #[test]
    fn what_is_no_json_is_torn_and_what_is_no_event_is_foreign() {
        let text =
            "{\"event\":\"SESSION_START\"}\r\n\n{\"event\":\"SESS\n{\"event\":\"OTHER\"}\n[1]\n7\n{\"a\":1}\nhello";
        let (taken, skipped) = selected(EventFilter::default(), text);
        assert_eq!(taken, [r#"{"event":"SESSION_START"}"#]);
        assert_eq!(skipped, Skipped { torn: 2, foreign: 4 });
    }

    #[test]
    fn filters_choose_as_those_of_a_collector_do() {
        let lines = [
            r#"{"event":"GENERIC_EVENT","session_id":"s","event_name":"Cache.Miss","severity":"WARNING","timestamp":"2026-11-20T10:00:00Z"}"#,
            r#"{"event":"SESSION_END","session_id":"t","severity":"INFO","timestamp":"2026-11-20T09:00:00Z"}"#,
        ];
        let some = |text: &str| Some(text.to_owned());
        let moment = Moment::parse("2026-11-20T12:00:00+02:00");
        let cases = [
            (EventFilter { session: some("s"), ..EventFilter::default() }, 0),
            (EventFilter { name: some("Cache.Miss"), ..EventFilter::default() }, 0),
            (EventFilter { kind: some("session_end"), ..EventFilter::default() }, 1),
            (EventFilter { severity: Some(Severity::Warning), ..EventFilter::default() }, 0),
            (EventFilter { since: moment, ..EventFilter::default() }, 0),
            (EventFilter { until: moment, ..EventFilter::default() }, 1),
            (EventFilter { text: some("CACHE.m"), ..EventFilter::default() }, 0),
        ];
        for (filter, index) in cases {
            let said = format!("{filter:?}");
            assert_eq!(selected(filter, &lines.join("\n")).0, [lines[index]], "{said}");
        }
    }
}
