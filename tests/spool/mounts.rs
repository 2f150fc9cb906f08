//! File systems that a test makes: of a size, of a kind. For root; without it a test says that it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A file system that is there for as long as a test.
pub(crate) struct Mount(TempDir);

impl Mount {
    /// Mounts a file system in memory with these options.
    pub(crate) fn in_memory(options: &str) -> Option<Self> {
        Self::of(&["-t", "tmpfs", "-o", options, "tmpfs"])
    }

    /// Makes a file system of a kind in a file, and mounts it.
    pub(crate) fn of_image(image: &Path, kind: &str, bytes: u64) -> Option<Self> {
        std::fs::File::create(image).unwrap().set_len(bytes).unwrap();
        let made = Command::new(format!("mkfs.{kind}")).arg("-q").arg(image).status();
        if !made.is_ok_and(|status| status.success()) {
            return skipped(&format!("there is no mkfs.{kind}"));
        }
        Self::image(image)
    }

    /// Mounts the file system in a file.
    pub(crate) fn image(image: &Path) -> Option<Self> {
        Self::of(&["-o", "loop", image.to_str().unwrap()])
    }

    fn of(arguments: &[&str]) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(arguments).arg(place.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(place)),
            _ => skipped(&format!("file systems can't be mounted here: {mounted:?}")),
        }
    }

    /// Lets nobody write to it any more.
    pub(crate) fn make_read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status().unwrap();
        assert!(done.success());
    }

    /// A directory in it for a spool, that is not there yet.
    pub(crate) fn spool(&self) -> PathBuf {
        self.0.path().join("spool")
    }

    /// Fills it up to its last page.
    pub(crate) fn fill(&self) {
        use std::io::Write;
        let mut filler = std::fs::File::create(self.0.path().join("filler")).unwrap();
        while filler.write_all(&[1; 4_096]).is_ok() {}
    }
}

/// Says aloud that a test does not test what it should: past what the harness keeps to itself.
fn skipped(reason: &str) -> Option<Mount> {
    use std::io::Write;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
    None
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
