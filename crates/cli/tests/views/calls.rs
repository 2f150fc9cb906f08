//! `lastword calls`: of a directory and a collector alike.

use serde_json::Value;

use crate::agent::work;
use crate::common::{Server, run, stdout_of};
use crate::support::{Recorder, wire_events};

#[test]
fn how_calls_fared_is_listed_from_a_directory_and_a_collector_as_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(directory.path(), "session-1");
    work(&recorder);
    let server = Server::start(&directory.path().join("data"));
    server.post("session-1", &wire_events(&recorder.stop()));
    let of = |args: &[&str]| {
        let told = stdout_of(&[&["calls"], args, &["--url", &server.url]].concat());
        assert_eq!(told, stdout_of(&[&["calls"], args, &["--data", server.data_text()]].concat()), "{args:?}");
        told
    };
    let lines = |args: &[&str]| -> Vec<String> {
        let told = of(args);
        told.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };

    let all = lines(&[]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all[0].starts_with("3 1 33.3% 400 130 $0.0030 ") && all[0].ends_with(" model openai/gpt-4o"), "{all:?}");
    assert!(all[1].starts_with("1 1 100.0% 0 0 $0.0000 12ms 12ms tool bash"), "{all:?}");
    assert!(all[2].ends_with(" tool calculator"), "{all:?}");
    let tools = lines(&["--kind", "tool", "--sort", "latency", "-n", "1"]);
    assert!(tools.len() == 1 && tools[0].ends_with(" tool bash"), "{tools:?}");
    assert_eq!(lines(&["--by", "kind"]).len(), 2);
    assert_eq!(lines(&["--until", "2020-01-01"]), [""; 0]);
    assert_eq!(lines(&["--provider", "nobody"]), [""; 0]);

    let json: Vec<Value> = of(&["--json", "--name", "gpt-4o", "--since", "2020-01-01"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((json.len(), &json[0]["calls"], &json[0]["provider"]), (1, &3.into(), &"openai".into()));

    // What is left out is said, and not among the rows.
    let some = run(&["calls", "--limit", "1", "--url", &server.url]);
    assert!(String::from_utf8_lossy(&some.stderr).contains("2 rows are not shown: `--limit` shows more"), "{some:?}");
    for (wrong, right) in [(["--by", "moon"], "version"), (["--limit", "0"], "1..=1000"), (["--sort", "x"], "cost")] {
        let refused = run(&[&["calls"], &wrong[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(right), "{wrong:?}: {refused:?}");
    }
}
