//! Every bound of the library, by name, with its reason.
//!
//! A queue, loop, retry, body or wait that has no name here has no bound, and that is a mistake.

mod runs;
mod views;

use std::time::Duration;

pub use runs::*;
pub use views::*;

/// Events in the queue of one session, unless the builder says otherwise (the protocol's own default).
pub const QUEUE_EVENTS_DEFAULT: usize = 10_000;
/// Bytes of the queue of one session, unless the builder says otherwise: 10,000 events of 1.6 kB.
pub const QUEUE_BYTES_DEFAULT: usize = 16 * 1024 * 1024;
/// The smallest queue that still holds events worth the name (up to a third of it) beside the room for the end of a session.
pub const QUEUE_BYTES_MIN: usize = 512 * 1024;
/// The largest queue: positions are counted in 32 bits of 8 bytes, and must not come round within one lap.
pub const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024 * 1024;
/// The most events a queue may be set to: sequence numbers are extended from 32 bits, half of which may be in use.
pub const QUEUE_EVENTS_MAX: usize = 1 << 30;
/// Room at the end of every queue that ordinary events can't have: it is kept for the fatal pair, the exception and
/// SESSION_END. Twice the largest exception: where it doesn't fit before the end of the ring, it takes as much in padding.
pub const QUEUE_RESERVE_BYTES: usize = 128 * 1024;
/// Events beyond `max_queue_size` for which that room is kept.
pub const QUEUE_RESERVE_EVENTS: usize = 16;

/// Room in a queue that is kept in a file which nothing of its own session can have: it is kept for what a later process
/// has to say of the session, should it find the file.
pub const QUEUE_LAST_BYTES: usize = 4 * 1024;
/// Memory that a mapped queue has ready for writing beyond what it uses, so that callers don't wait for it.
pub const POPULATE_AHEAD_BYTES: usize = 1024 * 1024;
/// How much of that memory is made ready at a time: at 4 KiB in 5 us, what holds the reporter's thread for 0.4 ms.
pub const POPULATE_STEP_BYTES: usize = 256 * 1024;
/// The largest queue of another process that is read into memory where its file can't be mapped.
pub const RECOVERY_HEAP_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes on the disk of all files of a spool, unless the builder says otherwise: 15 queues of the usual size.
pub const SPOOL_BYTES_MAX_DEFAULT: u64 = 256 * 1024 * 1024;
/// The most bytes that a spool may be told to hold.
pub const SPOOL_BYTES_MAX: u64 = 1 << 50;
/// The longest that files may be told to stay in a spool.
pub const SPOOL_AGE_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
/// How many queues of its own size a spool has room for at the least, unless the builder says otherwise.
pub const SPOOL_QUEUES_DEFAULT: u64 = 4;
/// How long a file stays in a spool that nobody writes to or delivers, unless the builder says otherwise.
pub const SPOOL_AGE_MAX_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often what was taken is brought to the disk where events are to outlive a power cut.
pub const SYNC_INTERVAL: Duration = Duration::from_millis(50);
/// The longest that a panic which is the end of the process is held for its delivery.
pub const PANIC_FLUSH_MAX: Duration = Duration::from_secs(2);
/// Panics that a process remembers, to know them where they are caught on another thread.
pub const PANICS_REMEMBERED: usize = 64;
/// Times that a lock is tried again which somebody may have had only to see whether it is free.
pub const LOCK_TRIES: u32 = 2;
/// The wait before each: who only looks has it for some microseconds.
pub const LOCK_WAIT: Duration = Duration::from_millis(1);
/// How often, at the most, a reporter looks whether the file of its queue is still where it was.
pub const SPOOL_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How old the file of a session may look whose process lives.
pub const SPOOL_TOUCH_INTERVAL: Duration = Duration::from_secs(3600);
/// Queues of other processes that one reporter delivers at once, those that don't get on left out: each takes its share of
/// the sinks.
pub const RECOVERED_AT_ONCE: usize = 4;
/// Queues of other processes that one reporter has taken over at once: each takes a lock and a mapping.
pub const RECOVERED_MAX: usize = 64;
/// How often is looked whether those that are delivered still get on, while others wait for their turn.
pub const RECOVERY_RECHECK: Duration = Duration::from_millis(100);
/// How often a running reporter looks for queues whose process has died, or whose server may have come back.
pub const RECOVERY_INTERVAL: Duration = Duration::from_secs(30);
/// How long the end of a program that called `init` takes at the most, unless it says otherwise: a user still waits for it.
pub const INIT_DEADLINE_DEFAULT: Duration = Duration::from_secs(5);
/// How often who waits for one sink alone looks how far it is.
pub const SINK_POLL: Duration = Duration::from_millis(2);
/// How often a reporter that stops looks whether what it recovers still gets on.
pub const RECOVERY_POLL: Duration = Duration::from_millis(5);
/// How long the beginnings of a file stay in a spool: to make one takes milliseconds.
pub const SPOOL_UNFINISHED_AGE_MAX: Duration = Duration::from_secs(60);

/// The largest event that is taken, encoded. A larger one is dropped alone, with a reason.
pub const EVENT_BYTES_MAX: usize = 512 * 1024;
/// The longest error message, in bytes; what is longer is cut at a character and says so.
pub const ERROR_MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// The longest traceback (causes and backtrace), in bytes; what is longer is cut at a character and says so.
pub const TRACEBACK_BYTES_MAX: usize = 40 * 1024;
/// The longest body of an answer that a `user_error` carries, as JSON: with its message it fits the room that is kept for
/// the fatal pair.
pub const USER_ERROR_BODY_BYTES_MAX: usize = 16 * 1024;
/// Links of a `source()` chain that are looked at: a chain may be a cycle.
pub const ERROR_CHAIN_MAX: usize = 16;
/// How deep the data of an event may be nested before the event is refused: `Serialize` recurses, on the
/// caller's stack.
pub const DATA_DEPTH_MAX: usize = 128;
/// How many newtypes and `Some`s the data of an event may have around one value: they are no level, but stack. Four for each
/// level.
pub const DATA_WRAPPERS_MAX: usize = 4 * DATA_DEPTH_MAX;

/// An attempt that fails after this long may have failed because of its size.
pub const ATTEMPT_SLOW_FROM: Duration = Duration::from_secs(1);
/// Batches do not become smaller than this: what fails then does so whatever its size.
pub const PACE_EVENTS_MIN: usize = 10;

/// Events in one request, unless the builder says otherwise; the protocol takes no more than this.
pub const BATCH_EVENTS_DEFAULT: usize = 100;
/// Bytes of one request body, before it is halved.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Batches of one sink that may be under way at once when its backlog is long.
pub const IN_FLIGHT_DEFAULT: usize = 16;
/// Batches under way at once for each queue of a spool that is flushed: nothing else is held up meanwhile.
pub const FLUSH_IN_FLIGHT: usize = 64;
/// The most batches under way that may be asked for.
pub const IN_FLIGHT_MAX: usize = 256;
/// A backlog of this many full batches opens the window from one batch to `max_in_flight`. Below it batches are sent
/// strictly one after another, so that events arrive in the order of their sequence.
pub const IN_FLIGHT_OPENS_AT_BATCHES: usize = 20;

/// A flush at the latest this long after an event was taken, unless the builder says otherwise.
pub const FLUSH_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);
/// The shortest interval between flushes: timers are no finer.
pub const FLUSH_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// Queued events that start a flush at once, unless the builder says otherwise.
pub const FLUSH_THRESHOLD_DEFAULT: usize = 100;
/// The longest that a fatal error is held for its delivery, unless the builder says otherwise.
pub const FLUSH_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// The longest wait that any deadline can ask for; a longer one is cut to it. There is no infinite wait.
pub const DEADLINE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How much later than its deadline a wait may answer before the caller stops listening for the reporter's thread.
pub const DEADLINE_GRACE: Duration = Duration::from_millis(20);

/// One HTTP attempt, connection and answer together, unless the sink says otherwise.
pub const HTTP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read: an endless body must not hold a batch.
pub const HTTP_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of a refusing answer that go into an error: enough for its reason, not for a page of HTML.
pub const HTTP_ANSWER_EXCERPT_CHARS_MAX: usize = 200;

/// Entries in one request to Datadog, by its own documentation.
pub const DATADOG_ENTRIES_MAX: usize = 1_000;
/// Bytes of one request to Datadog before they are compressed, by its own documentation: 5 MB, in the smaller reading.
pub const DATADOG_REQUEST_BYTES_MAX: usize = 5_000_000;
/// Bytes of one entry: Datadog cuts what is longer than 1 MB, which is then no JSON any more.
pub const DATADOG_ENTRY_BYTES_MAX: usize = 1_000_000;
/// Entries in one request to Datadog and queued events that start a flush to it, unless the sink's policy says otherwise.
pub const DATADOG_BATCH_EVENTS_DEFAULT: usize = 100;
/// A flush to Datadog at the latest this long after an event was taken, unless the sink's policy says otherwise.
pub const DATADOG_FLUSH_INTERVAL_DEFAULT: Duration = Duration::from_secs(15);
/// Tags of one entry, those that the sink sets included: Datadog keeps no more.
pub const DATADOG_TAGS_MAX: usize = 100;
/// Characters of one tag: Datadog cuts what is longer.
pub const DATADOG_TAG_CHARS_MAX: usize = 200;
/// Bytes of one request in OTLP before they are compressed: the least that receivers in use take unless they are told otherwise
/// (4 MiB, over gRPC).
pub const OTLP_REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How deep values are nested in OTLP: each level takes up to three of the 100 that readers of protobuf allow, and is gone
/// through once more for its length.
pub const OTLP_DEPTH_MAX: usize = 16;
/// Bytes of the resource's attributes that a program may set: they are part of every request.
pub const OTLP_RESOURCE_BYTES_MAX: usize = 64 * 1024;
/// Batches that are remembered because their logs are at the other side and their spans are not: all that may be under way for
/// some sessions, at a hundred bytes each.
pub const OTLP_HALVES_MAX: usize = 4 * IN_FLIGHT_MAX;
/// One attempt in OTLP, connection and answer together, unless the sink says otherwise: what OpenTelemetry asks for.
pub const OTLP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Events in one batch for Sentry, unless the sink's policy says otherwise: each error and each span takes a request.
pub const SENTRY_BATCH_EVENTS_DEFAULT: usize = 100;
/// The most events in one batch for Sentry: as many requests have to fit into [`DELIVERY_MAX`].
pub const SENTRY_BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of one envelope before it is compressed: Sentry takes 1 MB of an event, or of the logs, that is in it.
pub const SENTRY_ENVELOPE_BYTES_MAX: usize = 1_000_000;
/// Room in an envelope of logs for all that is not a log: headers, and a report of what was left out.
pub const SENTRY_ENVELOPE_HEAD_BYTES: usize = 8 * 1024;
/// Logs in one envelope, by Sentry's own documentation.
pub const SENTRY_ENVELOPE_LOGS_MAX: usize = 100;
/// How long nothing is sent after a 429 that does not say how long, by Sentry's own documentation.
pub const SENTRY_RATE_LIMIT_DEFAULT: Duration = Duration::from_secs(60);
/// The longest that a rate limit of Sentry's is believed: a quota may last until the end of a month, or be raised.
pub const SENTRY_RATE_LIMIT_MAX: Duration = Duration::from_secs(3600);
/// Characters of a tag's value: Sentry takes no longer ones.
pub const SENTRY_TAG_CHARS_MAX: usize = 200;
/// Characters of the name of an environment: Sentry takes no longer ones.
pub const SENTRY_ENVIRONMENT_CHARS_MAX: usize = 64;
/// Characters of the name of a release: Sentry takes no longer ones.
pub const SENTRY_RELEASE_CHARS_MAX: usize = 200;
/// Events that are known to have arrived though their batch has not, of which half may be forgotten at a time: those of 16
/// batches of the largest size.
pub const SENTRY_ARRIVED_MAX: usize = 2 * 16 * SENTRY_BATCH_EVENTS_MAX;
/// Sessions whose health is kept, of which half may be forgotten at a time: the program's own, and those it recovers.
pub const SENTRY_SESSIONS_MAX: usize = 1024;
/// Bytes that are encoded or compressed before the reporter's thread is offered to others: a millisecond of work.
pub const COMPRESS_STEP_BYTES: usize = 64 * 1024;
/// One attempt to publish a batch to NATS, the connection and all acknowledgements together, unless the sink says otherwise.
pub const NATS_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Events in one batch for NATS: all are written before the first acknowledgement is looked at.
pub const NATS_BATCH_EVENTS_MAX: usize = 1_000;
/// Acknowledgements of NATS that are waited for on one connection: as many full batches as may be under way.
pub const NATS_UNACKNOWLEDGED_MAX: usize = NATS_BATCH_EVENTS_MAX * IN_FLIGHT_MAX;
/// Servers of NATS that one sink may name: each is tried in turn within one attempt.
pub const NATS_SERVERS_MAX: usize = 16;
/// The longest name of a stream of NATS, and the longest prefix of a subject: what is sent with each event.
pub const NATS_NAME_BYTES_MAX: usize = 128;
/// How large a file of lines gets before the next one is begun, unless the sink says otherwise: what an editor still opens.
pub const JSONL_ROTATE_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// The least that a file of lines may be told to hold: a few events.
pub const JSONL_ROTATE_BYTES_MIN: u64 = 4 * 1024;
/// Rotated files that are kept, unless the sink says otherwise.
pub const JSONL_KEEP_DEFAULT: usize = 5;
/// Events in one batch for a file of lines, unless the sink's policy says otherwise: each batch is handed to another thread
/// and back, which at 100 events takes as long as all the rest.
pub const JSONL_BATCH_EVENTS_DEFAULT: usize = 1_000;
/// The most rotated files that may be kept: at each rotation their names are listed.
pub const JSONL_KEEP_MAX: usize = 10_000;
/// The longest torn line that is cut off: above the JSON of the largest event, each of whose bytes may be six.
pub const JSONL_LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The longest that a file of lines is waited for which another process has locked: a rotation takes milliseconds.
pub const JSONL_LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often that lock is tried meanwhile: a batch is written in less.
pub const JSONL_LOCK_POLL: Duration = Duration::from_micros(200);
/// How often a file of lines is opened for one batch, where others rotate it each time.
pub const JSONL_REOPENS_MAX: usize = 32;

/// Bytes of each file that are read to say where a session runs: each says one thing.
pub const ENVIRONMENT_FILE_BYTES_MAX: u64 = 16 * 1024;
/// The longest name of what a program runs for (`TINKER_ENV`) that is told, in bytes.
pub const ENVIRONMENT_NAME_BYTES_MAX: usize = 64;
/// Bytes of the list of mounts that are looked through for the id of a container: some thousand mounts.
pub const MOUNTINFO_BYTES_MAX: u64 = 256 * 1024;
/// The longest name that Kubernetes gives to a namespace, in bytes.
pub const KUBERNETES_NAME_BYTES_MAX: usize = 63;

/// Attempts after the first, unless the builder says otherwise.
pub const RETRIES_DEFAULT: u32 = 3;
/// The most retries that may be asked for.
pub const RETRIES_MAX: u32 = 100;
/// The wait before the first retry, doubled for each that follows, unless the builder says otherwise.
pub const RETRY_BASE_DEFAULT: Duration = Duration::from_secs(1);
/// The longest wait between two attempts, whatever the arithmetic or the server's `Retry-After` says.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(60);
/// What the quadratic policy multiplies by the square of the attempt.
pub const QUADRATIC_BASE_DEFAULT: Duration = Duration::from_millis(500);
/// The longest wait of the quadratic policy.
pub const QUADRATIC_DELAY_MAX: Duration = Duration::from_secs(30);
/// Attempts after the first of the quadratic policy: eight in all.
pub const QUADRATIC_RETRIES_DEFAULT: u32 = 7;
/// Random spread of a wait between attempts, as a part of it, so that clients don't come back together.
pub const RETRY_JITTER: f64 = 0.10;

/// Restarts of a crashed reporter actor within [`RESTART_WINDOW`] before the reporter counts as degraded.
pub const RESTARTS_MAX: usize = 5;
/// The window over which restarts are counted.
pub const RESTART_WINDOW: Duration = Duration::from_secs(60);
/// The wait before the first restart, doubled for each that follows within the window.
pub const RESTART_DELAY_BASE: Duration = Duration::from_millis(10);
/// Crashes over the same batch after which it is halved, until the event that causes them is alone.
pub const CRASHES_BEFORE_SPLIT: u32 = 2;
/// How often the reader looks again for a record that was reserved and not yet published.
pub const UNPUBLISHED_POLL: Duration = Duration::from_micros(200);

/// The longest session id that is taken, in bytes.
pub const SESSION_ID_BYTES_MAX: usize = 256;
/// The longest event name that is taken, in bytes; a longer one is cut.
pub const EVENT_NAME_BYTES_MAX: usize = 256;
/// The longest event id that a collector takes, in bytes.
pub const EVENT_ID_BYTES_MAX: usize = 128;

/// The longest that a sink may take over one batch before the attempt counts as failed, whatever its own time-outs are.
pub const DELIVERY_MAX: Duration = Duration::from_secs(120);
/// The longest that a sink may take to close.
pub const SINK_CLOSE_MAX: Duration = Duration::from_secs(5);
/// Sinks of one reporter.
pub const SINKS_MAX: usize = 16;

/// Texts of an event are cut to this unless the program says otherwise: an event with some of them is still within
/// [`EVENT_BYTES_MAX`].
pub const STRING_BYTES_MAX_DEFAULT: usize = 64 * 1024;
/// The shortest that texts may be cut to: beneath it the note of their length is most of what is left.
pub const STRING_BYTES_MIN: usize = 64;
/// The longest that texts may be cut to: no event is larger.
pub const STRING_BYTES_MAX: usize = EVENT_BYTES_MAX;
/// Room for the note of how long a text was.
pub const STRING_REMARK_BYTES_MAX: usize = 40;
/// How far beyond the cut a text is looked at, so that a secret that lies over the cut is seen whole.
pub const STRING_MARGIN_BYTES: usize = 4 * 1024;
/// How far back from where a text of an error is cut the beginning of the word is looked for that is left out whole: no known
/// token is longer, but for some whose beginning says what they are.
pub const CUT_WORD_BYTES_MAX: usize = 1024;
/// Characters of a text that counts as safe: it names something, and holds no content.
pub const SAFE_STR_CHARS_MAX: usize = 128;
/// How often a text in which something was found is looked at again: once is enough for nearly all.
pub const REDACTION_ROUNDS_MAX: usize = 8;

/// A text of what a tool was given is cut beyond this many characters,
pub const INPUT_TEXT_CHARS_MAX: usize = 512;
/// to this many: what it begins with tells what it is.
pub const INPUT_TEXT_CHARS_KEPT: usize = 128;
/// Items of a list or an object of what a tool was given.
pub const INPUT_ITEMS_MAX: usize = 20;
/// How deep lists and objects of it stand in one another.
pub const INPUT_DEPTH_MAX: usize = 2;
/// Characters of JSON of all of it.
pub const INPUT_JSON_CHARS_MAX: usize = 4_096;

/// Bytes of a file of names that are reported: some ten thousand names.
pub const ALLOW_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a settings file: room for three thousand users, which take a millisecond to read, and for what
/// others keep in it.
pub const SETTINGS_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of the file of an installation's id: a UUID in any of its forms, and blanks.
pub const INSTALLATION_ID_BYTES_MAX: u64 = 256;
/// The longest that a settings file is waited for which another process changes: that takes milliseconds.
pub const SETTINGS_LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often its lock is tried meanwhile.
pub const SETTINGS_LOCK_POLL: Duration = Duration::from_millis(2);
/// The longest id of a user that is taken, in bytes.
pub const USER_ID_BYTES_MAX: usize = 256;
/// Characters of an environment variable that are shown: what is longer is none of its words.
pub const SAID_CHARS_MAX: usize = 40;

/// Points of metrics leave this often.
pub const METRICS_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);
/// And no more often: each time is an event.
pub const METRICS_INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Metrics and series of them that a session may have.
pub const METRICS_SERIES_DEFAULT: usize = 1_000;
/// Series that one event tells of; fewer, where they have much to say.
pub const METRICS_SERIES_PER_EVENT: usize = 100;
/// The name of a metric.
pub const METRIC_NAME_BYTES_MAX: usize = 128;
/// The unit of a metric, and its description.
pub const METRIC_TEXT_BYTES_MAX: usize = 256;
/// Labels of a series.
pub const METRIC_LABELS_MAX: usize = 16;
/// The name of a label, and its value.
pub const METRIC_LABEL_BYTES_MAX: usize = 96;
/// Upper bounds of the buckets of a histogram.
pub const METRIC_BOUNDS_MAX: usize = 64;

/// Attributes of one span: what OpenTelemetry's SDKs allow unless they are told otherwise.
pub const SPAN_ATTRIBUTES_MAX: usize = 128;
/// Bytes of a header `traceparent`: four times what there is today, for versions to come.
pub const TRACEPARENT_BYTES_MAX: usize = 256;
/// Spans of `tracing` that are entered within one another on one thread, and make themselves the context: a program that goes
/// deeper has entered spans that it never leaves.
pub const ENTERED_SPANS_MAX: usize = 1_024;
