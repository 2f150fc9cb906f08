//! Bounds of what others are told: alerts, and targets that events are sent on to.

use std::time::Duration;

/// Proxies that are gone back along to a client: no chain of honest ones is longer.
pub const FORWARDED_HOPS_MAX: usize = 16;
/// How often alerts are evaluated, unless the rules say otherwise.
pub const ALERT_EVERY: Duration = Duration::from_secs(15);
/// How often they are evaluated at most.
pub const ALERT_EVERY_MIN: Duration = Duration::from_secs(1);
/// Rules that are taken. Each reads what is new for itself.
pub const ALERT_RULES_MAX: usize = 256;
/// The shortest window of a rule: a shorter one has parts that no clock of a client is exact enough for.
pub const ALERT_WINDOW_MIN: Duration = Duration::from_secs(10);
/// The longest window of a rule: at a start all of it is read again.
pub const ALERT_WINDOW_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The shortest window of a rule that is answered by the counts of whole minutes: one minute of it is as much as two of the parts of any other.
pub const ALERT_COUNTED_WINDOW_MIN: Duration = Duration::from_secs(30 * 60);
/// Errors that programs dealt with, from before its window, by which a rule for new exceptions knows what is not new. They are in no group.
pub const ALERT_HANDLED_ROWS_MAX: usize = 20_000;
/// Parts that a window is counted in: it ends within a sixtieth of its length.
pub const ALERT_SLOTS: i64 = 60;
/// How much larger the next size is, of numbers that are counted by size: percentiles are off by this at most.
pub const ALERT_SPREAD_STEP: f64 = 1.02;
/// Sessions that one rule knows at once.
pub const ALERT_SESSIONS_MAX: usize = 10_000;
/// Exceptions that a rule for new ones knows; beyond, none is called new.
pub const ALERT_FINGERPRINTS_MAX: usize = 100_000;
/// Events that a rule reads at most before it is evaluated; the next evaluation goes on from there.
pub const ALERT_ROWS_MAX: usize = 1_000_000;
/// Exceptions that an alert names, the last that came: as many as a message is read to the end of.
pub const ALERT_NAMED_MAX: usize = 5;
/// The part of their types and messages that it tells, in characters.
pub const ALERT_NAME_CHARS_MAX: usize = 160;
/// What was told that is remembered.
pub const ALERT_HISTORY_MAX: usize = 1_000;
/// The largest file of alerts that is read: one with as much history as there can be, and room.
pub const ALERT_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long one attempt to tell somebody may take, unless the rules say otherwise.
pub const ALERT_SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How many are being told at once.
pub const ALERT_SENDS_MAX: usize = 64;
/// Targets that events are forwarded to.
pub const FORWARDS_MAX: usize = 16;
/// The longest name of one, in characters.
pub const FORWARD_NAME_CHARS_MAX: usize = 64;
/// Events of one request to a target, unless it says otherwise.
pub const FORWARD_BATCH_EVENTS: usize = 50;
/// Bytes of events after which a batch ends: what receivers take by their own defaults.
pub const FORWARD_BATCH_BYTES: usize = 1024 * 1024;
/// How often a batch is tried before it rests.
pub const FORWARD_ATTEMPTS: u32 = 3;
/// The pause between two attempts.
pub const FORWARD_PAUSE: Duration = Duration::from_secs(1);
/// How long one attempt may take.
pub const FORWARD_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after the last attempt: a target that is away for long is asked now and then.
pub const FORWARD_REST: Duration = Duration::from_secs(30);
/// Events that are read at once for a target.
pub const FORWARD_STEP_ROWS: usize = 500;
/// Bytes of them: what a target that takes nothing holds in memory.
pub const FORWARD_STEP_BYTES: usize = 2 * 1024 * 1024;
/// How often it is written down how far a target has come, which takes a turn of the writer: after a crash so much is sent again.
pub const FORWARD_KEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is told in the log that a target takes nothing, or refuses.
pub const FORWARD_TELL_INTERVAL: Duration = Duration::from_secs(60);
/// How long targets get to write down how far they came when the collector stops.
pub const FORWARD_END: Duration = Duration::from_secs(2);
/// The longest message of syslog over UDP: what every receiver should take (RFC 5426, section 3.2). A longer one is cut.
pub const FORWARD_DATAGRAM_BYTES_MAX: usize = 2048;
/// How long a receiver of syslog gets to close a connection after us. One that never does has probably read it.
pub const FORWARD_CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Characters of a text in CEF or LEEF: as many as CEF has for a field of one's own.
pub const FORWARD_FIELD_CHARS_MAX: usize = 4000;
/// Characters of what CEF calls an event.
pub const FORWARD_TITLE_CHARS_MAX: usize = 128;
/// Bytes of an answer to a request of ours that are read: what Elasticsearch says of a thousand bad documents.
pub const POST_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
