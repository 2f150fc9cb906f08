//! Settings and moments at the edge of what is allowed: they cost what they say, and never the reporter.

use std::time::Duration;

use lastword::DropReason;
use lastword::sink::Policy;
use lastword::testing::{Fault, FaultySink, MemorySink};

use crate::support::{DEADLINE, assert_books, assert_law, log, ms, quick, until, within};

#[test]
fn a_sink_whose_policy_asks_for_the_most_there_is_gets_its_events_when_it_is_asked_to() {
    let mut policy = Policy::default();
    policy.max_batch_size = Some(usize::MAX);
    policy.flush_threshold = Some(usize::MAX);
    policy.flush_interval = Some(Duration::MAX);
    policy.max_in_flight = Some(usize::MAX);
    policy.max_retries = Some(u32::MAX);
    let sink = MemorySink::new().policy(policy);
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    for _ in 0..3 {
        log(&reporter, 10);
        assert!(within(ms(0), || reporter.blocking_flush(DEADLINE)).is_drained());
    }
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    assert_eq!(assert_books(&reporter, &sink.events()).delivered, 32);
}

#[test]
fn to_give_up_on_a_long_queue_holds_no_other_reporter() {
    let dead = FaultySink::new().name("dead").afterwards(Fault::Unauthorized);
    let giving_up = quick("long").max_queue_size(200_000).max_queue_bytes(64 << 20).sink(dead).start().unwrap();
    log(&giving_up, 150_000);
    giving_up.blocking_stop(ms(20));
    let sink = MemorySink::new();
    let other = quick("other").sink(sink).start().unwrap();
    assert!(within(ms(500), || other.blocking_stop(DEADLINE)).is_drained());
    until("the books are closed", || giving_up.stats().dropped.get(DropReason::Stopped) == 150_002);
    assert_law(&giving_up.stats());
}
