//! The clocks of the system, as numbers.

/// Returns the time since 1970, in nanoseconds; 0 before that.
#[inline]
pub(crate) fn wall_nanos() -> u64 {
    nanos(libc::CLOCK_REALTIME)
}

/// Returns the time since some moment that stays the same for as long as the process lives, in nanoseconds.
#[inline]
pub(crate) fn monotonic_nanos() -> u64 {
    nanos(libc::CLOCK_MONOTONIC)
}

/// Reads a clock as the standard library does, which then adds half as much again in arithmetic and calls.
#[inline]
fn nanos(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place that is written to is of the right type, and initialised whether the call succeeds or not.
    #[allow(unsafe_code)]
    unsafe {
        libc::clock_gettime(clock, &raw mut time);
    }
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec))
}
