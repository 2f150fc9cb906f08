//! Bounds of large values that are kept in an object store.

use std::time::Duration;

/// Values that are put into the object store at once, of all requests: connections that are worth their memory.
pub const BLOB_PUTS_MAX: usize = 64;
/// Values of one request that are put at once, so that one with many leaves the others some.
pub const BLOB_PUTS_AT_ONCE: usize = 16;
/// How long a connection to the object store may take to be made.
pub const BLOB_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one attempt may take. The largest value is an event's, and that is a megabyte.
pub const BLOB_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often an attempt that failed is made again: a store that was busy for a moment loses nobody a request.
pub const BLOB_RETRIES: usize = 2;
/// How long after the first attempt another one may begin. Clients wait for the answer for ten seconds at least.
pub const BLOB_PATIENCE: Duration = Duration::from_secs(8);
/// Values that are read at once for one question.
pub const BLOB_GETS_AT_ONCE: usize = 16;
/// How long a question waits for one value, or for those that it wants at once.
pub const BLOB_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a copy of a store asks again for a value that the object store did not answer for: hours of copying are not lost to a minute.
pub const BLOB_COPY_RETRIES: usize = 5;
/// How long it waits before that.
pub const BLOB_COPY_PAUSE: Duration = Duration::from_secs(2);
/// Values that were read lately and are kept in memory, in bytes: a page that is loaded again asks for the same.
pub const BLOBS_READ_BYTES: usize = 16 * 1024 * 1024;
/// Values of which it is known that they are there, so that they are not put again.
pub const BLOBS_KNOWN_MAX: usize = 10_000;
/// How long that is believed. It is far below [`BLOB_ORPHAN_AGE`], so that nothing is removed for its age that somebody counts on.
pub const BLOB_KNOWN_FOR: Duration = Duration::from_secs(60 * 60);
/// How long a value is named after the hour is over in which it was put, where several processes write: what waits for longer is refused and put
/// anew. Clients wait for seconds.
pub const BLOB_NAMED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long after an hour is over one of its values may be deleted that no event names. It is far above [`BLOB_NAMED_WITHIN`], so that an insert that is
/// under way then is in, on all replicas.
pub const BLOB_HOUR_OPEN: Duration = Duration::from_secs(60 * 60);
/// How far the row of an event may be from the hour in which its values were put: where others are looked for that name them.
pub const BLOB_ROWS_WITHIN: Duration = Duration::from_secs(60 * 60);
/// How long it is noted that a value may have lost its name which has another one: its removal may be under way still. If it takes longer, the list of all
/// finds the value.
pub const BLOB_NOTE_KEPT: Duration = Duration::from_secs(10 * 60);
/// How long it is believed that a store which others write has no values elsewhere: a text is looked for in them once it is known.
pub const BLOB_NONE_KNOWN_FOR: Duration = Duration::from_secs(10);
/// How old an object must be that no event names before it is removed: it may be of a request that is not stored yet.
pub const BLOB_ORPHAN_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often all objects are listed to find such ones.
pub const BLOB_LIST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// Values that the writer is asked about at once.
pub const BLOBS_AT_ONCE: usize = 500;
