//! `lastword spool purge`: what is chosen goes, when it is said twice; what is in use never does.

use std::time::{Duration, SystemTime};

use crate::support::{Spool, both, json_lines, nobody, put_rubbish, said};

/// The names of the sessions that are left, in order.
fn sessions(spool: &Spool) -> Vec<String> {
    let listed = spool.list();
    let mut sessions: Vec<_> = listed.iter().filter_map(|file| Some(file["session_id"].as_str()?.to_owned())).collect();
    sessions.sort_unstable();
    sessions
}

#[test]
fn nothing_is_removed_unless_it_is_said_and_then_what_was_said_before() {
    let spool = Spool::new();
    spool.leave("a", &nobody(), 10);
    spool.leave("b", &nobody(), 20);
    let (out, _) = said(&spool.run("purge", &["--all"]));
    assert!(out.contains("10 undelivered events of session a (crashed)"), "{out}");
    assert!(out.contains("would remove 2 files with 30 undelivered events, ") && out.contains("--yes"), "{out}");
    assert_eq!(spool.files().len(), 2);
    let (out, _) = said(&spool.run("purge", &["--all", "--yes"]));
    assert!(out.contains("removed 2 files with 30 undelivered events, ") && !out.contains("would"), "{out}");
    assert!(spool.files().is_empty());
}

#[test]
fn without_a_choice_it_is_wrong_usage_that_says_what_to_choose() {
    let spool = Spool::new();
    for args in [&[][..], &["--yes"]] {
        let output = spool.run("purge", args);
        let error = both(&output).1;
        assert_eq!(output.status.code(), Some(2));
        assert!(
            ["--older-than", "--unreadable", "--session", "--all"].iter().all(|choice| error.contains(choice)),
            "{error}"
        );
    }
    assert_eq!(spool.run("purge", &["--all", "--session", "s"]).status.code(), Some(2));
}

#[test]
fn only_what_is_chosen_goes() {
    let spool = Spool::new();
    spool.leave("old", &nobody(), 5);
    let day_ago = SystemTime::now() - Duration::from_secs(86_400);
    std::fs::File::options().write(true).open(&spool.files()[0]).unwrap().set_modified(day_ago).unwrap();
    spool.leave("new", &nobody(), 5);
    spool.leave("other", &nobody(), 5);
    put_rubbish(&spool);
    said(&spool.run("purge", &["--older-than", "2d", "--yes"]));
    assert_eq!(sessions(&spool), ["new", "old", "other"]);
    said(&spool.run("purge", &["--older-than", "12h", "--session", "new", "--yes"]));
    assert_eq!(sessions(&spool), ["new", "old", "other"], "both must hold");
    said(&spool.run("purge", &["--older-than", "12h", "--yes"]));
    assert_eq!(sessions(&spool), ["new", "other"]);
    said(&spool.run("purge", &["--session", "new", "--yes"]));
    assert_eq!(sessions(&spool), ["other"]);
    let (out, _) = said(&spool.run("purge", &["--unreadable", "--yes", "--json"]));
    let removed = json_lines(&out);
    assert!(removed.len() == 2 && removed.iter().all(|file| file["removed"] == true && file["state"] == "unreadable"));
    assert_eq!(spool.files().len(), 2, "the good one, and that of another version: {:?}", spool.files());
}

#[test]
fn what_is_in_use_stays() {
    let spool = Spool::new();
    let mut live = spool.start("live", &nobody(), 5, "park");
    spool.leave("left", &nobody(), 5);
    let (out, _) = said(&spool.run("purge", &["--all", "--yes"]));
    assert!(out.contains("left alone: 1 file that is in use"), "{out}");
    assert_eq!(sessions(&spool), ["live"]);
    live.signal("KILL");
    live.wait();
    said(&spool.run("purge", &["--all", "--yes"]));
    assert!(spool.files().is_empty());
}
