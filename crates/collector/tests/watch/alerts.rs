//! Alerts on what is stored.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use lastword_collector::Config;
use lastword_collector::alerts::Rules;
use lastword_collector::post::{Answer, Post, Poster, Posting};
use lastword_collector::query::Moment;
use serde_json::Value;

use crate::common::{Dir, Server, body, exception, named};
use crate::{PATIENCE, wait_for};

/// Hands on what is posted, after so many failures.
pub(super) struct Posts {
    to: Mutex<Sender<(String, Value)>>,
    failures: Mutex<usize>,
}

impl Posts {
    pub(super) fn new(failures: usize) -> (Self, Receiver<(String, Value)>) {
        let (to, posted) = channel();
        (Self { to: Mutex::new(to), failures: Mutex::new(failures) }, posted)
    }
}

impl Poster for Posts {
    fn post(&self, post: Post) -> Posting<'_> {
        Box::pin(async move {
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Ok(Answer { status: 500, body: Vec::new() });
            }
            // The test may have ended.
            let _ = self.to.lock().unwrap().send((post.url, serde_json::from_str(&post.body).unwrap()));
            Ok(Answer { status: 200, body: Vec::new() })
        })
    }
}

pub(super) fn config(dir: &Dir, rules: &str) -> Config {
    dir.config().alerts(Rules::parse(&format!("every = '1s'\n{rules}")).unwrap())
}

/// Writes an exception that happens now.
fn fresh(index: usize, message: &str) -> String {
    exception(index, "ERROR", "TypeError", message).replace("2026-11-20T09:20:34Z", &Moment::now().to_string())
}

/// Writes an event of a name that happens now.
pub(super) fn fresh_named(index: usize, name: &str, severity: &str, data: &str) -> String {
    let then = format!("2026-11-20T09:20:34.{index:06}Z");
    named(index, &format!("e-{index}"), name, severity, data).replace(&then, &Moment::now().to_string())
}

#[test]
fn a_rule_fires_by_webhook_after_failures_too_and_is_resolved_and_is_in_the_history() {
    let dir = Dir::new();
    let rules = "[[receiver]]\nname='ops'\nwebhook='http://example.test/hook'
        [[alert]]\nname='Bad'\nvalue='count'\nevent={kind='unhandled_exception'}\nwindow='10s'\nabove=1\nlabels={team='pay'}";
    let (posts, posted) = Posts::new(2);
    let server = Server::start_with(config(&dir, rules), |collector| collector.poster(posts));
    server.telemetry(body("s", &[fresh(0, "x"), fresh(1, "y")])).is(200);
    let (url, told) = posted.recv_timeout(PATIENCE).unwrap();
    assert_eq!(url, "http://example.test/hook");
    assert_eq!((&told["alert"], &told["state"], &told["value"]), (&"Bad".into(), &"firing".into(), &2.0.into()));
    assert_eq!((&told["labels"]["team"], &told["severity"]), (&"pay".into(), &"warning".into()));
    assert_eq!(told["summary"], "Bad: 2 is above 1 over 10s");
    let (_, told) = posted.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told["state"], "resolved");
    let answer = server.get("/api/alerts").is(200).json();
    assert_eq!((&answer["alerts"][0]["name"], &answer["alerts"][0]["state"]), (&"Bad".into(), &"ok".into()));
    let history: Vec<&Value> = answer["history"].as_array().unwrap().iter().map(|told| &told["state"]).collect();
    assert_eq!(history, ["resolved", "firing"]);
}

#[cfg(unix)]
#[test]
fn a_command_gets_a_message_on_its_input_and_no_shell_reads_its_arguments() {
    let dir = Dir::new();
    let out = std::env::temp_dir().join(format!("lastword-alert $(x) {}", std::process::id()));
    let rules = format!(
        "[[receiver]]\nname='mail'\ncommand=['tee', '{}']
        [[alert]]\nname='Bad'\nvalue='count'\nevent={{name='pay.failed', where={{code='card'}}}}\nwindow='1h'\nabove=0",
        out.display()
    );
    let server = Server::start(config(&dir, &rules));
    let other =
        named(0, "a", "pay.failed", "INFO", r#"{"code":"cash"}"#).replace("2026-11-20T09:20:34", "2096-11-20T09:20:34");
    let wanted =
        named(1, "b", "pay.failed", "INFO", r#"{"code":"card"}"#).replace("2026-11-20T09:20:34", "2096-11-20T09:20:34");
    server.telemetry(body("s", &[other, wanted])).is(200);
    let text = wait_for("the message", || std::fs::read_to_string(&out).ok().filter(|text| text.contains("at: ")));
    assert!(text.starts_with("Subject: [firing] Bad: Bad: 1 is above 0 over 1h\n\n"), "{text}");
    std::fs::remove_file(out).unwrap();
}

#[test]
fn what_fires_goes_on_firing_after_a_restart_and_is_not_told_again() {
    let dir = Dir::new();
    let rules = "[[receiver]]\nname='ops'\nwebhook='http://example.test'
        [[alert]]\nname='Bad'\nvalue='new_exceptions'\nwindow='1h'\nabove=0";
    let (posts, posted) = Posts::new(0);
    let server = Server::start_with(config(&dir, rules), |collector| collector.poster(posts));
    server.telemetry(body("s", &[fresh(0, "x")])).is(200);
    let (_, told) = posted.recv_timeout(PATIENCE).unwrap();
    let state = |server: &Server| server.get("/api/alerts").json()["alerts"][0].clone();
    wait_for("the state", || Some(state(&server)).filter(|state| state["state"] == "firing"));
    server.stop().unwrap();

    let (posts, posted) = Posts::new(0);
    let server = Server::start_with(config(&dir, rules), |collector| collector.poster(posts));
    let again = wait_for("the state", || Some(state(&server)).filter(|state| state["value"] == 1.0));
    assert_eq!((&again["state"], &again["since"]), (&"firing".into(), &told["since"]));
    assert_eq!(server.get("/api/alerts").json()["history"].as_array().unwrap().len(), 1);
    assert!(posted.try_recv().is_err());
}

#[test]
fn what_a_spool_delivers_of_yesterday_raises_no_alert_of_today() {
    let dir = Dir::new();
    let rules = "[[alert]]\nname='Bad'\nvalue='count'\nwindow='1h'\nabove=0";
    let server = Server::start(config(&dir, rules));
    server.telemetry(body("s", &[exception(0, "ERROR", "T", "x")])).is(200);
    let quiet = || server.get("/api/alerts").json()["alerts"].as_array().unwrap().first().cloned();
    let before = wait_for("an evaluation", quiet);
    server.telemetry(body("s", &[fresh(1, "x")])).is(200);
    let told = wait_for("the state", || quiet().filter(|state| state["state"] == "firing"));
    assert_eq!((&before["value"], &told["value"]), (&0.0.into(), &1.0.into()));
}

#[test]
fn a_rule_over_an_hour_knows_what_is_counted_and_what_a_collector_before_has_stored() {
    let dir = Dir::new();
    let rules = "[[alert]]\nname='Count'\nvalue='count'\nevent={name='pay',severity='error'}\nwindow='1h'\nabove=2
        [[alert]]\nname='Rate'\nvalue='rate'\nwindow='1h'\nabove=1
        [[alert]]\nname='Ratio'\nvalue='ratio'\nevent={name='pay',severity='error'}\namong={kind='generic_event'}\nwindow='2h'\nabove=0.5";
    let fresh = |index, name, severity| fresh_named(index, name, severity, "{}");
    let server = Server::start(dir.config());
    let events =
        [fresh(0, "pay", "ERROR"), fresh(1, "pay", "INFO"), fresh(2, "other", "ERROR"), fresh(3, "pay", "CRITICAL")];
    server.telemetry(body("s", &events)).is(200);
    server.stop().unwrap();

    let server = Server::start(config(&dir, rules));
    let states = || server.get("/api/alerts").json()["alerts"].as_array().unwrap().clone();
    let values = |alerts: &[Value]| alerts.iter().map(|alert| alert["value"].as_f64()).collect::<Vec<_>>();
    wait_for("what was there", || (values(&states()) == [Some(2.0), Some(4.0 / 3600.0), Some(0.5)]).then_some(()));
    server.telemetry(body("s", &[fresh(4, "pay", "ERROR")])).is(200);
    let alerts = wait_for("what is new", || Some(states()).filter(|alerts| alerts[0]["state"] == "firing"));
    assert_eq!(values(&alerts), [Some(3.0), Some(5.0 / 3600.0), Some(0.6)]);
    assert_eq!((&alerts[1]["state"], &alerts[2]["state"]), (&"ok".into(), &"firing".into()));
}

#[test]
fn an_error_that_a_program_dealt_with_is_new_once_though_the_collector_is_started_anew() {
    let dir = Dir::new();
    let rules = "[[alert]]\nname='New'\nvalue='new_exceptions'\nwindow='10s'\nabove=0";
    let error = |index| fresh_named(index, "error", "ERROR", r#"{"error.type":"Declined","error.message":"card 17"}"#);
    let server = Server::start(config(&dir, rules));
    server.telemetry(body("s", &[error(0)])).is(200);
    let state = |server: &Server| server.get("/api/alerts").json()["alerts"][0].clone();
    wait_for("the new one", || (state(&server)["value"] == 1.0).then_some(()));
    wait_for("its end", || (state(&server)["value"] == 0.0).then_some(()));
    server.stop().unwrap();
    let server = Server::start(config(&dir, rules));
    // One that is really new comes with it, so that both were looked at.
    server.telemetry(body("s", &[error(1), fresh(2, "x")])).is(200);
    wait_for("the other", || (state(&server)["value"] == 1.0).then_some(()));
}

#[test]
fn the_rules_that_ship_are_in_force_and_quiet_on_a_healthy_collector() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[named(0, "a", "n", "INFO", "{}")])).is(200);
    let alerts = wait_for("an evaluation", || {
        server.get("/api/alerts").json()["alerts"].as_array().filter(|alerts| !alerts.is_empty()).cloned()
    });
    let names: Vec<&str> = alerts.iter().map(|alert| alert["name"].as_str().unwrap()).collect();
    for name in ["ExceptionsRising", "CrashRate", "IngestFails", "DiskNearlyFull", "SessionsSilent"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn a_large_value_keeps_no_rule_from_being_looked_at() {
    let dir = Dir::new();
    let rules = "[[receiver]]\nname='ops'\nwebhook='http://example.test/hook'
        [[alert]]\nname='Lost'\nvalue='missing'\nwindow='1h'\nabove=0
        [[alert]]\nname='Bad'\nvalue='count'\nevent={severity='critical'}\nwindow='1h'\nabove=0";
    let (posts, posted) = Posts::new(0);
    let server = Server::start_with(config(&dir, rules), |collector| collector.poster(posts));
    let large = format!(r#"{{"x":"{}"}}"#, "a".repeat(40_000));
    let events = [fresh_named(0, "large", "INFO", &large), fresh_named(1, "bad", "CRITICAL", "{}")];
    server.telemetry(body("s", &events)).is(200);
    let (_, told) = posted.recv_timeout(PATIENCE).unwrap();
    assert_eq!((&told["alert"], &told["state"]), (&"Bad".into(), &"firing".into()));
}

#[test]
fn an_alert_that_can_not_be_evaluated_says_so_wherever_one_looks_and_stands_as_it_stood_until_it_can() {
    let dir = Dir::new();
    let rules = "[[alert]]\nname='Counted'\nvalue='count'\nevent={name='n'}\nwindow='1h'\nabove=0
        [[alert]]\nname='Read'\nvalue='count'\nevent={name='n'}\nwindow='10s'\nabove=100";
    let server = Server::start(config(&dir, rules));
    server.telemetry(body("s", &[fresh_named(0, "n", "INFO", "{}")])).is(200);
    let alert = || server.get("/api/alerts").is(200).json()["alerts"][0].clone();
    let firing = wait_for("it fires", || Some(alert()).filter(|alert| alert["state"] == "firing"));
    assert_eq!(firing.get("error"), None);
    assert_eq!(server.get("/api/status").is(200).json().get("alerts"), None);

    let store = rusqlite::Connection::open(dir.path().join("lastword.db")).unwrap();
    store.busy_timeout(PATIENCE).unwrap();
    store.execute_batch("ALTER TABLE counts RENAME TO gone").unwrap();
    let failed = wait_for("it says why", || Some(alert()).filter(|alert| alert["error"].is_string()));
    assert_eq!(failed["error"], "the store can't be read: the log of the collector says why", "which table is for it");
    assert!(failed["error_since"].as_str() > firing["since"].as_str(), "{failed}");
    assert_eq!((&failed["state"], &failed["since"]), (&"firing".into(), &firing["since"]));
    assert_eq!(server.get("/api/alerts").json()["alerts"][1].get("error"), None, "the other one can");
    let status = server.get("/api/status").json();
    assert_eq!(status["alerts"]["failed"][0]["name"], "Counted", "{status}");
    let metrics = server.get("/metrics").is(200).body;
    for line in [
        "lastword_alert_broken{name=\"Counted\"} 1",
        "lastword_alert_broken{name=\"Read\"} 0",
        "lastword_alert_firing{name=\"Counted\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    store.execute_batch("ALTER TABLE gone RENAME TO counts").unwrap();
    wait_for("it is evaluated again", || Some(alert()).filter(|alert| alert.get("error").is_none()));
    assert_eq!(server.get("/api/status").json().get("alerts"), None);
}
