//! Bounds of the stream between those that take events in and those that write them.

use std::time::Duration;

/// How large a message is that has more than one event. Small ones cost the stream a write each, large ones keep a cluster from sending
/// anything else: at this size either is little.
pub const STREAM_MESSAGE_BYTES: usize = 256 * 1024;
/// The largest message of all, also where the server would take larger ones: less than a writer asks for at once.
pub const STREAM_MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much a compressed message may become: one event, and what is known of it.
pub const STREAM_PLAIN_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Subjects that sessions are spread over, so that writers can be given some each.
pub const STREAM_SHARDS: u64 = 64;
/// How long a server may take to answer: one attempt.
pub const STREAM_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a process that starts waits for a stream that does not answer: a cluster that has lost its leader has another in half of that.
pub const STREAM_OPEN_PATIENCE: Duration = Duration::from_secs(20);
/// How long a message is published again that was not acknowledged. A cluster whose leader was killed acknowledges nothing for five
/// seconds; whoever waits for the answer waits for ten at least.
pub const STREAM_PUBLISH_PATIENCE: Duration = Duration::from_secs(15);
/// The wait before a message is published again.
pub const STREAM_PUBLISH_PAUSE: Duration = Duration::from_millis(250);
/// Messages that may be published and not be acknowledged, of all requests.
pub const STREAM_UNACKNOWLEDGED_MAX: usize = 4096;
/// Messages of one request that are published at once.
pub const STREAM_PUBLISH_AT_ONCE: usize = 256;
/// Messages that a writer asks for at once.
pub const STREAM_FETCH_MESSAGES: usize = 256;
/// Bytes that a writer asks for at once: what it has in memory twice, as messages and as events.
pub const STREAM_FETCH_BYTES: usize = 16 * 1024 * 1024;
/// How long a writer waits for messages before it asks again.
pub const STREAM_FETCH_WAIT: Duration = Duration::from_secs(2);
/// How long a server may say nothing of what a writer asked for: it gives it, or says that the time is over. Then it is lost, with the server that
/// had it or with the connection, or it comes later and is taken then.
pub const STREAM_SILENCE_MAX: Duration = STREAM_FETCH_WAIT.saturating_add(Duration::from_secs(1));
/// How long a writer that is to stop waits for the next message of what it asked for. Of a backlog it comes at once; what comes after nobody
/// waits any more is given to somebody only when [`STREAM_ACK_WAIT`] is over.
pub const STREAM_LAST_WAIT: Duration = Duration::from_millis(200);
/// How long a writer may have a message before it is given to another: longer than a commit may take.
pub const STREAM_ACK_WAIT: Duration = Duration::from_secs(60);
/// Messages that all writers together may have. Beyond, the stream gives out none.
pub const STREAM_ACK_PENDING_MAX: i64 = 4096;
/// When a writer to whom the stream gives nothing asks again, for the first time; each time it waits twice as long, up to [`STREAM_RETRY_AFTER`].
/// A consumer that is given another leader, or that is removed, is there again in less.
pub const STREAM_RETRY_FIRST: Duration = Duration::from_millis(100);
/// When a message comes again that could not be stored for a reason that passes, or that is for a newer writer.
pub const STREAM_RETRY_AFTER: Duration = Duration::from_secs(2);
/// How often a writer asks how much waits in the stream.
pub const STREAM_LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How large the stream may become, unless it is set. Beyond, clients are told to come back later.
pub const STREAM_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
/// How large the stream may become of messages that nobody could read or store. Beyond, such messages stay where they are.
pub const STREAM_DEAD_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// How long they are kept there. They may be of a user who wants to be forgotten, and nobody can look into them.
pub const STREAM_DEAD_AGE_MAX: Duration = Duration::from_secs(30 * 86_400);
/// How much of a reason stands beside such a message, in characters.
pub const STREAM_REASON_CHARS_MAX: usize = 256;
/// For how long the stream knows what was published, so that what is published again is not stored twice in it.
pub const STREAM_DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The most copies of the stream that are asked for, if it is not set: what a cluster needs to lose one server and go on.
pub const STREAM_REPLICAS: usize = 3;
/// What `Retry-After` says when the stream is full: writers empty it in seconds or not at all.
pub const RETRY_AFTER_STREAM: Duration = Duration::from_secs(5);
/// How long what was taken out of the stream may take to be stored when the collector stops.
pub const STREAM_END: Duration = Duration::from_secs(5);
/// The longest name of a stream: a second one's name is longer by five.
pub const STREAM_NAME_BYTES_MAX: usize = 64;
/// The most copies that JetStream makes.
pub const STREAM_REPLICAS_MAX: usize = 5;
