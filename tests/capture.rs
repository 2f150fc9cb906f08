//! `capture!` and `async_capture!`: what goes in comes out, and what went wrong is reported.

// What fails here fails the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lastword::testing::MemorySink;
use lastword::{Reporter, Severity, TelemetryProvider, UserError, UserFault, async_capture, capture};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(10);

fn recorder() -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("session-1").enabled(true).sink(sink.clone()).start().unwrap();
    (reporter, sink)
}

/// What was reported until now, without `SESSION_START`.
fn reported(reporter: &Reporter, sink: &MemorySink) -> Vec<Value> {
    let drain = reporter.blocking_flush(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    sink.events().into_iter().filter(|event| event["event"] != "SESSION_START").collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn fails<M: Send + 'static>(message: M) {
    panic_any(message)
}

fn caught<T>(run: impl FnOnce() -> T) -> Box<dyn Any + Send> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    }
}

#[test]
fn a_value_comes_out_and_nothing_is_reported() {
    let (reporter, sink) = recorder();
    assert_eq!(capture!(reporter, 1 + 1), 2);
    assert_eq!(capture!(reporter, number("7")), Ok(7));
    assert_eq!(capture!(reporter, fatal, Some("value")), Some("value"));
    capture!(reporter, severity: Severity::Warning, std::hint::black_box(()));
    assert_eq!(reported(&reporter, &sink), Vec::<Value>::new());
}

#[test]
fn an_error_comes_out_and_is_reported_with_its_type_message_and_place() {
    let (reporter, sink) = recorder();
    let (result, line) = (capture!(reporter, number("x")), line!());
    assert_eq!(result, number("x"));

    let events = reported(&reporter, &sink);
    assert_eq!(kinds(&events), ["UNHANDLED_EXCEPTION"]);
    assert_eq!(events[0]["severity"], "ERROR");
    assert_eq!(events[0]["error_type"], "core::num::error::ParseIntError");
    assert_eq!(events[0]["error_message"], "invalid digit found in string");
    let traceback = events[0]["traceback"].as_str().unwrap();
    assert!(traceback.starts_with(&format!("at {}:{line}:", file!())), "{traceback}");
}

#[test]
fn an_error_triggers_a_flush() {
    let (reporter, sink) = recorder();
    let _ = capture!(reporter, number("x"));
    // Nobody asked for a flush, and the interval is 10 s: only the error itself can have brought this about.
    let start = std::time::Instant::now();
    while sink.events().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(5), "the error is still waiting");
        std::thread::yield_now();
    }
}

#[test]
fn a_users_error_is_a_warning_of_its_own_name() {
    let (reporter, sink) = recorder();
    let _ = capture!(reporter, Err::<(), _>(UserError::new("no such model").status(404).body(json!({"id": 1}))));
    let events = reported(&reporter, &sink);
    assert_eq!(kinds(&events), ["GENERIC_EVENT"]);
    assert_eq!((&events[0]["event_name"], &events[0]["severity"]), (&json!("user_error"), &json!("WARNING")));
    let data = json!({
        "error_type": "lastword::event::user::UserError",
        "message": "no such model",
        "status_code": 404,
        "body": {"id": 1},
    });
    assert_eq!(events[0]["event_data"], data);
}

#[test]
fn errors_that_the_builder_classifies_are_the_users() {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("session-1")
        .enabled(true)
        .classify_errors(|error| error.is::<fmt::Error>().then(|| UserFault::new().status(400)))
        .sink(sink.clone())
        .start()
        .unwrap();
    let _ = capture!(reporter, Err::<(), _>(fmt::Error));
    let _ = capture!(reporter, number("x"));
    assert_eq!(kinds(&reported(&reporter, &sink)), ["GENERIC_EVENT", "UNHANDLED_EXCEPTION"]);
}

#[test]
fn a_fatal_error_ends_the_session_and_is_delivered_when_the_macro_returns() {
    let (reporter, sink) = recorder();
    assert!(capture!(reporter, fatal, number("x")).is_err());
    let events = sink.events();
    assert_eq!(kinds(&events), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!(events[1]["severity"], "CRITICAL");
}

#[test]
fn a_fatal_error_of_the_users_ends_the_session_too() {
    let (reporter, sink) = recorder();
    let _ = capture!(reporter, fatal, Err::<(), _>(UserError::new("bad").status(422)));
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "GENERIC_EVENT", "SESSION_END"]);
}

#[test]
fn the_severity_is_the_one_that_was_asked_for() {
    let (reporter, sink) = recorder();
    let _ = capture!(reporter, severity: Severity::Warning, number("x"));
    let _ = capture!(reporter, fatal, severity: Severity::Error, number("x"));
    let _ = capture!(reporter, severity: Severity::Info, fatal, number("x"));
    let severities: Vec<_> = reported(&reporter, &sink)
        .into_iter()
        .filter(|event| event["event"] == "UNHANDLED_EXCEPTION")
        .map(|event| event["severity"].clone())
        .collect();
    assert_eq!(severities, ["WARNING", "ERROR", "INFO"]);
}

#[test]
fn a_panic_is_reported_and_goes_on_with_its_very_payload() {
    #[derive(Debug)]
    struct Typed(Box<u8>);
    let (reporter, sink) = recorder();

    assert_eq!(caught(|| capture!(reporter, fails("literal"))).downcast_ref(), Some(&"literal"));
    let number = 7;
    let payload = caught(|| capture!(reporter, fails(format!("formatted {number}"))));
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "formatted 7");

    let typed = Typed(Box::new(1));
    let address: *const u8 = &*typed.0;
    let payload = caught(|| capture!(reporter, fails(typed)));
    assert!(std::ptr::eq(&*payload.downcast_ref::<Typed>().unwrap().0, address));

    let boxed: Box<dyn Any + Send> = Box::new([7_u8; 32]);
    let address = std::ptr::from_ref(&*boxed).cast::<u8>();
    let payload = caught(|| capture!(reporter, resume_unwind(boxed) as u8));
    assert!(std::ptr::eq(std::ptr::from_ref(&*payload).cast::<u8>(), address), "the payload was put into another box");

    let events = reported(&reporter, &sink);
    let said: Vec<_> =
        events.iter().map(|event| (event["error_type"].as_str(), event["error_message"].as_str())).collect();
    let unknown = (Some("panic"), Some("<panic payload of unknown type>"));
    assert_eq!(said, [(Some("panic"), Some("literal")), (Some("panic"), Some("formatted 7")), unknown, unknown]);
}

#[test]
fn a_fatal_panic_is_delivered_before_it_goes_on() {
    let (reporter, sink) = recorder();
    let payload = caught(|| capture!(reporter, fatal, fails("the end")));
    assert_eq!(payload.downcast_ref(), Some(&"the end"));
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
}

#[test]
fn every_kind_of_error_passes_through_and_is_reported_as_well_as_it_can_be() {
    #[derive(PartialEq)]
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("shown")
        }
    }
    #[derive(Debug)]
    struct Debugged(#[allow(dead_code)] u8);
    struct Neither;

    let (reporter, sink) = recorder();
    let io = || std::io::Error::other("disk");
    assert_eq!(capture!(reporter, Err::<u8, _>(io())).unwrap_err().to_string(), "disk");
    assert_eq!(capture!(reporter, Err::<u8, anyhow::Error>(io().into())).unwrap_err().to_string(), "disk");
    assert_eq!(capture!(reporter, Err::<u8, Box<dyn Error>>(io().into())).unwrap_err().to_string(), "disk");
    assert_eq!(capture!(reporter, Err::<u8, Box<dyn Error + Send + Sync>>("b".into())).unwrap_err().to_string(), "b");
    assert_eq!(capture!(reporter, Err::<u8, Arc<dyn Error>>(Arc::new(io()))).unwrap_err().to_string(), "disk");
    assert_eq!(capture!(reporter, Err::<u8, String>("text".into())), Err("text".into()));
    assert_eq!(capture!(reporter, Err::<u8, &str>("text")), Err("text"));
    assert!(capture!(reporter, Err::<u8, _>(Shown)) == Err(Shown));
    assert!(matches!(capture!(reporter, Err::<u8, _>(Debugged(1))), Err(Debugged(1))));
    assert!(matches!(capture!(reporter, Err::<u8, _>(Neither)), Err(Neither)));
    assert_eq!(capture!(reporter, Err::<u8, ()>(())), Err(()));

    let events = reported(&reporter, &sink);
    let messages: Vec<_> = events.iter().map(|event| event["error_message"].as_str().unwrap()).collect();
    let opaque = "<a value without Display or Debug>";
    assert_eq!(messages, ["disk", "disk", "disk", "b", "disk", "text", "text", "shown", "Debugged(1)", opaque, "()"]);
    assert!(events.iter().all(|event| event["event"] == "UNHANDLED_EXCEPTION"));
}

#[test]
fn a_display_that_panics_does_not_replace_the_error() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("display")
        }
    }
    impl Error for Broken {}
    let (reporter, sink) = recorder();
    assert_eq!(capture!(reporter, Err::<u8, _>(Broken)), Err(Broken));
    assert_eq!(reported(&reporter, &sink)[0]["error_message"], "<its Display panicked>");
}

#[test]
fn anything_that_has_a_reporter_will_do() {
    struct Client(Option<Reporter>);
    impl TelemetryProvider for Client {
        fn telemetry(&self) -> Option<&Reporter> {
            self.0.as_ref()
        }
    }
    impl Client {
        fn call(&self) -> Result<u32, std::num::ParseIntError> {
            capture!(self, number("x"))
        }
        async fn call_later(&mut self) -> Result<u32, std::num::ParseIntError> {
            async_capture!(self, async { number("x") }).await
        }
    }
    let (reporter, sink) = recorder();
    let by_reference = &reporter;
    let _ = capture!(by_reference, number("x"));
    let _ = capture!(&by_reference, number("x"));
    let _ = capture!(Some(&reporter), number("x"));
    let _ = capture!(Some(Arc::new(reporter.clone())), number("x"));
    let _ = capture!(Rc::new(reporter.clone()), number("x"));
    let _ = capture!(Box::new(reporter.clone()) as Box<dyn TelemetryProvider>, number("x"));
    let mut client = Client(Some(reporter.clone()));
    let _ = client.call();
    let _ = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(client.call_later());
    assert_eq!(reported(&reporter, &sink).len(), 8);
    assert!(Client(None).call().is_err());
}

#[test]
fn without_a_reporter_or_with_telemetry_off_only_the_expression_runs() {
    static SHOWN: AtomicUsize = AtomicUsize::new(0);
    #[derive(Debug)]
    struct Counted;
    impl fmt::Display for Counted {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            SHOWN.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }
    impl Error for Counted {}
    let off = Reporter::builder("session-1").enabled(false).start().unwrap();
    for reporter in [None, Some(off)] {
        assert_eq!(capture!(reporter, number("7")), Ok(7));
        assert!(capture!(reporter, fatal, Err::<u8, _>(Counted)).is_err());
        assert_eq!(caught(|| capture!(reporter, fails("on"))).downcast_ref(), Some(&"on"));
    }
    assert_eq!(SHOWN.load(Ordering::Relaxed), 0, "an error was formatted for nobody");
}

#[test]
fn the_reporter_is_evaluated_once_and_first() {
    let (reporter, _sink) = recorder();
    let mut order = Vec::new();
    let result = capture!(
        {
            order.push("reporter");
            &reporter
        },
        number("x")
    );
    order.push("after");
    assert!(result.is_err());
    assert_eq!(order, ["reporter", "after"]);
}

#[test]
fn the_expected_type_reaches_the_body() {
    fn sum(reporter: &Reporter) -> Result<u32, Box<dyn Error>> {
        capture!(reporter, {
            let (one, two) = (number("1")?, number("2")?);
            Ok(one + two)
        })
    }
    let (reporter, _sink) = recorder();
    assert_eq!(sum(&reporter).unwrap(), 3);
    let parsed: Result<u8, std::num::ParseIntError> = capture!(reporter, "8".parse());
    assert_eq!(parsed, Ok(8));
}

#[test]
fn the_body_may_borrow_and_may_move() {
    let (reporter, _sink) = recorder();
    let (mut count, owned) = (0, String::from("moved"));
    let back = capture!(reporter, {
        count += 1;
        owned
    });
    assert_eq!((count, &*back), (1, "moved"));
}

#[test]
fn what_never_comes_to_a_value_can_be_captured_without_saying_its_type() {
    let (reporter, sink) = recorder();
    let payload = caught(|| capture!(reporter, panic!("plain")));
    assert_eq!(payload.downcast_ref(), Some(&"plain"));
    caught(|| {
        let _number: u32 = capture!(reporter, panic!("where a number is expected"));
    });
    assert_eq!(kinds(&reported(&reporter, &sink)), ["UNHANDLED_EXCEPTION"; 2]);
}
