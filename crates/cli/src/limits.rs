//! Every bound of the binary, by name, with its reason.

use std::time::Duration;

/// Rows asked for at a time. A listing holds one page in memory, however many rows match.
pub(crate) const PAGE_ROWS: u32 = 1_000;
/// Bytes of one answer that are read. A collector's page has 16 MiB of events; an endless answer must not fill the memory.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of an answer that is no page (an error) which are shown.
pub(crate) const ERROR_TEXT_BYTES_MAX: usize = 500;

/// The wait for a connection: a collector is near, or it is not there.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One request with its answer: a search through millions of events may take a while.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How often `--follow` asks for new events: soon enough for a person, cheap enough to be left running.
pub(crate) const FOLLOW_INTERVAL: Duration = Duration::from_millis(250);
/// The wait after a failed question of `--follow`: the collector is probably being restarted.
pub(crate) const FOLLOW_RETRY: Duration = Duration::from_secs(1);

/// How long a tail waits before it looks at its own bound of time.
pub(crate) const TAIL_WAIT: Duration = Duration::from_secs(3600);

/// How long `serve` lets open requests end after a signal. Orchestrators kill after 10 s at the earliest.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(8);

/// How often a flush of a spool looks how far it is: soon enough that its end is not waited for.
pub(crate) const FLUSH_POLL: Duration = Duration::from_millis(20);
/// One request of a flush of a spool, the longest: as a reporter has it.
pub(crate) const FLUSH_HTTP_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a flush looks again what there is, after all of it was delivered: queues may have been let go of meanwhile.
pub(crate) const FLUSH_ROUNDS_MAX: usize = 3;
/// Sessions that are named in one remark about what is left. `--json` names all.
pub(crate) const SESSIONS_NAMED_MAX: usize = 5;

/// Bytes of an object whose privacy is tested: JSON may be twice as long as the largest event.
pub(crate) const TEST_INPUT_BYTES_MAX: u64 = 1024 * 1024;

/// How often the progress line is drawn anew.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The narrowest terminal that is taken seriously: with less no column fits.
pub(crate) const WIDTH_MIN: usize = 40;
/// The widest that a progress bar is: what it says beside it is what is read.
pub(crate) const BAR_WIDTH_MAX: usize = 40;
/// The widest that the column of servers and sinks grows.
pub(crate) const PLACE_WIDTH_MAX: usize = 44;
/// The widest that the column of names grows, so that one long name leaves room for the data of the others.
pub(crate) const NAME_WIDTH_MAX: usize = 44;

/// How long the demo's client may take. It takes a second; a machine under load may take many.
pub(crate) const DEMO_CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the demo's client waits for its last delivery.
pub(crate) const DEMO_STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// One call of the demo's client.
pub(crate) const DEMO_CALL_TIMEOUT: Duration = Duration::from_secs(5);
