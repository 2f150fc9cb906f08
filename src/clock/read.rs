//! The clocks of the system, in nanoseconds: by the standard library, where nothing shorter is known.

#[cfg(not(target_os = "linux"))]
pub(super) use portable::{monotonic, wall};

#[cfg(target_os = "linux")]
pub(super) use crate::sys::{monotonic_nanos as monotonic, wall_nanos as wall};

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant, SystemTime};

    /// Returns the time since 1970; 0 before that.
    #[inline]
    pub(in super::super) fn wall() -> u64 {
        nanos(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// Returns the time since some moment that stays the same for as long as the process lives.
    #[inline]
    pub(in super::super) fn monotonic() -> u64 {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        nanos(ORIGIN.get_or_init(Instant::now).elapsed())
    }

    #[inline]
    fn nanos(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
    }
}
