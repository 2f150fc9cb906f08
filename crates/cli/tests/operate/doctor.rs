//! `lastword doctor`: what is wrong, and what to do.

use serde_json::Value;

use super::common::{PATIENCE, Server, generic, lastword, run, stdout_of};

/// What the doctor finds, whatever its exit code is.
fn checks(args: &[&str]) -> (bool, Vec<Value>) {
    let output = run(&[&["doctor", "--json"], args].concat());
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(output.status.code(), Some(i32::from(told["ok"] != true)));
    (told["ok"] == true, told["checks"].as_array().unwrap().clone())
}

fn state<'c>(checks: &'c [Value], name: &str) -> &'c str {
    checks.iter().rfind(|check| check["name"] == name).unwrap_or_else(|| panic!("{checks:?}"))["state"]
        .as_str()
        .unwrap()
}

#[test]
fn a_good_set_up_is_said_to_be_good() {
    let data = tempfile::tempdir().unwrap();
    std::fs::set_permissions(data.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let (ok, checks) = checks(&["--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(ok, "{checks:?}");
    for name in ["config", "data", "store", "clock", "keys", "tls", "port"] {
        assert_eq!(state(&checks, name), "ok", "{checks:?}");
    }
    let text = stdout_of(&["doctor", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(text.contains("ok     port"), "{text}");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let wrong = |args: &[&str], name: &str, says: &str| {
        let (ok, checks) = checks(args);
        assert!(!ok && state(&checks, name) == "wrong", "{checks:?}");
        let check = checks.iter().rfind(|check| check["name"] == name).unwrap();
        assert!(check["advice"].as_str().unwrap().contains(says), "{check}");
    };
    wrong(&["--data", dir, "--listen", "0.0.0.0:0"], "keys", "lastword keys new");
    wrong(&["--data", dir, "--listen", "127.0.0.1:0", "--tls-cert", "/nowhere/c.pem"], "tls", "PEM");
    wrong(&["--data", "/dev/null/x", "--listen", "127.0.0.1:0"], "data", "--data");
    let file = data.path().join("c.toml");
    std::fs::write(&file, "lisen = 1\n").unwrap();
    wrong(&["--config", file.to_str().unwrap()], "config", "config example");
    std::fs::write(data.path().join("lastword.db"), "no database").unwrap();
    wrong(&["--data", dir, "--listen", "127.0.0.1:0"], "store", "lastword store restore");
    wrong(&["--url", "http://127.0.0.1:1"], "collector", "lastword serve");
}

#[test]
fn what_is_to_be_done_about_a_store_of_another_format_follows_the_format() {
    use std::os::unix::fs::FileExt;

    /// Where SQLite keeps the format, in four bytes.
    const FORMAT_AT: u64 = 60;
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path()).stop();
    let database = std::fs::File::options().write(true).open(data.path().join("lastword.db")).unwrap();
    for (format, says) in [(1_u32, "start `lastword serve` of this version"), (1000, "that wrote it, or a newer one")] {
        database.write_all_at(&format.to_be_bytes(), FORMAT_AT).unwrap();
        let (ok, found) = checks(&["--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        assert!(!ok && state(&found, "store") == "wrong", "{found:?}");
        let check = found.iter().find(|check| check["name"] == "store").unwrap();
        assert!(check["advice"].as_str().unwrap().contains(says), "{check}");
    }
}

#[test]
fn a_collector_that_runs_is_found_well_and_an_event_makes_the_round_trip() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let key = stdout_of(&["keys", "new", "--scope", "ingest,read", "--name", "doctor", "--data", dir]);
    let server = Server::start(data.path());
    let (ok, found) = checks(&["--url", &server.url]);
    assert!(ok && state(&found, "collector") == "ok", "{found:?}");
    let (ok, found) = checks(&["--data", dir, "--listen", &server.address]);
    assert!(ok && state(&found, "collector") == "ok", "what has the port is looked at: {found:?}");
    let (ok, found) = checks(&["--url", &server.url, "--send"]);
    assert!(!ok && state(&found, "round trip") == "wrong", "without a key: {found:?}");
    let output = lastword()
        .args(["doctor", "--url", &server.url, "--send"])
        .env("LASTWORD_API_KEY", key.trim())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("stored and found"), "{text}");
    server.stop();
}

#[test]
fn a_collector_that_runs_says_which_target_takes_nothing_of_what_it_forwards() {
    let data = tempfile::tempdir().unwrap();
    let targets = "[{name = 'away', to = 'http', url = 'http://127.0.0.1:1', attempts = 1, rest = '1s'}]";
    let server = Server::start_with(&["--listen", "127.0.0.1:0", "--forward", targets], data.path());
    let (ok, found) = checks(&["--url", &server.url]);
    assert!(ok && state(&found, "forward") == "ok", "nothing was to be sent: {found:?}");
    server.post("s", &[generic(0, "INFO", "n", "{}")]);
    let begun = std::time::Instant::now();
    let found = loop {
        let (ok, found) = checks(&["--url", &server.url]);
        if !ok {
            break found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
    };
    let check = found.iter().find(|check| check["name"] == "forward").unwrap();
    assert_eq!(check["state"], "wrong");
    let said = check["found"].as_str().unwrap();
    assert!(said.starts_with("away: 0 sent, 1 to go, ") && said.ends_with("takes nothing now"), "{said}");
    server.stop();
}
