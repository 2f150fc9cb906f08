//! A flight recorder for the SDKs and agents that people ship: what it accepted is delivered, or it says what became of
//! it; and it never holds its host up.
//!
//! A [`Reporter`] takes the events of one session: on the caller's thread each is encoded once into a bounded queue,
//! which takes about a hundred nanoseconds and never blocks, fails or panics. An actor on a thread of its own delivers
//! them, in batches, to the [sinks](sink) it was given.
//!
//! ```
//! use std::time::Duration;
//! use lastword::{Reporter, Severity, capture, event};
//! # use lastword::testing::MemorySink;
//!
//! # let sink = MemorySink::new();
//! # #[cfg(any())] {
//! let sink = lastword::sink::Tinker::new("http://127.0.0.1:4318");
//! # }
//! let reporter = Reporter::builder("session-123").sink(sink).enabled(true).start()?;
//!
//! event!(reporter, "cache.miss", key = 1, hit = false);
//! event!(reporter, Severity::Warning, "disk.slow", write_ms = 250);
//! let parsed = capture!(reporter, "seven".parse::<u32>()); // the `Err` is reported, and is ours to deal with
//! assert!(parsed.is_err());
//!
//! let report = reporter.blocking_stop(Duration::from_secs(5));
//! assert!(report.is_drained(), "{report}");
//! assert_eq!(report.delivered, 5, "SESSION_START, two events, the error, SESSION_END");
//! # Ok::<(), lastword::StartError>(())
//! ```
//!
//! # In libraries
//!
//! An SDK owns a reporter a session, implements [`TelemetryProvider`] for its clients, and wraps its public entry points
//! with [`capture!`] and [`async_capture!`]. Its users write nothing, and turn it off with `TINKER_TELEMETRY=0`, or for
//! good with `lastword privacy disable` (see [`privacy::consent`]). Where
//! telemetry is off a [`Reporter`] is the same type: an event costs one branch, under 2 ns. `examples/sdk.rs` is one.
//!
//! # In applications
//!
//! [`init()`] sets everything up as the environment says, in one call: see [`mod@init`]. By hand,
//! `main` holds a [`Reporter::guard`], which ends the session and delivers what there is when `main` ends, however it
//! does. A fatal error goes to [`Reporter::log_fatal`]: it and the end of the session have room kept for them in the
//! queue, and the call returns when they have arrived, or after `flush_timeout`. It works from sync code, from any flavour
//! of runtime, from a panic hook and from `Drop`.
//!
//! # What outlives the process
//!
//! With [`Builder::spool`], or `LASTWORD_SPOOL`, the queue is a file that is mapped into memory: what was accepted is
//! delivered by the next process, whatever ended this one, at the price of a call in memory. [`mod@panic`], [`signal`], [`exit`]
//! and [`crash`] make the end of a session prompt and known, for programs that ask for it. docs/guide-durability.md has the
//! table of what survives what.
//!
//! # What it does not do
//!
//! It is no tracing framework and no logging facade: it delivers events, and keeps books about them.
//!
//! # Features
//!
//! - `http` (default): [`sink::Tinker`], which speaks the Tinker telemetry protocol, to that backend and to `lastword serve`.
//! - `rustls` (default): `https://` for it, without a C build. A program whose own `reqwest` has no TLS feature must then
//!   install a provider for it, or go without this feature.
//! - `nats`: `sink::Nats`, to a stream of NATS JetStream.
//! - `datadog`: [`sink::Datadog`], to Datadog's logs.
//! - `runs`: `runs`, which keeps what agents do in files: a run each, to be looked at, followed, searched and compared.
//! - `otlp`: [`sink::Otlp`], which speaks OpenTelemetry's protocol over HTTP.
//! - `sentry`: [`sink::Sentry`], to Sentry: issues, release health, traces and logs.
//! - `testing`: sinks and a clock for the tests of a program that reports.

// A system without spools, and a model, have no use for what only spools need.
#![cfg_attr(not(all(unix, not(lastword_loom))), allow(dead_code, unreachable_pub))]

pub mod capture;
pub mod clock;
mod edits;
pub mod event;
pub mod init;
pub mod limits;
mod macros;
pub mod metrics;
pub mod observe;
pub mod privacy;
mod provider;
#[doc(hidden)]
pub mod queue;
pub mod reporter;
pub mod retry;
#[cfg(feature = "runs")]
pub mod runs;
pub mod sink;
pub mod spool;
mod sync;
mod sys;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod trace;
pub mod views;
pub mod wire;

#[cfg(all(unix, not(lastword_loom)))]
pub use reporter::hooks::crash;
#[cfg(unix)]
pub use reporter::hooks::signal;
pub use reporter::hooks::{exit, panic};

pub use event::{EventKind, Failure, IntoFailure, Severity, UserError, UserFault};
pub use init::{Telemetry, init};
pub use provider::TelemetryProvider;
pub use queue::Durability;
pub use reporter::{
    Admission, Builder, Drain, DropReason, Drops, Environment, Guard, Health, NotDurable, Reporter, StartError, Stats,
};
