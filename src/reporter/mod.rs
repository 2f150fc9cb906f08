//! A reporter: it takes the events of one session, at once, and delivers them, whenever that may be.
//!
//! # Parts
//!
//! ```text
//! Reporter (a handle, any thread) --push--> Shared.ring --take--> Worker --attempt--> Sink
//!        \__ flush, drain, stats __________ Shared.state <-- what each attempt came to --/
//! ```
//!
//! # Invariants
//!
//! - **Callers never wait for delivery**, but for those who ask to, and these for no longer than they say.
//! - **`accepted = delivered + dropped + spooled + queued + in_flight`** at every moment that [`Reporter::stats`] is called.
//! - **Drained is true**: [`Drain::is_drained`] says that the other side has every event that was accepted before.
//! - **An actor may die at any step.** What it knew stands in `Shared`; who waits, waits for the books, not for the actor.
//! - Everything of a reporter but the pushing of events happens on one thread of its own.

mod admit;
mod builder;
mod consent;
mod core;
mod drain;
mod drops;
mod durable;
mod environment;
mod errors;
mod flush;
mod handle;
pub(crate) mod hooks;
mod intake;
mod internal;
mod keeping;
mod lane;
mod ledger;
mod open;
mod preset;
mod process;
#[cfg(not(all(unix, not(lastword_loom))))]
#[path = "no_recovery.rs"]
mod recovery;
#[cfg(all(unix, not(lastword_loom)))]
mod recovery;
mod report;
mod session;
mod shared;
mod sinks;
mod source;
mod start;
mod status;
mod supervisor;
mod traces;
mod worker;

pub use builder::{Builder, StartError};
pub use drain::Guard;
pub use durable::NotDurable;
pub use environment::Environment;
pub use flush::{Flush, FlushError, Flushing};
pub use handle::Reporter;
pub(crate) use handle::WeakReporter;
pub use report::{
    Admission, Drain, DropReason, Drops, Health, Recovered, SinkHealth, SinkState, SinkStats, SpoolHealth, State, Stats,
};
pub use sinks::{AttachError, SinkDrain, TuneError, UnknownSink};
pub(crate) use source::{Log, Source};
pub use supervisor::SupervisorCell;
pub(crate) use traces::Sampling;
