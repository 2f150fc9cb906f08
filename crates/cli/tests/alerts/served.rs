//! Alerts of the real binary, told to a real server.

use std::net::TcpListener;

use lastword_collector::query::Moment;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, get, stdout_of, take};

#[test]
fn an_alert_of_a_running_collector_reaches_a_webhook_though_it_failed_at_first() {
    let dir = TempDir::new().unwrap();
    let hook = TcpListener::bind("127.0.0.1:0").unwrap();
    let rules = format!(
        "every = '1s'\n[[receiver]]\nname = 'hook'\nwebhook = 'http://{}/alerts?key=k'\n[[alert]]\nname = 'Bad'
        value = 'count'\nevent = {{ severity = 'error' }}\nwindow = '1h'\nabove = 0\nseverity = 'critical'",
        hook.local_addr().unwrap()
    );
    let path = dir.path().join("alerts.toml");
    std::fs::write(&path, rules).unwrap();
    let server =
        Server::start_with(&["--listen", "127.0.0.1:0", "--alerts", path.to_str().unwrap()], &dir.path().join("data"));
    let event = format!(
        r#"{{"event":"GENERIC_EVENT","event_id":"a","event_session_index":0,"severity":"ERROR","timestamp":"{}","event_name":"n","event_data":{{}}}}"#,
        Moment::now()
    );
    server.post("s", &[event]);
    take(&hook, "503 Service Unavailable");
    let (head, body) = take(&hook, "204 No Content");
    assert!(head.starts_with("post /alerts?key=k http/1.1\r\n") && head.contains("content-type: application/json\r\n"));
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&told["alert"], &told["state"], &told["severity"]),
        (&"Bad".into(), &"firing".into(), &"critical".into())
    );
    let (status, answer) = get(&server.address, "/api/alerts");
    assert_eq!(status, 200);
    assert!(answer.contains(r#""state":"firing""#), "{answer}");
    let listed = stdout_of(&["alerts", "list", "--url", &server.url]);
    let line = listed.lines().find(|line| line.starts_with("Bad")).unwrap_or_else(|| panic!("{listed}"));
    assert!(line.contains("firing") && line.ends_with("Bad: 1 is above 0 over 1h"), "{line}");
    let rule: Value =
        serde_json::from_str(stdout_of(&["alerts", "list", "--json", "--url", &server.url]).trim()).unwrap();
    assert_eq!((&rule["name"], &rule["state"]), (&"Bad".into(), &"firing".into()));
    server.stop();
}
