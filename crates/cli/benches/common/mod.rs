//! What the benches share: the real collector, and what a process has spent.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::print_stderr, reason = "a bench is no library")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// What Linux counts CPU time of other processes in.
const TICKS_A_SECOND: f64 = 100.0;

/// Starts a collector on an address; returns it and its URL.
pub fn serve(dir: &std::path::Path, listen: &str) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastword"));
    command.args(["serve", "--listen", listen, "--data"]).arg(dir).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| fail(&error));
    let mut line = String::new();
    let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    match (read, line.trim().strip_prefix("listening on ")) {
        (Some(Ok(_)), Some(url)) => (child, url.to_owned()),
        _ => fail(&"the collector does not say where it listens"),
    }
}

/// Returns what a process has spent, in user and kernel mode; 0 where the system does not say.
pub fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, in brackets, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / TICKS_A_SECOND
}

pub fn fail(error: &dyn std::fmt::Display) -> ! {
    eprintln!("the bench can't go on: {error}");
    std::process::exit(1)
}
