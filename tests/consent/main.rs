//! How much may be reported, and of whom: what the user, the environment and the program say, in real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../children/mod.rs"]
mod children;
#[path = "../peers/mod.rs"]
mod peers;

mod change;
mod internal;
mod level;
#[cfg(unix)]
mod trouble;
mod user;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);

/// A directory for settings, and the path of the file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("settings.json");
    (directory, path)
}

/// Writes a settings file as an editor does, but for its owner only to write to.
fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Runs a test again in an environment in which nothing is said about telemetry but by this file.
fn again(test: &str, settings: &Path) -> Command {
    let mut command = children::again(test);
    for name in ["TINKER_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK", "TELEMETRY_ENABLED", "LASTWORD_SPOOL"] {
        command.env_remove(name);
    }
    command.env("LASTWORD_SETTINGS", settings);
    command
}

/// Runs such a process to its end, and returns what it says behind `child: `.
fn said(command: &mut Command) -> String {
    said_and_shown(command).0
}

/// The same, with what it writes to standard error.
fn said_and_shown(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    let (text, shown) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{shown}");
    let said = text.split("child: ").nth(1).unwrap_or_else(|| panic!("{text}")).lines().next().unwrap();
    (said.to_owned(), shown.into_owned())
}
