//! `async_capture!`: futures, tasks, and what becomes of their errors and panics.

// What fails here fails the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::time::Duration;

use lastword::testing::MemorySink;
use lastword::{Reporter, Severity, UserError, async_capture};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(10);

fn recorder() -> (Reporter, MemorySink) {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("session-1").enabled(true).sink(sink.clone()).start().unwrap();
    (reporter, sink)
}

async fn reported(reporter: &Reporter, sink: &MemorySink) -> Vec<Value> {
    let drain = reporter.flush(DEADLINE).await;
    assert!(drain.is_drained(), "{drain}");
    sink.events().into_iter().filter(|event| event["event"] != "SESSION_START").collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

async fn fails<M: Send + 'static>(message: M) {
    tokio::task::yield_now().await;
    panic_any(message)
}

async fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    text.parse()
}

#[tokio::test]
async fn a_value_comes_out_and_nothing_is_reported() {
    let (reporter, sink) = recorder();
    assert_eq!(async_capture!(reporter, number("7")).await, Ok(7));
    assert_eq!(async_capture!(reporter, fatal, std::future::ready(Some(1))).await, Some(1));
    assert_eq!(async_capture!(reporter, spawn, number("8")).await.unwrap(), Ok(8));
    assert!(reported(&reporter, &sink).await.is_empty());
}

#[tokio::test]
async fn an_error_comes_out_and_is_reported_with_the_place_of_the_macro() {
    async fn call(reporter: &Reporter) -> Result<u32, Box<dyn Error>> {
        Ok(async_capture!(reporter, number("x")).await?)
    }
    let (reporter, sink) = recorder();
    assert!(call(&reporter).await.is_err());
    let (result, line) = (async_capture!(reporter, severity: Severity::Warning, number("y")).await, line!());
    assert!(result.is_err());
    let events = reported(&reporter, &sink).await;
    assert_eq!(kinds(&events), ["UNHANDLED_EXCEPTION", "UNHANDLED_EXCEPTION"]);
    assert_eq!((&events[0]["severity"], &events[1]["severity"]), (&json!("ERROR"), &json!("WARNING")));
    let traceback = events[1]["traceback"].as_str().unwrap();
    assert!(traceback.starts_with(&format!("at {}:{line}:", file!())), "{traceback}");
}

#[tokio::test]
async fn a_users_error_is_a_warning_of_its_own_name() {
    let (reporter, sink) = recorder();
    let refused = async { Err::<(), _>(UserError::new("bad").status(400)) };
    assert!(async_capture!(reporter, refused).await.is_err());
    let events = reported(&reporter, &sink).await;
    assert_eq!((&events[0]["event_name"], &events[0]["severity"]), (&json!("user_error"), &json!("WARNING")));
}

#[tokio::test]
async fn a_fatal_error_is_delivered_before_the_future_is_ready() {
    let (reporter, sink) = recorder();
    assert!(async_capture!(reporter, fatal, number("x")).await.is_err());
    assert_eq!(kinds(&sink.events()), ["SESSION_START", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!(sink.events()[1]["severity"], "CRITICAL");
}

#[tokio::test]
async fn a_panic_goes_on_with_its_payload_from_a_future_and_from_a_task() {
    #[derive(Debug, PartialEq)]
    struct Typed(u8);
    let (reporter, sink) = recorder();
    let in_task = async_capture!(reporter, spawn, fails(Typed(1))).await.unwrap_err();
    assert_eq!(in_task.into_panic().downcast_ref(), Some(&Typed(1)));

    let task_reporter = reporter.clone();
    let awaited = tokio::spawn(async move {
        async_capture!(task_reporter, fatal, fails(String::from("after a while"))).await;
    });
    assert_eq!(awaited.await.unwrap_err().into_panic().downcast_ref::<String>().unwrap(), "after a while");
    let events = reported(&reporter, &sink).await;
    assert_eq!(kinds(&events), ["UNHANDLED_EXCEPTION", "UNHANDLED_EXCEPTION", "SESSION_END"]);
    assert_eq!(events[0]["error_message"], "<panic payload of unknown type>");
    assert_eq!(events[1]["error_message"], "after a while");
}

#[tokio::test]
async fn a_panic_while_the_future_is_made_is_reported_too() {
    fn refuses() -> std::future::Ready<()> {
        panic!("no future")
    }
    let (reporter, sink) = recorder();
    let task = async_capture!(reporter, spawn, refuses());
    assert_eq!(task.await.unwrap_err().into_panic().downcast_ref(), Some(&"no future"));
    assert_eq!(reported(&reporter, &sink).await[0]["error_message"], "no future");
}

#[tokio::test]
async fn without_a_reporter_the_future_runs_as_if_alone() {
    let none: Option<Reporter> = None;
    assert_eq!(async_capture!(none, number("7")).await, Ok(7));
    assert!(async_capture!(none, fatal, number("x")).await.is_err());
    assert!(async_capture!(none, spawn, fails("task")).await.unwrap_err().is_panic());
    assert_eq!(async_capture!(Reporter::disabled(), spawn, number("7")).await.unwrap(), Ok(7));
}

#[tokio::test]
async fn every_form_is_taken_with_spawn() {
    let (reporter, sink) = recorder();
    let _ = async_capture!(reporter, spawn, severity: Severity::Warning, number("x")).await.unwrap();
    let _ = async_capture!(reporter, spawn, fatal, severity: Severity::Error, number("x")).await.unwrap();
    let _ = async_capture!(reporter, spawn, fatal, number("x")).await.unwrap();
    let severities: Vec<_> = reported(&reporter, &sink)
        .await
        .into_iter()
        .filter(|event| event["event"] == "UNHANDLED_EXCEPTION")
        .map(|event| event["severity"].clone())
        .collect();
    assert_eq!(severities, ["WARNING", "ERROR", "CRITICAL"]);
}

#[test]
fn the_future_is_as_send_as_what_it_wraps_even_when_the_error_is_not_sync() {
    #[derive(Debug)]
    struct NotSync(Cell<u8>);
    impl std::fmt::Display for NotSync {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:?}", self.0)
        }
    }
    impl Error for NotSync {}
    fn sendable<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    let reporter = Reporter::disabled();
    let future = sendable(async_capture!(reporter, fatal, async { Err::<(), _>(NotSync(Cell::new(1))) }));
    let error = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future).unwrap_err();
    assert_eq!(error.0.get(), 1);
}

#[test]
fn a_captured_future_is_hardly_larger_than_the_one_it_wraps() {
    async fn large() -> u8 {
        let bytes = std::hint::black_box([1_u8; 4096]);
        tokio::task::yield_now().await;
        bytes[0]
    }
    let reporter = Reporter::disabled();
    let (bare, captured) = (large(), async_capture!(reporter, fatal, large()));
    assert!(size_of_val(&captured) < size_of_val(&bare) + 128, "{}", size_of_val(&captured));
}

#[tokio::test]
async fn a_future_that_is_dropped_reports_nothing() {
    let (reporter, sink) = recorder();
    drop(async_capture!(reporter, std::future::pending::<Result<(), String>>()));
    let slow = async_capture!(reporter, std::future::pending::<Result<(), String>>());
    assert!(tokio::time::timeout(Duration::ZERO, slow).await.is_err());
    assert!(reported(&reporter, &sink).await.is_empty());
}

#[test]
fn outside_of_a_runtime_a_future_is_captured_all_the_same() {
    let (reporter, sink) = recorder();
    let mut future = std::pin::pin!(async_capture!(reporter, async { Err::<(), _>("sync") }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let ready = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context))).unwrap();
    assert_eq!(ready, std::task::Poll::Ready(Err("sync")));
    reporter.blocking_flush(DEADLINE);
    assert_eq!(sink.events()[1]["error_message"], "sync");
}
