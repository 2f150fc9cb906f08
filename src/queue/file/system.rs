//! What kind of file system a file is on.

use std::fs::File;

/// What a file system does with the room that it has promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSystem {
    /// Keeps it: a page of a file with room can always be written.
    Disk,
    /// Keeps it, in memory.
    Memory,
    /// Writes elsewhere each time, asks a server, or is not known: it may have no room after all.
    Other,
}

#[cfg(target_os = "linux")]
pub(super) fn file_system(file: &File) -> FileSystem {
    const EXT: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    const F2FS: u64 = 0xf2f5_2010;
    const OVERLAY: u64 = 0x794c_7630;
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    // A type is at most 32 bits of a word whose sign depends on the machine.
    #[allow(clippy::cast_sign_loss)]
    match rustix::fs::fstatfs(file).map(|found| found.f_type as u64 & 0xffff_ffff) {
        Ok(EXT | XFS | F2FS | OVERLAY) => FileSystem::Disk,
        Ok(TMPFS | RAMFS) => FileSystem::Memory,
        _ => FileSystem::Other,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn file_system(_: &File) -> FileSystem {
    FileSystem::Other
}
