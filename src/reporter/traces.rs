//! Events of traces, which are reported for a whole trace or for none of it.

use super::handle::Reporter;
use super::report::{Admission, DropReason};
use crate::clock::Timestamp;
use crate::event::{Encoder, EventKind, Severity, Tag};
use crate::privacy::place_of_trace;
use crate::queue::Class;

/// Which content is reported that is not unless it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shows {
    /// What tools were given and came to.
    pub(crate) tools: bool,
    /// What models were given and answered.
    pub(crate) models: bool,
}

/// What was decided about a trace. It takes a word, so that what it is a part of has no gaps: a gap is copied in pieces, and to read
/// them again as one costs more than all else that is done where telemetry is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub(crate) enum Sampling {
    /// It is reported, as was decided here, by its id.
    Here,
    /// It is reported, as was decided in another process.
    Elsewhere,
    /// It is not reported.
    Out,
}

impl Reporter {
    /// Returns whether spans are reported at all.
    #[inline]
    pub(crate) fn takes_spans(&self) -> bool {
        self.takes_all().is_some()
    }

    /// Returns which content is reported.
    pub(crate) fn shows(&self) -> Shows {
        self.takes_all().map(|inner| inner.shared.settings.shows).unwrap_or_default()
    }

    /// Decides whether a trace that begins here is reported.
    #[inline]
    pub(crate) fn sample(&self, trace_id: u128) -> Sampling {
        let intake = self.takes_all().map(|inner| &inner.shared.settings.intake);
        match intake {
            Some(None) => Sampling::Here,
            Some(Some(intake)) if intake.samples(place_of_trace(trace_id)) => Sampling::Here,
            _ => Sampling::Out,
        }
    }

    /// Logs an event of a trace, of that time. `write` is given the share of all traces that this one stands for, if that is not all,
    /// and writes the event's fields, count and all.
    #[inline]
    pub(crate) fn record_of_trace(
        &self,
        (trace_id, sampling): (u128, Sampling),
        time: Timestamp,
        severity: Severity,
        name: &'static str,
        write: impl FnOnce(&mut Encoder<'_>, Option<f64>),
    ) -> Admission {
        let Some(inner) = self.takes_all() else { return Admission::Dropped(DropReason::Disabled) };
        let shared = &inner.shared;
        let share = match (&shared.settings.intake, sampling) {
            (_, Sampling::Out) => return shared.refuse(DropReason::SampledOut),
            (None, _) => None,
            (Some(intake), _) => {
                let place = (sampling == Sampling::Here).then(|| place_of_trace(trace_id));
                match intake.pass_of_trace(name, place) {
                    Ok(share) => share,
                    Err(reason) => return shared.refuse(reason),
                }
            }
        };
        shared.admit_at(
            Class::Ordinary,
            Tag::new(EventKind::Generic, severity),
            || time,
            |encoder| {
                encoder.name(name);
                write(encoder, share);
                Ok(())
            },
        )
    }
}
