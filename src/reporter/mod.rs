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

mod builder;
mod drain;
mod errors;
mod handle;
mod lane;
mod ledger;
mod report;
mod runtime;
mod shared;
mod supervisor;
mod worker;

pub use builder::{Builder, StartError};
pub use drain::Guard;
pub use handle::Reporter;
pub(crate) use handle::WeakReporter;
pub use report::{Admission, Drain, DropReason, Drops, Health, SinkHealth, SinkState, SinkStats, State, Stats};
pub use supervisor::SupervisorCell;
