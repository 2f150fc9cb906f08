//! A panic is reported before anything unwinds.

use std::backtrace::Backtrace;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;
use std::time::Duration;

use super::super::core::Core;
use super::super::process::Process;
use super::told;
use crate::event::{Failure, Severity};
use crate::limits::PANIC_FLUSH_MAX;
use crate::queue::Class;
use crate::reporter::Reporter;
use crate::sync::is_own_thread;

/// The environment variable by which the language turns backtraces off, or on.
const BACKTRACE_VARIABLE: &str = "RUST_BACKTRACE";

/// Reports every panic of the process in this reporter's session: as an `UNHANDLED_EXCEPTION` with its message, its place,
/// its thread and its backtrace, before anything unwinds. It goes on to the hook that was there before, which prints it, say.
///
/// One panic is one event of a session, however many of this hook, [`capture!`](crate::capture!) and
/// [`async_capture!`](crate::async_capture!) see it. Where the program is built with `panic = "abort"`, the panic is its end:
/// the session is ended too, and all of it delivered before the process goes, for which it has 2 seconds at the most, or
/// `flush_timeout` where that is less. Else nobody waits: not every panic is the end of a program.
///
/// The backtrace is left out where `RUST_BACKTRACE` is `0` as this is called: to find the names of its functions takes some
/// milliseconds, and in a large program with debug information more.
///
/// Panics of the reporter's own thread are not reported. The hook stays until the process ends; it keeps no session alive,
/// and does nothing for one that has ended. Where telemetry is off, nothing is installed.
///
/// A hook that the program sets later and that calls no other one takes the place of this.
///
/// # Panics
///
/// Never; but called while a thread panics (in a `Drop`), it installs no hook, since the language allows none then.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
/// lastword::panic::install(&reporter);
/// let died = std::thread::spawn(|| panic!("out of paper")).join();
/// assert!(died.is_err());
/// assert!(reporter.blocking_flush(std::time::Duration::from_secs(5)).is_drained());
/// assert_eq!(sink.events()[1]["error_message"], "out of paper");
/// # Ok::<(), lastword::StartError>(())
/// ```
pub fn install(reporter: &Reporter) {
    static HOOK: Once = Once::new();
    let Some(inner) = reporter.inner() else { return };
    Process::this().panics.add(inner, Duration::ZERO);
    if std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let wants_backtrace = std::env::var_os(BACKTRACE_VARIABLE).is_none_or(|value| value != "0");
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            // First: what comes after may take its time, or end the process.
            report(panic, wants_backtrace);
            before(panic);
        }));
    });
}

/// Reports a panic in all sessions that asked for it. Runs no code of the program's, and takes no lock that is held for
/// longer than a list is read: a panic in a hook is the end of the process.
fn report(panic: &PanicHookInfo<'_>, wants_backtrace: bool) {
    if is_own_thread() {
        return;
    }
    let sessions = Process::this().panics.live();
    if sessions.is_empty() {
        return;
    }
    let thread = std::thread::current();
    let backtrace = wants_backtrace.then(Backtrace::force_capture);
    let failure = Failure::of_panic(panic.payload(), panic.location(), thread.name(), backtrace.as_ref());
    for (core, _) in &sessions {
        core.report_panic(&failure);
    }
    told::by_hook(panic.payload());
}

impl Core {
    fn report_panic(&self, failure: &Failure) {
        if cfg!(panic = "abort") {
            self.push_fatal(Severity::Critical, failure);
            let patience = self.shared.settings.flush_timeout.min(PANIC_FLUSH_MAX);
            self.blocking_drained(self.shared.flush(), patience);
            return;
        }
        // In room that is kept, where it is the session's last word: whoever catches it ends the session.
        let (severity, class) =
            if told::is_fatal() { (Severity::Critical, Class::Reserved) } else { (Severity::Error, Class::Ordinary) };
        self.push_failure(class, severity, failure);
    }
}
