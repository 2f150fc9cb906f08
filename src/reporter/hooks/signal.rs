//! The signals by which a process is asked to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::super::process::Process;
use crate::reporter::Reporter;
use crate::sync::lock;
use crate::sys;

/// Has SIGTERM, SIGINT and SIGHUP end the session: it is delivered, for which it has `grace`, and then the signal does what
/// it does by default, so that whoever started the process sees how it ended. A second signal does so at once.
///
/// For programs that do not deal with these signals themselves: one that does calls [`Reporter::stop`] where it ends. A
/// signal that is ignored as this is called stays ignored (`nohup`). Handlers that were there before are called too.
///
/// A fork of the process ends by these signals at once, as if there were no handler, until it calls this itself.
///
/// Called again for the same session, it sets another grace. Where telemetry is off, nothing is installed.
///
/// # Errors
///
/// The system takes no handler, or gives no thread to wait for the signals.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
/// lastword::signal::install(&reporter, std::time::Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn install(reporter: &Reporter, grace: Duration) -> io::Result<()> {
    let Some(inner) = reporter.inner() else { return Ok(()) };
    let process = Process::this();
    let mut is_watched = lock(&process.watches_signals);
    if !*is_watched {
        watch()?;
        *is_watched = true;
    }
    process.signals.add(inner, grace);
    Ok(())
}

/// Begins to wait for the signals.
fn watch() -> io::Result<()> {
    let wanted: Vec<_> = [SIGTERM, SIGINT, SIGHUP].into_iter().filter(|signal| !sys::is_ignored(*signal)).collect();
    // Up in a fork, and wherever nobody waits for the signals: they then do what they do.
    let does_default = sys::fork_flag();
    does_default.store(true, Ordering::Release);
    for signal in &wanted {
        register_conditional_default(*signal, Arc::clone(&does_default))?;
    }
    let mut signals = Signals::new(wanted)?;
    Builder::new().name("lastword-signals".into()).spawn(move || {
        let is_ending = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for signal in signals.forever() {
                if is_ending.swap(true, Ordering::AcqRel) {
                    end_by(signal);
                }
                let ended = Builder::new().name("lastword-end".into()).spawn_scoped(scope, move || {
                    Process::this().signals.stop_all();
                    end_by(signal);
                });
                if ended.is_err() {
                    end_by(signal);
                }
            }
        });
    })?;
    does_default.store(false, Ordering::Release);
    Ok(())
}

/// Does what a signal does by default.
fn end_by(signal: i32) {
    // It does not return from any of these; if it did, the next signal would try again.
    let _ = emulate_default_handler(signal);
}
