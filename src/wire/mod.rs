//! The Tinker telemetry protocol: what goes over the wire, and what its answers mean.
//!
//! This layer knows no sink, no HTTP client and no clock. Events come in as [`EventView`](crate::event::EventView)s and
//! leave as JSON text, written straight into one buffer: there is no tree of values between the caller's data and the
//! request. `docs/wire.md` has the protocol itself.
//!
//! # Invariants
//!
//! - What is written is valid JSON in valid UTF-8, whatever the bytes of the event were. Damaged bytes are an error, and
//!   leave the buffer as it was before.
//! - An event's JSON is at most six times as long as its bytes, and a little more; nothing here recurses.
//! - Times have six digits of fraction and end in `Z`; durations are never negative and never in days.
//!
//! # Limits
//!
//! Data is read to a depth of [`DATA_DEPTH_MAX`](crate::limits::DATA_DEPTH_MAX), which is also how deep it can be
//! encoded.

mod answer;
mod data;
mod event;
mod request;
mod time;

pub use answer::{Outcome, refused, retry_after};
#[cfg(feature = "otlp")]
pub(crate) use data::write_value;
pub use data::{TranscodeError, write_data};
pub use event::write_event;
pub use request::{Origin, Request};
pub(crate) use time::read_timestamp;
pub use time::{write_duration, write_timestamp};

/// Where telemetry is posted to, below the base URL.
pub const TELEMETRY_PATH: &str = "/api/v1/telemetry";
/// The header that says who sends.
pub const API_KEY_HEADER: &str = "x-api-key";
/// The header that is the same for every attempt to deliver the same batch.
pub const IDEMPOTENCY_KEY_HEADER: &str = "x-idempotency-key";
/// The header of an answer that says in milliseconds how long to wait; finer than `retry-after`.
pub const RETRY_AFTER_MS_HEADER: &str = "retry-after-ms";
