//! Watching what is run until it ends, whichever way it does.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use crate::event::Cause;
use crate::sync::CatchUnwind;

/// Is told how what it watches ended; one that is dropped before has seen it given up.
pub(super) trait Watch {
    /// It came to a value, or failed for that cause.
    fn ended(self, cause: Option<&Cause<'_>>);
}

/// Runs a body, whose value, `Err` and panic go on unchanged.
pub(super) fn watch<T>(watch: impl Watch, body: impl FnOnce() -> T, cause: impl FnOnce(&T) -> Option<Cause<'_>>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => {
            watch.ended(cause(&value).as_ref());
            value
        }
        Err(payload) => {
            watch.ended(Some(&Cause::panic(&*payload)));
            resume_unwind(payload)
        }
    }
}

/// The same for a future.
pub(super) async fn watch_future<F: Future>(
    watch: impl Watch,
    future: F,
    cause: impl FnOnce(&F::Output) -> Option<Cause<'_>>,
) -> F::Output {
    match CatchUnwind(pin!(future)).await {
        Ok(value) => {
            watch.ended(cause(&value).as_ref());
            value
        }
        Err(payload) => {
            watch.ended(Some(&Cause::panic(&*payload)));
            resume_unwind(payload)
        }
    }
}
