//! The settings file as it is changed: by many, by some that are killed, by none that can't.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lastword::privacy::Level;
use lastword::privacy::consent::{SettingsError, SettingsFile};

use crate::children::is_child;
use crate::{LONG, again, place, write};

/// Names the users that a child allows.
const PREFIX: &str = "LASTWORD_TEST_PREFIX";

#[test]
fn a_new_file_and_its_directory_are_the_users_alone() {
    let (directory, _) = place();
    let file = SettingsFile::at(directory.path().join("a/b/settings.json"));
    file.change(|settings| settings.set_consent(Level::Essential)).unwrap();
    assert_eq!(file.read().unwrap().unwrap().consent(), Some(Level::Essential));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!((mode(&directory.path().join("a")), mode(&directory.path().join("a/b"))), (0o700, 0o700));
    }
    let mut names: Vec<_> =
        std::fs::read_dir(directory.path().join("a/b")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".settings.json.lock", "settings.json"], "nothing else is left");
}

#[test]
fn a_change_keeps_what_it_does_not_know_and_what_it_is_not_about() {
    let (_directory, path) = place();
    write(&path, r#"{"theme": {"dark": true}, "consent": "none", "later": [1, 2]}"#);
    let file = SettingsFile::at(&path);
    file.change(|settings| settings.set_user("ada", true)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        (&json["theme"]["dark"], &json["later"][1], &json["consent"]),
        (&true.into(), &2.into(), &"none".into())
    );
    assert!(!std::fs::read_to_string(&path).unwrap().contains("ada"), "no id is kept");
}

#[test]
fn what_can_not_be_understood_is_not_overwritten() {
    let (_directory, path) = place();
    write(&path, "consent = none");
    let error = SettingsFile::at(&path).change(|settings| settings.set_consent(Level::Full)).unwrap_err();
    assert!(matches!(error, SettingsError::Invalid { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "consent = none");
}

/// Allows the id of 25 users, each in a change of its own; without end, where it is to be killed.
fn change_often() {
    let file = SettingsFile::of_user().unwrap();
    let prefix = std::env::var(PREFIX).unwrap();
    for number in 0.. {
        if prefix != "killed" && number == 25 {
            return;
        }
        file.change(|settings| settings.set_user(&format!("{prefix}-{}", number % 100), true)).unwrap();
    }
}

/// Starts such a child.
fn writer(test: &str, path: &Path, prefix: &str) -> Child {
    again(test, path).env(PREFIX, prefix).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn of_writers_at_once_none_undoes_what_another_did() {
    if is_child() {
        return change_often();
    }
    let (_directory, path) = place();
    let name = "change::of_writers_at_once_none_undoes_what_another_did";
    let children: Vec<_> = (0..6).map(|child| writer(name, &path, &child.to_string())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(SettingsFile::at(&path).read().unwrap().unwrap().users(), (150, 0));
}

#[test]
fn whenever_a_writer_is_killed_the_file_is_whole_and_the_next_one_goes_on() {
    if is_child() {
        return change_often();
    }
    let (directory, path) = place();
    let file = SettingsFile::at(&path);
    file.change(|settings| settings.set_consent(Level::None)).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0_u64;
            while !over.load(Ordering::Acquire) {
                assert_eq!(file.read().unwrap().unwrap().consent(), Some(Level::None));
                reads += 1;
            }
            reads
        });
        for round in 0..20_u64 {
            let name = "change::whenever_a_writer_is_killed_the_file_is_whole_and_the_next_one_goes_on";
            let mut child = writer(name, &path, "killed");
            let before = file.read().unwrap().unwrap().users().0;
            let grown = || before == 100 || file.read().unwrap().unwrap().users().0 > before;
            let begun = Instant::now();
            while !grown() {
                assert!(begun.elapsed() < LONG, "the child does not write");
                std::thread::sleep(Duration::from_millis(1));
            }
            // At no moment of its work in particular.
            std::thread::sleep(Duration::from_micros(round * 379 % 5_000));
            child.kill().unwrap();
            child.wait().unwrap();
            file.change(|settings| settings.set_consent(Level::None)).unwrap();
        }
        over.store(true, Ordering::Release);
        assert!(reader.join().unwrap() > 100);
    });
    assert!(std::fs::read_dir(directory.path()).unwrap().count() <= 3, "no litter but that of the last one");
}

#[test]
fn a_lock_that_is_kept_ends_in_an_error_that_names_it() {
    let (directory, path) = place();
    let lock = std::fs::File::create(directory.path().join(".settings.json.lock")).unwrap();
    lock.lock().unwrap();
    let error = SettingsFile::at(&path).change(|_| ()).unwrap_err();
    assert!(matches!(&error, SettingsError::Locked(_)) && error.to_string().contains("settings.json.lock"), "{error}");
    assert!(!path.exists());
}

#[test]
fn processes_that_ask_at_once_get_the_same_id_and_it_stays() {
    if is_child() {
        let id = lastword::privacy::installation_id().unwrap();
        println!("child: {id}");
        return;
    }
    let (directory, path) = place();
    let nested = directory.path().join("new/settings.json");
    let name = "change::processes_that_ask_at_once_get_the_same_id_and_it_stays";
    let ids: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| crate::said(&mut again(name, &nested)))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0] && id.len() == 36), "{ids:?}");
    assert_eq!(SettingsFile::at(&nested).installation_id().unwrap(), ids[0]);
    assert_ne!(SettingsFile::at(&path).installation_id().unwrap(), ids[0], "another user has another one");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = directory.path().join("new/installation-id");
        assert_eq!(std::fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_id_that_is_damaged_is_replaced_and_stays_then() {
    for damage in [&b""[..], b"0190aaaa-bbbb-7ccc", b"\xff\xfe", &[b'0'; 1_000]] {
        let (directory, path) = place();
        write(&directory.path().join("installation-id"), damage);
        let id = SettingsFile::at(&path).installation_id().unwrap();
        assert_eq!(SettingsFile::at(&path).installation_id().unwrap(), id);
    }
}
