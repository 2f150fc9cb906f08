//! Bounds of a store in ClickHouse.

use std::time::Duration;

/// How long a connection may take to be made: a server that is there takes milliseconds.
pub const CLICKHOUSE_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is kept that nobody uses. Servers close theirs after 3 to 30 seconds; who is earlier never writes into one that
/// is just being closed.
pub const CLICKHOUSE_IDLE_MAX: Duration = Duration::from_millis(2500);
/// How long an answer may take beyond the time that the server was given for it: by then it has said that it stopped.
pub const CLICKHOUSE_ANSWER_GRACE: Duration = Duration::from_secs(5);
/// How long an insert may take in the server. Together with [`CLICKHOUSE_BEAT_AGE_MAX`] and [`CLICKHOUSE_ANSWER_GRACE`] it is less than
/// [`CLICKHOUSE_WRITER_SILENT`]: no row comes after readers have stopped to wait for it.
pub const CLICKHOUSE_INSERT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a change may take: one that writes whole parts anew takes seconds, on a busy machine many.
pub const CLICKHOUSE_CHANGE_TIMEOUT: Duration = Duration::from_secs(300);
/// The largest answer that is read: some times the largest page, as JSON.
pub const CLICKHOUSE_ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How much of an answer is read that is a refusal. The first line is what is told.
pub const CLICKHOUSE_REFUSAL_BYTES: u64 = 16 * 1024;
/// How much of what a server says stands in an error, in characters.
pub const CLICKHOUSE_MESSAGE_CHARS: usize = 300;
/// The longest name of a database or a cluster.
pub const CLICKHOUSE_NAME_BYTES_MAX: usize = 64;
/// The largest file with a password.
pub const CLICKHOUSE_PASSWORD_BYTES_MAX: u64 = 4096;
/// Writers of one store: as many as 9 bits of a row can tell apart.
pub const CLICKHOUSE_WRITERS_MAX: u16 = 512;
/// How often a writer says up to where its rows are in, also between the inserts of a block.
pub const CLICKHOUSE_BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a beat may take in the server: one row, which takes milliseconds.
pub const CLICKHOUSE_BEAT_TIMEOUT: Duration = Duration::from_secs(10);
/// How old the last beat of a writer may be when it inserts: as old as one is that was answered only just in time, and some more, so that
/// a server that is slow is written to.
pub const CLICKHOUSE_BEAT_AGE_MAX: Duration = Duration::from_secs(20);
/// How long a writer may be silent within a block, from beat to beat. It is less than [`CLICKHOUSE_WRITER_SILENT`] by what the clocks of two
/// machines may go apart within a minute, and much more: readers waited for it all the time.
pub const CLICKHOUSE_SILENCE_MAX: Duration = Duration::from_secs(50);
/// How long a process that took its number waits before it looks whether another with the same identity did so in the same moment: longer than
/// that one takes from its look to its word.
pub const CLICKHOUSE_TWIN_WAIT: Duration = Duration::from_secs(1);
/// How long another process that was heard of under the same identity is watched: some beats.
pub const CLICKHOUSE_TWIN_WATCH: Duration = Duration::from_secs(4);
/// After how long a writer that says nothing is not waited for by readers.
pub const CLICKHOUSE_WRITER_SILENT: Duration = Duration::from_secs(60);
/// After how long without a beat a writer's number may be taken by another: when readers don't wait for it any more, and what it sent last is in,
/// or never comes. It inserts nothing more without a beat, which shows it that the number is not its own any more.
pub const CLICKHOUSE_NUMBER_FREE_AFTER: Duration = CLICKHOUSE_WRITER_SILENT;
/// After how long without a beat of the writer that leads the next one does.
pub const CLICKHOUSE_LEADER_SILENT: Duration = Duration::from_secs(30);
/// How long those who want the same number wait before they look who was first: longer than an insert of one row takes.
pub const CLICKHOUSE_CLAIM_WAIT: Duration = Duration::from_millis(500);
/// How often a number is claimed before it is given up: each time another was faster.
pub const CLICKHOUSE_CLAIMS_MAX: usize = 16;
/// How often who has opted in is looked up by those who don't write the store.
pub const OPT_INS_POLL: Duration = Duration::from_secs(10);
/// How far ahead a writer says, in microseconds, that it writes to an hour: so it says it once a minute and not with each block.
pub const FOLD_AHEAD_US: i64 = 60 * 1_000_000;
/// How long nobody may have written to an hour, in microseconds, before it is folded. What comes late mostly comes within that. It is longer than an insert
/// may take in the server, so that none is under way then that was given up.
pub const FOLD_QUIET_US: i64 = 10 * 60 * 1_000_000;
/// Hours that are folded in one turn, of which there is one a minute: those of a day.
pub const FOLD_HOURS_MAX: u64 = 24;
/// Events that are folded in one step, if it is more than one hour's: some seconds of two cores.
pub const FOLD_EVENTS_MAX: u64 = 1_000_000;
/// How long one statement of a fold may take. Events are stored meanwhile; an hour has to be a very large one to take so long.
pub const FOLD_TIMEOUT: Duration = Duration::from_secs(45);
/// How long one turn goes on to fold. The step that is begun then, of four statements and some short questions, is over before [`FOLD_TIME_MAX_US`].
pub const FOLD_TURN_TIME_MAX: Duration = Duration::from_secs(5 * 60);
/// How long nothing is folded, in microseconds, after it failed.
pub const FOLD_RETRY_INTERVAL_US: u64 = 60 * 60 * 1_000_000;
/// Events of an hour beyond which it is not tried to fold it: ten times as many as two cores count within [`FOLD_TIMEOUT`].
pub const FOLD_HOUR_EVENTS_MAX: u64 = 500_000_000;
/// How long an hour is left out, in microseconds, that could not be folded because it is too much.
pub const FOLD_LARGE_RETRY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// Hours that are left out at once. When there are more they are all tried again.
pub const FOLD_LARGE_KNOWN: usize = 1000;
/// Hours that may be too much in one turn: after that it may be the server that is slow, and nothing is folded for [`FOLD_RETRY_INTERVAL_US`].
pub const FOLD_LARGE_A_TURN: usize = 2;
/// How long an hour may be quiet and not folded, in microseconds, before that is worth a word: even those of a year are folded by then.
pub const FOLD_LATE_US: i64 = 24 * 60 * 60 * 1_000_000;
/// How long a fold may take as a whole, from when its turn began, in microseconds, by the clock of the server: after that it is not made known.
pub const FOLD_TIME_MAX_US: i64 = 10 * 60 * 1_000_000;
/// How old a fold is, in microseconds, that is removed where it is not the one that counts: three times as old as one becomes that is being made.
pub const FOLD_STALE_US: i64 = 3 * FOLD_TIME_MAX_US;
/// How often it is looked, in microseconds, whether there are such folds: each of their rows is read for it.
pub const FOLD_SWEEP_INTERVAL_US: u64 = 60 * 60 * 1_000_000;
/// Folds that are removed at once.
pub const FOLDS_SWEPT: u64 = 1000;
/// Hours of which a writer remembers that it said that it writes to them. When there are more it starts over.
pub const FOLD_HOURS_KNOWN: usize = 4096;
/// Ranges up to this, in microseconds, are counted from events: fewer statements are quicker there. Six hours, with the one that they begin in.
pub const FOLDED_RANGE_US: i64 = 7 * 60 * 60 * 1_000_000;
/// Ranges of fewer events than this are counted from them too: to read folds takes one more statement, which a few events don't save.
pub const FOLDED_EVENTS_MIN: u64 = 300_000;
/// How long, in microseconds, it is not asked again which hours of a range are folded before it is read. What is out of date is seen afterwards: it costs an
/// answer that is asked for anew, or events that are read once more.
pub const FOLDS_KNOWN_US: u64 = 60 * 1_000_000;
/// Ranges of which it is known. Those of one page are some; a year takes 140 kB.
pub const FOLDS_KNOWN_MAX: usize = 8;
/// Folded hours that one answer reads, the latest: those of a year, which make a statement of 300 kB. Others are counted from events.
pub const FOLDS_READ: u64 = 8_784;
/// How often an answer is asked for with folds, where folds change while it is made, before it is counted from events.
pub const FOLD_TRIES: usize = 3;
/// How far the clock of a machine and that of the server may be apart before that is worth a word. Whoever is further off tells of arrivals at moments at
/// which others don't look for them.
pub const CLICKHOUSE_CLOCKS_APART_MAX: Duration = Duration::from_secs(5);
/// Free bytes of a disk below which a server soon takes nothing: a group of large requests, and the merges that it leads to, want some hundred MiB.
pub const CLICKHOUSE_DISK_NONE_BYTES: u64 = 1 << 30;
/// Free parts of a hundred of a disk below which a word is due: merges have both old and new parts on it.
pub const CLICKHOUSE_DISK_LOW_PERCENT: u64 = 10;
/// How long a change of a table may be under way before that is worth a word: the longest that was measured took five minutes.
pub const CLICKHOUSE_MUTATION_LONG: Duration = Duration::from_secs(60 * 60);
/// Changes of tables that are under way, of which is told: the first of them is what others wait for.
pub const CLICKHOUSE_MUTATIONS_TOLD: u8 = 10;
/// How long it is told of a writer that it ended without a word.
pub const CLICKHOUSE_WRITER_TOLD: Duration = Duration::from_secs(60 * 60);
