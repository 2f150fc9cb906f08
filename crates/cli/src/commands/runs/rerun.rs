//! One command, run again: without a shell, with a bound on its time.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::process::Command;

use crate::commands::signals::Signals;
use crate::error::Error;
use crate::output::runs::length;

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rerun {
    /// Whether it ended with exit code 0.
    pub(super) success: bool,
    /// Its exit code, where it ended by itself.
    exit_code: Option<i32>,
    /// How long it took.
    duration_ms: u64,
    /// Why it did not end by itself, or did not begin.
    reason: Option<String>,
}

impl fmt::Display for Rerun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = length(self.duration_ms);
        match (&self.reason, self.exit_code) {
            (Some(reason), _) => f.write_str(reason),
            (None, Some(0)) => write!(f, "passed in {took}"),
            (None, Some(code)) => write!(f, "failed with exit code {code} in {took}"),
            (None, None) => write!(f, "ended by a signal after {took}"),
        }
    }
}

/// Runs a command. What it writes is shown, on standard error where standard output is for JSON. It reads nothing.
///
/// # Errors
///
/// Somebody wants us to end, and it was ended; or signals can't be listened for.
pub(super) async fn run(
    words: &[String],
    directory: Option<&Path>,
    timeout: Duration,
    json: bool,
) -> Result<Rerun, Error> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(failed("there is no command".to_owned(), 0));
    };
    let mut signals = Signals::listen()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    if json {
        command.stdout(io::stderr());
    }
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    // A group of its own: what it has started ends with it.
    #[cfg(unix)]
    command.process_group(0);
    let begun = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let place = directory.map(|directory| format!(" in {}", directory.display())).unwrap_or_default();
            return Ok(failed(format!("{program} can't be run{place}: {error}"), 0));
        }
    };
    let took = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let id = child.id();
    let rerun = tokio::select! {
        ended = child.wait() => match ended {
            Ok(status) => Rerun { success: status.success(), exit_code: status.code(), duration_ms: took(), reason: None },
            Err(error) => failed(format!("it can't be waited for: {error}"), took()),
        },
        () = tokio::time::sleep(timeout) => {
            end(id);
            let _ = child.wait().await;
            failed(format!("ended, because it took longer than {timeout:?}"), took())
        }
        () = signals.next() => {
            end(id);
            let _ = child.wait().await;
            return Err(Error::Interrupted);
        }
    };
    Ok(rerun)
}

fn failed(reason: String, duration_ms: u64) -> Rerun {
    Rerun { success: false, exit_code: None, duration_ms, reason: Some(reason) }
}

/// Ends a group of processes.
#[cfg(unix)]
fn end(id: Option<u32>) {
    let id = id.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // It may have ended by now.
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
}

/// The command itself is ended where it is dropped.
#[cfg(not(unix))]
fn end(_: Option<u32>) {}
