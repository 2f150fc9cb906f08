//! What is reported of an error: type, message, causes, and whether it is the user's.

// What fails here fails the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use lastword::clock::Timestamp;
use lastword::event::{Body, Cause, Classifier, Encoder, EventView};
use lastword::limits::{ERROR_CHAIN_MAX, ERROR_MESSAGE_BYTES_MAX, QUEUE_RESERVE_BYTES, TRACEBACK_BYTES_MAX};
use lastword::{EventKind, Failure, IntoFailure, Severity, UserError, UserFault};
use serde_json::{Value, json};

/// An error on top of another one.
#[derive(Debug)]
struct Wrapped(Box<dyn Error + Send + Sync>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call failed")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

fn wrapped(error: impl Error + Send + Sync + 'static, times: usize) -> Wrapped {
    (1..times).fold(Wrapped(Box::new(error)), |inner, _| Wrapped(Box::new(inner)))
}

fn status(status: u16) -> UserError {
    UserError::new(format!("status {status}")).status(status)
}

fn report<E: IntoFailure<M> + ?Sized, M>(error: &E) -> Failure {
    error.failure(None)
}

/// An event as it is read back: its kind, its severity, and its data or its fields as JSON.
fn event(failure: &Failure) -> (EventKind, Severity, Value) {
    let mut encoder = Encoder::take();
    encoder.time(Timestamp::from_unix_nanos(1));
    failure.encode(&mut encoder);
    let view = EventView::read(failure.tag(Severity::Critical), encoder.finish().unwrap()).unwrap();
    let says = match view.body() {
        Body::Generic { name, data } => json!({"name": name, "data": data.get::<Value>().unwrap()}),
        Body::UnhandledException { error_type, message, traceback } => {
            json!({"type": error_type, "message": message, "traceback": traceback})
        }
        _ => unreachable!("a failure is one of the two"),
    };
    (view.kind(), view.severity(), says)
}

fn is_user<E: IntoFailure<M> + ?Sized, M>(error: &E) -> bool {
    report(error).user_fault().is_some()
}

#[test]
fn statuses_400_to_499_are_the_users_except_408_and_429() {
    for (number, expected) in
        [(399, false), (400, true), (403, true), (407, true), (408, false), (409, true), (410, true), (422, true)]
            .into_iter()
            .chain([(428, true), (429, false), (430, true), (499, true), (500, false), (503, false)])
    {
        assert_eq!(is_user(&status(number)), expected, "{number}");
        assert_eq!(is_user(&wrapped(status(number), 3)), expected, "{number}, as a source");
    }
}

#[test]
fn an_error_that_says_it_is_the_users_needs_no_status() {
    let error = UserError::new("the prompt is empty");
    let (kind, severity, says) = event(&report(&error));
    assert_eq!((kind, severity), (EventKind::Generic, Severity::Warning));
    let data = json!({"error_type": "lastword::event::user::UserError", "message": "the prompt is empty"});
    assert_eq!(says, json!({"name": "user_error", "data": data}));
}

#[test]
fn type_and_message_are_the_outer_errors_status_and_body_the_inner_ones() {
    let inner = status(409).body(json!({"error": "exists"}));
    let (_, _, says) = event(&report(&wrapped(inner, 2)));
    assert_eq!(
        says["data"],
        json!({
            "error_type": "capture_failures::Wrapped",
            "message": "the call failed",
            "status_code": 409,
            "body": {"error": "exists"},
        })
    );
}

#[test]
fn an_empty_message_and_an_empty_body_are_left_out() {
    let (_, _, says) = event(&report(&UserError::new("").status(400).body(Value::Null)));
    assert_eq!(says["data"], json!({"error_type": "lastword::event::user::UserError", "status_code": 400}));
}

#[test]
fn a_user_error_is_found_as_deep_as_the_chain_is_looked_at_and_no_deeper() {
    assert!(is_user(&wrapped(status(400), ERROR_CHAIN_MAX)));
    assert!(!is_user(&wrapped(status(400), ERROR_CHAIN_MAX + 1)));
    assert!(!is_user(&wrapped(status(500), ERROR_CHAIN_MAX)));
}

#[test]
fn a_retryable_status_on_top_does_not_hide_the_users_error_below() {
    #[derive(Debug)]
    struct Timeout(UserError);
    impl fmt::Display for Timeout {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("408")
        }
    }
    impl Error for Timeout {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    let classify = |error: &(dyn Error + 'static)| error.is::<Timeout>().then(|| UserFault::new().status(408));
    let failure = Timeout(status(422)).failure(Some(&classify));
    assert_eq!(failure.user_fault(), Some(&UserFault::new().status(422)));
}

#[test]
fn a_chain_that_is_a_cycle_ends() {
    #[derive(Debug)]
    struct Cycle;
    static CYCLE: Cycle = Cycle;
    impl fmt::Display for Cycle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }
    impl Error for Cycle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&CYCLE)
        }
    }
    let failure = report(&Cycle);
    assert!(failure.user_fault().is_none());
    assert_eq!(failure.traceback().matches("caused by: Cycle: again").count(), ERROR_CHAIN_MAX);
}

#[test]
fn the_classifier_sees_every_error_of_the_chain_and_its_body_is_reported() {
    let classify = |error: &(dyn Error + 'static)| {
        let wrong = error.is::<std::num::ParseIntError>();
        wrong.then(|| UserFault::new().status(422).body(json!(["not a number"])))
    };
    let parse = "x".parse::<i32>().unwrap_err();
    let (_, _, says) = event(&wrapped(parse, 2).failure(Some(&classify)));
    assert_eq!(says["data"]["status_code"], 422);
    assert_eq!(says["data"]["body"], json!(["not a number"]));
    assert!(wrapped(fmt::Error, 2).failure(Some(&classify)).user_fault().is_none());
}

#[test]
fn a_classifier_that_panics_costs_nothing_but_its_answer() {
    let classify = |_: &(dyn Error + 'static)| -> Option<UserFault> { panic!("classifier") };
    let failure = status(400).failure(Some(&classify as &Classifier));
    assert_eq!(failure.user_fault(), Some(&UserFault::new().status(400)));
}

#[test]
fn every_kind_of_error_can_be_reported_with_the_best_type_that_is_known() {
    let io = || std::io::Error::other("disk");
    let parse = || "x".parse::<i32>().unwrap_err();
    let (plain, shared): (Box<dyn Error>, Arc<dyn Error + Send + Sync>) = (parse().into(), Arc::new(io()));
    let sendable: Box<dyn Error + Send + Sync> = parse().into();
    let local: Arc<dyn Error> = Arc::new(io());
    let by_reference: &(dyn Error + 'static) = &io();
    let text: Box<dyn Error> = "text".into();
    let inner: Box<dyn Error> = Box::new(Inner::NotFound);
    #[derive(Debug)]
    enum Inner {
        NotFound,
    }
    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("nothing there")
        }
    }
    impl Error for Inner {}

    let said = |failure: Failure| (failure.error_type().to_owned(), failure.message().to_owned());
    let is = |kind: &str, message: &str| (kind.to_owned(), message.to_owned());
    let (int, disk) = ("core::num::error::ParseIntError", "std::io::error::Error");
    assert_eq!(said(report(&io())), is(disk, "disk"));
    assert_eq!(said(report(&Box::new(io()))), is(disk, "disk"));
    assert_eq!(said(report(&Arc::new(io()))), is(disk, "disk"));
    assert_eq!(said(report(&plain)), is(int, "invalid digit found in string"));
    assert_eq!(said(report(&sendable)), is(int, "invalid digit found in string"));
    assert_eq!(said(report(&*plain)), is(int, "invalid digit found in string"));
    assert_eq!(said(report(&shared)), is(disk, "disk"));
    assert_eq!(said(report(&local)), is(disk, "disk"));
    assert_eq!(said(report(by_reference)), is(disk, "disk"));
    assert_eq!(said(report(&text)), is("dyn Error", "text"));
    assert_eq!(said(report(&inner)), is("NotFound", "nothing there"));
    assert_eq!(said(report(&anyhow::Error::new(io()))), is(disk, "disk"));
    assert_eq!(said(report(&anyhow::anyhow!("odd"))), is("anyhow::Error", "odd"));
    assert_eq!(said(report(&anyhow::Error::new(io()).context("while saving"))), is("anyhow::Error", "while saving"));
    assert_eq!(said(report("text")), is("str", "text"));
    assert_eq!(said(report(&"text")), is("str", "text"));
    assert_eq!(said(report(&String::from("text"))), is("alloc::string::String", "text"));
}

#[test]
fn a_users_error_is_found_behind_any_pointer() {
    assert!(is_user(&Arc::new(status(404))));
    assert!(is_user(&Box::new(status(404))));
    assert!(is_user::<Box<dyn Error>, _>(&status(404).into()));
    assert!(is_user::<Arc<dyn Error + Send + Sync>, _>(&(Arc::new(status(404)) as _)));
    assert!(is_user::<Arc<dyn Error>, _>(&(Arc::new(status(404)) as _)));
    assert!(is_user(&anyhow::Error::new(status(404)).context("one").context("two")));
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(status(404));
    assert!(is_user(&wrapped(shared, 2)));
}

#[test]
fn the_traceback_has_the_place_and_every_cause_with_its_type() {
    let failure = report(&wrapped(std::io::Error::other("connection reset"), 2));
    assert!(failure.traceback().starts_with(&format!("at {}:", file!())));
    let causes: Vec<_> = failure.traceback().lines().skip(1).collect();
    assert_eq!(causes, ["caused by: Wrapped: the call failed", "caused by: std::io::error::Error: connection reset"]);
}

#[test]
fn the_place_is_the_callers_where_callers_are_tracked() {
    #[track_caller]
    fn tracked<E: IntoFailure<M> + ?Sized, M>(error: &E) -> Failure {
        error.failure(None)
    }
    let (failure, line) = (tracked("text"), line!());
    assert!(failure.traceback().starts_with(&format!("at {}:{line}:", file!())), "{}", failure.traceback());
}

#[test]
fn the_backtrace_that_an_error_shows_is_kept() {
    struct Holder(Box<dyn Error + Send + Sync>);
    impl fmt::Debug for Holder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text\n\nCaused by:\n    why\n\nStack backtrace:\n   0: main\n")
        }
    }
    impl std::ops::Deref for Holder {
        type Target = dyn Error + Send + Sync;
        fn deref(&self) -> &Self::Target {
            &*self.0
        }
    }
    impl std::ops::DerefMut for Holder {
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut *self.0
        }
    }
    let failure = report(&Holder("text".into()));
    assert!(failure.traceback().ends_with("\n\nbacktrace:\n   0: main\n"), "{}", failure.traceback());
}

#[test]
fn a_display_that_panics_or_fails_is_named_and_hides_nothing() {
    struct Broken(bool);
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of it")?;
            assert!(!self.0, "display");
            Err(fmt::Error)
        }
    }
    impl fmt::Debug for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("debug")
        }
    }
    impl Error for Broken {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            panic!("source")
        }
    }
    let failure = report(&Broken(true));
    assert_eq!(
        failure.error_type(),
        "capture_failures::a_display_that_panics_or_fails_is_named_and_hides_nothing::Broken"
    );
    assert_eq!(failure.message(), "<its Display panicked>");
    assert_eq!(report(&Broken(false)).message(), "<its Display failed>");
    let boxed: Box<dyn Error> = Box::new(Broken(true));
    assert_eq!((report(&boxed).error_type(), report(&boxed).message()), ("dyn Error", "<its Display panicked>"));
    let (_, _, says) = event(&report(&boxed));
    assert_eq!(says["message"], "<its Display panicked>");
    assert_eq!(Failure::of(&Cause::debug(&Broken(true)), None).message(), "<its Debug panicked>");
}

#[test]
fn panics_are_told_by_their_payload() {
    let of = |payload: Box<dyn std::any::Any + Send>| {
        let failure = Failure::of(&Cause::panic(&*payload), None);
        (failure.error_type().to_owned(), failure.message().to_owned())
    };
    assert_eq!(of(Box::new("text")), ("panic".into(), "text".into()));
    assert_eq!(of(Box::new(String::from("owned"))), ("panic".into(), "owned".into()));
    assert_eq!(of(Box::new(7_u8)), ("panic".into(), "<panic payload of unknown type>".into()));
}

#[test]
fn what_is_too_long_is_cut_and_fits_the_room_for_the_end() {
    let long = "ö".repeat(100_000);
    let many = wrapped(UserError::new(&*long).status(500), 1);
    let failure = report(&many);
    assert!(failure.traceback().len() <= TRACEBACK_BYTES_MAX && failure.traceback().ends_with(" bytes more)"));
    let failure = report(&UserError::new(&*long).status(500));
    assert!(failure.message().len() <= ERROR_MESSAGE_BYTES_MAX && failure.message().ends_with("… (183656 bytes more)"));

    let failure = report(&UserError::new(&*long).status(400).body(json!({ "detail": &*long })));
    let (_, _, says) = event(&failure);
    assert!(says.to_string().len() < QUEUE_RESERVE_BYTES / 2);
    assert!(says["data"]["body"].as_str().unwrap().starts_with("{\"detail\":\"ö"));

    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let (_, _, says) = event(&report(&status(400).body(deep)));
    assert_eq!(says["data"]["body"], "<nested too deep>");
}

#[test]
fn a_report_can_wait_on_any_thread() {
    fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<Failure>();
}
