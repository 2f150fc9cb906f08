//! Directories that can't be used, or can't any more: never a reason not to start or to lose what was accepted. The
//! reporter goes on in memory, and says so, once, as a warning and in its health.

#![allow(unsafe_code)]

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use lastword::sink::{Destination, Policy};
use lastword::testing::MemorySink;
use lastword::{Builder, Durability, Reporter};
use serde_json::json;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::mounts::Mount;
use crate::peers::Peer;
use crate::support::{
    CRASHED, DEADLINE, KEY, Spool, again, is_child, kinds, leave, leave_for, log, spooled, stored, unreachable,
};

/// Collects what this library warns of.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        if event.metadata().target() == "lastword" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}

impl Warnings {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Starts a reporter; returns it, its sink, and what was warned of.
fn begin(builder: Builder) -> (Reporter, MemorySink, Vec<String>) {
    let (sink, warnings) = (MemorySink::new(), Warnings::default());
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let reporter = tracing::subscriber::with_default(subscriber, || builder.enabled(true).sink(sink.clone()).start());
    (reporter.unwrap(), sink, warnings.taken())
}

/// Checks that a reporter without the spool that was asked for is in memory, says why, once, and works.
fn assert_in_memory(builder: Builder, why: &str) {
    let (reporter, sink, warnings) = begin(builder);
    let health = reporter.health();
    assert_eq!(health.durability, Durability::Memory);
    let trouble = health.spool.unwrap().trouble.unwrap();
    assert!(trouble.contains(why), "`{why}` is not in: {trouble}");
    assert_eq!(warnings.len(), 1, "it is said once: {warnings:?}");
    assert!(warnings[0].contains(&trouble), "{warnings:?}");
    log(&reporter, 3);
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "n", "n", "n", "SESSION_END"]);
}

fn with_spool(spool: impl Into<PathBuf>) -> Builder {
    Reporter::builder("s").spool(spool)
}

/// Runs a test of this module again, in a process whose limits and user it may change.
fn alone(test: &str, run: impl FnOnce()) {
    if is_child() {
        return run();
    }
    let output = again(&format!("trouble::{test}")).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test is named {test}");
    said.lines().filter(|line| line.contains("SKIPPED")).for_each(|line| println!("{line}"));
}

#[test]
fn a_disk_without_room_for_the_queue() {
    let Some(mount) = Mount::in_memory("size=2m,mode=700") else { return };
    assert_in_memory(with_spool(mount.spool()), "no room on the disk for the 16793600 bytes of");
    assert_eq!(fs::read_dir(mount.spool()).unwrap().count(), 0, "nothing is left of the attempt");
    let (reporter, _, warnings) = begin(with_spool(mount.spool()).max_queue_bytes(512 * 1_024));
    assert_eq!(reporter.health().durability, Durability::ProcessDeath, "a smaller one has room: {warnings:?}");
}

#[test]
fn a_disk_without_a_name_to_give() {
    // The root, the directory, and that is all.
    let Some(mount) = Mount::in_memory("size=2m,mode=700,nr_inodes=2") else { return };
    assert_in_memory(with_spool(mount.spool()), "can't create");
}

#[test]
fn a_limit_to_the_size_of_files() {
    alone("a_limit_to_the_size_of_files", || {
        let (spool, peer) = (Spool::new(), Peer::start());
        // A file that is shorter than its queue is written to, not mapped.
        let cut = leave_for(spool.path(), "life", &peer.url(), 3);
        fs::File::options().write(true).open(&cut).unwrap().set_len(100_000).unwrap();
        let limit = libc::rlimit { rlim_cur: 150_000, rlim_max: 150_000 };
        // SAFETY: a limit of this process is set from a value of the right type.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        let why = "the process may write files of 150000 bytes at most (`ulimit -f`), and the queue has 16793600";
        assert_in_memory(with_spool(spool.path()), why);
        let reporter = spooled("finder", spool.path(), &peer.url()).start().unwrap();
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert!(cut.exists(), "it is left to whoever may write so much");
    });
}

#[test]
fn a_file_system_that_can_only_be_read() {
    let Some(mount) = Mount::in_memory("size=2m,mode=700") else { return };
    mount.make_read_only();
    assert_in_memory(with_spool(mount.spool()), "Read-only file system");
}

#[test]
fn a_directory_that_can_only_be_read() {
    alone("a_directory_that_can_only_be_read", || {
        const NOBODY: u32 = 65_534;
        let spool = Spool::new();
        if chown(spool.path(), Some(NOBODY), Some(NOBODY)).is_err() {
            println!("SKIPPED: only root can become another user");
            return;
        }
        fs::set_permissions(spool.path(), Permissions::from_mode(0o500)).unwrap();
        // SAFETY: this process, which is here for this test alone, becomes another user.
        assert_eq!(unsafe { libc::setuid(NOBODY) }, 0);
        assert_in_memory(with_spool(spool.path()), "Permission denied");
    });
}

#[test]
fn a_directory_that_is_none_or_whose_parent_is_none() {
    let spool = Spool::new();
    let file = spool.path().join("file");
    fs::write(&file, "").unwrap();
    assert_in_memory(with_spool(&file), "is no directory");
    assert_in_memory(with_spool(file.join("spool")), "Not a directory");
}

#[test]
fn a_directory_that_is_a_link_however_it_is_written() {
    let (spool, target) = (Spool::new(), Spool::new());
    let link = spool.path().join("link");
    symlink(target.path(), &link).unwrap();
    assert_in_memory(with_spool(&link), "is a symbolic link");
    assert_in_memory(with_spool(format!("{}/", link.display())), "is a symbolic link");
    assert!(target.files().is_empty());
}

#[test]
fn a_directory_that_others_may_write_to() {
    let spool = Spool::new();
    for mode in [0o777, 0o770, 0o702] {
        fs::set_permissions(spool.path(), Permissions::from_mode(mode)).unwrap();
        assert_in_memory(with_spool(spool.path()), &format!("(its mode is {mode:o}): make it 700"));
    }
    fs::set_permissions(spool.path(), Permissions::from_mode(0o755)).unwrap();
    let (reporter, _, warnings) = begin(with_spool(spool.path()));
    assert_eq!(reporter.health().durability, Durability::ProcessDeath, "to read is no harm: {warnings:?}");
}

#[test]
fn another_users_directory() {
    let spool = Spool::new();
    if chown(spool.path(), Some(12_345), None).is_err() {
        println!("SKIPPED: only root can give a directory to another user");
        return;
    }
    assert_in_memory(with_spool(spool.path()), "belongs to user 12345");
}

#[test]
fn more_to_say_of_a_session_than_there_is_room_for() {
    let spool = Spool::new();
    let mut builder = Reporter::builder("s".repeat(256)).spool(spool.path());
    for sink in 0..15 {
        let address = format!("http://127.0.0.1/{}", "path/".repeat(200));
        let mut policy = Policy::default();
        policy.destination = Some(Destination::new(address, &["key"]));
        builder = builder.sink(MemorySink::new().name(&format!("sink-{sink}")).policy(policy));
    }
    assert_in_memory(builder, "bytes to name, and there is room for 12288");
    assert!(spool.files().is_empty(), "nothing is left of the attempt");
}

#[test]
fn a_directory_in_memory_works_and_is_said_to_be_there() {
    let Ok(place) = tempfile::tempdir_in("/dev/shm") else {
        println!("SKIPPED: there is no /dev/shm");
        return;
    };
    for asked in [Durability::ProcessDeath, Durability::PowerLoss] {
        let (reporter, _, warnings) = begin(with_spool(place.path().join("spool")).durability(asked));
        let health = reporter.health();
        assert_eq!(health.durability, Durability::ProcessDeath);
        let spool = health.spool.unwrap();
        assert_eq!(spool.asked, asked);
        assert!(spool.trouble.unwrap().contains("a restart of the machine clears"), "{warnings:?}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        reporter.blocking_stop(DEADLINE);
    }
    let (spool, peer) = (place.path().join("another"), Peer::start());
    DirBuilder::new().mode(0o700).create(&spool).unwrap();
    leave_for(&spool, "life", &peer.url(), 10);
    let reporter = spooled("finder", &spool, &peer.url()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(stored(&peer, "life").len(), 13);
}

/// Has a reporter look at its spool until what it says of it is so.
fn wait_for_health(reporter: &Reporter, is_so: impl Fn(&lastword::Health) -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so(&reporter.health()) {
        assert!(Instant::now() < until, "{:?}", reporter.health());
        // It looks when it has something to do, and once a second at the most.
        reporter.blocking_flush(Duration::from_millis(10));
    }
}

#[test]
fn a_directory_that_is_removed_while_a_session_lives() {
    alone("a_directory_that_is_removed_while_a_session_lives", || {
        let warnings = Warnings::default();
        // On the reporter's thread too.
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(warnings.clone())).unwrap();
        let (spool, peer) = (Spool::new(), Peer::start());
        let directory = spool.path().join("spool");
        let reporter = spooled("life", &directory, &peer.url()).start().unwrap();
        log(&reporter, 50);
        fs::remove_dir_all(&directory).unwrap();
        wait_for_health(&reporter, |health| health.durability == Durability::Memory);
        assert!(reporter.health().spool.unwrap().trouble.unwrap().contains("is gone, or can't be written to"));
        log(&reporter, 50);
        assert!(reporter.blocking_flush(DEADLINE).is_drained(), "what was accepted before is delivered too");
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(stored(&peer, "life").len(), 102);
        let said: Vec<_> = warnings.taken().into_iter().filter(|said| said.contains("outlive less")).collect();
        assert_eq!(said.len(), 1, "it is said once: {said:?}");
    });
}

#[test]
fn a_file_that_is_removed_or_replaced_while_a_session_lives() {
    for replaced in [false, true] {
        let (spool, peer) = (Spool::new(), Peer::start());
        let reporter = spooled("life", spool.path(), &peer.url()).start().unwrap();
        let file = spool.files().remove(0);
        fs::remove_file(&file).unwrap();
        if replaced {
            fs::write(&file, "somebody else's").unwrap();
        }
        wait_for_health(&reporter, |health| health.durability == Durability::Memory);
        log(&reporter, 10);
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(stored(&peer, "life").len(), 12);
        // It may have been moved aside, as what is no queue is.
        assert_eq!(spool.files().len(), usize::from(replaced), "what is not its own it does not remove");
    }
}

#[test]
fn a_process_that_goes_elsewhere_keeps_the_spool_that_it_named() {
    alone("a_process_that_goes_elsewhere_keeps_the_spool_that_it_named", || {
        let (here, peer) = (Spool::new(), Peer::start());
        std::env::set_current_dir(here.path()).unwrap();
        let reporter = spooled("life", Path::new("state/spool"), &peer.url()).start().unwrap();
        std::env::set_current_dir("/").unwrap();
        let file = fs::read_dir(here.path().join("state/spool")).unwrap().next().unwrap().unwrap().path();
        let old = SystemTime::now() - Duration::from_secs(100_000);
        fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        let is_looked_at = |_: &_| fs::metadata(&file).unwrap().modified().unwrap() != old;
        wait_for_health(&reporter, is_looked_at);
        assert_eq!(reporter.health().durability, Durability::ProcessDeath);
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert!(!file.exists(), "it is removed where it is");
    });
}

#[test]
fn a_spool_that_the_environment_names_unless_the_program_does() {
    if is_child() {
        let own = std::env::var_os("LASTWORD_TEST_OWN").map(PathBuf::from);
        let builder = Reporter::builder("s");
        let (reporter, ..) = begin(if let Some(own) = own { builder.spool(own) } else { builder });
        println!("spool {:?}", reporter.health().spool.map(|spool| spool.directory));
        return;
    }
    let (named, own) = (Spool::new(), Spool::new());
    let run = |own: Option<&Path>, named: &Path| {
        let mut command = again("trouble::a_spool_that_the_environment_names_unless_the_program_does");
        own.map(|own| command.env("LASTWORD_TEST_OWN", own));
        String::from_utf8(command.env("LASTWORD_SPOOL", named).output().unwrap().stdout).unwrap()
    };
    assert!(run(None, named.path()).contains(&format!("spool Some({:?})", named.path())));
    assert!(run(Some(own.path()), named.path()).contains(&format!("spool Some({:?})", own.path())));
    assert!(run(None, Path::new("")).contains("spool None"));
}

#[test]
fn what_is_made_is_its_owners_alone_whatever_the_umask() {
    alone("what_is_made_is_its_owners_alone_whatever_the_umask", || {
        let here = Spool::new();
        // SAFETY: it sets what files of this process are made with.
        unsafe { libc::umask(0) };
        let (reporter, ..) = begin(with_spool(here.path().join("state/app/spool")));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        let file = fs::read_dir(here.path().join("state/app/spool")).unwrap().next().unwrap().unwrap().path();
        let places = ["state", "state/app", "state/app/spool"].map(|place| here.path().join(place));
        assert_eq!(places.map(|place| mode(&place)), [0o700; 3]);
        assert_eq!(mode(&file), 0o600);
        drop(reporter);
    });
}

#[test]
fn a_file_with_holes_on_a_full_disk_is_delivered_and_kills_nobody() {
    const PAGE: u64 = 4_096;
    alone("a_file_with_holes_on_a_full_disk_is_delivered_and_kills_nobody", || {
        let image = Spool::new();
        let Some(mount) = Mount::of_image(&image.path().join("disk"), "ext4", 16 * 1024 * 1024) else { return };
        let (spool, peer) = (mount.spool(), Peer::start());
        DirBuilder::new().mode(0o700).create(&spool).unwrap();
        let builder = Reporter::builder("life").sink(unreachable(&peer.url(), KEY));
        let left = leave(&spool, builder, |reporter| {
            let of_page = || reporter.stats().queue_bytes % PAGE;
            let before = of_page();
            assert!(reporter.log("n", json!({"x": ""})).is_accepted());
            // Up to where the next event has its first words on this page, and the rest on one that is a hole.
            let rest = PAGE - 24 - of_page() - (of_page() - before);
            assert!(reporter.log("n", json!({"x": "x".repeat(usize::try_from(rest).unwrap())})).is_accepted());
            assert!((PAGE - 32..PAGE).contains(&of_page()), "{}", of_page());
        });
        assert!(Command::new("fallocate").arg("--dig-holes").arg(&left).status().unwrap().success());
        mount.fill();
        let reporter = spooled("finder", &spool, &peer.url()).start().unwrap();
        assert!(reporter.blocking_stop(DEADLINE).is_drained());
        assert_eq!(kinds(&stored(&peer, "life"))[3..], CRASHED);
        assert!(!left.exists(), "what is delivered is removed");
    });
}
