//! Where in a trace something is, as it goes from process to process: "Trace Context" of the W3C, level 1, with the version 00.
//!
//! Of the two headers `traceparent` alone is read and written. `tracestate` is what others have to say to themselves; who wants
//! it to go on passes it on.

use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::event::{SpanId, TraceId};
use crate::limits::{SAID_CHARS_MAX, TRACEPARENT_BYTES_MAX};
use crate::reporter::Sampling;

/// The flag that says that whoever began the trace records it.
const SAMPLED: u8 = 1;
/// Digits of the shortest header that there is, which is that of the version 00.
const HEADER_BYTES: usize = 55;

/// Which span of which trace, and whether that is recorded: what crosses the border of a process.
#[derive(Debug, Clone, Copy)]
pub struct SpanContext {
    /// The trace's id, never 0.
    pub(crate) trace_id: u128,
    /// The span's id, never 0.
    pub(crate) span_id: u64,
    pub(crate) sampling: Sampling,
}

impl SpanContext {
    /// Returns the id of the trace: what a user is shown of an error, so that what happened can be found.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        TraceId::known(self.trace_id)
    }

    /// Returns the id of the span.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        SpanId::known(self.span_id)
    }

    /// Returns whether the trace is recorded, as far as is known here.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        !matches!(self.sampling, Sampling::Out)
    }

    /// Returns what the header `traceparent` of a request says, so that what it comes to at the other side is in the same trace.
    ///
    /// ```
    /// use lastword::Reporter;
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = Reporter::builder("s").enabled(true).sink(sink).start()?;
    ///
    /// let span = reporter.trace("ask");
    /// let header = span.context().map(|context| context.traceparent());
    /// assert!(header.is_some_and(|header| header.starts_with("00-") && header.ends_with("-01")));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = if self.is_sampled() { SAMPLED } else { 0 };
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

impl PartialEq for SpanContext {
    /// Compares what crosses the border, and not who has decided what is recorded.
    fn eq(&self, other: &Self) -> bool {
        (self.trace_id, self.span_id, self.is_sampled()) == (other.trace_id, other.span_id, other.is_sampled())
    }
}

impl Eq for SpanContext {}

impl Hash for SpanContext {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.trace_id, self.span_id, self.is_sampled()).hash(state);
    }
}

/// A text is no header `traceparent`: the trace goes on without a parent from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTraceparentError {
    /// It does not have the form.
    #[error(
        "`{0}` is no traceparent: it is a version, the id of a trace, the id of a span and flags, in lower case, as \
         `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`"
    )]
    Form(String),
    /// One of the ids is all zeros, which says that there is none.
    #[error("the id of the {0} in the traceparent is all zeros: whoever sent it has none, and should not have sent it")]
    Zeros(&'static str),
}

impl FromStr for SpanContext {
    type Err = ParseTraceparentError;

    /// Reads a header `traceparent`. Of a version that is not known yet, what the version 00 has is read, as the recommendation
    /// asks for; what comes behind is left.
    ///
    /// # Errors
    ///
    /// It does not have the form, or one of its ids is all zeros. Such a header is to be taken for none.
    ///
    /// ```
    /// use lastword::trace::SpanContext;
    ///
    /// let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// let context: SpanContext = header.parse()?;
    /// assert!(context.is_sampled());
    /// assert_eq!(context.traceparent(), header);
    /// assert!("00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01".parse::<SpanContext>().is_err());
    /// # Ok::<(), lastword::trace::ParseTraceparentError>(())
    /// ```
    fn from_str(header: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseTraceparentError::Form(header.chars().take(SAID_CHARS_MAX).collect());
        let (known, rest) = header
            .split_at_checked(HEADER_BYTES)
            .filter(|_| header.len() <= TRACEPARENT_BYTES_MAX && header.is_ascii())
            .ok_or_else(wrong)?;
        let mut parts = known.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            u128::from_str_radix(part, 16).ok().filter(|_| is_hex)
        };
        let (Some(version), Some(trace_id), Some(span_id), Some(flags)) = (part(2), part(32), part(16), part(2)) else {
            return Err(wrong());
        };
        let ends_well = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        // The version ff is forbidden.
        let span_id = u64::try_from(span_id).map_err(|_| wrong())?;
        if version == 0xff || !ends_well {
            return Err(wrong());
        }
        match (trace_id, span_id) {
            (0, _) => Err(ParseTraceparentError::Zeros("trace")),
            (_, 0) => Err(ParseTraceparentError::Zeros("span")),
            _ => {
                let is_sampled = flags & u128::from(SAMPLED) != 0;
                let sampling = if is_sampled { Sampling::Elsewhere } else { Sampling::Out };
                Ok(Self { trace_id, span_id, sampling })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn parse(header: &str) -> Result<SpanContext, ParseTraceparentError> {
        header.parse()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for flags in ["00", "01"] {
            let header = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = parse(&header).unwrap();
            assert_eq!((context.traceparent(), context.is_sampled()), (header, flags == "01"));
        }
        assert!(parse(&format!("00-{TRACE}-{SPAN}-03")).unwrap().is_sampled(), "other flags are not looked at");
        assert!(!parse(&format!("00-{TRACE}-{SPAN}-fe")).unwrap().is_sampled());
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        for header in [format!("01-{TRACE}-{SPAN}-01"), format!("cc-{TRACE}-{SPAN}-01-what-the-future-has")] {
            assert_eq!(parse(&header).unwrap().traceparent(), format!("00-{TRACE}-{SPAN}-01"));
        }
        for header in
            [format!("ff-{TRACE}-{SPAN}-01"), format!("cc-{TRACE}-{SPAN}-01.more"), format!("01-{TRACE}-{SPAN}-012")]
        {
            assert!(matches!(parse(&header), Err(ParseTraceparentError::Form(_))), "{header}");
        }
    }

    #[test]
    fn a_hostile_header_is_none() {
        let zeros = ["0".repeat(32), "0".repeat(16)];
        assert_eq!(parse(&format!("00-{}-{SPAN}-01", zeros[0])), Err(ParseTraceparentError::Zeros("trace")));
        assert_eq!(parse(&format!("00-{TRACE}-{}-01", zeros[1])), Err(ParseTraceparentError::Zeros("span")));
        for header in [
            String::new(),
            "-".repeat(55),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", "g".repeat(16)),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}{SPAN}--01"),
            format!("é{}", "a".repeat(53)),
            format!("00-{}-{SPAN}-01", "é".repeat(16)),
            format!("01-{TRACE}-{SPAN}-01-{}", "x".repeat(TRACEPARENT_BYTES_MAX)),
            "\0".repeat(55),
        ] {
            let error = parse(&header).unwrap_err();
            assert!(error.to_string().len() < 400, "{header}");
        }
    }
}
