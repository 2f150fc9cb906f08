//! Whatever stands where the settings file is looked for: telemetry is off, it is said why, and nothing waits.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lastword::Reporter;
use lastword::privacy::Level;
use lastword::privacy::consent::{Consent, Program, SettingsError, SettingsFile};
use lastword::testing::MemorySink;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::children::is_child;
use crate::{again, place, said, write};

/// Whether reading a file fails, with this text in the reason.
fn refuses(path: &Path, text: &str) {
    let start = Instant::now();
    let error = SettingsFile::at(path).read().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2), "{error}: {:?}", start.elapsed());
    let message = error.to_string();
    assert!(message.contains(text) && message.contains(&path.display().to_string()), "{message}");
    let error = SettingsFile::at(path).change(|settings| settings.set_consent(Level::Full)).unwrap_err();
    assert!(error.to_string().contains(text), "{error}");
}

fn make(kind: &str, path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success(), "{kind}");
}

#[test]
fn what_is_torn_or_garbage_is_refused_at_every_length() {
    let (_directory, path) = place();
    let whole = r#"{"consent": "none", "users": {"fdee430d": "allow"}}"#;
    for end in 0..whole.len() {
        write(&path, &whole[..end]);
        assert!(matches!(SettingsFile::at(&path).read(), Err(SettingsError::Invalid { .. })), "{end}");
    }
    write(&path, whole);
    assert!(SettingsFile::at(&path).read().unwrap().is_some());
    for garbage in [&b"\0\0\0\0"[..], b"\xef\xbb\xbf{}", b"\xff", b"consent=none", "[".repeat(100_000).as_bytes()] {
        write(&path, garbage);
        refuses(&path, "can't be understood");
    }
}

#[test]
fn what_is_no_plain_file_is_refused_and_not_waited_for() {
    let (directory, path) = place();
    make("a pipe that nobody writes to", &path);
    refuses(&path, "no plain file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refuses(&path, "no plain file");
    fs::remove_dir(&path).unwrap();
    let _listener = UnixListener::bind(&path).unwrap();
    refuses(&path, "no plain file");
    for device in ["/dev/zero", "/dev/null"] {
        assert!(matches!(SettingsFile::at(device).read(), Err(SettingsError::NotPlain(_))), "{device}");
    }
    let target = directory.path().join("target.json");
    write(&target, "{}");
    let link = directory.path().join("link.json");
    symlink(&target, &link).unwrap();
    refuses(&link, "is a link");
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}", "what a link leads to is not written to");
    let dangling = directory.path().join("dangling.json");
    symlink(directory.path().join("nothing"), &dangling).unwrap();
    refuses(&dangling, "is a link");
}

#[test]
fn a_file_of_a_gibibyte_is_refused_without_reading_it() {
    let (_directory, path) = place();
    write(&path, "{}");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    refuses(&path, "more than 262144 bytes");
}

#[test]
fn what_others_may_change_is_refused() {
    let (_directory, path) = place();
    write(&path, "{}");
    for mode in [0o666, 0o622, 0o660, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        refuses(&path, "chmod go-w");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(SettingsFile::at(&path).read().is_ok(), "others may read it");
}

#[test]
fn another_users_file_is_refused_and_so_is_a_place_in_another_users_directory() {
    let (directory, path) = place();
    let is_root = fs::metadata(directory.path()).unwrap().uid() == 0;
    if !is_root {
        // Nobody else can give a file away.
        let _ = writeln!(std::io::stderr(), "SKIPPED: to give a file to another user takes root");
        return;
    }
    write(&path, "{}");
    std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
    refuses(&path, "belongs to the user 12345");
    let theirs = directory.path().join("home");
    fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(12_345), None).unwrap();
    let error = SettingsFile::at(theirs.join(".config/lastword/settings.json")).change(|_| ()).unwrap_err();
    assert!(matches!(error, SettingsError::OtherUser { owner: 12_345, .. }), "{error:?}");
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0, "nothing is left in it");
}

#[test]
fn a_place_where_nothing_can_be_made_is_an_error_that_names_it() {
    let (directory, _) = place();
    let file = directory.path().join("file");
    write(&file, "");
    let within = SettingsFile::at(file.join("settings.json"));
    assert!(within.read().unwrap().is_none(), "there is none");
    let error = within.change(|_| ()).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    let pipe = directory.path().join(".settings.json.lock");
    make("a pipe in the place of the lock", &pipe);
    let error = SettingsFile::at(directory.path().join("settings.json")).change(|_| ()).unwrap_err();
    assert!(matches!(&error, SettingsError::NotPlain(path) if *path == pipe), "{error:?}");
}

/// Becomes a user who may do nothing.
fn give_up_rights() {
    // SAFETY: nothing else in this process depends on whose it is.
    #[allow(unsafe_code)]
    let given_up = unsafe { libc::setuid(65_534) };
    assert_eq!(given_up, 0);
}

#[test]
fn a_directory_that_can_only_be_read_is_read_and_a_change_says_what_is_in_its_way() {
    if is_child() {
        give_up_rights();
        let file = SettingsFile::of_user().unwrap();
        let consent = file.read().unwrap().unwrap().consent();
        let error = file.change(|settings| settings.set_consent(Level::Full)).unwrap_err();
        println!("child: {consent:?} {error}");
        return;
    }
    let (directory, path) = place();
    if fs::metadata(directory.path()).unwrap().uid() != 0 {
        let _ = writeln!(std::io::stderr(), "SKIPPED: to give up rights takes root");
        return;
    }
    // One for everybody, that the system's own user has set up.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    write(&path, r#"{"consent":"essential"}"#);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let name = "trouble::a_directory_that_can_only_be_read_is_read_and_a_change_says_what_is_in_its_way";
    let said = said(&mut again(name, &path));
    assert!(said.starts_with("Some(Essential) can't open ") && said.contains("settings.json.lock"), "{said}");
    assert!(said.contains("Permission denied") && said.contains("LASTWORD_SETTINGS"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"consent":"essential"}"#);
}

/// A program that was started by root, has given up its rights, and has root's home.
#[test]
fn a_home_that_the_process_may_not_look_into_is_another_users_and_one_that_was_named_is_not() {
    let name = "trouble::a_home_that_the_process_may_not_look_into_is_another_users_and_one_that_was_named_is_not";
    if is_child() {
        give_up_rights();
        println!("child: {}", Consent::of_process(&Program::default()).level());
        return;
    }
    let (home, _) = place();
    if fs::metadata(home.path()).unwrap().uid() != 0 {
        let _ = writeln!(std::io::stderr(), "SKIPPED: to give up rights takes root");
        return;
    }
    fs::create_dir_all(home.path().join(".config/lastword")).unwrap();
    let file = home.path().join(".config/lastword/settings.json");
    write(&file, r#"{"consent":"none"}"#);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let started = |named: bool| {
        let mut command = again(name, &file);
        if !named {
            command.env_remove("LASTWORD_SETTINGS").env_remove("XDG_CONFIG_HOME").env("HOME", home.path());
        }
        said(&mut command)
    };
    assert_eq!((started(false), started(true)), ("full".into(), "none".into()));
    // It may look, and sees a file that is none of its business to read, or is: the word that is there counts.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(started(false), "none");
}

#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

/// A program that starts reporters, one after another, and wants them on.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn start() {
    let warnings = Warnings::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(warnings.clone())).unwrap();
    let begun = Instant::now();
    for _ in 0..3 {
        let reporter = Reporter::builder("s").enabled(true).sink(MemorySink::new()).start().unwrap();
        assert!(!reporter.is_enabled());
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    println!("child: {}", warnings.0.lock().unwrap().join(" | "));
}

#[test]
fn a_program_whose_users_settings_are_no_use_does_not_report_and_says_so_once() {
    if is_child() {
        return start();
    }
    let (directory, _) = place();
    let made = |name: &str, make: &dyn Fn(&Path)| -> PathBuf {
        let path = directory.path().join(name);
        make(&path);
        path
    };
    let cases = [
        (made("torn", &|path| write(path, "{\"consent\":\"fu")), "correct it, or remove it"),
        (made("pipe", &|path| make("pipe", path)), "no plain file"),
        (made("link", &|path| symlink("torn", path).unwrap()), "is a link"),
        (made("word", &|path| write(path, r#"{"consent":"some"}"#)), "`none`, `essential`, `full`"),
    ];
    let name = "trouble::a_program_whose_users_settings_are_no_use_does_not_report_and_says_so_once";
    for (path, text) in cases {
        let said = said(&mut again(name, &path));
        assert!(said.contains(text) && said.contains("telemetry is off") && !said.contains(" | "), "{path:?}: {said}");
    }
}
