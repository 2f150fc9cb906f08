//! `lastword store copy`, by the real binary: what comes out is what went in, however often it was killed.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

#[path = "../common/mod.rs"]
mod common;
mod large;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{PATIENCE, Running, Server, generic, get, lastword, run, stdout_of};
use serde_json::{Value, json};

/// What is asked of both: all that a collector answers of what is stored.
const QUESTIONS: [&str; 15] = [
    "/api/events?limit=1000&order=asc",
    "/api/events?limit=1000&order=desc",
    "/api/events?text=needle",
    "/api/sessions?limit=1000",
    "/api/sessions/s-1",
    "/api/sessions/other",
    "/api/exceptions",
    "/api/exceptions?order=worst",
    "/api/users",
    "/api/stats",
    "/api/traces",
    "/api/runs",
    "/api/series",
    "/api/calls",
    "/api/audit",
];

fn answers(data: &Path) -> Vec<Value> {
    let server = Server::start(data);
    let answers = QUESTIONS
        .iter()
        .map(|path| {
            let (status, body) = get(&server.address, path);
            assert_eq!(status, 200, "{path}: {body}");
            let mut answer = serde_json::from_str(&body).unwrap();
            take_rows(&mut answer);
            answer
        })
        .collect();
    server.stop();
    answers
}

/// Takes out what says at which place something is stored: a copy has no gaps where events were removed.
fn take_rows(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["row", "sample_row", "next", "resume", "id"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(take_rows);
        }
        Value::Array(values) => {
            // What the audit trail says of the store itself, and not of what is in it.
            values.retain(|value| value["action"] != "store.copy" && value["action"] != "setting.changed");
            values.iter_mut().for_each(take_rows);
        }
        _ => {}
    }
}

fn exception(index: usize, message: &str) -> String {
    let event = json!({
        "event": "UNHANDLED_EXCEPTION", "event_id": format!("x-{index}"), "event_session_index": index, "severity": "CRITICAL",
        "timestamp": "2026-11-20T09:20:34.5Z", "error_type": "ValueError", "error_message": message, "traceback": "",
    });
    event.to_string()
}

/// Fills a store with some of everything, and removes some of it again.
fn fill(data: &Path) -> Server {
    fill_with(&[], data)
}

/// The same, of a collector with these flags.
fn fill_with(flags: &[&str], data: &Path) -> Server {
    let server = Server::start_with(&[&["--listen", "127.0.0.1:0"], flags].concat(), data);
    stdout_of(&["store", "opt-in", "--user", "ada", "--url", &server.url]);
    let large = "prompt ".repeat(4_000);
    let span = |index: usize, name: &str, data: &Value| generic(index, "INFO", name, &data.to_string());
    server.post("gone", &[generic(0, "INFO", "n", "{}"), generic(1, "INFO", "n", "{}")]);
    server.post(
        "s-1",
        &[
            generic(0, "INFO", "n", r#"{"user_id":"ada","needle":1}"#),
            exception(1, "no answer after 30 s"),
            generic(2, "WARNING", "telemetry.dropped", r#"{"queue_full":7}"#),
            span(3, "span.start", &json!({"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","span_name":"root"})),
            span(4, "span.end", &json!({"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","span_name":"root","duration_ms":12.5,
                "attributes":{"gen_ai.request.model":"m","prompt":large}})),
            span(6, "run.start", &json!({"run_id":"r-1","objective":"tidy up","prompt":large})),
        ],
    );
    server.post(
        "other",
        &[
            exception(0, "no answer after 5 s"),
            exception(1, "'x' is not there"),
            generic(2, "INFO", "session.recovered", r#"{"signal":"SIGSEGV"}"#),
        ],
    );
    let metrics = json!({"series":[{"name":"rate","type":"gauge","value":1.5,"unit":"1/s","labels":{"host":"a"}}]});
    server.post("s-1", &[generic(7, "INFO", "metrics", &metrics.to_string())]);
    let (status, groups) = get(&server.address, "/api/exceptions");
    assert_eq!(status, 200);
    let groups: Value = serde_json::from_str(&groups).unwrap();
    for group in groups["exceptions"].as_array().unwrap() {
        let path = format!("/api/exceptions/{}", group["fingerprint"].as_str().unwrap());
        let body = r#"{"resolved":true}"#;
        let head = format!("PATCH {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        let (status, said) = common::ask(&server.address, &head, body);
        assert_eq!(status, 200, "{said}");
    }
    // One of them comes back.
    server.post("s-2", &[exception(0, "no answer after 9 s")]);
    stdout_of(&["store", "delete", "--session", "gone", "--yes", "--url", &server.url]);
    server
}

fn copy(from: &Path, to: &Path) -> Value {
    copy_with(&[], from, to)
}

fn copy_with(flags: &[&str], from: &Path, to: &Path) -> Value {
    let paths = [from, to].map(|path| path.to_str().unwrap());
    let command = ["store", "copy", "--from", paths[0], "--to", paths[1], "--json"];
    serde_json::from_str(stdout_of(&[&command, flags].concat()).trim()).unwrap()
}

/// What the trail of a store says of copies from a place, the latest first: who it was, and how many events.
fn noted(data: &Path, from: &str) -> Vec<(String, Value)> {
    let told = stdout_of(&["store", "audit", "--data", data.to_str().unwrap(), "--action", "store.copy", "--json"]);
    let entries = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_place = entries.filter(|entry| entry["metadata"]["from"] == from);
    of_place.map(|entry| (entry["actor"].as_str().unwrap().to_owned(), entry["metadata"]["events"].clone())).collect()
}

#[test]
fn a_copy_answers_all_that_its_source_answers() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
    fill(&from).stop();
    let copied = copy(&from, &to);
    assert_eq!((&copied["copied"], &copied["more"]), (&json!(11), &json!(false)), "{copied}");
    let same = |side: &Value| [side["events"].clone(), side["sessions"].clone(), side["checksum"].clone()];
    assert_eq!(same(&copied["from"]), same(&copied["to"]));
    assert_eq!(stdout_of(&["store", "verify", "--data", to.to_str().unwrap()]), "the store is whole\n");
    for (path, (before, after)) in QUESTIONS.iter().zip(answers(&from).iter().zip(answers(&to))) {
        assert_eq!(*before, after, "{path}");
    }
}

#[test]
fn a_copy_of_a_store_that_is_written_is_what_was_there_and_the_next_run_brings_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
    let server = fill(&from);
    assert_eq!(copy(&from, &to)["copied"], 11);
    server.post("s-2", &[generic(1, "INFO", "n", "{}")]);
    assert_eq!(copy(&from, &to)["copied"], 1);
    assert_eq!(copy(&from, &to)["copied"], 0);
    server.stop();
    assert_eq!(stdout_of(&["store", "verify", "--data", to.to_str().unwrap()]), "the store is whole\n");
    for (path, (before, after)) in QUESTIONS.iter().zip(answers(&from).iter().zip(answers(&to))) {
        assert_eq!(*before, after, "{path}");
    }
}

/// How many events there are by now, in a store that may not be there yet.
fn events_in(data: &str) -> u64 {
    let told = run(&["store", "info", "--data", data, "--json"]);
    serde_json::from_slice::<Value>(&told.stdout).ok().and_then(|info| info["events"].as_u64()).unwrap_or(0)
}

#[test]
fn a_copy_that_is_killed_again_and_again_goes_on_where_it_was() {
    const EVENTS: u64 = 45_000;
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
    let server = Server::start(&from);
    for request in 0..EVENTS / 1_000 {
        let data = json!({ "text": "so much is told of each ".repeat(8) }).to_string();
        let events: Vec<String> = (0..1_000).map(|index| generic(index, "INFO", "n", &data)).collect();
        server.post(&format!("s-{request}"), &events);
    }
    server.stop();
    let paths = [&from, &to].map(|path| path.to_str().unwrap().to_owned());
    let mut there = 0;
    for round in 0..6 {
        let mut command = lastword();
        command
            .args(["store", "copy", "--from", &paths[0], "--to", &paths[1]])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut running = Running::start(&mut command);
        if round < 3 {
            // Somewhere before anything is there, or not: it must not matter.
            std::thread::sleep(std::time::Duration::from_millis(20 << (round * 2)));
        } else {
            // As soon as more is there than before: whether that is known too is left to chance.
            let before = there;
            while there == before && running.child().try_wait().unwrap().is_none() {
                there = events_in(&paths[1]);
            }
        }
        running.signal("KILL");
        running.wait();
    }
    assert!(there > 0, "nothing was there when it was killed");
    let copied = copy(&from, &to);
    assert_eq!((&copied["to"]["events"], &copied["from"]["checksum"]), (&json!(EVENTS), &copied["to"]["checksum"]));
    assert_eq!(stdout_of(&["store", "verify", "--data", &paths[1]]), "the store is whole\n");
}

#[test]
fn a_copy_that_somebody_stops_says_that_nothing_is_lost_and_that_the_same_command_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("from");
    Server::start(&from).stop();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // Who listens and says nothing: the copy is under way until it is stopped.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = format!("clickhouse://{}/copied", silent.local_addr().unwrap());
        let mut command = lastword();
        command.args(["store", "copy", "--from", from.to_str().unwrap(), "--to", &to]);
        let mut running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::piped()));
        let (tell, asked) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(silent.accept()));
        let _held = asked.recv_timeout(PATIENCE).expect("it asks the target").unwrap();
        running.signal(signal);
        let ended = running.output();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains("stopped: nothing is lost, and the same command goes on from there"), "{said}");
    }
}

#[test]
fn a_store_with_other_events_is_no_target_and_a_copy_that_was_changed_is_none_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to, other] = ["from", "to", "other"].map(|name| dir.path().join(name));
    fill(&from).stop();
    let server = Server::start(&other);
    server.post("mine", &[generic(0, "INFO", "n", "{}")]);
    let paths = [&from, &to, &other].map(|path| path.to_str().unwrap().to_owned());
    let said = |from: &str, to: &str| {
        let refused = run(&["store", "copy", "--from", from, "--to", to]);
        assert_eq!(refused.status.code(), Some(1));
        String::from_utf8(refused.stderr).unwrap()
    };
    assert!(said(&paths[0], &paths[2]).contains("another collector is running on"));
    server.stop();
    for _ in 0..2 {
        let told = said(&paths[0], &paths[2]);
        assert!(told.contains("other has events that are not of this copy"), "{told}");
    }
    assert!(said(&format!("{}/nowhere", paths[0]), &paths[1]).contains("there is no store"));
    copy(&from, &to);
    stdout_of(&["store", "delete", "--session", "other", "--yes", "--data", &paths[1]]);
    let told = said(&paths[0], &paths[1]);
    assert!(told.contains("session other has 3 events") && told.contains("and 0 events"), "{told}");
}

/// A server of ClickHouse that this test starts; `None`, said aloud, where nobody says how.
#[cfg(feature = "clickhouse")]
fn clickhouse(data: &Path) -> Option<(Running, String)> {
    use std::io::{BufRead, BufReader};

    const COMMAND: &str = "LASTWORD_CLICKHOUSE_SERVER";
    let named = std::env::var(COMMAND);
    let Some(command) = named.clone().ok().filter(|command| !command.is_empty()) else {
        // Where it is there and empty, another script sets it.
        let may_skip = named.is_ok() || std::env::var_os("CI").is_none();
        assert!(may_skip, "{COMMAND} is not set, and nothing is skipped in CI");
        let said = format!("SKIPPED: {COMMAND} is not set, so nothing is copied into ClickHouse\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
        return None;
    };
    let mut words = command.split_whitespace();
    let mut command = std::process::Command::new(words.next().unwrap());
    command.args(words).args(["--port", "0", "--data"]).arg(data).stdout(Stdio::piped());
    let mut server = Running::start(&mut command);
    let lines = BufReader::new(server.child().stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("PORT ").map(str::to_owned)).unwrap();
    let cluster = std::env::var("LASTWORD_CLICKHOUSE_CLUSTER");
    let cluster = cluster.map_or(String::new(), |cluster| format!("?cluster={cluster}"));
    Some((server, format!("clickhouse://127.0.0.1:{}/copied{cluster}", port.trim())))
}

#[cfg(feature = "clickhouse")]
#[test]
fn a_copy_in_clickhouse_that_is_copied_back_answers_all_that_its_source_answers() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_server, url)) = clickhouse(&dir.path().join("clickhouse")) else { return };
    let [from, back] = ["from", "back"].map(|name| dir.path().join(name));
    let [here, there, values] =
        ["here", "there", "values"].map(|name| format!("file://{}", dir.path().join(name).display()));
    let server = fill_with(&["--blobs", &here], &from);
    // Killed on its way, then again, and some more arrives meanwhile.
    for millis in [50, 1_000, 3_000] {
        let mut command = lastword();
        command.args(["store", "copy", "--from", from.to_str().unwrap(), "--to", &url, "--blobs", &values]);
        let mut running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        std::thread::sleep(std::time::Duration::from_millis(millis));
        running.signal("KILL");
        running.wait();
    }
    copy_with(&["--blobs", &values], &from, Path::new(&url));
    server.post("s-2", &[generic(1, "INFO", "n", "{}")]);
    let copied = copy(&from, Path::new(&url));
    assert_eq!((&copied["copied"], &copied["to"]["events"]), (&json!(1), &json!(12)), "{copied}");
    server.stop();
    let told: Value = serde_json::from_str(&stdout_of(&["store", "info", "--store", &url, "--json"])).unwrap();
    assert_eq!((&told["events"], &told["outside"]["url"]), (&json!(12), &json!(values)), "{told}");
    assert!(large::files(&dir.path().join("values")).len() > 1);
    // As long as one that was killed may still be at it, what came after it is not for readers: it is said that there is more.
    let mut came_back = copy_with(&["--blobs", &there], Path::new(&url), &back);
    while came_back["more"] == true {
        came_back = copy(Path::new(&url), &back);
    }
    assert_eq!(came_back["to"]["checksum"], copied["from"]["checksum"]);
    assert_eq!(stdout_of(&["store", "verify", "--blobs", "--data", back.to_str().unwrap()]), "the store is whole\n");
    // One for each time that something came, however often it was interrupted.
    let events: Vec<Value> = noted(&back, from.to_str().unwrap()).into_iter().map(|(_, events)| events).collect();
    assert_eq!(events, [json!(12), json!(11)]);
    for (path, (before, after)) in QUESTIONS.iter().zip(answers(&from).iter().zip(answers(&back))) {
        assert_eq!(*before, after, "{path}");
    }
}
