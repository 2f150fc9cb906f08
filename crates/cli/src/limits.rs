//! Every bound of the binary, by name, with its reason.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Rows asked for at a time. A listing holds one page in memory, however many rows match.
pub(crate) const PAGE_ROWS: u32 = 1_000;
/// Bytes of one answer that are read. A collector's page has 16 MiB of events; an endless answer must not fill the memory.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of an answer that is no page (an error) which are shown.
pub(crate) const ERROR_TEXT_BYTES_MAX: usize = 500;

/// The longest line of a file of events that is read: as the library has it. A longer one is no event.
pub(crate) const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of a file that are read at a time: enough that the calls don't count.
pub(crate) const READ_BYTES: usize = 128 * 1024;
/// Lines of a pipe that are read ahead of whoever takes them.
pub(crate) const STREAM_LINES_MAX: usize = 16;

/// The wait for a connection: a collector is near, or it is not there.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One request with its answer: a search through millions of events may take a while.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How often `--follow` asks for new events: soon enough for a person, cheap enough to be left running.
pub(crate) const FOLLOW_INTERVAL: Duration = Duration::from_millis(250);
/// The longest silence of a live stream: a collector says every 15 s that it is still there.
pub(crate) const LIVE_SILENCE: Duration = Duration::from_secs(60);
/// The wait after a failed question of `--follow`: the collector is probably being restarted.
pub(crate) const FOLLOW_RETRY: Duration = Duration::from_secs(1);

/// How often `top` looks, unless it is told otherwise: what a person can follow.
pub(crate) const TOP_INTERVAL_DEFAULT: &str = "1s";
/// The most often that `top` may look: more often than a person sees costs and shows nothing.
pub(crate) const TOP_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Columns of `top --once` where there is no terminal.
pub(crate) const TOP_ONCE_COLUMNS: usize = 80;
/// Keys that are kept until `top` comes to them.
pub(crate) const TOP_KEYS_MAX: usize = 64;
/// Bytes of a filter of `top`.
pub(crate) const TOP_FILTER_MAX: usize = 64;
/// Seconds of one bar of `top`.
pub(crate) const TOP_BAR_SECONDS: u64 = 5;
/// The most bars of `top`: the five minutes that are known second by second.
pub(crate) const TOP_BARS_MAX: usize = 60;
/// Rows of a list within a detail of `top`.
pub(crate) const TOP_DETAIL_ROWS_MAX: usize = 20;
/// How often `top` draws while it reads what was there before.
pub(crate) const TOP_READING_INTERVAL: Duration = Duration::from_millis(100);
/// How long a tail waits before it looks at its own bound of time.
pub(crate) const TAIL_WAIT: Duration = Duration::from_secs(3600);

/// How long the demo lets open requests end.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(8);
/// What `serve` waits beyond the grace of open requests, for the last of them to be stored. With the default grace it is less
/// than the 10 s after which orchestrators kill at the earliest.
pub(crate) const SHUTDOWN_MARGIN: Duration = Duration::from_secs(3);
/// A certificate that ends within this time is warned about.
pub(crate) const CERTIFICATE_WARNING: Duration = Duration::from_secs(14 * 86_400);
/// Free space below which the disk is soon full: a busy day of events.
#[cfg(unix)]
pub(crate) const DISK_LOW_BYTES: u64 = 2 << 30;
/// Free space below which nothing can be stored for long: the log of the database alone takes 64 MiB.
#[cfg(unix)]
pub(crate) const DISK_NONE_BYTES: u64 = 128 << 20;
/// Files that a collector has open beside its connections.
#[cfg(unix)]
pub(crate) const FILES_BESIDE_CONNECTIONS: u64 = 64;
/// One question of `doctor`.
pub(crate) const DOCTOR_TIMEOUT: Duration = Duration::from_secs(10);
/// How far the clocks of two machines may be apart before that is worth a word.
pub(crate) const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);
/// Bytes of a key that is read from standard input.
pub(crate) const KEY_BYTES_MAX: u64 = 4096;

/// Lines of the log that wait for whoever reads them. Further ones are counted and lost: nobody is held up by a pipe.
pub(crate) const LOG_LINES_WAITING_MAX: usize = 4096;
/// How long the last lines of the log may take at the end of the process.
pub(crate) const LOG_FLUSH_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes of one text within a line of the log.
pub(crate) const LOG_TEXT_BYTES_MAX: usize = 8 * 1024;
/// Causes of an error that are logged.
pub(crate) const LOG_CHAIN_MAX: usize = 16;

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
/// The widest that the column of names of spans grows, their branches included.
pub(crate) const WATERFALL_NAME_MAX: usize = 60;
/// Likewise where lines may be of any length: longer names are cut, as one of a megabyte would put the bars of all others out of sight.
pub(crate) const WATERFALL_WHOLE_NAME_MAX: usize = 200;
/// Levels of a tree that are drawn: of a deeper one the last ones are.
pub(crate) const TREE_LEVELS_MAX: usize = 12;
/// Traces that are named where the beginning of an id is that of several.
pub(crate) const TRACES_NAMED_MAX: usize = 4;
/// The widest that the column of names grows, so that one long name leaves room for the data of the others.
pub(crate) const NAME_WIDTH_MAX: usize = 44;

/// How long the demo's client may take. It takes a second; a machine under load may take many.
pub(crate) const DEMO_CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the demo's client waits for its last delivery.
pub(crate) const DEMO_STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a program of the demo looks whether what it waits for has happened.
pub(crate) const DEMO_POLL: Duration = Duration::from_millis(20);
/// How long the reporter of the demo's program that crashes keeps to itself what it has: longer than that program lives.
pub(crate) const DEMO_QUIET: Duration = Duration::from_secs(600);
/// One call of the demo's client.
pub(crate) const DEMO_CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest file of rules of alerts: hundreds of them.
pub(crate) const RULES_BYTES_MAX: u64 = 1024 * 1024;
/// OTLP over gRPC has this port.
pub(crate) const GRPC_LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4317);

/// Events that are counted before somebody is asked whether they are to be removed: beyond, `more than` says enough, and the question
/// comes within seconds.
pub(crate) const COUNTED_EVENTS_MAX: usize = 100_000;

/// Bytes of a group of rows of an export to Parquet, as they are before they are compressed: what an export holds in memory. Readers like
/// large groups, and this is large enough that what a group costs is not seen.
#[cfg(feature = "parquet")]
pub(crate) const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Rows of such a group, where rows are small: what readers take for their unit of work.
#[cfg(feature = "parquet")]
pub(crate) const ROW_GROUP_ROWS: usize = 122_880;

/// How much of a file that a run read is read again: it is to be seen whether it can be, and not what it says.
pub(crate) const REREAD_BYTES_MAX: u64 = 16 * 1024 * 1024;
