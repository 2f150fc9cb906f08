//! The end of the process by `exit`, or by a return from `main`.

use std::io;
use std::time::Duration;

use super::super::process::Process;
use crate::reporter::Reporter;
use crate::sys;

/// Ends the session and delivers it when the process ends by `std::process::exit` or by a return from `main`, whoever holds
/// the reporter then. Takes no longer than `deadline`.
///
/// It does nothing where the process ends otherwise: by a signal, by `abort`, by `_exit`. It is what C calls `atexit`; a
/// [`guard`](Reporter::guard) in `main` does the same for `main` alone, and also when `main` panics.
///
/// Called again for the same session, it sets another deadline. Where telemetry is off, nothing is installed.
///
/// # Errors
///
/// The system takes no such handler: it is out of memory.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink).start()?;
/// lastword::exit::install(&reporter, std::time::Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn install(reporter: &Reporter, deadline: Duration) -> io::Result<()> {
    let Some(inner) = reporter.inner() else { return Ok(()) };
    sys::at_exit(|| Process::this().exits.stop_all())?;
    Process::this().exits.add(inner, deadline);
    Ok(())
}
