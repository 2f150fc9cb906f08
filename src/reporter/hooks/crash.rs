//! The signals by which a process is ended: what can be said of them is said in the file of the queue.

pub use crate::queue::CrashError;
use crate::reporter::Reporter;

/// Has a fatal signal (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT; so a stack overflow and `abort` too) leave its name in the
/// session's spool, so that the session, when it is recovered, says how it ended. Nothing is delivered then and there: what
/// was accepted is in the spool, and the process ends as it would have.
///
/// The handler does nothing but write one word, and passes the signal on to the handler that was there before, or to the
/// system. It needs a spool whose file is mapped, which is so on Linux alone. A program that lives on after such signals (some runtimes use them)
/// should install its own handler first.
///
/// Where telemetry is off, nothing is installed.
///
/// # Errors
///
/// The session has no mapped file, 16 sessions have asked already, or the system refuses.
pub fn install(reporter: &Reporter) -> Result<(), CrashError> {
    let Some(inner) = reporter.inner() else { return Ok(()) };
    inner.shared.ring.mark_crashes()
}
