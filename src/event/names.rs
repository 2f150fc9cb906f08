//! Names of events that have a meaning of their own.

/// An error that is the user's: status 4xx, or marked as such.
pub const USER_ERROR: &str = "user_error";
/// What was dropped since the last such event, by reason.
pub const TELEMETRY_DROPPED: &str = "telemetry.dropped";
/// Where a session runs, said once, at its start.
pub const SESSION_ENVIRONMENT: &str = "session.environment";
/// Which bucket the user of the session is in, and with consent who that is.
pub const SESSION_USER: &str = "session.user";
/// A session that never ended was found in a spool and delivered by a later process.
pub const SESSION_RECOVERED: &str = "session.recovered";

/// The field of an event's data that says which share of the events of its name are reported.
pub const SAMPLE_RATE: &str = "sample_rate";
