//! What a session says of where it runs, and what only its makers are told.

use std::process::Command;

use lastword::privacy::Level;
use lastword::sink::{FieldPolicy, Policy};
use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Environment, Reporter};
use serde_json::{Value, json};

use crate::peers::PATIENCE;

/// Set for the process in which a test is run again, as somebody who has such an environment.
const CHILD_VARIABLE: &str = "LASTWORD_TEST_CHILD";

fn events_said(environment: Option<Environment>, sessionless: bool) -> Vec<Value> {
    let sink = MemorySink::new();
    let builder = if sessionless { Reporter::sessionless() } else { Reporter::builder("s") };
    let builder = match environment {
        Some(environment) => builder.environment(environment),
        None => builder,
    };
    let reporter = builder.enabled(true).sink(sink.clone()).start().unwrap();
    reporter.log("n", ());
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    sink.events()
}

#[test]
fn where_a_session_runs_is_said_once_behind_its_start_and_only_for_who_asks() {
    let found = events_said(Some(Environment::new().agent_id("agent-7").parent_id("session-0")), false);
    assert_eq!((found.len(), &found[0]["event"], &found[2]["event_name"]), (4, &json!("SESSION_START"), &json!("n")));
    assert_eq!((&found[1]["event_name"], &found[1]["severity"]), (&json!("session.environment"), &json!("INFO")));
    let data = found[1]["event_data"].as_object().unwrap();
    assert_eq!(data["os"], std::env::consts::OS);
    assert_eq!(data["arch"], std::env::consts::ARCH);
    assert_eq!(data["library_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(data["process_id"], std::process::id());
    assert_eq!((&data["agent_id"], &data["parent_id"]), (&json!("agent-7"), &json!("session-0")));
    assert!(data["ci"].is_boolean() && data["container"].is_boolean(), "{data:?}");
    #[cfg(target_os = "linux")]
    {
        assert!(data["rss_bytes"].as_u64().unwrap() > 100_000, "{data:?}");
        assert!(data["process_age_ms"].as_u64().unwrap() < 3_600_000, "{data:?}");
        assert_eq!(data["parent_process_id"], std::os::unix::process::parent_id());
    }
    assert_eq!(events_said(None, false).len(), 3, "nothing is said unasked");
    assert_eq!(events_said(Some(Environment::new()), true).len(), 2, "a session-less reporter has an environment too");
}

#[test]
fn a_sink_that_is_given_safe_fields_alone_knows_where_a_session_runs() {
    let mut policy = Policy::default();
    policy.fields = Some(FieldPolicy::SafeOnly);
    let sink = MemorySink::new().policy(policy);
    let builder = Reporter::builder("s").environment(Environment::new().agent_id("agent-7"));
    let reporter = builder.enabled(true).sink(sink.clone()).start().unwrap();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let data = &sink.events()[1]["event_data"];
    assert_eq!((&data["os"], &data["agent_id"]), (&json!(std::env::consts::OS), &json!("agent-7")), "{data}");
    assert!(data["ci"].is_boolean() && data["process_id"].is_u64(), "{data}");
}

#[test]
fn where_a_session_runs_is_not_said_where_only_the_essential_may_be() {
    let sink = MemorySink::new();
    let builder = Reporter::builder("s").environment(Environment::new()).consent(Level::Essential);
    let reporter = builder.enabled(true).sink(sink.clone()).start().unwrap();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    assert!(sink.names().is_empty() && sink.events().len() == 2, "{:?}", sink.names());
}

#[test]
fn what_is_said_of_the_environment_names_no_user_no_machine_and_no_path() {
    let found = events_said(Some(Environment::new()), false);
    let text = found[1]["event_data"].to_string();
    assert!(!text.contains('/') || text.matches('/').count() == 1 && text.contains("unix/"), "{text}");
    let secret = |name: &str| std::env::var(name).ok().filter(|value| value.len() > 3);
    for value in [secret("USER"), secret("LOGNAME"), secret("HOSTNAME"), secret("HOME")].into_iter().flatten() {
        assert!(!text.contains(&value), "{text}");
    }
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        assert!(!text.contains(host.trim()), "{text}");
    }
}

/// What a reporter made of an internal event in this process, and whether anything was computed for it.
fn log_internally(asked: bool) -> (Admission, bool, Vec<Value>) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("s").internal(asked).enabled(true).sink(sink.clone()).start().unwrap();
    let mut is_computed = false;
    let admission = reporter.log_internal("queue.state", || {
        is_computed = true;
        json!({"waiting": 7})
    });
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    (admission, is_computed, sink.events())
}

#[test]
fn internal_diagnostics_need_the_programs_word_and_the_environments() {
    if let Ok(expected) = std::env::var(CHILD_VARIABLE) {
        let shut = log_internally(false);
        assert_eq!((shut.0, shut.1, shut.2.len()), (Admission::Dropped(DropReason::Disabled), false, 2));
        let (admission, is_computed, events) = log_internally(true);
        let is_open = expected == "open";
        assert_eq!((admission.is_accepted(), is_computed, events.len()), (is_open, is_open, 2 + usize::from(is_open)));
        let data = events_said(Some(Environment::new()), false)[1]["event_data"].clone();
        assert_eq!((&data["env"], &data["ci"]), (&json!("staging"), &json!(is_open)));
        if is_open {
            assert_eq!((&events[1]["event_name"], &events[1]["severity"]), (&json!("queue.state"), &json!("DEBUG")));
            assert_eq!(events[1]["event_data"]["context"], json!({"waiting": 7}));
        }
        return;
    }
    for (expected, variables) in [
        ("open", &[("TINKER_TELEMETRY_INTERNAL", "1")][..]),
        ("open", &[("USER_TYPE", "ant")]),
        ("shut", &[]),
        ("shut", &[("TINKER_TELEMETRY_INTERNAL", "0"), ("USER_TYPE", "external")]),
    ] {
        let name = "environment::internal_diagnostics_need_the_programs_word_and_the_environments";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env_remove("TINKER_TELEMETRY_INTERNAL").env_remove("USER_TYPE");
        child.env("TINKER_ENV", "staging").env("CI", if expected == "open" { "true" } else { "false" });
        child.env(CHILD_VARIABLE, expected).envs(variables.iter().copied());
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{expected} {variables:?}: {text}");
    }
}

#[test]
fn a_disabled_reporter_logs_nothing_internal_and_computes_nothing() {
    let taken = Reporter::disabled().log_internal("n", || -> u8 { panic!("computed") });
    assert_eq!(taken, Admission::Dropped(DropReason::Disabled));
}
