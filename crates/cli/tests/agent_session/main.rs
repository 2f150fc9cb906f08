//! One agent's session, and the same figures from every place that shows them.
//!
//! The session is that of `examples/agent_session.rs`, run in this process, with a real collector. Each place is asked in the way that
//! its users ask; any difference fails.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, unreachable_pub)]

#[path = "../../../../examples/agent_session.rs"]
#[allow(dead_code, reason = "it is a program as well")]
mod agent_session;
#[path = "../common/mod.rs"]
mod common;
mod places;

use std::path::Path;

use common::{Server, stdout_of};
use places::{Figures, count_of, of_counts, of_metrics, of_prometheus, of_run_files, of_run_metrics, of_summary};
use serde_json::Value;

/// What the session comes to, counted by hand in its program.
const EXPECTED: [(&str, u64); 11] = [
    ("model calls", 3),
    ("failed model calls", 1),
    ("retries", 1),
    ("input tokens", 2_100),
    ("output tokens", 80),
    ("cost", 5_000),
    ("tool calls", 2),
    ("failed tool calls", 1),
    ("memory operations", 1),
    ("decisions", 1),
    // The tool's, the model's, the panic, and the fatal one.
    ("errors", 4),
];

#[test]
fn every_place_shows_the_same_figures_of_an_agents_session() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let session = runtime.block_on(agent_session::session(directory.path(), Some(&server.url))).unwrap();
    let paths = ["events.jsonl", "runs"].map(|name| directory.path().join(name));
    let [file, runs] = paths.each_ref().map(|path| path.to_str().unwrap());
    let feeds = [["--jsonl", file], ["--url", &server.url], ["--data", server.data_text()]];

    let stats = session.reporter.stats();
    let events = stats.accepted;
    let expected: Figures = EXPECTED.into_iter().chain([("events", events)]).collect();
    assert_eq!(stats.sinks.iter().map(|sink| sink.delivered).collect::<Vec<_>>(), [events; 3], "{stats:?}");

    let mut shown: Vec<(String, Figures)> = Vec::new();
    let mut add = |place: String, figures| shown.push((place, figures));
    add("the view in the process".into(), of_counts(session.live.dashboard().totals.counts()));
    add("the lines of the file".into(), Figures::from([("events", lines(file))]));
    add("the files of the run".into(), of_run_files(Path::new(runs), &session.run_id));
    let run = stdout_of(&["runs", "show", &session.run_id, "--dir", runs, "--json"]);
    add("runs show".into(), of_run_metrics(&json(&run)["metrics"]));
    for feed in feeds {
        let asked = |command: &[&str]| stdout_of(&[command, &feed].concat());
        let place = |what: &str| format!("{what} {}", feed[0]);
        add(place("events"), Figures::from([("events", count_of(&asked(&["events", "--json"])))]));
        add(place("traces summary"), of_summary(&json(&asked(&["traces", "summary", "--json"]))));
        add(place("metrics"), of_metrics(&json(&asked(&["metrics", "--json"]))));
        add(place("metrics --prometheus"), of_prometheus(&asked(&["metrics", "--prometheus"])));
        let trace = json(&asked(&["traces", "show", &session.trace_id[..12], "--json"]));
        assert_eq!(trace["trace_id"], session.trace_id.as_str(), "{trace}");
    }
    for (place, figures) in &shown {
        for (name, figure) in figures {
            assert_eq!(*figure, expected[name], "{name}, as {place} shows them");
        }
    }
    let whole = shown.iter().filter(|(_, figures)| figures.len() == expected.len()).count();
    assert_eq!((shown.len(), whole), (16, 7), "{shown:?}");
    one_run_is_listed_and_its_events_are_whole(runs, &session.run_id, &session.store);
    the_boxes_agree(&feeds, &session);
}

fn one_run_is_listed_and_its_events_are_whole(runs: &str, id: &str, store: &lastword::runs::RunStore) {
    let listed = stdout_of(&["runs", "list", "--dir", runs, "--json"]);
    assert_eq!((count_of(&listed), listed.contains(id)), (1, true), "{listed}");
    let record = store.get(id).unwrap();
    let events = store.events(id).unwrap();
    assert_eq!(record.summary.event_count, events.count() as u64, "the summary counts the lines that there are");
    assert_eq!(record.artifacts, ["plan.md"]);
}

/// What `top --once` prints of each feed is what the view in the process prints, but for the time that has passed.
fn the_boxes_agree(feeds: &[[&str; 2]], session: &agent_session::Session) {
    let steady = |text: &str| -> Vec<String> {
        let moves = ["Uptime", "Tokens/min", "Cost/hour"];
        let stays =
            text.lines().filter(|line| !moves.iter().any(|word| line.to_lowercase().contains(&word.to_lowercase())));
        stays.map(str::to_owned).collect()
    };
    let own = steady(&session.live.render(80));
    for feed in feeds {
        let boxes = stdout_of(&[&["top", "--once"][..], feed].concat());
        assert_eq!(steady(&boxes), own, "{}", feed[0]);
    }
}

fn lines(path: &str) -> u64 {
    count_of(&std::fs::read_to_string(path).unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
