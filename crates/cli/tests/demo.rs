//! The demo, as a newcomer runs it.

#![allow(clippy::expect_used, clippy::unwrap_used, unreachable_pub, reason = "what helps a test is a test")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Running, lastword, stdout_of};

#[test]
fn promise_and_store_agree_and_nothing_is_left_behind() {
    let place = tempfile::tempdir().unwrap();
    let output = lastword().args(["demo", "--once"]).env("TMPDIR", place.path()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("They agree.") && !stdout.contains("DISAGREE"), "{stdout}");
    for name in ["SESSION_START", "SESSION_END", "UNHANDLED_EXCEPTION", "user_error", "train.step", "user.action"] {
        let row = stdout.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {stdout}"));
        assert!(row.ends_with("agree"), "{row}");
    }
    for beside in ["an agent: 3 runs, 1 of them failed", "an outage: ", "came back in 1.5.0"] {
        assert!(stdout.contains(beside), "{beside}: {stdout}");
    }
    let outage = stdout.lines().find(|line| line.contains("an outage: ")).unwrap();
    let counts: Vec<u64> = outage.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(counts.len() > 2 && counts[0] == counts[1..].iter().sum::<u64>(), "each is lost once: {outage}");
    assert_eq!(stdout.contains("a crash by SIGABRT: its next start found"), cfg!(target_os = "linux"), "{stdout}");
    assert!(
        stderr.contains("delivered, 0 dropped") && stderr.contains("a panic"),
        "the client tells what happens: {stderr}"
    );
    assert!(!stderr.contains("panicked at") && !stderr.contains("stack backtrace"), "{stderr}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "the temporary directory is gone");
}

#[test]
fn the_demo_reports_to_itself_whatever_other_programs_may_report() {
    let place = tempfile::tempdir().unwrap();
    let settings = place.path().join("settings.json");
    let mut command = lastword();
    command.env("LASTWORD_SETTINGS", &settings).args(["privacy", "disable"]);
    assert!(command.output().unwrap().status.success());
    let mut command = lastword();
    command.args(["demo", "--once"]).env("LASTWORD_SETTINGS", &settings).env("DO_NOT_TRACK", "1");
    let output = command.env("TINKER_TELEMETRY", "0").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("They agree."));
}

#[test]
fn a_demo_that_is_kept_can_be_read_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    stdout_of(&["demo", "--once", "--data", data]);
    stdout_of(&["demo", "--once", "--data", data]);
    let sessions = stdout_of(&["sessions", "--json", "--data", data]);
    let of = |name: &str| {
        sessions.lines().filter(|line| line.contains(&format!(r#""session_id":"{name}-"#))).collect::<Vec<_>>()
    };
    assert_eq!(of("demo").len(), 2, "each demo is a session of its own");
    assert!(of("demo").iter().all(|session| session.contains(r#""fatal":true"#)), "{sessions}");
    for name in ["agent", "outage", "shop-1.4", "shop-1.5"] {
        assert_eq!(of(name).len(), 2, "{name}: {sessions}");
    }
    let exceptions = stdout_of(&["exceptions", "--data", data]);
    for message in ["the service does not answer", "index out of bounds", "training has diverged"] {
        assert!(exceptions.contains(message), "{message}: {exceptions}");
    }
}

/// Checks what the pages of a demo show: what those programs did, and nothing that says that there is nothing.
fn every_page_has_something_to_show(address: &str) {
    for (path, parts) in [
        (
            "/",
            &[
                "Came back after they were resolved",
                "TimeoutError",
                "retries_exhausted",
                "charge_card",
                "class=\"spark\"",
            ][..],
        ),
        ("/sessions", &[">ended<", "agent-", "shop-1.5-"]),
        (
            "/exceptions",
            &[">regressed<", "1.5.0</bdi><span class=\"quiet\"> and 1 more", "KeyError", "index out of bounds"],
        ),
        ("/traces", &["invoke_agent helper", "POST /orders"]),
        ("/runs", &["fix the login timeout", ">failed<", ">completed<"]),
        ("/calls", &["gpt-4o-mini", "gpt-4o", "charge_card", "run_tests", "$0.0"]),
        ("/events?name=log", &["was paid", "was not paid", "two of its item are left"]),
        ("/api/series?name=tasks.waiting", &["tasks.waiting"]),
        ("/api/series?name=orders.paid", &["orders.paid"]),
    ] {
        let (status, page) = common::get(address, path);
        assert_eq!(status, 200, "{path}");
        for part in parts {
            assert!(page.contains(part), "{path} has no {part}: {page}");
        }
    }
    // What they did was not all at once.
    let bars = common::get(address, "/").1.matches("<title>2").count();
    assert!(bars > 20, "{bars} parts of time");
    let crashed = common::get(address, "/sessions?state=crashed").1;
    assert_eq!(crashed.contains("SIGABRT"), cfg!(target_os = "linux"), "{crashed}");
    let (_, runs) = common::get(address, "/api/runs?status=failed");
    let run = runs.split("\"run_id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let page = common::get(address, &format!("/runs/{run}")).1;
    assert!(page.contains("answer.md") && page.contains("2 of 41 tests failed"), "{page}");
    let (_, traces) = common::get(address, "/api/traces?name=invoke_agent%20helper");
    let trace = traces.split("\"trace_id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let page = common::get(address, &format!("/traces/{trace}")).1;
    for part in ["look around", "execute_tool read_file", "You look after a small shop", "1,260 → 74 tokens"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn the_page_stays_up_until_ctrl_c() {
    let place = tempfile::tempdir().unwrap();
    let mut command = lastword();
    command.arg("demo").env("TMPDIR", place.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Running::start(&mut command);
    let mut lines = BufReader::new(demo.child().stdout.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().unwrap().starts_with("The page is at")).unwrap().unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches('/');
    let sessions = stdout_of(&["sessions", "--url", url]);
    let session = sessions.lines().find(|line| line.contains("ended, fatal")).expect(&sessions);
    let session = session.split_whitespace().last().unwrap();
    assert!(session.starts_with("demo-"), "{sessions}");
    let (status, page) = common::get(url.strip_prefix("http://").unwrap(), "/");
    assert_eq!(status, 200);
    assert!(page.contains("<html") && page.contains(session), "{page}");
    every_page_has_something_to_show(url.strip_prefix("http://").unwrap());
    demo.signal("INT");
    assert_eq!(demo.wait().code(), Some(0));
}
