//! Settings: names of the program's own, the cut, and none of it.

use lastword::privacy::{Privacy, ToolInput};
use lastword::testing::MemorySink;
use lastword::{Reporter, event};
use serde_json::json;

use crate::support::{reported, reported_with, sent};

#[test]
fn names_of_the_programs_own_are_hidden_wherever_they_stand() {
    let privacy = Privacy::new().key("employee_number");
    let events = reported_with(privacy, |reporter| {
        let _ = event!(reporter, "e", employee_number = 17, other = 1);
        let _ = reporter.log("e", json!({"deep": [{"Employee-Number": {"a": 1}}]}));
    });
    assert_eq!(events[0]["event_data"], json!({"employee_number": "[redacted]", "other": 1}));
    assert_eq!(events[1]["event_data"], json!({"deep": [{"Employee-Number": "[redacted]"}]}));
}

#[test]
fn what_is_hidden_by_its_name_is_not_even_asked_for_its_text() {
    struct Loud;
    impl std::fmt::Display for Loud {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("nobody may ask")
        }
    }
    let events = reported(|reporter| assert!(event!(reporter, "e", password = %Loud).is_accepted()));
    assert_eq!(events[0]["event_data"], json!({"password": "[redacted]"}));
}

#[test]
fn a_text_that_is_too_long_is_cut_at_a_character_with_a_note_of_its_length() {
    let privacy = Privacy::new().max_string_bytes(512);
    let events = reported_with(privacy, |reporter| {
        let _ = event!(reporter, "e", long = "ö".repeat(1_000), short = "ö".repeat(256));
    });
    let data = &events[0]["event_data"];
    let long = data["long"].as_str().unwrap();
    assert!(long.len() <= 512 && long.starts_with("öööö") && long.ends_with("ö… (of 2000 bytes)"), "{long}");
    assert_eq!(data["short"], "ö".repeat(256));
}

#[test]
fn a_secret_over_the_cut_is_taken_out_whole() {
    let secret = concat!("gh", "p_16C7e42F292c6912E7710c838347Ae178B4a");
    for before in 440..480 {
        let privacy = Privacy::new().max_string_bytes(512);
        let text = format!("{} {secret} {}", "a ".repeat(before / 2), "b ".repeat(300));
        let events = reported_with(privacy, |reporter| sent(event!(reporter, "e", note = text)));
        assert!(!events[0].to_string().contains(&secret[..8]), "{before}");
    }
}

#[test]
fn turned_off_everything_leaves_as_it_is() {
    let (mail, long) = ("ada@example.com", "x".repeat(100_000));
    let events = reported_with(Privacy::off(), |reporter: &Reporter| {
        let _ = event!(reporter, "e", password = mail, long = long);
        let _ = reporter.log_error(mail);
    });
    assert_eq!(events[0]["event_data"], json!({"password": mail, "long": long}));
    assert_eq!(events[1]["error_message"], mail);
}

#[test]
fn texts_that_are_not_as_they_were_are_counted() {
    let reporter = Reporter::builder("s").enabled(true).sink(MemorySink::new()).start().unwrap();
    let _ = event!(reporter, "e", plain = "nothing", mail = "ada@example.com", long = "x ".repeat(100_000));
    reporter.log("f", json!({"list": ["ada@example.com", "bob@example.com"], "n": 1}));
    assert_eq!(reporter.stats().redacted, 4);
}

#[test]
fn what_a_tool_was_given_is_null_unless_it_is_asked_for() {
    struct Unread;
    impl serde::Serialize for Unread {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("nobody asks for this");
        }
    }
    let events = reported(|reporter| {
        let _ = event!(reporter, "tool_use", tool = "bash", input = ToolInput(&Unread));
    });
    assert_eq!(events[0]["event_data"], json!({"tool": "bash", "input": null}));
    let input = json!({"password": "hunter2", "to": "ada@example.com", "text": "x".repeat(600), "list": [[1]]});
    let events = reported_with(Privacy::new().tool_input(), |reporter| {
        let _ = event!(reporter, "tool_use", input = ToolInput(&input));
    });
    let text = format!("{}… (of 600 characters)", "x".repeat(128));
    let outline = json!({"password": "[redacted]", "to": "[redacted:email]", "text": text, "list": ["[1 item]"]});
    assert_eq!(events[0]["event_data"]["input"], outline);
}
