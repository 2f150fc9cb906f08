//! No file: where the system has none that a queue could be kept in, and in models.

use super::ring::{Bounds, Ring};
use super::store::Durability;

/// The file of a queue: there is none.
#[derive(Debug)]
pub enum RingFile {}

impl RingFile {
    pub(super) fn write_record(&self, _: usize, _: [u64; 3], _: &[u8]) {
        match *self {}
    }
}

#[allow(missing_docs, reason = "each does nothing; kept.rs has those that do")]
#[allow(clippy::unused_self)]
impl Ring {
    #[must_use]
    pub const fn durability(&self) -> Durability {
        Durability::Memory
    }

    #[must_use]
    pub const fn file_bytes(_: &Bounds) -> u64 {
        0
    }

    #[must_use]
    pub const fn is_on_a_disk(&self) -> bool {
        false
    }

    pub const fn check_file(&self, _: crate::clock::Timestamp) {}

    pub const fn sync(&self) -> std::io::Result<()> {
        Ok(())
    }

    pub const fn save(&self) {}

    pub const fn prepare(&self) {}

    pub const fn remove_file(&self) {}

    pub const fn leave_file(&self) {}
}
