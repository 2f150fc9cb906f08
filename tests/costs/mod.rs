//! What calls cost the thread that makes them, on a machine that has other work too.
//!
//! Time on the wall counts what other programs do in between, so of it the median alone is looked at. What a call itself
//! costs is the processor's time of its thread, and how often that thread went to sleep by itself: who is only put off the
//! processor has not waited for anybody.

use std::fs;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// What calls cost.
#[derive(Debug)]
pub(crate) struct Costs {
    /// The median on the wall.
    pub(crate) median: Duration,
    /// The processor's time that 99 of 100 calls take at the most.
    pub(crate) p99: Duration,
    /// How often the thread went to sleep, in all calls together.
    pub(crate) sleeps: u64,
    /// How many calls there were.
    calls: usize,
}

/// Makes calls and measures each.
pub(crate) fn measure(calls: usize, mut call: impl FnMut(usize)) -> Costs {
    let (mut wall, mut cpu) = (Vec::with_capacity(calls), Vec::with_capacity(calls));
    let sleeps = sleeps_so_far();
    for i in 0..calls {
        let (start, used) = (Instant::now(), ThreadTime::now());
        call(i);
        cpu.push(used.elapsed());
        wall.push(start.elapsed());
    }
    let sleeps = sleeps_so_far() - sleeps;
    wall.sort_unstable();
    cpu.sort_unstable();
    Costs { median: wall[calls / 2], p99: cpu[calls * 99 / 100], sleeps, calls }
}

impl Costs {
    /// Returns whether 99 of 100 calls neither waited nor took that long.
    pub(crate) fn is_below(&self, max: Duration) -> bool {
        self.p99 < max && self.median < max / 2 && self.sleeps * 100 <= self.calls as u64
    }
}

/// Returns how often this thread went to sleep by itself; 0 where the system does not say.
fn sleeps_so_far() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

#[test]
fn a_call_that_sleeps_or_computes_is_seen() {
    let max = Duration::from_millis(1);
    let sleeping = measure(20, |_| std::thread::sleep(Duration::from_millis(2)));
    assert!(!sleeping.is_below(max), "{sleeping:?}");
    let computing = measure(20, |_| {
        let used = ThreadTime::now();
        while used.elapsed() < max * 2 {}
    });
    assert!(!computing.is_below(max), "{computing:?}");
    assert!(measure(100, |_| ()).is_below(max));
}
