//! A server that lets nobody in without a password.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Server, generic, lastword};
use crate::house::House;

/// What lets in.
const SECRET: &str = "sekret-of-the-test";
/// Where a command looks for it.
const FILE: &str = "LASTWORD_CLICKHOUSE_PASSWORD_FILE";
const ITSELF: &str = "LASTWORD_CLICKHOUSE_PASSWORD";

/// Runs a command with these variables.
fn with(variables: &[(&str, &str)], args: &[&str]) -> Output {
    lastword().args(args).envs(variables.iter().copied()).output().unwrap()
}

/// The server, a store in it with one event, and a file with the password.
fn filled(dir: &Path) -> Option<(House, String)> {
    let house = House::start_with(&format!("--password {SECRET}"))?;
    let file = dir.join("password");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let mut command: Command = lastword();
    command.args(["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "off", "--store", &house.url(), "--data"]);
    let data = dir.join("all");
    command.arg(&data).env(FILE, &file);
    let server = Server::start_as(command, &data);
    server.post("s-1", &[generic(0, "INFO", "a", "{}")]);
    server.stop();
    Some((house, file.to_str().unwrap().to_owned()))
}

#[test]
fn every_command_takes_the_password_of_a_store_from_a_file_or_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let Some((house, file)) = filled(dir.path()) else { return };
    let url = house.url();
    for (way, variables) in [
        ("file", vec![(FILE, file.as_str())]),
        ("itself", vec![(ITSELF, SECRET)]),
        ("both", vec![(FILE, file.as_str()), (ITSELF, "another")]),
    ] {
        let back = dir.path().join(way);
        for args in [
            vec!["store", "info", "--store", &url, "--json"],
            vec!["events", "--store", &url, "--json"],
            vec!["store", "copy", "--from", &url, "--to", back.to_str().unwrap(), "--json"],
        ] {
            let done = with(&variables, &args);
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success() && !done.stdout.is_empty(), "{way} {args:?}: {said}");
        }
    }
}

#[test]
fn who_has_a_wrong_password_is_told_where_the_right_one_is_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let Some((house, _)) = filled(dir.path()) else { return };
    let (url, missing) = (house.url(), dir.path().join("nowhere"));
    let told = |variables: &[(&str, &str)]| {
        let refused = with(variables, &["store", "info", "--store", &url]);
        assert_eq!(refused.status.code(), Some(1));
        String::from_utf8(refused.stderr).unwrap()
    };
    for variables in [vec![], vec![(ITSELF, "not-it")]] {
        let said = told(&variables);
        for part in ["code 516", FILE, "`clickhouse.password_file`", ITSELF] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("not-it") && !said.contains(SECRET), "{said}");
    }
    let said = told(&[(FILE, missing.to_str().unwrap()), (ITSELF, SECRET)]);
    assert!(said.contains("can't be read from") && said.contains("nowhere"), "{said}");
}
