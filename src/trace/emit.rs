//! A span as its events.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::attributes::Told;
use super::open::{Open, SpanKind};
use crate::clock::Timestamp;
use crate::event::{Encoder, Key, Severity, names};
use crate::privacy::{Checked, key};
use crate::{Admission, Reporter};

/// How a span ended.
const OK: &str = "ok";
const ERROR: &str = "error";

impl Open {
    /// Reports that it began, or that it ended after so many milliseconds.
    #[inline]
    pub(super) fn report(&self, reporter: &Reporter, time: Timestamp, ended: Option<f64>) {
        if self.report_with(reporter, time, ended, true).is_too_much() {
            self.report_without_attributes(reporter, time, ended);
        }
    }

    #[cold]
    fn report_without_attributes(&self, reporter: &Reporter, time: Timestamp, ended: Option<f64>) {
        let _ = self.report_with(reporter, time, ended, false);
    }

    #[inline]
    fn report_with(
        &self,
        reporter: &Reporter,
        time: Timestamp,
        ended: Option<f64>,
        with_attributes: bool,
    ) -> Admission {
        let severity = if ended.is_some() && self.fault.is_some() { Severity::Error } else { Severity::Info };
        let name = if ended.is_some() { names::SPAN_END } else { names::SPAN_START };
        let of_trace = (self.context.trace_id, self.context.sampling);
        reporter.record_of_trace(of_trace, time, severity, name, |encoder, share| {
            self.write(encoder, share, ended, with_attributes);
        })
    }

    /// Writes the fields, the ids first: of its start, or of its end after so long.
    fn write(&self, encoder: &mut Encoder<'_>, share: Option<f64>, ended: Option<f64>, with_attributes: bool) {
        let fault = self.fault.as_deref().filter(|_| ended.is_some());
        let attributes = self.attributes.as_deref();
        let (all, dropped) = attributes.map_or((0, 0), |attributes| (attributes.list.len(), attributes.dropped));
        let told = if with_attributes { all } else { 0 };
        let dropped = dropped + (all - told) as u64;
        // Each field that may be missing, as the code below writes it.
        let fields = 3
            + u32::from(self.parent_span_id.is_some())
            + u32::from(self.kind != SpanKind::Internal)
            + u32::from(self.run.is_some())
            + 2 * u32::from(ended.is_some())
            + 2 * u32::from(fault.is_some())
            + u32::from(share.is_some())
            + u32::from(dropped > 0)
            + u32::try_from(told).unwrap_or_default();
        encoder.fields(fields);
        encoder.field_span_ids(self.context.trace_id, self.context.span_id, self.parent_span_id);
        match self.name {
            Cow::Borrowed(name) => encoder.field_literal(names::SPAN_NAME, name, self.has_safe_name),
            Cow::Owned(ref name) => encoder.field(const { key(names::SPAN_NAME) }, &Checked(name)),
        }
        if self.kind != SpanKind::Internal {
            encoder.field_literal(names::SPAN_KIND, self.kind.as_str(), true);
        }
        if let Some(run) = &self.run {
            encoder.field(const { key(names::RUN_ID) }, &Checked(run.run_id()));
        }
        if let Some(duration_ms) = ended {
            encoder.field(const { key(names::DURATION_MS) }, &duration_ms);
            encoder.field_literal(names::STATUS, if fault.is_some() { ERROR } else { OK }, true);
        }
        if let Some(fault) = fault {
            encoder.field(const { key(names::ERROR_TYPE) }, &Checked(&fault.error_type));
            encoder.field(const { key(names::ERROR_MESSAGE) }, &*fault.message);
        }
        if let Some(share) = share {
            encoder.field(const { key(names::SAMPLE_RATE) }, &share);
        }
        if dropped > 0 {
            encoder.field(const { key(names::ATTRIBUTES_DROPPED) }, &dropped);
        }
        if let Some(attributes) = attributes {
            attributes.iter().take(told).for_each(|attribute| attribute.write(encoder));
        }
    }
}

impl Told<'_> {
    fn write(&self, encoder: &mut Encoder<'_>) {
        // Of a name of our own it is known that it is not that of a secret.
        let key = if self.has_known_key { Key::known(self.key, false) } else { Key::from(self.key) };
        if self.is_name {
            encoder.field(key, &Names(self.value));
        } else {
            encoder.field(key, self.value);
        }
    }
}

/// A name, or a list of them: each that passes goes to every sink.
struct Names<'a>(&'a Value);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => Checked(text).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Names)),
            other => other.serialize(serializer),
        }
    }
}
