//! The reporter's own thread: one a process, started by the first reporter, with a runtime of its own.
//!
//! Nothing here needs, blocks or outlives a runtime of the host's. It is the one thing of the library that is global to
//! the process.

use std::io;
use std::sync::{Mutex, mpsc};

use tokio::runtime::{Builder, Handle};

use crate::sync::{lock, mark_own_thread};

static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);

/// Returns the runtime of the reporter's thread, which is started where it does not run yet.
///
/// # Errors
///
/// The system gives no thread, or no means to wait on sockets.
pub(super) fn handle() -> io::Result<Handle> {
    let mut runtime = lock(&RUNTIME);
    if let Some(handle) = &*runtime {
        return Ok(handle.clone());
    }
    let (send, receive) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("lastword".into()).spawn(move || {
        mark_own_thread();
        match Builder::new_current_thread().enable_all().build() {
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
