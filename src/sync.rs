//! The atomics that the queue is made of: loom's in a loom model, std's otherwise; and what marks the reporter's thread.

use std::cell::Cell;

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

/// Keeps what it holds on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as the reporter's own: what happens on it is never reported, and nothing on it waits for a reporter.
pub(crate) fn mark_own_thread() {
    OWN.set(true);
}

/// Returns whether this thread is the reporter's own.
pub(crate) fn is_own_thread() -> bool {
    OWN.try_with(Cell::get).unwrap_or(false)
}

/// Locks a mutex, whether or not a thread panicked while it held it: what these mutexes guard is valid after each step.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
