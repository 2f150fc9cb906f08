//! Flush, stop and fatal return in time from wherever they are called, whatever the sink does.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink};
use lastword::testing::{Fault, FaultySink};
use lastword::{Drain, Reporter};

use crate::support::{DEADLINE, current_thread, kinds, log, ms, quick, until, within};

/// What each call may take where the sink does not work.
const SHORT: Duration = Duration::from_millis(60);

/// Runs something with a reporter whose sink works, hangs or fails, and checks that it is in time in each case: three
/// drains, of which all are complete, or none.
fn in_each_case(run: impl Fn(Reporter, Duration) -> Vec<Drain>) {
    for fault in [Fault::None, Fault::Hang, Fault::Transient] {
        let works = fault == Fault::None;
        let sink = FaultySink::new().afterwards(fault.clone());
        let deadline = if works { DEADLINE } else { SHORT };
        let reporter = quick("s").max_retries(100).flush_timeout(deadline).sink(sink.clone()).start().unwrap();
        log(&reporter, 3);
        let drains = within(if works { ms(500) } else { SHORT * 3 }, || run(reporter, deadline));
        assert!(drains.iter().all(|drain| drain.is_drained() == works), "{fault:?}: {drains:?}");
        assert_eq!(drains.len(), 3);
        if works {
            let events = sink.taken().events();
            assert_eq!(kinds(&events)[4..], ["UNHANDLED_EXCEPTION", "SESSION_END"]);
        }
    }
}

/// All three, async.
async fn calls(reporter: Reporter, deadline: Duration) -> Vec<Drain> {
    let flushed = reporter.flush(deadline).await;
    let failed = reporter.log_fatal("the end").await;
    vec![flushed, failed, reporter.stop(deadline).await]
}

/// All three, blocking.
fn blocking_calls(reporter: &Reporter, deadline: Duration) -> Vec<Drain> {
    let flushed = reporter.blocking_flush(deadline);
    let failed = reporter.blocking_log_fatal("the end");
    vec![flushed, failed, reporter.blocking_stop(deadline)]
}

fn one_worker() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs a future with nothing but the standard library.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park_timeout(DEADLINE);
    }
}

#[test]
fn a_program_without_a_runtime_is_answered_in_time() {
    in_each_case(|reporter, deadline| blocking_calls(&reporter, deadline));
}

#[test]
fn a_current_thread_runtime_is_answered_in_time() {
    in_each_case(|reporter, deadline| current_thread().block_on(calls(reporter, deadline)));
}

#[test]
fn a_blocking_call_on_the_only_thread_of_a_runtime_is_answered_in_time() {
    in_each_case(|reporter, deadline| current_thread().block_on(async { blocking_calls(&reporter, deadline) }));
}

#[test]
fn a_runtime_with_one_worker_is_answered_in_time_by_await_and_by_blocking_its_worker() {
    in_each_case(|reporter, deadline| {
        one_worker().block_on(async { tokio::spawn(calls(reporter, deadline)).await.unwrap() })
    });
    in_each_case(|reporter, deadline| {
        one_worker().block_on(async { tokio::spawn(async move { blocking_calls(&reporter, deadline) }).await.unwrap() })
    });
}

#[test]
fn a_runtime_without_timers_or_io_is_answered_in_time() {
    in_each_case(|reporter, deadline| {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(calls(reporter, deadline))
    });
}

#[test]
fn a_runtime_whose_time_is_paused_is_answered_in_real_time() {
    in_each_case(|reporter, deadline| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(calls(reporter, deadline))
    });
}

#[test]
fn an_executor_of_somebody_elses_is_answered_in_time() {
    in_each_case(|reporter, deadline| block_on(calls(reporter, deadline)));
}

/// Makes the three calls when it is dropped.
struct CallsInDrop(Reporter, Duration, Arc<Mutex<Vec<Drain>>>);

impl Drop for CallsInDrop {
    fn drop(&mut self) {
        *self.2.lock().unwrap() = blocking_calls(&self.0, self.1);
    }
}

#[test]
fn a_drop_while_a_panic_unwinds_is_answered_in_time() {
    in_each_case(|reporter, deadline| {
        let drains: Arc<Mutex<Vec<Drain>>> = Arc::default();
        let calls = CallsInDrop(reporter, deadline, Arc::clone(&drains));
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _calls = calls;
            panic!("the program fails");
        }));
        assert!(unwound.is_err());
        std::mem::take(&mut *drains.lock().unwrap())
    });
}

#[test]
fn a_drop_while_a_runtime_shuts_down_is_answered_in_time() {
    for runtime in [one_worker, current_thread] {
        in_each_case(|reporter, deadline| {
            let drains: Arc<Mutex<Vec<Drain>>> = Arc::default();
            let calls = CallsInDrop(reporter, deadline, Arc::clone(&drains));
            let runtime = runtime();
            let (send, started) = tokio::sync::oneshot::channel();
            runtime.spawn(async move {
                let _calls = calls;
                let _ = send.send(());
                std::future::pending::<()>().await;
            });
            runtime.block_on(started).unwrap();
            drop(runtime);
            std::mem::take(&mut *drains.lock().unwrap())
        });
    }
}

#[test]
fn a_host_runtime_that_is_busy_or_gone_delays_no_delivery() {
    let sink = FaultySink::new();
    let reporter = current_thread().block_on(async { quick("s").sink(sink.clone()).start().unwrap() });
    log(&reporter, 3);
    assert!(reporter.blocking_flush(DEADLINE).is_drained(), "the runtime it was started in is gone");
    current_thread().block_on(async {
        let _ = reporter.log_error("it failed");
        // The only thread of the runtime does nothing but wait for what the reporter does on its own.
        until("it is delivered", || sink.taken().events().len() == 5);
    });
}

/// A sink that reports to another reporter, and asks it to flush and to stop, from the reporters' own thread.
struct CallsInSink(Reporter, Arc<Mutex<Option<Duration>>>);

impl Sink for CallsInSink {
    fn name(&self) -> &str {
        "calls"
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, _: &'a Batch) -> Delivery<'a> {
        Box::pin(async {
            let start = Instant::now();
            assert!(self.0.log("from.the.sink", ()).is_accepted());
            assert!(!self.0.blocking_flush(DEADLINE).is_drained(), "it says how things stand");
            assert!(!self.0.flush(DEADLINE).await.is_drained());
            assert!(!self.0.blocking_log_fatal("from the sink").is_drained());
            let _ = (self.0.stats(), self.0.health());
            *self.1.lock().unwrap() = Some(start.elapsed());
            Ok(Ack::all())
        })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn a_sink_that_waits_for_a_reporter_is_answered_at_once_and_stops_nobody() {
    let other_sink = FaultySink::new();
    let other = quick("other").sink(other_sink.clone()).start().unwrap();
    let took = Arc::default();
    let reporter = quick("s").sink(CallsInSink(other.clone(), Arc::clone(&took))).start().unwrap();
    log(&reporter, 1);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    let took = took.lock().unwrap().unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(other.blocking_flush(DEADLINE).is_drained());
    let events = other_sink.taken().events();
    assert_eq!(kinds(&events), ["SESSION_START", "from.the.sink", "UNHANDLED_EXCEPTION", "SESSION_END"]);
}
