//! x
use std::time::{Duration, Instant};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use lastword::sink::*;
use lastword::*;
struct Count(Arc<AtomicU64>);
impl Sink for Count {
    fn name(&self) -> &str { "count" }
    fn policy(&self) -> Policy { Policy::default() }
    fn open(&self) -> Result<(), SettingError> { Ok(()) }
    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> { self.0.fetch_add(batch.len() as u64, Ordering::Relaxed); Box::pin(async { Ok(Ack::all()) }) }
    fn close(&self) -> Closing<'_> { Box::pin(async {}) }
}
fn emit(r: &Reporter, id: u64) -> Admission {
    r.record(Severity::Info, "cache.miss", 4, |e| {
        e.field("key", &id);
        e.field("hit", &true);
        e.field("user", "00000000-0000-0000-0000-00000000000000000000-0000-0000-0000-0000000000000000000000");
        e.field("path", "/services/tinker-prod/api/v1/sample/and/some/more");
    })
}
fn main() {
    let n = Arc::new(AtomicU64::new(0));
    let r = Reporter::builder("s").enabled(true).sink(Count(n.clone())).max_queue_size(2_000_000).max_queue_bytes(1<<25).flush_threshold(1_500_000).start().unwrap();
    for _ in 0..100_000 { emit(&r, 1); }
    println!("{}", r.blocking_flush(Duration::from_secs(10)));
    for round in 0..5 {
        let t = Instant::now();
        for i in 0..100_000u64 { std::hint::black_box(emit(&r, i)); }
        let el = t.elapsed();
        println!("round {round}: {:.1} ns/event  used {}", el.as_nanos() as f64 / 1e5, r.stats().queue_bytes);
        let t = Instant::now();
        let d = r.blocking_flush(Duration::from_secs(10));
        println!("drain {:?} {d}", t.elapsed());
    }
    let d = Reporter::disabled();
    let t = Instant::now();
    for i in 0..1_000_000u64 { std::hint::black_box(emit(std::hint::black_box(&d), i)); }
    println!("disabled {:.2} ns", t.elapsed().as_nanos() as f64/1e6);
    let full = Reporter::builder("f").enabled(true).sink(Count(n.clone())).max_queue_size(1).flush_threshold(100).start().unwrap();
    let t = Instant::now();
    for i in 0..1_000_000u64 { std::hint::black_box(emit(&full, i)); }
    println!("full {:.2} ns", t.elapsed().as_nanos() as f64/1e6);
    println!("{:?}", full.stats());
    println!("{:?}", r.blocking_stop(Duration::from_secs(5)));
    println!("{:?}", r.health());
}
