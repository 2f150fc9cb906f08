//! OpenTelemetry's protocol: traces, logs and metrics, in protobuf and in JSON.
//!
//! ```text
//! body -> groups by resource -> groups by scope -> records, one at a time -> events
//!         source                source             spans, logs, metrics      (Drafts)
//! ```
//!
//! The messages are read by hand ([`proto`] over [`wire`]) and by serde ([`json`]) into one [`model`], whose texts are borrowed from the
//! body; a record becomes its event before the next one is read.
//!
//! # Invariants
//!
//! - What is built of a body is bounded by its largest record, which is bounded as an event is, and by the events that come of it: empty
//!   parts by the million, huge lengths and deep values are refused at the first that is too much.
//! - A bad record is refused alone; the request as a whole only where it can't be said where its records begin.
//! - All that a record says is among its event's data, under the names that it was sent with; names of docs/events.md are added.
//! - The same record is the same event, whenever and however often it is sent.

mod genai;
mod json;
mod logs;
mod metrics;
mod model;
mod proto;
mod raw;
mod series;
mod source;
mod spans;
mod value;
mod wire;

pub(crate) use genai::Prices;
pub use genai::PricesError;
pub(crate) use raw::Format;
pub(crate) use series::{SeriesState, Taken};

use super::{Drafts, Intake, Refusal, Refused};
use crate::limits::EVENT_BYTES_MAX;
use model::Scope;
use raw::{Group, Raw, Shape};
use source::Sender;

/// What a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

/// What is read with.
pub(crate) struct Reading<'r> {
    pub(crate) now_us: i64,
    pub(crate) prices: &'r Prices,
    /// What was seen of cumulative series.
    pub(crate) series: &'r SeriesState,
}

/// What was read of a request.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) intake: Intake,
    /// Points of series, to be forgotten if it is not stored.
    pub(crate) taken: Taken,
    /// How many records were refused: of metrics, points, of which a refusal may have several.
    pub(crate) refused: usize,
}

/// Reads the body of an export request.
///
/// # Errors
///
/// Nothing of it can be stored: it is not in its format, or has more records than a request may have.
pub(crate) fn decode(signal: Signal, format: Format, body: &[u8], reading: &Reading<'_>) -> Result<Read, Refused> {
    let body = Raw::of(format, body)?;
    let mut drafts = Drafts::new(reading.now_us);
    let mut metrics = metrics::Taking::new(reading);
    let taken = match signal {
        Signal::Metrics => {
            each_scope(signal, body, |sender, scope, records| metrics.take(&mut drafts, sender, scope, &records))
        }
        Signal::Traces | Signal::Logs => {
            let (mut place, mut alike) = (0, logs::Alike::default());
            each_scope(signal, body, |sender, scope, records| {
                for raw in records {
                    let mut taking = Taking { drafts: &mut drafts, sender: &mut *sender, place, reading };
                    place += 1;
                    if taking.is_too_large(raw) {
                        continue;
                    }
                    match signal {
                        Signal::Traces => spans::take(&mut taking, scope, raw)?,
                        _ => logs::take(&mut taking, &mut alike, scope, raw)?,
                    }
                }
                Ok(())
            })
        }
    };
    let (taken_points, refused_points) = metrics.finish();
    if let Err(error) = taken {
        reading.series.forget(&taken_points);
        return Err(error);
    }
    let intake = drafts.finish();
    let refused = if signal == Signal::Metrics { refused_points } else { intake.refused.len() };
    Ok(Read { intake, taken: taken_points, refused })
}

/// Goes through a request, scope by scope.
fn each_scope<'b>(
    signal: Signal,
    body: Raw<'b>,
    mut take: impl FnMut(&mut Sender<'b>, &Scope<'b>, Vec<Raw<'b>>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    for group in Group::read(body, signal.shape())?.items {
        let of_resource = Group::read(group, Shape::of_resource(signal.scopes()))?;
        let mut sender = Sender::read(&of_resource)?;
        for group in of_resource.items {
            let of_scope = Group::read(group, Shape::of_scope(signal.records()))?;
            let scope = source::scope(&of_scope)?;
            take(&mut sender, &scope, of_scope.items)?;
        }
    }
    Ok(())
}

impl Signal {
    const fn shape(self) -> Shape {
        Shape::request(match self {
            Self::Traces => "resourceSpans",
            Self::Logs => "resourceLogs",
            Self::Metrics => "resourceMetrics",
        })
    }

    const fn scopes(self) -> &'static str {
        match self {
            Self::Traces => "scopeSpans",
            Self::Logs => "scopeLogs",
            Self::Metrics => "scopeMetrics",
        }
    }

    const fn records(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Logs => "logRecords",
            Self::Metrics => "metrics",
        }
    }
}

/// A record that is being taken.
struct Taking<'t, 'b> {
    drafts: &'t mut Drafts,
    sender: &'t mut Sender<'b>,
    place: usize,
    reading: &'t Reading<'t>,
}

impl Taking<'_, '_> {
    fn refuse(&mut self, reason: impl Into<String>) {
        self.drafts.refuse(self.place, None, reason);
    }

    /// Refuses a record that is too large for an event, before anything is built of it.
    fn is_too_large(&mut self, raw: Raw<'_>) -> bool {
        let bytes = raw.bytes().len();
        let is = bytes > EVENT_BYTES_MAX;
        if is {
            self.refuse(format!("the record has {bytes} bytes: at most {EVENT_BYTES_MAX} are taken"));
        }
        is
    }
}

/// Returns what to say of refused records: how many, and why the first of them.
pub(crate) fn said_of(refused: &[Refusal]) -> String {
    match refused {
        [] => String::new(),
        [one] => format!("record {}: {}", one.index, one.reason),
        [first, rest @ ..] => format!("record {}: {}; and {} more", first.index, first.reason, rest.len()),
    }
}

/// Nanoseconds since 1970 as a moment; later ones than there are moments are the last.
fn moment(unix_nano: u64) -> i64 {
    i64::try_from(unix_nano / 1_000).unwrap_or(i64::MAX)
}
