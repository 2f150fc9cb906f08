//! What `init` has to know of a builder, and to add to it.

use std::sync::Arc;

use super::builder::Builder;
use crate::privacy::Level;
use crate::sink::Sink;

impl Builder {
    /// Returns whether telemetry is off, so that `start` would return a reporter that does nothing.
    pub(crate) fn is_off(&self) -> bool {
        self.decide().level() == Level::None
    }

    /// Returns whether it could start with the sinks that it has.
    pub(crate) const fn has_sinks(&self) -> bool {
        !self.sinks.is_empty() || self.sinks_later
    }

    /// Returns whether it has a sink of this name.
    pub(crate) fn has_sink(&self, name: &str) -> bool {
        self.sinks.iter().any(|sink| sink.name() == name)
    }

    /// Adds a sink.
    pub(crate) fn shared_sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }
}
