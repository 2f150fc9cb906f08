//! Forwarding: what is stored is sent on to other systems, behind everybody's back.
//!
//! A [`Target`] is a cursor into the store, as a live stream is: the writer only tells that there is more, and does not know who
//! reads. A target that is slow or away reads later, from the disk.
//!
//! # Invariants
//!
//! - A target's cursor moves only behind events that it has taken, or that it refused for ever. So each event arrives at least once;
//!   after a crash the last seconds arrive again.
//! - Events are sent in the order in which they were stored, as they are stored: redacted.
//! - What a target refuses for ever is sent alone before it is given up, counted and told, so that it takes no neighbour along.
//! - What fails otherwise is tried again for as long as it is stored.
//! - An event is one message, whatever is in it: no text of it begins another line or another field.
//!
//! # Limits
//!
//! A receiver of syslog answers nothing. Over TCP a batch counts as taken once the receiver has closed its end after ours, or said
//! nothing for a while; over UDP once it is sent.

mod format;
mod request;
mod run;
mod syslog;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use run::{Counts, Forwarder};
pub(crate) use target::{FRAMING_MEANS_NOTHING, check, first_problem, targets};
pub use target::{Format, ForwardError, Framing, Target, To};
