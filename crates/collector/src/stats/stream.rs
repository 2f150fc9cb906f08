//! What goes through the stream between those that take events in and those that write them.

use super::{Counter, Gauge};

/// What this process has put into the stream and taken out of it.
#[derive(Debug, Default)]
pub(crate) struct Streaming {
    /// Events that the stream has acknowledged.
    pub(crate) published: Counter,
    /// Attempts to publish that failed, of which most are made again.
    pub(crate) publish_failed: Counter,
    /// Events out of the stream that were stored here.
    pub(crate) written: Counter,
    /// Events out of the stream that were stored before.
    pub(crate) known: Counter,
    /// Messages that were left for later, or for somebody else.
    pub(crate) postponed: Counter,
    /// Messages that can't be stored, and were put aside.
    pub(crate) dead: Counter,
    /// Messages that wait in the stream, as a writer saw it last.
    pub(crate) waiting: Gauge,
    /// Messages that writers have taken and not acknowledged.
    pub(crate) taken: Gauge,
}
