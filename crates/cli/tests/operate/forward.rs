//! Events that the real binary sends on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::Value;
use tempfile::TempDir;

use super::common::{PATIENCE, Server, lastword, run};
use super::support::Logged;

/// Takes one request and answers it; returns its head and body.
fn take(listener: &TcpListener, status: &str) -> (String, String) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn event(id: &str, data: &str) -> String {
    format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"{id}","event_session_index":0,"severity":"ERROR","timestamp":"2026-11-20T09:20:34Z","event_name":"n","event_data":{data}}}"#
    )
}

/// The ids of the events that Splunk was sent.
fn ids(body: &str) -> Vec<String> {
    let events = serde_json::Deserializer::from_str(body).into_iter::<Value>().map(Result::unwrap);
    events.map(|told| told["event"]["event_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_stored_goes_to_splunk_redacted_with_its_token_and_after_a_kill_nothing_is_missing() {
    let dir = TempDir::new().unwrap();
    let hec = TcpListener::bind("127.0.0.1:0").unwrap();
    let (token, config) = (dir.path().join("token"), dir.path().join("c.toml"));
    std::fs::write(&token, "abc-123\n").unwrap();
    let text = format!(
        "[[forward]]\nname = 'splunk'\nto = 'splunk'\nurl = 'http://{}'\ntoken_file = '{}'\nseverity = 'error'\npause = '10ms'\n",
        hec.local_addr().unwrap(),
        token.display()
    );
    std::fs::write(&config, text).unwrap();
    let args = ["--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0", "--grpc-listen", "off"];
    let data = dir.path().join("data");
    let server = Server::start_with(&args, &data);
    server.post("s", &[event("a", r#"{"api_key":"sk-very-secret"}"#)]);
    take(&hec, "503 Service Unavailable");
    let (head, body) = take(&hec, "200 OK");
    let head = head.to_lowercase();
    assert!(head.starts_with("post /services/collector/event http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: splunk abc-123\r\n"), "{head}");
    assert!(body.contains("[redacted") && !body.contains("very-secret"), "{body}");
    assert_eq!(ids(&body), ["a"]);
    // It takes the next batch and is killed before it has an answer.
    server.post("s", &[event("b", "{}")]);
    let (held, _) = hec.accept().unwrap();
    // That is a kill.
    drop(server);
    drop(held);
    let server = Server::start_with(&args, &data);
    let mut seen = Vec::new();
    while !seen.contains(&"b".to_owned()) {
        seen.extend(ids(&take(&hec, "200 OK").1));
    }
    server.stop();
}

#[test]
fn the_doctor_takes_a_receiver_that_knows_no_questions_for_one_that_is_there() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("c.toml");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "listen = '127.0.0.1:0'\ndata = '{}'\n[[forward]]\nname = 'own'\nto = 'http'\nurl = 'http://{}'\n",
        dir.path().join("data").display(),
        listener.local_addr().unwrap()
    );
    std::fs::write(&config, text).unwrap();
    let asked = std::thread::spawn(move || take(&listener, "501 Not Implemented"));
    let output = run(&["doctor", "--json", "--config", config.to_str().unwrap()]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let check = told["checks"].as_array().unwrap().iter().find(|check| check["name"] == "forward").unwrap();
    assert_eq!(check["state"], "ok", "{told}");
    assert!(asked.join().unwrap().0.starts_with("GET / "));
}

#[test]
fn the_doctor_says_which_target_can_be_reached_and_the_file_which_is_wrong() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("c.toml");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "listen = '127.0.0.1:0'\ndata = '{}'\n[[forward]]\nname = 'siem'\nto = 'syslog'\nurl = 'tcp://{}'\n[[forward]]\nname = 'es'\nto = 'elasticsearch'\nurl = 'http://127.0.0.1:1'\nindex = 'i'\n",
        dir.path().join("data").display(),
        listener.local_addr().unwrap()
    );
    std::fs::write(&config, &text).unwrap();
    let output = run(&["doctor", "--json", "--config", config.to_str().unwrap()]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = told["checks"].as_array().unwrap();
    let found: Vec<(&str, &str)> = all
        .iter()
        .filter(|check| check["name"] == "forward")
        .map(|check| (check["state"].as_str().unwrap(), check["found"].as_str().unwrap()))
        .collect();
    assert!(
        matches!(found[..], [("ok", siem), ("wrong", es)] if siem.contains("siem") && es.contains("es at")),
        "{found:?}"
    );

    std::fs::write(&config, text.replace("to = 'syslog'", "to = 'sislog'")).unwrap();
    let output = run(&["doctor", "--json", "--config", config.to_str().unwrap()]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = told["checks"][0]["found"].as_str().unwrap();
    assert!(said.contains("line 5") && said.contains("`splunk`"), "{said}");
    std::fs::write(&config, text.replace("index = 'i'", "")).unwrap();
    let output = run(&["doctor", "--json", "--config", config.to_str().unwrap()]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["checks"][0]["found"].as_str().unwrap().contains("`index` must name"), "{told}");
}

#[test]
fn a_token_that_is_not_set_is_told_at_the_start_and_not_with_the_first_event() {
    let dir = TempDir::new().unwrap();
    let targets = "[{name = 'away', to = 'http', url = 'http://127.0.0.1:1', token_env = 'NO_SUCH_TOKEN'}]";
    let mut command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--forward", targets, "--data"]).arg(dir.path());
    let mut served = Logged::start(command);
    served.wait_for("`token_env` NO_SUCH_TOKEN is not set");
    served.signal("TERM");
    assert!(served.end().0.success());
}
