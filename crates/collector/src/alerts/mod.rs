//! Alerts: rules over what is stored, evaluated as it comes.
//!
//! A rule is a value over a window and a threshold. An [`Engine`] is a fold over events: fed with them and asked at a moment, it says
//! which rules began or ceased to hold. It reads no clock and no store, so that past events show when a rule would have fired
//! ([`Engine::feed`]), by the same code as those of today.
//!
//! # Invariants
//!
//! - An event counts at the moment that it happened, or that it was received, whichever is earlier: what a spool delivers of yesterday
//!   raises no alert of today. But exceptions that are new or came again, and sessions, count when they were received: what a process
//!   that died left is delivered by the next one, and nobody was told of it before.
//! - What sessions are like is known to the store: no event is read for it. Past events, of which there may be no store, are folded.
//! - A rule without data holds no threshold: no event is no ratio, and never 0.
//! - A window is counted in [`ALERT_SLOTS`](crate::limits::ALERT_SLOTS) parts; what is older than its first part is forgotten. Memory is
//!   bounded by the rules, not by the events.
//! - What is evaluated again reads what is new, nothing else.

mod about;
mod engine;
mod filter;
mod kept;
mod kind;
mod measure;
mod receiver;
mod rules;
mod run;
mod seen;
mod send;
mod sessions;
mod summary;
mod told;
mod window;

pub use about::About;
pub use engine::{Engine, State, Transition};
pub(crate) use kept::Status;
pub use kind::Metric;
pub use receiver::{Receiver, Way};
pub use rules::{DEFAULT_RULES, Rule, Rules, RulesError};
pub(crate) use run::{Watched, Watcher};
pub use seen::{Seen, SeenError};
pub use send::SendError;
pub use summary::short;
pub(crate) use told::Told;
