//! What is kept in an object store.

use super::Counter;

/// What this process has put into the object store, and had out of it.
#[derive(Debug, Default)]
pub(crate) struct Blobbing {
    /// Values that were put there.
    pub(crate) puts: Counter,
    /// Their bytes.
    pub(crate) put_bytes: Counter,
    /// Values that could not be put there.
    pub(crate) put_failed: Counter,
    /// Values that were read.
    pub(crate) gets: Counter,
    /// Values that could not be read, are missing or are others than were put.
    pub(crate) get_failed: Counter,
    /// Values that were deleted, because no event has them any more.
    pub(crate) deletes: Counter,
}
