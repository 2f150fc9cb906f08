//! Keys: made, listed, revoked, asked for.

use std::io::Write;
use std::process::Stdio;

use super::common::{Server, lastword, run, stdout_of};
use super::support::Logged;

fn ask(url: &str, key: &str) -> std::process::Output {
    lastword().args(["events", "--json", "--url", url]).env("LASTWORD_API_KEY", key).output().unwrap()
}

#[test]
fn a_key_is_printed_once_and_opens_what_its_scope_says() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let new = |scope: &str, name: &str| {
        stdout_of(&["keys", "new", "--scope", scope, "--name", name, "--data", dir]).trim().to_owned()
    };
    let (reads, sends) = (new("read", "ann"), new("ingest", "ci"));
    let file = std::fs::read_to_string(data.path().join("keys")).unwrap();
    assert!(!file.contains(&reads[3..]) && file.contains("sha256:"), "{file}");
    let server = Server::start(data.path());
    let (status, answer) = super::common::get(&server.address, "/api/events");
    assert_eq!(status, 401, "a file of keys in the data directory is asked for: {answer}");
    assert!(ask(&server.url, &reads).status.success());
    let refused = ask(&server.url, &sends);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(
        message.contains("403") && message.contains("`ci` is for ingest") && !message.contains(&sends),
        "{message}"
    );
    server.stop();
}

#[test]
fn a_list_has_names_and_scopes_and_a_key_that_is_revoked_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("k");
    let file = file.to_str().unwrap();
    stdout_of(&["keys", "new", "--scope", "read,ingest", "--name", "ann", "--keys", file]);
    assert_eq!(run(&["keys", "new", "--scope", "read", "--name", "ann", "--keys", file]).status.code(), Some(1));
    assert_eq!(run(&["keys", "new", "--scope", "write", "--name", "bob", "--keys", file]).status.code(), Some(2));
    let listed = stdout_of(&["keys", "list", "--keys", file, "--json"]);
    assert!(listed.contains(r#""name":"ann""#) && listed.contains(r#""scopes":"ingest,read""#), "{listed}");
    stdout_of(&["keys", "revoke", "ann", "--keys", file]);
    assert_eq!(stdout_of(&["keys", "list", "--keys", file]), "");
    assert_eq!(run(&["keys", "revoke", "ann", "--keys", file]).status.code(), Some(1));
}

#[test]
fn a_key_that_clients_have_already_can_be_added() {
    let data = tempfile::tempdir().unwrap();
    let secret = "a-key-that-was-here-before-0123456789";
    let mut child = lastword()
        .args(["keys", "new", "--scope", "read", "--name", "old", "--stdin", "--data", data.path().to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{secret}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let server = Server::start(data.path());
    assert!(ask(&server.url, secret).status.success());
    server.stop();
}

#[test]
fn keys_of_the_environment_are_asked_for_too_and_shown_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let secret = "from-the-environment-0123456789";
    let mut command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "trace", "--data", data.path().to_str().unwrap()]);
    command.env("LASTWORD_KEYS", format!("read+ingest:{secret}"));
    let server = Logged::start(command);
    assert!(ask(&server.url, secret).status.success());
    assert!(!ask(&server.url, "another-key-0123456789abcdef").status.success());
    let (status, log) = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("answered") && !log.contains(secret) && !log.contains("another-key"), "{log}");
    let output = lastword().args(["serve", "--data", "d"]).env("LASTWORD_KEYS", secret).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("SCOPES:KEY") && !message.contains(secret), "{message}");
}
