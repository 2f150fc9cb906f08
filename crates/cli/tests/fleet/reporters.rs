//! Programs that report to a fleet: the library's own reporter over HTTP, which notes what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lastword::sink::{Batch, Closing, Delivery, Policy, SettingError, Sink, Tinker};
use lastword::{Admission, Drain, Reporter, Stats};

/// The pause between two events that a program logs.
const PAUSE: Duration = Duration::from_millis(8);
/// Longer than all that is left may take to be delivered once everything works again.
pub(crate) const DELIVERY: Duration = Duration::from_secs(120);

/// How a reporter is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It keeps everything until it is delivered.
    Endless,
    /// It gives up after three attempts of two seconds, and has a small queue.
    Little,
}

/// What a reporter says in the end, and what it was told meanwhile.
pub(crate) struct Told {
    pub(crate) session: String,
    pub(crate) patience: Patience,
    pub(crate) stats: Stats,
    pub(crate) drain: Drain,
    /// Events that the program logged.
    pub(crate) logged: u64,
    /// Of those that were taken, the place in the session and the number that the program gave.
    pub(crate) taken: BTreeMap<u64, u64>,
    /// The places of those that were acknowledged.
    pub(crate) acknowledged: BTreeSet<u64>,
}

/// The library's sink, and a note of what it delivered.
struct Noting {
    sink: Tinker,
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
}

impl Sink for Noting {
    fn name(&self) -> &str {
        Sink::name(&self.sink)
    }

    fn policy(&self) -> Policy {
        Sink::policy(&self.sink)
    }

    fn open(&self) -> Result<(), SettingError> {
        self.sink.open()
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let ack = self.sink.deliver(batch).await?;
            let is_refused = |place: &usize| ack.refused().contains(place);
            let places = batch.events().enumerate().filter(|(place, _)| !is_refused(place));
            self.acknowledged.lock().unwrap().extend(places.map(|(_, event)| event.index()));
            Ok(ack)
        })
    }

    fn close(&self) -> Closing<'_> {
        self.sink.close()
    }
}

/// Logs an event every so often until it is over, then waits until all is delivered or given up.
pub(crate) fn report(session: String, port: u16, patience: Patience, is_over: &AtomicBool) -> Told {
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let (timeout, retries, queue) = match patience {
        Patience::Endless => (25, 100, 200_000),
        Patience::Little => (2, 2, 150),
    };
    let sink = Tinker::new(format!("http://127.0.0.1:{port}")).http_timeout(Duration::from_secs(timeout));
    let reporter = Reporter::builder(&session)
        .enabled(true)
        .sink(Noting { sink, acknowledged: Arc::clone(&acknowledged) })
        .max_queue_size(queue)
        .max_batch_size(50)
        .flush_interval(Duration::from_millis(50))
        .max_retries(retries)
        .retry_base_delay(Duration::from_millis(100))
        .start()
        .unwrap();
    let (mut logged, mut taken) = (0, BTreeMap::new());
    while !is_over.load(Ordering::Relaxed) {
        if let Admission::Accepted { seq } = reporter.log("work.done", serde_json::json!({ "number": logged })) {
            taken.insert(seq, logged);
        }
        logged += 1;
        std::thread::sleep(PAUSE);
    }
    reporter.blocking_wait_until_drained(DELIVERY);
    let drain = reporter.blocking_stop(DELIVERY);
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    Told { session, patience, stats: reporter.stats(), drain, logged, taken, acknowledged }
}
