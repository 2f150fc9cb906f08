//! Events as rows of the table `events`: everything that is asked of an event is a column, and nothing of it is derived by the server.

use std::borrow::Cow;

use crate::clickhouse::RowBinary;
use crate::ingest::{Detail, Event};
use crate::limits::{HOUR_FUTURE_US, HOUR_PAST_US};
use crate::store::index::{Facts, Indexed, Outside, PLACEHOLDER, Part, Point, Span, What, put_back};
use crate::store::{Class, WIDTHS_US, floor, kind_number};

/// What stands for no bucket.
pub(super) const NO_BUCKET: u8 = 255;

/// What an event is to those who count spans.
pub(super) const START: u8 = 1;
/// A span that ended, or an operation.
pub(super) const END: u8 = 2;
/// Something of a run.
pub(super) const RUN: u8 = 3;
/// Points of metrics.
pub(super) const METRICS: u8 = 4;

/// The columns of `events`, in the order in which rows have them.
pub(super) const COLUMNS: [&str; 53] = [
    "hour",
    "session",
    "time_us",
    "id",
    "row",
    "received_us",
    "idx",
    "kind",
    "severity",
    "class",
    "name",
    "platform",
    "version",
    "process",
    "trace",
    "run",
    "user",
    "bucket",
    "what",
    "span_name",
    "is_root",
    "duration_us",
    "failed",
    "call",
    "callee",
    "provider",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "cost",
    "run_kind",
    "objective",
    "status",
    "fingerprint",
    "error_type",
    "error_message",
    "drops",
    "recovered",
    "signal",
    "points.name",
    "points.kind",
    "points.unit",
    "points.labels",
    "points.count",
    "points.sum",
    "points.min",
    "points.max",
    "points.last",
    "parts.at",
    "parts.hash",
    "parts.bytes",
    "parts.filter",
    "body",
];

/// The columns of `occurrences`.
pub(super) const OCCURRENCE: [&str; 13] = [
    "fingerprint",
    "hour",
    "session",
    "time_us",
    "id",
    "row",
    "received_us",
    "severity",
    "version",
    "platform",
    "bucket",
    "error_type",
    "error_message",
];

/// A new event of a block, with the row that it gets.
#[derive(Clone, Copy)]
pub(super) struct New<'b> {
    pub(super) indexed: &'b Indexed,
    pub(super) place: usize,
    pub(super) event: &'b Event,
    pub(super) hour: u32,
    pub(super) row: u64,
    pub(super) received_us: i64,
}

impl<'b> New<'b> {
    pub(super) fn facts(&self) -> Option<&'b Facts> {
        self.indexed.facts.get(self.place).and_then(Option::as_deref)
    }

    /// Returns its large values.
    pub(super) fn parts(&self) -> &'b [Part] {
        self.indexed.parts.get(&self.place).map_or(&[], Vec::as_slice)
    }

    /// Returns its text byte for byte as it came, but for what is outside, and where in it those values were: nothing is kept apart here, for a column
    /// is compressed as a whole.
    fn body(&self) -> (Cow<'b, str>, Vec<(usize, &'b Outside)>) {
        let stored = self.indexed.envelope.body.get(self.event.range.clone()).unwrap_or_default();
        let (mut outside, mut longer_by) = (Vec::new(), 0);
        let within = self.parts().iter().filter_map(|part| match &part.outside {
            Some(value) => {
                outside.push((part.at + longer_by, value));
                None
            }
            None => {
                // It is larger than what stands for it.
                longer_by += part.text.len().saturating_sub(PLACEHOLDER.len());
                Some((part.at, &*part.text))
            }
        });
        let whole = if self.parts().is_empty() { None } else { put_back(stored, within) };
        (whole.map_or(Cow::Borrowed(stored), Cow::Owned), outside)
    }

    /// Writes it as a row of `events`.
    pub(super) fn write(&self, rows: &mut RowBinary) {
        let Self { indexed, event, hour, row, received_us, .. } = *self;
        let envelope = &indexed.envelope;
        let said = |text: &'b Option<String>| text.as_deref().unwrap_or_default();
        rows.u32(hour).text(&envelope.session_id).i64(event.time_us).text(&event.key.id()).u64(row).i64(received_us);
        rows.i64(event.index).u8(number(kind_number(event.kind))).u8(event.severity as u8);
        rows.u8(Class::of(event.kind, event.name.as_deref()) as u8).text(event.name.as_deref().unwrap_or_default());
        rows.text(said(&envelope.platform)).text(said(&envelope.sdk_version)).text(said(&envelope.process_uuid));
        facts(rows, self.facts());
        detail(rows, event.detail.as_deref());
        points(rows, self.facts());
        let (body, outside) = self.body();
        column(rows, &outside, |rows, (at, _)| _ = rows.u32(u32::try_from(*at).unwrap_or(u32::MAX)));
        column(rows, &outside, |rows, (_, value)| _ = rows.text(&value.hash));
        column(rows, &outside, |rows, (_, value)| _ = rows.u32(u32::try_from(value.bytes).unwrap_or(u32::MAX)));
        column(rows, &outside, |rows, (_, value)| _ = rows.binary(&value.filter));
        rows.text(&body).end_row();
    }

    /// Writes it as a row of `occurrences`, if it is an exception.
    pub(super) fn write_occurrence(&self, rows: &mut RowBinary) {
        let Some(Detail::Exception(exception)) = self.event.detail.as_deref() else { return };
        let envelope = &self.indexed.envelope;
        rows.text(&exception.fingerprint).u32(self.hour).text(&envelope.session_id).i64(self.event.time_us);
        rows.text(&self.event.key.id()).u64(self.row).i64(self.received_us).u8(self.event.severity as u8);
        rows.text(envelope.sdk_version.as_deref().unwrap_or_default());
        rows.text(envelope.platform.as_deref().unwrap_or_default());
        rows.u8(self.facts().and_then(|facts| facts.bucket).unwrap_or(NO_BUCKET));
        rows.text(&exception.error_type).text(&exception.message).end_row();
    }
}

/// Returns when the hour of an event began, in seconds; 0 for a time that is too far from the present one: a client whose clock says anything would
/// make more partitions than a block may have.
pub(super) fn hour_of(time_us: i64, now_us: i64) -> u32 {
    let known = now_us.saturating_sub(HOUR_PAST_US)..=now_us.saturating_add(HOUR_FUTURE_US);
    if known.contains(&time_us) { real_hour(time_us) } else { 0 }
}

/// Returns when the hour of a time began, in seconds; 0 for one before 1970 or after 2106.
pub(super) fn real_hour(time_us: i64) -> u32 {
    u32::try_from(floor(time_us, WIDTHS_US[1]) / 1_000_000).unwrap_or(0)
}

/// Returns a number that is known to be small.
fn number(number: i64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Writes the columns from `trace` to `status`.
fn facts(rows: &mut RowBinary, facts: Option<&Facts>) {
    let none = Facts::default();
    let Facts { trace, run, user, bucket, what } = facts.unwrap_or(&none);
    rows.bytes16(trace.unwrap_or_default()).text(run.as_deref().unwrap_or_default());
    rows.text(user.as_deref().unwrap_or_default()).u8(bucket.unwrap_or(NO_BUCKET));
    let no_span = Span::default();
    let (number, span) = match what {
        What::Other => (0, &no_span),
        What::Start(span) => (START, span),
        What::End(span) => (END, span),
        What::Run(_) => (RUN, &no_span),
        What::Metrics(_) => (METRICS, &no_span),
    };
    let is_span = matches!(what, What::Start(_) | What::End(_));
    rows.u8(number).text(&span.name).bool(is_span && span.is_root);
    // What a span that began says of its end counts nowhere.
    let end = if number == END { span } else { &no_span };
    rows.i64(end.duration_us.unwrap_or(-1)).bool(end.failed);
    rows.u8(if end.is_model_call { 1 } else { u8::from(end.is_tool_call) * 2 });
    let callee = end.callee.as_deref();
    rows.text(callee.map_or("", |callee| &callee.name)).text(callee.map_or("", |callee| &callee.provider));
    rows.i64(end.tokens_in).i64(end.tokens_out).i64(end.tokens_cached).f64(end.cost);
    match what {
        What::Run(run) => rows
            .text(&run.kind)
            .text(run.objective.as_deref().unwrap_or_default())
            .text(run.status.as_deref().unwrap_or_default()),
        _ => rows.text("").text("").text(""),
    };
}

/// Writes the columns from `fingerprint` to `signal`.
fn detail(rows: &mut RowBinary, detail: Option<&Detail>) {
    match detail {
        Some(Detail::Exception(exception)) => {
            rows.text(&exception.fingerprint).text(&exception.error_type).text(&exception.message)
        }
        _ => rows.text("").text("").text(""),
    };
    match detail {
        Some(Detail::Drops(drops)) => {
            rows.map(drops.len());
            for (reason, count) in drops {
                rows.text(reason).i64(*count);
            }
        }
        _ => _ = rows.map(0),
    }
    match detail {
        Some(Detail::Recovered { signal }) => rows.bool(true).text(signal.as_deref().unwrap_or_default()),
        _ => rows.bool(false).text(""),
    };
}

/// Writes the points of metrics, a column each of what they say.
fn points(rows: &mut RowBinary, facts: Option<&Facts>) {
    let points: &[Point] = match facts.map(|facts| &facts.what) {
        Some(What::Metrics(points)) => points,
        _ => &[],
    };
    column(rows, points, |rows, point| _ = rows.text(&point.name));
    column(rows, points, |rows, point| _ = rows.u8(point.kind as u8));
    column(rows, points, |rows, point| _ = rows.text(point.unit.as_deref().unwrap_or_default()));
    column(rows, points, |rows, point| _ = rows.text(&point.labels));
    column(rows, points, |rows, point| _ = rows.i64(point.count));
    let values: [fn(&Point) -> f64; 4] = [|point| point.sum, |point| point.min, |point| point.max, |point| point.last];
    for value in values {
        column(rows, points, |rows, point| _ = rows.f64(value(point)));
    }
}

fn column<T>(rows: &mut RowBinary, values: &[T], write: impl Fn(&mut RowBinary, &T)) {
    rows.array(values.len());
    for value in values {
        write(rows, value);
    }
}

#[cfg(test)]
mod tests {
    use super::hour_of;

    #[test]
    fn the_hour_of_a_time_that_is_far_from_the_present_one_is_none() {
        let now = 1_795_672_661_000_000;
        let day = 24 * 3_600_000_000;
        assert_eq!(hour_of(now, now), 1_795_669_200);
        assert_eq!(hour_of(now - 365 * day, now), 1_795_669_200 - 365 * 86_400);
        assert_eq!(hour_of(now - 367 * day, now), 0);
        assert_eq!(hour_of(now + 3 * day, now), 0);
        assert_eq!((hour_of(i64::MIN, now), hour_of(-1, 0), hour_of(i64::MAX, i64::MAX)), (0, 0, 0));
    }
}
