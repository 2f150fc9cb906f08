//! Which events are reported at all: those on the list, and of some a share.

use std::process::Command;

use lastword::privacy::AllowList;
use lastword::testing::MemorySink;
use lastword::{Admission, DropReason, Reporter, event};
use serde_json::{Value, json};

use crate::support::{DEADLINE, quick};

/// Names, and data, of the program's own events.
fn generic(sink: &MemorySink) -> Vec<(String, Value)> {
    let events = sink.events();
    let of = |event: &Value| (event["event_name"].as_str().unwrap_or_default().to_owned(), event["event_data"].clone());
    events.iter().filter(|event| event["event"] == "GENERIC_EVENT").map(of).collect()
}

#[test]
fn an_event_that_is_not_on_the_list_is_counted_and_nothing_of_it_is_looked_at() {
    struct Unread;
    impl serde::Serialize for Unread {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("nobody asks for this");
        }
    }
    let sink = MemorySink::new();
    let reporter = quick("s").allow(AllowList::new(["tool.*"])).sink(sink.clone()).start().unwrap();
    let refused = Admission::Dropped(DropReason::NotAllowed);
    assert_eq!(reporter.log("chat", Unread), refused);
    assert_eq!(event!(reporter, "chat", text = Unread), refused);
    assert!(event!(reporter, "tool.error", code = 13).is_accepted());
    assert!(reporter.log_error(&std::io::Error::other("an error is reported in any case")).is_accepted());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(
        generic(&sink),
        [("tool.error".to_owned(), json!({"code": 13}))],
        "and nobody is told of what was not meant"
    );
    assert_eq!(sink.events().len(), 4, "start, the event, the error, end");
    assert_eq!(reporter.stats().refused.get(DropReason::NotAllowed), 2);
}

#[test]
fn a_sampled_event_says_of_which_share_it_is_whatever_its_data_is() {
    let sink = MemorySink::new();
    let reporter = quick("s")
        .max_queue_size(20_000)
        .sample("some", 0.5)
        .sample("none", 0.0)
        .sample("all", 1.0)
        .sink(sink.clone())
        .start()
        .unwrap();
    let keys = |count: usize| (0..count).map(|key| (format!("k{key}"), json!(key))).collect::<serde_json::Map<_, _>>();
    // Headers of maps change their length at 16 and 65,536 entries.
    for count in [0, 1, 14, 15, 16, 17, 300] {
        for _ in 0..40 {
            reporter.log("some", keys(count));
        }
    }
    for key in 0..200 {
        let _ = event!(reporter, "some", key);
        let _ = event!(reporter, "none", key);
        let _ = event!(reporter, "all", key);
    }
    for _ in 0..40 {
        reporter.log("some", ());
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    let events = generic(&sink);
    let of = |name: &str| events.iter().filter(|(of, _)| of == name).map(|(_, data)| data.clone()).collect::<Vec<_>>();
    assert_eq!((of("none").len(), of("all").len()), (0, 200));
    assert!(of("all").iter().all(|data| data.get("sample_rate").is_none()));
    assert!(of("some").iter().all(|data| data["sample_rate"] == 0.5), "{:?}", of("some").first());
    for count in [1, 2, 15, 16, 17, 18, 301] {
        let found = of("some").iter().filter(|data| data.as_object().unwrap().len() == count).count();
        assert!(found > 5, "{found} with {count} fields");
    }
    let refused = reporter.stats().refused;
    assert_eq!(refused.get(DropReason::SampledOut), 200 + 520 - u64::try_from(of("some").len()).unwrap());
}

#[test]
fn a_share_that_is_none_is_an_error_that_names_it() {
    for share in [-0.1, 1.1, f64::NAN] {
        let error = quick("s").sample("cache.hit", share).sink(MemorySink::new()).start().unwrap_err().to_string();
        assert!(error.contains("`sample`") && error.contains("cache.hit"), "{error}");
    }
}

/// What this very test program reports, run as a child with that environment.
fn reported_with(variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "intake::in_a_child_names_are_said_that_are_reported", "--nocapture"]);
    child.env_remove("LASTWORD_ALLOW").env_remove("LASTWORD_ALLOW_FILE").envs(variables.iter().copied());
    let said = String::from_utf8(child.output().unwrap().stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("reported: ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn in_a_child_names_are_said_that_are_reported() {
    let names = |own: Option<AllowList>| {
        let mut builder = Reporter::builder("s").enabled(true).sink(MemorySink::new());
        if let Some(own) = own {
            builder = builder.allow(own);
        }
        let reporter = builder.start().unwrap();
        let admitted = ["query", "tool.error", "chat"].into_iter().filter(|name| reporter.log(name, ()).is_accepted());
        admitted.collect::<Vec<_>>().join(" ")
    };
    println!("\nreported: {} | {}", names(None), names(Some(AllowList::new(["query"]))));
}

#[test]
fn the_environment_adds_names_and_is_the_list_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("allowed");
    std::fs::write(&file, "# ours\nchat # yes\n").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(reported_with(&[]), "query tool.error chat | query");
    assert_eq!(reported_with(&[("LASTWORD_ALLOW", " tool.* ,")]), "tool.error | query tool.error");
    assert_eq!(reported_with(&[("LASTWORD_ALLOW_FILE", file)]), "chat | query chat");
    assert_eq!(
        reported_with(&[("LASTWORD_ALLOW", "tool.error"), ("LASTWORD_ALLOW_FILE", file)]),
        "tool.error chat | query tool.error chat"
    );
}

#[test]
fn a_file_of_names_that_cannot_be_read_allows_none() {
    let folder = tempfile::tempdir().unwrap();
    for unreadable in [folder.path().join("nowhere"), folder.path().to_owned()] {
        let unreadable = unreadable.to_str().unwrap().to_owned();
        assert_eq!(reported_with(&[("LASTWORD_ALLOW_FILE", &unreadable)]), " | query");
    }
}
