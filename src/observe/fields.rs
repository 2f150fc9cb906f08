//! The fields of a `tracing` event or span, as an event of a session has them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

/// The field that says which session it is.
pub(super) const SESSION_ID: &str = "session_id";

const MEASUREMENTS: [&str; 5] = ["duration", "elapsed_time", "monotonic_time", "queue_depth", "system_time"];
const MEASUREMENTS_PREFIX: &str = "measurements.";

/// Fields, apart: what was measured, what else is known, and whose they are.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Fields {
    #[serde(skip)]
    session_id: Option<String>,
    measurements: Map<String, Value>,
    metadata: Map<String, Value>,
}

impl Fields {
    /// Adds what `record` shows. A `Debug` of the program's that panics costs the fields behind it, not the program.
    pub(super) fn read(&mut self, record: impl FnOnce(&mut Self)) {
        guarded(|| record(self));
    }

    /// Adds what was recorded later; it stands over what was recorded before.
    pub(super) fn add(&mut self, later: Self) {
        self.session_id = later.session_id.or_else(|| self.session_id.take());
        self.measurements.extend(later.measurements);
        self.metadata.extend(later.metadata);
    }

    pub(super) fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    pub(super) fn measure(&mut self, name: &str, value: impl Into<Value>) {
        self.measurements.insert(name.to_owned(), value.into());
    }

    /// Returns whether something was said about this.
    pub(super) fn says(&self, name: &str) -> bool {
        self.metadata.contains_key(name)
    }

    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if name == SESSION_ID {
            self.session_id = Some(match value {
                // `?id` of a text has it in quotes.
                Value::String(text) => text.trim_matches('"').to_owned(),
                other => other.to_string(),
            });
        } else if let Some(name) = name.strip_prefix(MEASUREMENTS_PREFIX) {
            self.measure(name, value);
        } else if MEASUREMENTS.contains(&name) {
            self.measure(name, value);
        } else {
            self.metadata.insert(name.to_owned(), value);
        }
    }
}

/// Runs what reads fields. What was read before a panic is whole.
pub(super) fn guarded(read: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(read));
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    // Nanoseconds come as 128 bits, and fit into fewer.
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
