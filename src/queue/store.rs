//! Where a queue is kept, and so what it outlives.

use super::file::RingFile;

/// What the events of a queue outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: they are in the memory of the process.
    Memory,
    /// The process, however it ends: each is written to a file before `log` returns. What is done where a file can't be
    /// mapped; a call costs about a microsecond.
    Write,
    /// The process, however it ends: they are in a file that is mapped into memory. A call costs what it costs in memory.
    ProcessDeath,
    /// The process, and what had been on the disk for a moment outlives a power cut too: the file is synced again and
    /// again, and `log_durable` waits for that.
    PowerLoss,
}

impl Durability {
    /// Returns whether events outlive the process.
    #[must_use]
    pub const fn outlives_process(self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// Returns the name of this level.
    ///
    /// ```
    /// assert_eq!(lastword::Durability::ProcessDeath.as_str(), "process_death");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Write => "write",
            Self::ProcessDeath => "process_death",
            Self::PowerLoss => "power_loss",
        }
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a queue is kept.
#[derive(Debug)]
pub(super) enum Store {
    /// In memory alone.
    Memory,
    /// In a file that is mapped: what is in memory is in the file.
    Mapped(RingFile),
    /// In memory, and each record is also written to a file.
    Mirrored(RingFile),
}
