//! A test that runs itself again as a process of its own, to see how it ends.

// Each test binary uses a part of this; and what fails here fails the test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::process::Command;

/// Says to a process that it is such a child.
const CHILD: &str = "LASTWORD_TEST_CHILD";

/// Whether this process is one that a test has started to look at how it ends.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs one test of this binary again, as a child.
pub fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1").env("RUST_BACKTRACE", "0");
    command
}
