//! `lastword export`: what is made for other programs names metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, generic, get, post, stdout_of};

/// Names that come from Prometheus itself.
const FOREIGN: [&str; 1] = ["up"];

/// Returns what an expression reads: words behind which labels, a range or an operator come.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = expression.split(|character| !is_name(character));
    let known = ["lastword_", "http_", "process_", "tokio_", "event_loop_"];
    words.filter(|word| known.iter().any(|begin| word.starts_with(begin))).map(ToOwned::to_owned).collect()
}

/// Returns the names of the samples that a collector has.
fn samples() -> BTreeSet<String> {
    let dir = TempDir::new().unwrap();
    // Nobody takes what is forwarded, which is counted too.
    let targets = "[{name = 'away', to = 'http', url = 'http://127.0.0.1:1'}]";
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--forward", targets], dir.path());
    server.post("s", &[generic(0, "INFO", "n", "{}")]);
    assert_eq!(post(&server.address, "/api/v1/telemetry", "{").0, 400);
    assert_eq!(get(&server.address, "/api/none").0, 404);
    let (status, page) = get(&server.address, "/metrics");
    assert_eq!(status, 200);
    let names = page.lines().filter(|line| !line.starts_with('#'));
    names.filter_map(|line| line.split(['{', ' ']).next()).map(ToOwned::to_owned).collect()
}

#[test]
fn a_dashboard_draws_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&stdout_of(&["export", "grafana"])).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each has an id of its own");
    let samples = samples();
    let mut drawn = 0;
    for target in panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten() {
        let expression = target["expr"].as_str().unwrap();
        let metrics = metrics_in(expression);
        assert!(!metrics.is_empty(), "{expression}");
        for metric in metrics {
            assert!(samples.contains(&metric), "{metric} of {expression}");
            drawn += 1;
        }
    }
    assert!(drawn >= 20, "{drawn}");
}

#[test]
fn rules_for_prometheus_are_about_metrics_that_there_are() {
    let rules = stdout_of(&["export", "alert-rules"]);
    let samples = samples();
    let expressions: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(expressions.len() >= 8);
    for expression in expressions {
        let metrics = metrics_in(expression);
        let is_foreign = FOREIGN.iter().any(|name| expression.starts_with(name));
        assert!(is_foreign || !metrics.is_empty(), "{expression}");
        assert!(metrics.is_subset(&samples), "{expression}");
    }
}
