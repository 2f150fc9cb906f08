//! What is in a file, whose it is, and what becomes of a last line that is torn.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lastword::sink::{Ack, Jsonl, Sink};
use lastword::testing::MemorySink;
use lastword::{Reporter, Severity};
use serde_json::{Value, json};

use crate::support::{DEADLINE, Logs, deliver, events, lines, numbers, reason, reporter};

#[test]
fn each_event_is_a_line_with_what_the_wire_has_and_where_it_comes_from() {
    let (logs, memory) = (Logs::new(), MemorySink::new());
    let builder = Reporter::builder("session \"1\"").enabled(true).sdk_version("7.1");
    let reporter = builder.sink(Jsonl::new(logs.path())).sink(memory.clone()).start().unwrap();
    reporter.log_with(Severity::Warning, "a \"name\"\n", json!({"text": "line\nbreak\u{2028}", "n": [1, null]}));
    reporter.log_error(&std::io::Error::other("it\r\nbroke"));
    assert!(reporter.blocking_stop(DEADLINE).is_drained());

    let mut written = lines(&logs.path());
    let mut uuids = Vec::new();
    for line in &mut written {
        let line = line.as_object_mut().unwrap();
        assert_eq!(line.remove("session_id"), Some(json!("session \"1\"")));
        assert_eq!(line.remove("sdk_version"), Some(json!("7.1")));
        assert!(line.remove("platform").is_some_and(|platform| platform.is_string()));
        uuids.extend(line.remove("process_uuid").and_then(|id| id.as_str()?.parse::<uuid::Uuid>().ok()));
    }
    assert_eq!(written, memory.events(), "all else is as on the wire");
    assert_eq!(
        written.iter().map(|line| &line["event"]).collect::<Vec<_>>(),
        ["SESSION_START", "GENERIC_EVENT", "UNHANDLED_EXCEPTION", "SESSION_END"]
    );
    assert_eq!(uuids.len(), 4);
    assert!(uuids.iter().all(|id| *id == uuids[0]));
}

#[test]
fn a_file_goes_on_where_the_last_process_ended() {
    let logs = Logs::new();
    for session in ["first", "second"] {
        assert!(reporter(session, Jsonl::new(logs.path())).blocking_stop(DEADLINE).is_drained());
    }
    let sessions: Vec<Value> = lines(&logs.path()).iter().map(|line| line["session_id"].clone()).collect();
    assert_eq!(sessions, ["first", "first", "second", "second"]);
    assert_eq!(logs.names(), ["events.jsonl"]);
}

#[test]
fn a_new_file_and_a_new_directory_are_for_their_owner_only() {
    let logs = Logs::new();
    let sink = Jsonl::new(logs.at("a/b/events.jsonl")).rotate_at_bytes(4_096);
    deliver(&sink, &events(0, 1, 4_000)).unwrap();
    deliver(&sink, &events(1, 1, 4_000)).unwrap();
    let mode = |name: &str| fs::metadata(logs.at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a"), mode("a/b")), (0o700, 0o700));
    assert_eq!((mode("a/b/events.jsonl"), mode("a/b/events.000001.jsonl")), (0o600, 0o600));
}

#[test]
fn a_torn_line_is_cut_off_and_counted_and_its_neighbours_stay() {
    let logs = Logs::new();
    deliver(&Jsonl::new(logs.path()), &events(0, 3, 10)).unwrap();
    let whole = fs::read(logs.path()).unwrap();
    // Torn at each place of the last line but the last two: there all is said, and behind its end nothing is torn.
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in last + 1..whole.len() - 1 {
        fs::write(logs.path(), &whole[..cut]).unwrap();
        let sink = Jsonl::new(logs.path());
        assert_eq!(deliver(&sink, &events(3, 1, 10)), Ok(Ack::all()));
        assert_eq!((numbers(&lines(&logs.path())), sink.counts().torn()), (vec![0, 1, 3], 1), "cut at {cut}");
    }
}

#[test]
fn a_last_line_that_lacks_nothing_but_its_end_is_kept() {
    let logs = Logs::new();
    deliver(&Jsonl::new(logs.path()), &events(0, 2, 10)).unwrap();
    let whole = fs::read(logs.path()).unwrap();
    fs::write(logs.path(), &whole[..whole.len() - 1]).unwrap();
    let sink = Jsonl::new(logs.path());
    deliver(&sink, &events(2, 1, 10)).unwrap();
    assert_eq!((numbers(&lines(&logs.path())), sink.counts().torn()), (vec![0, 1, 2], 0));
}

#[test]
fn a_torn_line_of_many_pages_is_cut_off_too() {
    let logs = Logs::new();
    deliver(&Jsonl::new(logs.path()), &events(0, 1, 10)).unwrap();
    let mut torn = fs::read(logs.path()).unwrap();
    torn.extend_from_slice(b"{\"event\":\"");
    torn.resize(torn.len() + 300_000, b'x');
    fs::write(logs.path(), &torn).unwrap();
    deliver(&Jsonl::new(logs.path()), &events(1, 1, 10)).unwrap();
    assert_eq!(numbers(&lines(&logs.path())), [0, 1]);
}

#[test]
fn what_was_never_a_file_of_lines_is_not_cut() {
    let logs = Logs::new();
    let other = vec![b'x'; 9 * 1024 * 1024];
    fs::write(logs.path(), &other).unwrap();
    let said = reason(deliver(&Jsonl::new(logs.path()), &events(0, 1, 10)));
    assert!(said.contains("is no file of lines"), "{said}");
    assert!(fs::read(logs.path()).unwrap() == other);
}

#[test]
fn what_can_not_be_right_is_refused_at_the_start_and_named() {
    let field = |sink: Jsonl| sink.open().unwrap_err().field();
    assert_eq!((field(Jsonl::new("")), field(Jsonl::new("/")), field(Jsonl::new("a\0b"))), ("path", "path", "path"));
    assert_eq!(field(Jsonl::new("a").rotate_at_bytes(4_095)), "rotate_at_bytes");
    assert_eq!((field(Jsonl::new("a").keep(0)), field(Jsonl::new("a").keep(10_001))), ("keep", "keep"));
    let refused = Reporter::builder("s").enabled(true).sink(Jsonl::new("a").keep(0)).start().unwrap_err();
    assert!(refused.to_string().contains("between 1 and 10000"), "{refused}");
}

#[test]
fn what_is_brought_to_the_disk_first_is_delivered_as_well() {
    let logs = Logs::new();
    let sink = Jsonl::new(logs.path()).sync(true).rotate_at_bytes(4_096).keep(100);
    for i in 0..20 {
        assert_eq!(deliver(&sink, &events(i, 1, 1_000)), Ok(Ack::all()));
    }
    assert!(sink.counts().rotated() > 4);
    let mut written = numbers(&logs.all_lines());
    written.sort_unstable();
    assert_eq!(written, (0..20).collect::<Vec<_>>());
}
