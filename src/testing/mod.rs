//! What tests of a program that reports need: sinks that remember or fail, a clock that is set by hand.
//!
//! For authors of SDKs, to show what their SDK reports, and that it works on when telemetry does not; and for authors
//! of sinks, who need a [`batch`] to hand over. The feature `testing` turns it on; it has no place in a release.
//!
//! - [`MemorySink`] keeps what it is given, as the wire has it. It is bounded by the test that it is used in, and by
//!   nothing else.
//! - [`FaultySink`] fails as its script says, then works.
//! - [`ManualClock`] shows the time that it is set to.
//! - [`pending`] shows what a reporter has not delivered yet.

mod batch;
mod clock;
mod faulty;
mod memory;
mod pending;

pub use batch::batch;
pub use clock::ManualClock;
pub use faulty::{Attempt, Fault, FaultySink};
pub use memory::{MemorySink, ReceivedBatch};
pub use pending::pending;
