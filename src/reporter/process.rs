//! What there is one of in a process: the reporter's own thread, started by the first reporter, with a runtime of its own;
//! its id; and who wants to know of its end.
//!
//! Nothing here needs, blocks or outlives a runtime of the host's. A fork has neither its parent's thread nor its id: it
//! gets its own when it starts a reporter, and touches nothing of its parent's, whose locks may have been held as it was
//! made.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, mpsc};

use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::hooks::Sessions;
use super::internal::Place;
use crate::clock;
use crate::sync::{lock, mark_own_thread};
use crate::sys;

/// What there is one of in a process.
pub(super) struct Process {
    runtime: Mutex<Option<Handle>>,
    uuid: OnceLock<Uuid>,
    /// Where in a cluster it is, for whoever is told.
    pub(super) place: OnceLock<Place>,
    /// Sessions that want to know of a panic.
    pub(super) panics: Sessions,
    /// Sessions that end with the process.
    pub(super) exits: Sessions,
    /// Sessions that end by a signal.
    pub(super) signals: Sessions,
    /// Whether somebody waits for signals.
    pub(super) watches_signals: Mutex<bool>,
    /// What a fork of this process has; nobody but such a fork looks there.
    fork: OnceLock<Box<Self>>,
}

impl Process {
    const fn new() -> Self {
        Self {
            runtime: Mutex::new(None),
            uuid: OnceLock::new(),
            place: OnceLock::new(),
            panics: Sessions::new(),
            exits: Sessions::new(),
            signals: Sessions::new(),
            watches_signals: Mutex::new(false),
            fork: OnceLock::new(),
        }
    }

    /// Returns that of this process.
    pub(super) fn this() -> &'static Self {
        static FIRST: Process = Process::new();
        (0..sys::generation()).fold(&FIRST, |process, _| process.fork.get_or_init(|| Box::new(Self::new())))
    }
}

/// Returns the id of this process: the same for all its sessions, another one in a fork.
pub(super) fn process_uuid() -> Uuid {
    *Process::this().uuid.get_or_init(clock::random_id)
}

/// Returns the runtime of the reporter's thread, which is started where it does not run yet.
///
/// # Errors
///
/// The system gives no thread, or no means to wait on sockets.
pub(super) fn runtime() -> io::Result<Handle> {
    sys::watch_for_forks();
    let mut runtime = lock(&Process::this().runtime);
    if let Some(handle) = &*runtime {
        return Ok(handle.clone());
    }
    let (send, receive) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("lastword".into()).spawn(move || {
        mark_own_thread();
        match Builder::new_current_thread().enable_all().on_thread_start(mark_own_thread).build() {
            Ok(runtime) => {
                // Whoever waits for this is in the next line.
                let _ = send.send(Ok(runtime.handle().clone()));
                runtime.block_on(std::future::pending::<()>());
            }
            Err(error) => {
                let _ = send.send(Err(error));
            }
        }
    })?;
    let handle = receive.recv().map_err(|_| io::Error::other("the reporter's thread ended as it started"))??;
    *runtime = Some(handle.clone());
    Ok(handle)
}

/// Has something that blocks done on a thread of the runtime's for that; `None` where the system has no thread for it.
pub(super) fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<JoinHandle<T>> {
    // The runtime's way to say that there is none.
    catch_unwind(AssertUnwindSafe(|| spawn_blocking(work))).ok()
}

#[cfg(test)]
mod tests {
    use crate::sync::is_own_thread;

    #[test]
    fn the_threads_of_the_runtime_are_known_as_its_own_those_for_what_blocks_too() {
        let runtime = super::runtime().unwrap();
        let (own, blocking) = std::sync::mpsc::channel();
        let also = own.clone();
        runtime.spawn(async move { own.send(is_own_thread()).unwrap() });
        runtime.spawn_blocking(move || also.send(is_own_thread()).unwrap());
        assert_eq!(blocking.iter().take(2).collect::<Vec<_>>(), [true, true]);
        assert!(!is_own_thread());
    }
}
