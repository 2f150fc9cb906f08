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
    assert_eq!(sessions.lines().count(), 2, "each demo is a session of its own");
    assert!(sessions.lines().all(|session| session.contains(r#""fatal":true"#)), "{sessions}");
    let exceptions = stdout_of(&["exceptions", "--data", data]);
    for message in ["the service does not answer", "index out of bounds", "training has diverged"] {
        assert!(exceptions.contains(message), "{message}: {exceptions}");
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
    let session = sessions.split_whitespace().last().unwrap();
    assert!(session.starts_with("demo-") && sessions.contains("ended, fatal"), "{sessions}");
    let (status, page) = common::get(url.strip_prefix("http://").unwrap(), "/");
    assert_eq!(status, 200);
    assert!(page.contains("<html") && page.contains(session), "{page}");
    demo.signal("INT");
    assert_eq!(demo.wait().code(), Some(0));
}
