//! Several sinks, several reporters: what one of them suffers, no other one does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink, SinkError};
use lastword::testing::{Fault, FaultySink, MemorySink};
use lastword::{DropReason, Reporter};

use crate::support::{DEADLINE, assert_books, assert_law, indices, log, ms, numbers, quick, until};

fn policy(set: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    set(&mut policy);
    policy
}

#[test]
fn a_dead_sink_holds_no_other_one_back() {
    for fault in [Fault::Hang, Fault::Transient, Fault::Unauthorized] {
        let (dead, live) = (FaultySink::new().name("dead").afterwards(fault.clone()), MemorySink::new());
        let reporter = quick("s").max_retries(100).sink(dead.clone()).sink(live.clone()).start().unwrap();
        let start = Instant::now();
        log(&reporter, 999);
        until("the live one has all", || live.events().len() == 1_000);
        assert!(start.elapsed() < Duration::from_secs(5), "{fault:?}: {:?}", start.elapsed());
        let drain = reporter.blocking_flush(ms(20));
        assert_eq!((drain.delivered, drain.pending), (0, 1_000), "drained means both: {drain}");
        let stats = reporter.stats();
        assert_law(&stats);
        assert_eq!((stats.sinks[0].delivered, stats.sinks[1].delivered), (0, 1_000));
    }
}

#[test]
fn the_books_of_each_sink_agree_with_what_it_has() {
    let refusing = FaultySink::new().name("refusing").afterwards(Fault::RefusedIfNamed("secret".into()));
    let (failing, live) = (FaultySink::new().name("failing").afterwards(Fault::Transient), MemorySink::new());
    let reporter = quick("s").sink(refusing.clone()).sink(failing.clone()).sink(live.clone()).start().unwrap();
    log(&reporter, 40);
    assert!(reporter.log("secret", ()).is_accepted());
    let drain = reporter.blocking_flush(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.total(), drain.pending), (0, 42, 0), "lost by one is lost: {drain}");
    let stats = reporter.stats();
    assert_law(&stats);
    assert_eq!(stats.sinks.iter().map(|sink| sink.delivered).collect::<Vec<_>>(), [41, 0, 42]);
    assert_eq!(stats.sinks[0].dropped.get(DropReason::Rejected), 1);
    assert_eq!(stats.sinks[1].dropped.get(DropReason::RetriesExhausted), 42);
    assert_eq!((refusing.taken().events().len(), live.events().len()), (41, 42));
}

#[test]
fn each_sink_has_its_own_batches_threshold_and_retries() {
    let small = FaultySink::new().name("small").policy(policy(|policy| {
        policy.max_batch_size = Some(10);
        policy.flush_threshold = Some(10);
    }));
    let eager = FaultySink::new().name("eager").policy(policy(|policy| policy.max_retries = Some(0)));
    let eager = eager.then(Fault::Transient);
    let reporter = quick("s").sink(small.clone()).sink(eager.clone()).start().unwrap();
    log(&reporter, 29);
    until("the small one has three batches", || small.taken().batches().len() == 3);
    assert_eq!(eager.attempts().len(), 0);
    let drain = reporter.blocking_flush(DEADLINE);
    assert_eq!(drain.dropped.get(DropReason::RetriesExhausted), 30, "{drain}");
    assert_eq!((small.attempts().len(), eager.attempts().len()), (3, 1));
}

#[test]
fn a_sink_that_comes_back_gets_all_that_it_missed() {
    let away = FaultySink::new().name("away").afterwards(Fault::RetryAfter(ms(300)));
    let live = MemorySink::new();
    let reporter = quick("s").sink(away.clone()).sink(live.clone()).start().unwrap();
    log(&reporter, 3_000);
    away.set(Fault::None);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(indices(&away.taken().events()), (0..3_002).collect());
    assert_books(&reporter, &live.events());
}

#[test]
fn twelve_reporters_in_one_process_do_not_disturb_one_another() {
    let faults = [Fault::Hang, Fault::Panic, Fault::Transient, Fault::Unauthorized, Fault::Rejected];
    let bad: Vec<_> = faults.map(|fault| FaultySink::new().afterwards(fault)).into();
    let good: Vec<_> = (0..7).map(|_| FaultySink::new()).collect();
    let start =
        |(place, sink): (usize, &FaultySink)| quick(&format!("session-{place}")).sink(sink.clone()).start().unwrap();
    let failing: Vec<Reporter> = bad.iter().enumerate().map(start).collect();
    let healthy: Vec<Reporter> = good.iter().enumerate().map(|(place, sink)| start((place + 5, sink))).collect();
    let logging: Vec<_> = failing
        .iter()
        .chain(&healthy)
        .cloned()
        .map(|reporter| std::thread::spawn(move || log(&reporter, 2_000)))
        .collect();
    logging.into_iter().for_each(|thread| thread.join().unwrap());
    let begun = Instant::now();
    for (place, (reporter, sink)) in healthy.iter().zip(&good).enumerate() {
        let drain = reporter.blocking_stop(DEADLINE);
        assert!(drain.is_drained() && drain.delivered == 2_002, "{place}: {drain}");
        let batches = sink.taken().batches();
        assert!(batches.iter().all(|batch| batch.session_id == format!("session-{}", place + 5)), "its own alone");
        assert_eq!(numbers(&sink.taken().events()).len(), 2_000);
        assert_books(reporter, &sink.taken().events());
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    for reporter in &failing {
        assert!(!reporter.blocking_stop(ms(20)).is_drained());
        assert_law(&reporter.stats());
    }
}

/// A sink that takes long to fail, some times, and then takes everything at once.
#[derive(Clone, Default)]
struct Slow {
    failures: Arc<AtomicUsize>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Sink for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn policy(&self) -> Policy {
        policy(|policy| policy.max_in_flight = Some(1))
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            self.sizes.lock().unwrap().push(batch.len());
            if self.failures.load(Ordering::Relaxed) > 0 {
                self.failures.fetch_sub(1, Ordering::Relaxed);
                tokio::time::sleep(lastword::limits::ATTEMPT_SLOW_FROM).await;
                return Err(SinkError::Transient { reason: "too slow".into(), retry_after: None });
            }
            Ok(Ack::all())
        })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(async {})
    }
}

#[test]
fn batches_are_smaller_while_attempts_fail_slowly_and_grow_again() {
    let sink = Slow::default();
    sink.failures.store(3, Ordering::Relaxed);
    let reporter = quick("s").max_retries(10).sink(sink.clone()).start().unwrap();
    log(&reporter, 499);
    let drain = reporter.blocking_flush(DEADLINE);
    assert!(drain.is_drained(), "{drain}");
    // Three times slow: 50, 25, 12; and twice as many after each that is taken.
    assert_eq!(sink.sizes.lock().unwrap()[..], [100, 100, 100, 100, 24, 48, 96, 100, 100, 32]);
    assert_eq!(reporter.stats().sinks[0].batch_size, 100);
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
}
