//! The atomics that the queue is made of: loom's in a loom model, std's otherwise; and what marks the reporter's thread.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(lastword_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(lastword_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

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

/// A future that ends with what it panicked with, where the one within panics.
#[derive(Debug)]
pub(crate) struct CatchUnwind<F>(pub(crate) F);

impl<F: Future + Unpin> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

/// Says something to whoever listens to `tracing`: code of the host's, whose panic is not ours to spread.
pub(crate) fn say(what: impl FnOnce()) {
    // A listener that panics has been told.
    let _ = catch_unwind(AssertUnwindSafe(what));
}

/// Returns what a panic says, where it says something.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
