//! Bounds of what is written to a store in ClickHouse at once.

/// How long before the present moment an event may have happened to be found by the hour of its time, in microseconds: a year. A block has events of
/// 53 weeks then, each a partition, and the server takes 100.
pub const HOUR_PAST_US: i64 = 366 * 24 * 60 * 60 * 1_000_000;
/// How long after it, by the clock of its client: two days, which is more than any time zone is off.
pub const HOUR_FUTURE_US: i64 = 2 * 24 * 60 * 60 * 1_000_000;
/// Bytes of the values of a statement, before they are quoted, which makes up to four of one. A server takes statements of 256 KiB.
pub const STATEMENT_BYTES_MAX: usize = 32 * 1024;
/// Numbers of a session that one row of its group says; more of them go into further rows.
pub const GROUP_INDEXES_MAX: usize = 2000;
/// Events of which the id of the user is taken out in one step: their texts are in memory.
pub const FORGET_ROWS: usize = 1000;
/// How often what was removed is taken off the disk, in microseconds: once a day, since whole parts are written anew for it.
pub const UNMASK_INTERVAL_US: u64 = 24 * 60 * 60 * 1_000_000;
/// How often it is looked how far all writers of a store are, and who of them leads, in microseconds, while nothing is written.
pub const STANDING_INTERVAL_US: u64 = 500_000;
/// How often it is read who has opted in, in microseconds: other processes change it, and events of a user who has just agreed can wait.
pub const CONSENTS_INTERVAL_US: u64 = 10_000_000;
