//! Alerts of many processes: each evaluates, one tells.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastword_collector::query::Moment;
use serde_json::Value;

use crate::common::{PATIENCE, Server, take};
use crate::house::House;
use crate::support::{json, until, until_within};

/// Receives what is told, until the test ends.
fn receive(hook: TcpListener) -> Arc<Mutex<Vec<String>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&told);
    std::thread::spawn(move || {
        loop {
            let (_, body) = take(&hook, "204 No Content");
            let said: Value = serde_json::from_str(&body).unwrap();
            let [alert, state] = ["alert", "state"].map(|name| said[name].as_str().unwrap().to_owned());
            to.lock().unwrap().push(format!("{alert} {state}"));
        }
    });
    told
}

/// Reports an event of this name that happens now.
fn happen(server: &Server, name: &str) {
    server.post(
        name,
        &[format!(
            r#"{{"event":"GENERIC_EVENT","event_id":"{name}","event_session_index":0,"severity":"ERROR","timestamp":"{}","event_name":"{name}","event_data":{{}}}}"#,
            Moment::now()
        )],
    );
}

/// Whether an alert fires, by what a process says.
fn fires(server: &Server, name: &str) -> bool {
    let said = json(server, "/api/alerts");
    said["alerts"].as_array().unwrap().iter().any(|alert| alert["name"] == name && alert["state"] == "firing")
}

#[test]
fn who_looks_at_alerts_while_the_store_is_away_is_told_so_and_not_where_it_is() {
    let Some(mut house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alerts.toml");
    let rule = "every = '1s'\n[[alert]]\nname = 'Bad'\nvalue = 'count'\nwindow = '1h'\nabove = 0\n";
    std::fs::write(&path, rule).unwrap();
    let more = ["--alerts", path.to_str().unwrap()];
    let server = house.serve("ingest,write,query", "127.0.0.1:0", &dir.path().join("data"), &more);
    let alert = || json(&server, "/api/alerts")["alerts"][0].clone();
    until("it is evaluated", || alert()["value"].is_number());
    let url = house.url();
    let address = url.split('/').nth(2).unwrap();
    house.kill();
    until("it says that the store is away", || {
        alert()["error"] == "the store can't be reached: ask again a little later"
    });
    assert!(!alert().to_string().contains(address), "{}", alert());
}

#[test]
fn an_alert_is_told_once_whoever_evaluates_it_and_by_another_process_when_the_one_that_told_is_killed() {
    let Some(house) = House::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let hook = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut rules =
        format!("every = '1s'\n[[receiver]]\nname = 'hook'\nwebhook = 'http://{}/'\n", hook.local_addr().unwrap());
    for (alert, event) in [("Bad", "bad"), ("Worse", "worse")] {
        rules += &format!(
            "[[alert]]\nname = '{alert}'\nvalue = 'count'\nevent = {{ name = '{event}' }}\nwindow = '1h'\nabove = 0\n"
        );
    }
    let path = dir.path().join("alerts.toml");
    std::fs::write(&path, rules).unwrap();
    let start = |roles: &str, name: &str| {
        house.serve(roles, "127.0.0.1:0", &dir.path().join(name), &["--alerts", path.to_str().unwrap()])
    };
    let mut first = start("ingest,write,query", "first");
    let second = start("ingest,write,query", "second");
    let query = start("query", "query");
    let told = receive(hook);
    let all_told = || told.lock().unwrap().clone();

    happen(&second, "bad");
    for process in [&first, &second, &query] {
        until("each knows that it fires", || fires(process, "Bad"));
    }
    until("it is told", || !all_told().is_empty());
    // As long as it takes each of them to evaluate it again.
    let a_while = || std::thread::sleep(Duration::from_secs(3));
    a_while();
    assert_eq!(all_told(), ["Bad firing"]);

    // It leads, for it was there first. What happens before another one leads is told by that one.
    first.signal("KILL");
    drop(first);
    happen(&second, "worse");
    until_within(3 * PATIENCE, "the other one tells", || all_told().len() > 1);
    // The one that was killed leads again when it is back, and evaluates all anew.
    let first = start("ingest,write,query", "first");
    for process in [&first, &second, &query] {
        until("each knows that both fire", || fires(process, "Bad") && fires(process, "Worse"));
    }
    a_while();
    assert_eq!(all_told(), ["Bad firing", "Worse firing"]);
}
