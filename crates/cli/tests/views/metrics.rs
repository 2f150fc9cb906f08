//! `lastword metrics`.

use serde_json::Value;

use crate::agent::work;
use crate::common::{Server, run, stdout_of};
use crate::support::{Recorder, wire_events};

#[test]
fn metrics_are_the_same_from_a_file_a_directory_and_a_collector() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "s");
    work(&recorder);
    let path = recorder.stop();
    let server = Server::start(&directory.path().join("data"));
    server.post("s", &wire_events(&path));
    for form in [&[][..], &["--json"], &["--prometheus"]] {
        let text = stdout_of(&[&["metrics", "--jsonl", &path], form].concat());
        assert_eq!(text, stdout_of(&[&["metrics", "--data", server.data_text()], form].concat()));
        assert_eq!(text, stdout_of(&[&["metrics", "--url", &server.url], form].concat()));
    }
    let text = stdout_of(&["metrics", "--jsonl", &path]);
    let line =
        |with: &str| text.lines().find(|line| line.contains(with)).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(line("tokens  "), ["tokens", "530", "530", "530"]);
    assert_eq!(line("error rate"), ["error", "rate", "33.33%", "33.33%", "33.33%"]);
    assert_eq!(line("cache_hits_total"), ["cache_hits_total{tier=l1}", "counter", "7", "7", "1.400", "1"]);
    assert_eq!(line("queue_depth"), ["queue_depth", "gauge", "2.500", "-", "-", "3", "jobs"]);
    assert!(text.find("cache_hits_total") < text.find("queue_depth"), "by the alphabet: {text}");
    let json: Value = serde_json::from_str(&stdout_of(&["metrics", "--json", "--jsonl", &path])).unwrap();
    assert_eq!(json["state"]["total_tokens"], 530);
    let hits = json["metrics"].as_array().unwrap().iter().find(|series| series["name"] == "cache_hits_total").unwrap();
    assert_eq!((&hits["labels"]["tier"], &hits["value"]), (&"l1".into(), &7.0.into()));
}

#[test]
fn prometheus_is_given_its_own_text() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "s");
    work(&recorder);
    let text = stdout_of(&["metrics", "--prometheus", "--jsonl", &recorder.stop()]);
    for line in ["# TYPE tinker_tokens_total counter", "tinker_tokens_total 530", "cache_hits_total{tier=\"l1\"} 7"] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    assert!(text.ends_with('\n'));
}

#[test]
fn one_form_is_asked_for_at_a_time() {
    let output = run(&["metrics", "--json", "--prometheus"]);
    assert_eq!(output.status.code(), Some(2));
}
