//! Traces: what was done within what, how long it took, and how it ended.

mod context;

pub use context::{Context, Entered, InContext, SpanContext};
#[cfg(feature = "runs")]
pub(crate) use context::{Ended, Scribe, Started};
