//! Settings and moments at the edge of what is allowed: they cost what they say, and never the reporter.

use std::time::Duration;

use lastword::sink::Policy;
use lastword::testing::MemorySink;

use crate::support::{DEADLINE, assert_books, log, ms, quick, within};

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
