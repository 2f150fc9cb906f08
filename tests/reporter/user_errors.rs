//! Which errors are the user's, and what is said of them.

use std::error::Error;
use std::fmt;

use lastword::testing::MemorySink;
use lastword::{Severity, UserError, UserFault};
use serde_json::{Value, json};

use crate::peers::{self, Answer, Peer};
use crate::support::{DEADLINE, current_thread, quick};

/// An error with a cause.
#[derive(Debug)]
struct Outer(Box<dyn Error + Send + Sync>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call has failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// An error that is its own cause.
#[derive(Debug)]
struct Cycle;

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round and round")
    }
}

impl Error for Cycle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

/// Reports one error, and returns its event.
fn reported(error: &(impl Error + 'static)) -> Value {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    assert!(reporter.log_error_with(Severity::Critical, error).is_accepted());
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    sink.events()[1].clone()
}

fn status(status: u16) -> UserError {
    UserError::new("no such model").status(status)
}

fn wrapped(depth: usize, error: UserError) -> Outer {
    (1..depth).fold(Outer(Box::new(error)), |inner, _| Outer(Box::new(inner)))
}

#[test]
fn an_error_of_the_users_is_a_warning_with_its_status_message_and_body() {
    let event = reported(&status(400).body(json!({"model": "llama-9"})));
    assert_eq!((&event["event"], &event["event_name"]), (&json!("GENERIC_EVENT"), &json!("user_error")));
    assert_eq!(event["severity"], "WARNING", "whatever severity it was reported with");
    let data = &event["event_data"];
    assert_eq!((&data["status_code"], &data["message"]), (&json!(400), &json!("no such model")));
    assert_eq!(data["body"], json!({"model": "llama-9"}));
    assert!(data["error_type"].as_str().unwrap().ends_with("UserError"), "{data}");
}

#[test]
fn the_status_decides_whose_error_it_is() {
    for (code, is_user) in
        [(399, false), (400, true), (403, true), (407, true), (408, false), (409, true), (410, true), (422, true)]
    {
        assert_eq!(reported(&status(code))["event_name"] == "user_error", is_user, "{code}");
    }
    for (code, is_user) in [(428, true), (429, false), (430, true), (499, true), (500, false), (503, false)] {
        assert_eq!(reported(&status(code))["event_name"] == "user_error", is_user, "{code}");
    }
    assert_eq!(reported(&UserError::new("a typo"))["event_name"], "user_error", "an error that says so itself");
}

#[test]
fn type_and_message_are_of_the_outer_error_and_status_and_body_of_the_inner_one() {
    let event = reported(&wrapped(3, status(409).body("taken")));
    let data = &event["event_data"];
    assert_eq!(
        (&data["message"], &data["status_code"], &data["body"]),
        (&json!("the call has failed"), &json!(409), &json!("taken"))
    );
    assert!(data["error_type"].as_str().unwrap().ends_with("Outer"), "{data}");
}

#[test]
fn a_cause_is_found_however_deep_up_to_the_bound_and_a_cycle_ends() {
    assert_eq!(reported(&wrapped(16, status(404)))["event_name"], "user_error");
    assert_eq!(reported(&wrapped(40, status(404)))["event"], "UNHANDLED_EXCEPTION");
    assert_eq!(reported(&wrapped(5, status(500)))["event"], "UNHANDLED_EXCEPTION");
    assert_eq!(reported(&Cycle)["event"], "UNHANDLED_EXCEPTION");
}

#[test]
fn what_is_not_said_is_left_out() {
    let data = reported(&UserError::new(""))["event_data"].clone();
    assert_eq!(data.as_object().unwrap().keys().collect::<Vec<_>>(), ["error_type"]);
    let data = reported(&status(400).body(Value::Null))["event_data"].clone();
    assert!(data.get("body").is_none(), "{data}");
}

#[test]
fn an_sdk_says_itself_which_of_its_errors_are_the_users() {
    let sink = MemorySink::new();
    let classify = |error: &(dyn Error + 'static)| error.is::<std::num::ParseIntError>().then(UserFault::new);
    let reporter = quick("s").classify_errors(classify).sink(sink.clone()).start().unwrap();
    let error = "x".parse::<i32>().unwrap_err();
    let _ = reporter.log_error(&Outer(Box::new(error)));
    assert!(current_thread().block_on(reporter.log_fatal(&"1e".parse::<f32>().unwrap_err())).is_drained());
    let events = sink.events();
    assert_eq!((&events[1]["event_name"], &events[2]["event"]), (&json!("user_error"), &json!("UNHANDLED_EXCEPTION")));
}

#[test]
fn an_exception_has_its_type_message_and_causes() {
    let event = reported(&Outer(Box::new(std::io::Error::other("the disk is gone"))));
    assert_eq!((&event["severity"], &event["error_message"]), (&json!("CRITICAL"), &json!("the call has failed")));
    assert!(event["error_type"].as_str().unwrap().ends_with("Outer"));
    let traceback = event["traceback"].as_str().unwrap();
    assert!(traceback.contains("the disk is gone"), "{traceback}");
    assert!(traceback.contains("user_errors.rs"), "where it was noticed, not where the reporter is: {traceback}");
}

#[test]
fn a_real_answer_of_4xx_is_the_users_and_one_of_5xx_is_not() {
    let fetch = |status: u16| {
        let peer = Peer::with([Answer::Status(status)]);
        let client = peers::client();
        let asked =
            async { client.post(peer.url()).body("{}").send().await.and_then(reqwest::Response::error_for_status) };
        current_thread().block_on(asked).unwrap_err()
    };
    let refused = reported(&Outer(fetch(422).into()));
    assert_eq!((&refused["event_name"], &refused["event_data"]["status_code"]), (&json!("user_error"), &json!(422)));
    for status in [408, 429, 503] {
        let failed = reported(&fetch(status));
        assert_eq!(failed["event"], "UNHANDLED_EXCEPTION", "{status}");
        assert!(failed["error_message"].as_str().unwrap().contains(&status.to_string()), "{failed}");
    }
}

#[test]
fn a_fatal_error_names_the_line_that_reported_it() {
    let sink = MemorySink::new();
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    let (report, line) = (reporter.log_fatal("the end"), line!());
    assert!(current_thread().block_on(report).is_drained());
    let events = sink.events();
    let traceback = events[1]["traceback"].as_str().unwrap();
    assert!(traceback.starts_with(&format!("at {}:{line}:", file!())), "{traceback}");
}
