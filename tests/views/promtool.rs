//! What Prometheus' own tool says of what is there to be scraped.

use std::io::Write;
use std::process::{Command, Stdio};

use lastword::clock::Clock;
use lastword::views::{Live, PROMETHEUS_PREFIX, prometheus};
use serde_json::json;

use crate::{PATIENCE, reporter, work};

/// Names the program that is run.
const PROGRAM_VARIABLE: &str = "LASTWORD_PROMTOOL";

/// What it thinks of names that end in `_ms`: those that we are asked to have.
const OPINION: &str = "metric names should not contain abbreviated units";

#[test]
fn prometheus_own_tool_takes_it_and_has_an_opinion_on_milliseconds_alone() {
    let Some(program) = std::env::var_os(PROGRAM_VARIABLE) else {
        let skipped = format!("SKIPPED: {PROGRAM_VARIABLE} names no promtool; scripts/suite-prometheus installs one\n");
        let _ = std::io::stderr().write_all(skipped.as_bytes());
        return;
    };
    let live = Live::new();
    let reporter = reporter(&live);
    work(&reporter);
    let odd = json!({"name": "odd \"name\"", "type": "gauge", "value": 1, "labels": {"le": "a\"b\\c\nd", "1": "日本"}});
    let spread = json!({"name": "http_request_duration_ms", "type": "histogram", "count": 1, "sum": 12, "bounds": [50, 100], "buckets": [1, 0, 0]});
    reporter.log("metrics", json!({"series": [odd, spread]}));
    reporter.blocking_stop(PATIENCE);
    let text = prometheus(&live.dashboard(), Clock::system().now(), PROMETHEUS_PREFIX);

    let mut tool = Command::new(program);
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = tool.spawn().unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let is_opinion = |line: &str| line.split_once("_ms ").is_some_and(|(_, opinion)| opinion == OPINION);
    assert!(!said.is_empty() && said.lines().all(is_opinion), "{said}\n{text}");
}
