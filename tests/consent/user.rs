//! Who the user is: which bucket, everywhere; the id, nowhere without consent.

use std::path::Path;

use lastword::privacy::consent::SettingsFile;
use lastword::privacy::{Level, User, user_bucket};
use lastword::sink::{Console, Datadog, FieldPolicy, Tinker};
use lastword::testing::MemorySink;
use lastword::{Builder, Reporter};
use serde_json::{Value, json};

use crate::children::is_child;
use crate::peers::Peer;
use crate::{LONG, again, place, said, said_and_shown};

/// An id that is nothing else.
const ID: &str = concat!("ada.lovelace", "@analytical.example");

fn user_of(builder: Builder) -> Value {
    let sink = MemorySink::new();
    let reporter = builder.enabled(true).sink(sink.clone()).start().unwrap();
    assert!(reporter.blocking_stop(LONG).is_drained());
    let mut events = sink.events();
    events.retain(|event| event["event_name"] == "session.user");
    assert!(events.len() < 2);
    events.pop().map_or(Value::Null, |event| event["event_data"].clone())
}

#[test]
fn a_session_says_the_bucket_and_the_id_only_with_consent() {
    let bucket = user_bucket(ID);
    assert_eq!(user_of(Reporter::builder("s")), Value::Null);
    assert_eq!(user_of(Reporter::builder("s").user(ID)), json!({"user_bucket": bucket}));
    assert_eq!(user_of(Reporter::builder("s").user(ID).user_opt_in(false)), json!({"user_bucket": bucket}));
    let both = json!({"user_bucket": bucket, "user_id": ID});
    assert_eq!(user_of(Reporter::builder("s").user(ID).user_opt_in(true)), both);
    assert_eq!(user_of(Reporter::sessionless().user(ID).user_opt_in(true)), both);
    let essential = Reporter::builder("s").user(ID).user_opt_in(true).consent(Level::Essential);
    assert_eq!(user_of(essential), json!({"user_bucket": bucket}), "what is essential is no id");
}

#[test]
fn an_id_that_is_none_is_an_error_that_does_not_show_it() {
    for id in [String::new(), "x".repeat(257)] {
        let error = Reporter::builder("s").user(id.clone()).enabled(true).sink(MemorySink::new()).start().unwrap_err();
        assert!(error.to_string().contains("use 1 to 256") && !error.to_string().contains("xx"), "{error}");
    }
}

/// A program that knows its user, with every sink there is, and a spool.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn report() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let directory = variable("LASTWORD_TEST_DIRECTORY");
    let builder = Reporter::builder("child")
        .user(ID)
        .enabled(true)
        .sink(Tinker::new(variable("LASTWORD_TEST_URL")).http_timeout(LONG))
        .sink(
            Datadog::new(variable("LASTWORD_TEST_DATADOG"))
                .api_key("k")
                .fields(FieldPolicy::Redacted)
                .http_timeout(LONG),
        )
        .sink(Console::new());
    #[cfg(unix)]
    let builder = builder.sink(lastword::sink::Jsonl::new(Path::new(&directory).join("events.jsonl")));
    let memory = MemorySink::new();
    let builder = builder.sink(memory.clone()).spool(Path::new(&directory).join("spool"));
    let shown = format!("{builder:?} {:?}", User::new(ID));
    let reporter = builder.start().unwrap();
    let _ = reporter.log("query", json!({"rows": 1}));
    let shown = format!("{shown} {reporter:?} {:?} {:?}", reporter.stats(), reporter.health());
    let spooled = spooled(&Path::new(&directory).join("spool"));
    assert!(reporter.blocking_stop(LONG).is_drained());
    let memory = serde_json::to_string(&memory.events()).unwrap();
    println!("child: {}", json!([shown, memory, spooled]));
}

/// Everything in the files of a spool, as text.
fn spooled(spool: &Path) -> String {
    let files = std::fs::read_dir(spool).into_iter().flatten().filter_map(Result::ok);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let written = |bytes: Vec<u8>| bytes.into_iter().filter(|byte| *byte != 0).collect();
    files.map(|file| text(written(std::fs::read(file.path()).unwrap()))).collect()
}

/// Everything that left such a program, by whatever way.
fn everything(allow: Option<bool>) -> Vec<(&'static str, String)> {
    let (directory, path) = place();
    if let Some(allow) = allow {
        SettingsFile::at(&path).change(|settings| settings.set_user(ID, allow)).unwrap();
    }
    let (tinker, datadog) = (Peer::start(), Peer::start());
    let mut command = again("user::no_id_leaves_by_any_way_without_consent_and_with_it_every_way_has_it", &path);
    command.env("LASTWORD_TEST_URL", tinker.url()).env("LASTWORD_TEST_DATADOG", datadog.url());
    command.env("LASTWORD_TEST_DIRECTORY", directory.path());
    let (said, console) = said_and_shown(&mut command);
    let [shown, memory, spooled]: [String; 3] = serde_json::from_str(&said).unwrap();
    let sent = |peer: &Peer| {
        peer.requests().iter().map(|request| format!("{:?} {}", request.headers, request.text())).collect()
    };
    let mut all = vec![
        ("debug", shown),
        ("memory", memory),
        ("console", console),
        ("tinker", sent(&tinker)),
        ("datadog", sent(&datadog)),
    ];
    all.push(("settings", std::fs::read_to_string(&path).unwrap_or_default()));
    #[cfg(unix)]
    {
        all.push(("jsonl", std::fs::read_to_string(directory.path().join("events.jsonl")).unwrap()));
        all.push(("spool", spooled));
    }
    all
}

#[test]
fn no_id_leaves_by_any_way_without_consent_and_with_it_every_way_has_it() {
    if is_child() {
        return report();
    }
    let bucket = format!("{}", user_bucket(ID));
    for allow in [None, Some(false), Some(true)] {
        for (way, text) in everything(allow) {
            let never = matches!(way, "debug" | "settings");
            assert_eq!(text.contains("lovelace"), allow == Some(true) && !never, "{way}, {allow:?}: {text}");
            if !never {
                assert!(text.contains("user_bucket") && text.contains(&bucket), "{way}: {text}");
            }
            if way == "datadog" {
                assert!(text.contains(&format!("\"userBucket\":{bucket}")), "{text}");
            }
        }
    }
}

#[test]
fn every_entry_for_datadog_has_the_bucket_even_of_a_session_that_another_process_delivers() {
    let (directory, _) = place();
    let peer = Peer::start();
    let sink = || Datadog::new(peer.url()).api_key("k").fields(FieldPolicy::Redacted).http_timeout(LONG);
    let start =
        |session: &str| Reporter::builder(session).enabled(true).spool(directory.path().join("spool")).sink(sink());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    peer.down();
    let dies = start("dies").user(ID).runtime(runtime.handle().clone()).start().unwrap();
    assert!(dies.log("query", json!({"userBucket": "mine"})).is_accepted());
    runtime.shutdown_background();
    dies.kill();
    peer.up();
    let next = start("next").recovery_interval(std::time::Duration::from_millis(10)).start().unwrap();
    let entries = || -> Vec<Value> {
        peer.requests().iter().flat_map(|request| request.json().as_array().unwrap().clone()).collect()
    };
    let of_dead = || entries().into_iter().filter(|entry| entry["session_id"] == "dies").collect::<Vec<_>>();
    let begun = std::time::Instant::now();
    while of_dead().len() < 5 {
        assert!(begun.elapsed() < LONG, "{:?}", entries());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    next.blocking_stop(LONG);
    let found = of_dead();
    assert!(found.iter().all(|entry| entry["userBucket"] == user_bucket(ID)), "{found:?}");
    assert!(found.iter().any(|entry| entry["data.userBucket"] == "mine"), "{found:?}");
    assert!(entries().iter().all(|entry| entry["session_id"] != "next" || entry.get("userBucket").is_none()));
}

/// A program whose user is that of the machine.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn installed() {
    let builder = Reporter::builder("s").user(User::installation());
    let sink = MemorySink::new();
    let reporter = builder.sink(sink.clone()).start().unwrap();
    reporter.blocking_stop(LONG);
    println!("child: {}", serde_json::to_string(&sink.events()).unwrap());
}

#[test]
fn an_installation_is_told_by_its_bucket_and_leaves_no_trace_where_telemetry_is_off() {
    if is_child() {
        return installed();
    }
    let name = "user::an_installation_is_told_by_its_bucket_and_leaves_no_trace_where_telemetry_is_off";
    let (directory, path) = place();
    assert_eq!(said(again(name, &path).env("DO_NOT_TRACK", "1")), "[]");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "no id is made for nothing");
    let events = said(&mut again(name, &path));
    let id = SettingsFile::at(&path).installation_id().unwrap();
    assert!(events.contains(&format!(r#""event_data":{{"user_bucket":{}}}"#, user_bucket(&id))), "{events}");
    assert!(!events.contains(&id));
    // Where no id can be kept, the session goes without.
    let nowhere = directory.path().join("installation-id").join("settings.json");
    assert_eq!(said(&mut again(name, &nowhere)).matches("session.user").count(), 0);
}
