//! Every bound of the collector, by name, with its reason.
//!
//! Those that an operator may want to move are the defaults of a setter of [`Config`](crate::Config). What is beyond a
//! bound is refused with an answer that says so (413, 429 or 503), never dropped in silence.

mod blobs;
#[cfg(feature = "clickhouse")]
mod block;
#[cfg(feature = "clickhouse")]
mod clickhouse;
mod pages;
mod stream;
mod tell;

pub use blobs::*;
#[cfg(feature = "clickhouse")]
pub use block::*;
#[cfg(feature = "clickhouse")]
pub use clickhouse::*;
pub use pages::*;
pub use stream::*;
pub use tell::*;

use std::time::Duration;

/// The largest request body as it is sent: what an OpenTelemetry collector sends at most with its own defaults.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest request body once it is decompressed. A few bytes may stand for gigabytes.
pub const PLAIN_BODY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Members of a body of gzip, or frames of zstd: each has to be begun, which takes longer than its bytes. Who writes blocks of
/// 64 KiB has a quarter of these in the largest body.
pub const COMPRESSED_PARTS_MAX: usize = 16_384;
/// How much of a body is decompressed in one step, before the bounds are looked at again.
pub const DECOMPRESS_STEP_BYTES: usize = 64 * 1024;
/// Bodies beyond this are read on a thread that may block, so that no other request waits for it.
pub const INLINE_DECODE_BYTES_MAX: usize = 1024 * 1024;
/// Events in one request. The protocol's own clients send at most 100.
pub const REQUEST_EVENTS_MAX: usize = 10_000;
/// Bytes of the events that come of one request: as large as a body may be. What its events have in common, and is told with each,
/// may make more of a body than it is.
pub const REQUEST_EVENTS_BYTES_MAX: usize = PLAIN_BODY_BYTES_MAX;
/// The largest event, as text. A larger one is refused alone. It is twice what our reporter takes.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
/// How deep an event may be nested. Parsers of those who read it back recurse, most of them give up at 128, and the
/// answer that carries the event adds some levels.
pub const EVENT_DEPTH_MAX: usize = 120;
/// How deep an event that is written from another protocol may be nested; what is deeper is a text of its JSON. It leaves the
/// answers that carry the event room within [`EVENT_DEPTH_MAX`].
pub const DRAFT_DEPTH_MAX: usize = 64;
/// Names of an object that are looked through one by one before they are hashed: nearly all objects have fewer.
pub const DRAFT_NAMES_LISTED: usize = 64;
/// How deep a value of OTLP may be nested: values are read by recursion. Deeper ones are refused with their record; protobuf's own
/// parsers give up at 100.
pub const OTLP_DEPTH_MAX: usize = 64;
/// Points of metrics in one event: an event is read as a whole.
pub const METRIC_EVENT_POINTS: usize = 200;
/// Bytes of points as they were sent after which an event of them ends. As text they are at most a few times that.
pub const METRIC_EVENT_BYTES: usize = 128 * 1024;
/// Cumulative series of which the last points are kept: a few kilobytes each at most.
pub const SERIES_KEPT_MAX: usize = 16_384;
/// Points that are kept of each: the one that the next is told from, and those before that it may be sent again with.
pub const SERIES_POINTS_KEPT: usize = 4;
/// The longest event id, in characters.
pub const EVENT_ID_CHARS_MAX: usize = 128;
/// The part of an event's name that is indexed, in bytes. The event itself keeps the whole name.
pub const NAME_BYTES_MAX: usize = 256;
/// Reasons that are taken from one `telemetry.dropped` event; ours has fewer than ten.
pub const DROP_REASONS_MAX: usize = 64;
/// The part of a signal's name that is kept, in bytes: `SIGSEGV` and its like, of whatever system.
pub const SIGNAL_BYTES_MAX: usize = 32;
/// The part of an exception's type and message that is kept in its group; the event itself keeps all.
pub const GROUP_TEXT_BYTES_MAX: usize = 1024;
/// The longest value of a body that is read into a tree, which takes up to ten times the room: no event comes of a longer one, whatever
/// of it is written otherwise.
pub const VALUE_BYTES_MAX: usize = 4 * EVENT_BYTES_MAX;
/// The longest item of an envelope that is read into a tree: SDKs put a hundred logs or a thousand points into one.
pub const ITEM_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Frames of one stack that are written into an event's traceback. The newest are kept; the event itself may have them all.
pub const TRACEBACK_FRAMES_MAX: usize = 128;
/// The longest attachment that is kept as a text. It is a part of an event, which is shown whole; of a longer one the size and hash are kept.
pub const ATTACHMENT_TEXT_BYTES_MAX: usize = 256 * 1024;
/// How much of a refused value is quoted in the answer.
pub const QUOTE_CHARS_MAX: usize = 64;

/// Bytes of all bodies that are being read or wait for the disk: one of the largest, and others beside it. Beyond, requests get 503 at once.
pub const INGEST_BYTES_MAX: usize = 384 * 1024 * 1024;
/// The part of [`INGEST_BYTES_MAX`] that bodies may take beside it whose sender's key is not known before they are read: 1 in so many. Who
/// has no key can't keep those who have one from sending.
pub const UNPROVEN_SHARE: usize = 4;
/// Requests that may wait for the writer. Beyond, requests get 503 at once.
pub const WRITE_QUEUE_REQUESTS: usize = 1024;
/// Events after which a group is committed even though more wait: it bounds the wait of the first one.
pub const GROUP_EVENTS_MAX: usize = 20_000;
/// Events that are copied into another store at once were received within so many microseconds: four weeks. A server of ClickHouse takes a
/// hundred partitions at once, of which each week of the events' own times is one.
pub const COPY_SPAN_US: u64 = 28 * 24 * 60 * 60 * 1_000_000;
/// Rows of events that are read at once out of a server to be copied.
#[cfg(feature = "clickhouse")]
pub const COPY_ROWS: u64 = 5_000;
/// The longest wait for the disk before the client is told to come back. What is stored by then is recognised when it
/// is sent again.
pub const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// What `Retry-After` says on 503 at least: it says as long as the queue's oldest request has waited.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// What it says at most. A disk that hangs for longer may be back at any moment, and clients should find out.
pub const RETRY_AFTER_MAX: Duration = COMMIT_TIMEOUT;

/// Sessions and event names whose numbers the writer remembers. When there are more it starts over.
pub const WRITER_CACHE_ENTRIES: usize = 16_384;
/// The size of a page of the database. Twice SQLite's own: rows are added at the end of tables, so larger pages are
/// fewer pages to begin, to write and to keep in order; still larger ones cost more where ids come in no order.
pub const STORE_PAGE_BYTES: u32 = 8192;
/// Pages of the log that are written before they are moved into the database: 8 MiB. The writer moves them, and whoever waits for an
/// answer waits for that too, so a longer log is a longer wait; a shorter one waits for the disk more often than it need.
pub const LOG_PAGES: u32 = 1024;
/// How much of the log's file is kept when it begins anew. It is longer where somebody read for long while much was written: what a
/// reader may still need is not moved. Twice what it has otherwise, so that the file is not cut and made longer again by turns.
pub const LOG_BYTES_KEPT: u32 = 2 * LOG_PAGES * STORE_PAGE_BYTES;
/// Memory of the writer's page cache. The index of event ids has no order that the disk would like.
pub const WRITER_CACHE_BYTES: usize = 128 * 1024 * 1024;
/// Memory of each reading connection's page cache.
pub const READER_CACHE_BYTES: usize = 8 * 1024 * 1024;
/// How long SQLite waits for a lock. Readers and the writer don't wait for each other; recovery after a crash does.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest configuration file: far more than every key with every comment.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;
/// The shortest key that is taken: one that is random has 100 bits then, and is guessed by nobody.
pub const KEY_CHARS_MIN: usize = 20;
/// Keys that are known at once. Each request is compared with all of them.
pub const KEYS_MAX: usize = 1024;
/// The longest name of a key, in characters.
pub const KEY_NAME_CHARS_MAX: usize = 64;
/// The largest file of keys.
pub const KEYS_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How often the file of the keys is looked at for a change, at most.
pub const KEYS_POLL: Duration = Duration::from_secs(1);
/// The longest id of a request that is taken over, in characters.
pub const REQUEST_ID_CHARS_MAX: usize = 128;
/// The part of a client's own name that is kept, in characters.
pub const USER_AGENT_CHARS_MAX: usize = 512;
/// The part of a request's path that is logged, in bytes.
pub const LOGGED_PATH_CHARS_MAX: usize = 128;
/// How much of the body of a request that is refused by its head is still read, so that its sender gets to see the answer.
pub const REFUSED_DRAIN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long that may take.
pub const REFUSED_DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of its rate a client may send at once: a reporter that was cut off has some seconds of events to make up for.
pub const RATE_BURST: Duration = Duration::from_secs(10);
/// Clients whose rates are known one by one. Further ones share theirs.
pub const RATE_CLIENTS_MAX: usize = 10_000;
/// The port that OpenTelemetry's clients send to over HTTP, so most of them find a local collector without being told.
pub const LISTEN_PORT: u16 = 4318;
/// Values of an event's data beyond this size are stored apart from it, each once: prompts and answers of models, which are sent again and again.
pub const BLOB_BYTES_MIN: usize = 16 * 1024;
/// Bytes of text for each byte of a batch's filter, which says which texts may be in it: fewer make searches faster and the store larger.
pub const FILTER_TEXT_RATIO: usize = 16;
/// The smallest filter of a batch.
pub const FILTER_BYTES_MIN: usize = 64;
/// The largest filter of a batch: there are 16 million runs of three bytes, and no text has more than a part of them.
pub const FILTER_BYTES_MAX: usize = 256 * 1024;
/// Events that a migration looks at before it writes what it has taken out of them: it bounds its memory.
pub const FILL_ROWS: i64 = 20_000;
/// How often long work says how far it is.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// Points that are taken from one `metrics` event; ours has fewer. The event itself keeps all.
pub const METRIC_POINTS_MAX: usize = 10_000;
/// The largest number that counts: of tokens, or of the measurements of a point. Sums of what is larger say nothing of what they are of;
/// events keep what they said.
pub const COUNT_MAX: i64 = 1_000_000_000_000;
/// The most that a call may cost in dollars, to be added to what others did.
pub const COST_MAX: f64 = 1e9;
/// The longest duration that is told, in milliseconds: ten years.
pub const DURATION_MS_MAX: f64 = 315_360_000_000.0;
/// The largest point of a metric: sums of as many as there ever are stay finite.
pub const POINT_MAX: f64 = 1e150;
/// The longest labels of a series, as JSON. A series with longer ones is in its events only.
pub const METRIC_LABEL_BYTES_MAX: usize = 4096;
/// Models, and tools, of one hour that are counted by themselves, each with its provider and its version of the program. Names are what clients
/// say; what is beyond is counted together. A month of so many is still read for a page in time.
pub const CALL_ROWS_MAX: i64 = 200;
/// Models and tools that one answer tells apart; the rest is added up.
pub const CALL_GROUPS_MAX: usize = 10_000;
/// Calls that failed of late, on the page of a model or a tool.
pub const CALL_FAILURES: usize = 10;

/// Days that events are kept unless an operator says otherwise.
pub const RETENTION_DAYS: u32 = 30;
/// Days that the audit trail is kept unless an operator says otherwise: two years, as auditors ask for.
pub const AUDIT_DAYS: u32 = 730;
/// Characters of an entry's description that are kept.
pub const AUDIT_DESCRIPTION_CHARS_MAX: usize = 512;
/// Characters of an entry's metadata, as JSON, beyond which a marker takes their place.
pub const AUDIT_METADATA_CHARS_MAX: usize = 4000;
/// How often it is looked for events that are too old.
pub const RETENTION_PASS: Duration = Duration::from_secs(60);
/// How many times as long as a step of removing took the writer is left to requests before the next.
pub const RETENTION_SHARE: u32 = 4;
/// Events after which a step of removing ends: some tens of milliseconds, for which requests wait.
pub const REMOVE_ROWS: usize = 2000;
/// Rows that a step of removing reads to make anew what was derived of removed events and of others: twice the rows that it removes, so that requests wait no
/// longer for the one than for the other.
pub const REGROUP_ROWS: i64 = 4000;
/// Groups of exceptions of a session that are counted anew when it is said, or said no more, who its user is: mostly it is said before the first of them.
pub const SESSION_GROUPS_MAX: usize = 1000;
/// How long a session without events is remembered, in microseconds, so that one that goes on does not seem to have lost what was removed.
pub const SESSION_KEPT_US: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// Pages that are given back to the system in one step.
pub const VACUUM_PAGES: u32 = 500;
/// How often it is tried to move the log into the database after pages were given back, before it is left to the next commits.
pub const CHECKPOINT_TRIES: usize = 20;
/// The pause between two of these tries.
pub const CHECKPOINT_PAUSE: Duration = Duration::from_millis(100);
/// Pages that nobody uses and that are kept all the same, for what comes next: 8 MiB.
pub const VACUUM_SPARE_PAGES: u64 = 1024;

/// Connections that are open at once. Further ones wait in the socket's backlog.
pub const CONNECTIONS_MAX: usize = 1024;
/// The longest wait for a request's head, and for the next request of a connection that is kept open.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a request's body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is still read, so that its sender gets to see the answer.
pub const DRAIN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The longest time that requests get to end when the collector stops.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted, for instance because no file descriptor is left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Requests of one connection of HTTP/2 that are under way at once.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// Bytes of all headers of a request of HTTP/2.
pub const HTTP2_HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// Bytes of a request of HTTP/2 that may be under way without being taken: a batch, so that it waits for no round trip.
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// Likewise of all requests of a connection.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// The pause before another look at a connection of which a byte or two have come that may be HTTP/2 or not.
pub const PEEK_PAUSE: Duration = Duration::from_millis(10);
/// How long nothing may move on a connection whose client takes no byte of its answer, or, of HTTP/2, that has requests under way: longer than a body may take to arrive, a commit to
/// be made and a live stream to say that it lives.
pub const ANSWER_UNREAD_MAX: Duration = Duration::from_secs(120);
/// Bytes of an answer that are given to a connection at once. What was not given to it yet is known to be unread.
pub const ANSWER_PIECE_BYTES: usize = 64 * 1024;
/// Bytes of all answers that were made and not taken by those who asked: sixteen of the largest pages. Beyond, further questions get 503.
pub const ANSWERS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How often a client of HTTP/2 that says nothing is asked whether it is there.
pub const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// Queries that run at once, each with its own connection and thread.
pub const READERS_MAX: usize = 4;
/// The longest time of a query, waiting for its turn included. Beyond it is interrupted and answered with 503.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The most counts of one answer of statistics.
pub const STATS_ROWS_MAX: usize = 20_000;
/// The longest value of a query parameter.
pub const PARAM_BYTES_MAX: usize = 1024;
/// Gaps of one session that are listed one by one. All are counted.
pub const GAPS_LISTED_MAX: usize = 1000;

/// A session that neither ended nor said anything for this long is shown as silent.
pub const SILENT_AFTER: Duration = Duration::from_secs(5 * 60);

/// Buckets of the time from a request's head to the head of its answer, in milliseconds.
pub const REQUEST_BOUNDS_MS: [f64; 7] = [50.0, 100.0, 200.0, 300.0, 500.0, 1_000.0, 2_000.0];
/// The most buckets that may be set instead.
pub const REQUEST_BOUNDS_MAX: usize = 32;
/// Buckets of the sizes of answers, in bytes.
pub const ANSWER_BOUNDS_BYTES: [f64; 6] = [256.0, 1_024.0, 16_384.0, 131_072.0, 1_048_576.0, 16_777_216.0];
/// Buckets of the time that a commit takes, in milliseconds.
pub const COMMIT_BOUNDS_MS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 5_000.0];
/// Series of requests, each a route, a method and a status. Ours are far fewer; what is beyond is counted as one.
pub const REQUEST_SERIES_MAX: usize = 512;
/// How often the runtime's timer is asked how late it is.
pub const LAG_INTERVAL: Duration = Duration::from_millis(500);
/// How often it is looked what others do who use the same store: as much later than in a store of its own is a live stream.
pub const STORE_TICK: Duration = Duration::from_millis(250);

/// The longest time of a check of health. One that takes longer has failed.
pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
/// How long what a check of health found is answered: whoever asks more often does not ask the disk.
pub const HEALTH_KEPT: Duration = Duration::from_secs(1);

/// Live streams that are open at once. Each is a connection, a task and one page of events.
pub const STREAMS_MAX: usize = 64;
/// How many of them one client may have: as many tabs as somebody looks at, and seven others still find a place.
pub const STREAMS_PER_CLIENT: usize = 8;
/// Exported files that are being written at once. Each reads on and on, while pages and queries wait for their turn.
pub const EXPORTS_MAX: usize = 16;
/// How many of them one client may have.
pub const EXPORTS_PER_CLIENT: usize = 4;
/// The pause before an export looks again whether there is room for what it reads next.
pub const EXPORT_PAUSE: Duration = Duration::from_millis(100);
/// How long it looks before it gives up: who reads nothing is cut off by then.
pub const EXPORT_WAIT_MAX: Duration = ANSWER_UNREAD_MAX.saturating_add(Duration::from_secs(10));
/// Events of one step of a live stream. A reader has one step in memory, however slow it is.
pub const STREAM_STEP_ROWS: usize = 200;
/// Bytes of them: a reader that never reads holds a few of these steps, and there may be as many of it as there are streams.
pub const STREAM_STEP_BYTES: usize = 512 * 1024;
/// How often a live stream without events says that it is still there.
pub const STREAM_HEARTBEAT: Duration = Duration::from_secs(15);
/// The pause between two looks of a live stream: commits that follow each other closely are read together.
pub const STREAM_PAUSE: Duration = Duration::from_millis(20);
/// How far back the views that are given to Prometheus begin, when they are asked for the first time.
pub const VIEWS_SINCE: Duration = Duration::from_secs(10 * 60);
/// Events that a request for views reads at most; the next one goes on from there.
pub const VIEWS_ROWS_MAX: usize = 200_000;

/// The pauses before the attempts to tell somebody: a receiver that restarts is reached by the last one.
pub const ALERT_SEND_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// Messages of one call of a model that are told in the one form: more than any conversation that a model takes.
pub const GENAI_MESSAGES_MAX: usize = 4096;
/// What an event must still have room for beside them: its own fields, and what redaction writes in place of what it takes.
pub const GENAI_ROOM_BYTES: usize = 64 * 1024;

/// Characters of what a message is called, and of where an image is.
pub const MESSAGE_REFERENCE_CHARS_MAX: usize = 120;
