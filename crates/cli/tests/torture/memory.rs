//! A limit to the memory of a process: a control group where the machine lets us make one, so that the system kills the
//! process, else a limit to its addresses, so that it gets none and aborts.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// What a process may use, its part of the page cache included. Without a limit it would take a gibibyte.
const BYTES_MAX: u64 = 96 * 1024 * 1024;

/// Where control groups are, and what their limit is called there: the older form of the system's, and the newer.
const PLACES: [(&str, &str); 2] =
    [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];

pub enum Limit {
    /// A control group of ours.
    Group(PathBuf),
    /// A limit to addresses.
    Addresses,
}

impl Limit {
    /// Takes the best limit that there is.
    pub fn new() -> Self {
        let group = PLACES.into_iter().find_map(|(place, limit)| {
            let group = PathBuf::from(place).join(format!("lastword-torture-{}", std::process::id()));
            fs::create_dir(&group).ok()?;
            if fs::write(group.join(limit), BYTES_MAX.to_string()).is_err() {
                let _ = fs::remove_dir(&group);
                return None;
            }
            Some(group)
        });
        group.map_or(Self::Addresses, Self::Group)
    }

    pub const fn title(&self) -> &'static str {
        match self {
            Self::Group(_) => "killed by the system: a control group of 96 MiB",
            Self::Addresses => "aborted: no address to be had (RLIMIT_AS)",
        }
    }

    /// What a process is ended by that exceeds it.
    pub const fn signal(&self) -> i32 {
        match self {
            Self::Group(_) => libc::SIGKILL,
            Self::Addresses => libc::SIGABRT,
        }
    }

    /// Limits a process that runs.
    pub fn hold(&self, process: u32) {
        match self {
            Self::Group(group) => fs::write(group.join("cgroup.procs"), process.to_string()).unwrap(),
            Self::Addresses => {
                let nothing = Rlimit { current: Some(1), maximum: Some(1) };
                prlimit(Pid::from_raw(process.cast_signed()), Resource::As, nothing).unwrap();
            }
        }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Self::Group(group) = self {
            // All that were in it have ended.
            let _ = fs::remove_dir(group);
        }
    }
}
