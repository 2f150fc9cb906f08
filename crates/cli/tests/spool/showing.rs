//! `lastword spool list` and `show`: what is there, without changing it.

use std::process::Stdio;

use serde_json::json;

use crate::common::{Server, lastword, run, stdout_of};
use crate::support::{FUTURE_VERSION, KEY, Spool, both, json_lines, nobody, put_rubbish, said, wait_until};

#[test]
fn a_list_says_of_each_file_whose_it_is_and_how_it_stands() {
    let (spool, url) = (Spool::new(), nobody());
    spool.leave("killed", &url, 30);
    spool.leave_at("aborted", &url, 5, "abort");
    spool.leave_at("ended", &url, 5, "stop");
    let known = spool.files();
    spool.leave("live", &url, 7);
    let live = spool.files().into_iter().find(|file| !known.contains(file)).unwrap();
    let live = std::fs::File::open(live).unwrap();
    live.lock().unwrap();
    put_rubbish(&spool);
    std::fs::write(spool.path().join("half-made.new"), [0; 4096]).unwrap();
    std::fs::write(spool.path().join("no-file-of-a-spool.txt"), "x").unwrap();
    let before = spool.files();

    let listed = spool.list();
    let mut states: Vec<_> = listed
        .iter()
        .map(|file| {
            let name = file["session_id"].as_str().map_or_else(|| name_of(&file["file"]), str::to_owned);
            (name, file["state"].as_str().unwrap(), file["waiting"].as_u64(), file["signal"].as_str())
        })
        .collect();
    states.sort_unstable();
    let expected = [
        ("aborted", "crashed", Some(5), Some("SIGABRT")),
        ("empty.ring", "unreadable", None, None),
        ("ended", "ended", Some(6), None),
        ("future.ring", "other_version", None, None),
        ("garbage.ring", "unreadable", None, None),
        ("half-made.new", "unfinished", None, None),
        ("killed", "crashed", Some(30), None),
        ("live", "in_use", Some(7), None),
    ];
    assert_eq!(states, expected.map(|(name, state, waiting, signal)| (name.to_owned(), state, waiting, signal)));
    let killed = listed.iter().find(|file| file["session_id"] == "killed").unwrap();
    assert_eq!(killed["sinks"], json!([{"name": format!("to {url}"), "address": url, "waiting": 30}]));
    assert_eq!((&killed["torn"], &killed["sdk_version"]), (&json!(0), &json!("7.0")));
    assert!(killed["bytes"].as_u64().unwrap() > 4096 && killed["age_ms"].as_u64().unwrap() < 60_000, "{killed}");

    let (text, _) = said(&spool.run("list", &[]));
    for part in ["crashed, SIGABRT", "in use", "other version", "unfinished", "killed", &url] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let summary = text.lines().last().unwrap();
    assert!(
        summary.starts_with("4 queues, 1 of them in use, 48 events waiting, 2 files that can't be read"),
        "{summary}"
    );
    assert_eq!(spool.files(), before, "nothing was changed");
    assert!(text.contains(&format!("version {FUTURE_VERSION}")), "why it can't be read: {text}");
}

fn name_of(file: &serde_json::Value) -> String {
    file.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn an_empty_spool_says_so() {
    let spool = Spool::new();
    let (text, _) = said(&spool.run("list", &[]));
    assert_eq!(text, format!("nothing in {}\n", spool.path().display()));
    assert_eq!(said(&spool.run("list", &["--json"])).0, "");
    assert!(said(&spool.run("flush", &[])).0.starts_with("nothing to deliver in "));
    assert!(said(&spool.run("verify", &[])).0.starts_with("nothing in "));
    assert!(said(&spool.run("purge", &["--all", "--yes"])).0.starts_with("nothing to remove in "));
}

#[test]
fn the_environment_names_the_spool_where_nobody_else_does() {
    let spool = Spool::new();
    for command in ["list", "flush", "verify"] {
        let output = run(&["spool", command]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(both(&output).1, "lastword: no spool is named: give its directory, or set LASTWORD_SPOOL\n");
        let named = lastword().args(["spool", command]).env("LASTWORD_SPOOL", spool.path()).output().unwrap();
        assert!(said(&named).0.contains(spool.path().to_str().unwrap()));
        let empty = lastword().args(["spool", command]).env("LASTWORD_SPOOL", "").output().unwrap();
        assert_eq!(empty.status.code(), Some(2));
    }
}

#[test]
fn a_spool_that_cannot_be_used_is_named_with_the_reason() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Spool::new();
    let path = |name: &str| place.path().join(name);
    std::fs::write(path("file"), "x").unwrap();
    std::fs::create_dir(path("open")).unwrap();
    std::fs::set_permissions(path("open"), PermissionsExt::from_mode(0o777)).unwrap();
    symlink(place.path(), path("link")).unwrap();
    for (name, why) in
        [("missing", "No such file"), ("file", "is no directory"), ("open", "make it 700"), ("link", "symbolic link")]
    {
        for command in [&["list"][..], &["flush"], &["verify"], &["purge", "--all"]] {
            let output = lastword().arg("spool").args(command).arg(path(name)).output().unwrap();
            let (out, error) = both(&output);
            assert_eq!((output.status.code(), &*out), (Some(1), ""), "{command:?} {name}");
            assert!(error.contains(why) && error.contains(path(name).to_str().unwrap()), "{error}");
        }
    }
    assert!(!path("missing").exists(), "looking makes nothing");
    let error = both(&run(&["spool", "list", "no\x1b[31mwhere"])).1;
    assert!(error.contains("no\\u{1b}[31mwhere"), "{error:?}");
}

#[test]
fn what_is_shown_is_what_a_collector_will_have() {
    let (spool, data) = (Spool::new(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    spool.leave("s", &server.url, 250);
    let (shown, _) = said(&spool.run("show", &["--session", "s", "--json"]));
    assert_eq!(shown.lines().count(), 250);
    let (text, _) = said(&spool.run("show", &["--session", "s"]));
    for part in
        ["session     s\n", "state       crashed\n", "waiting     250 events, 0 torn\n", &server.url, ", with a key"]
    {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert!(!text.contains(KEY));

    said(&spool.run_with_key("flush", &[]));
    let stored = stdout_of(&["events", "--json", "--url", &server.url]);
    let first: Vec<_> = stored.lines().take(250).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), first, "byte for byte");
    let columns = stdout_of(&["events", "--url", &server.url]);
    assert_eq!(text.lines().skip_while(|line| !line.is_empty()).nth(1), columns.lines().next(), "the same columns");
}

#[test]
fn a_queue_in_use_is_shown_by_its_file_and_goes_on() {
    let spool = Spool::new();
    let mut live = spool.start("live", &nobody(), 20, "park");
    let file = spool.files().remove(0);
    let shown = stdout_of(&["spool", "show", file.to_str().unwrap(), "--json"]);
    assert_eq!(json_lines(&shown).len(), 20);
    assert!(stdout_of(&["spool", "show", file.to_str().unwrap()]).contains("in use"));
    assert!(live.child().try_wait().unwrap().is_none(), "it lives");
    live.signal("KILL");
    live.wait();
    wait_until("it is known to have crashed", || spool.list()[0]["state"] == "crashed");
}

#[test]
fn what_there_is_not_to_show_is_said() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 3);
    put_rubbish(&spool);
    let output = spool.run("show", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(both(&output).1.contains("--session S"), "{}", both(&output).1);
    let output = spool.run("show", &["--session", "another"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(both(&output).1.contains("no session another in "), "{}", both(&output).1);
    for (file, why) in [
        ("garbage.ring", "does not begin as a queue does"),
        ("empty.ring", "does not begin"),
        ("future.ring", "version 99"),
        ("none.ring", "No such file"),
        ("", "--session S"),
    ] {
        let output = run(&["spool", "show", spool.path().join(file).to_str().unwrap()]);
        assert_ne!(output.status.code(), Some(0));
        assert!(both(&output).1.contains(why), "{file}: {}", both(&output).1);
    }
}

#[test]
fn a_session_that_would_act_on_the_terminal_is_shown_as_text() {
    // The library takes no such id; another program may have written one, or a file may be damaged.
    let spool = Spool::new();
    spool.leave("session-xxxx", &nobody(), 3);
    let file = spool.files().remove(0);
    crate::support::relabel(&file, "session-xxxx", "s\\u001b[2J-x");
    let listed = spool.list();
    assert_eq!(listed[0]["session_id"], "s\u{1b}[2J-x");
    for (command, args) in
        [("list", &[][..]), ("show", &["--session", "s\u{1b}[2J-x"]), ("verify", &[]), ("purge", &["--all"])]
    {
        let (out, error) = said(&spool.run(command, args));
        assert!(!(out.clone() + &error).chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let spool = Spool::new();
    spool.leave("s", &nobody(), 5_000);
    let mut command = lastword();
    command.args(["spool", "show", "--session", "s", "--json"]).arg(spool.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), both(&output).1.as_str()), (Some(0), ""));
}
