//! One round of a flush: all groups at once, until each is delivered or does not get on.

use std::path::Path;
use std::time::{Duration, Instant};

use lastword::reporter::{Flush, FlushError, Flushing, Recovered, SinkState};
use lastword::sink::{Destination, Tinker};
use tokio::time::{sleep, timeout};

use super::plan::{Group, Plan, sink_to};
use crate::commands::signals::Signals;
use crate::flags::spool::FlushArgs;
use crate::limits::{FLUSH_HTTP_TIMEOUT, FLUSH_POLL, SHUTDOWN_GRACE};
use crate::output::bar::Bar;

/// How a round ended.
#[derive(Debug)]
pub(super) struct Round {
    /// What each group delivered.
    pub(super) recovered: Vec<Recovered>,
    /// The servers that did not get on, with what each said last; an empty list of servers is all of them.
    pub(super) refused: Vec<(Vec<Destination>, String)>,
    /// Somebody wants it to end.
    pub(super) is_interrupted: bool,
    /// What was under way has come to its end: nothing of the spool is ours any more.
    pub(super) is_over: bool,
}

/// A group on its way.
struct Delivery {
    flushing: Flushing,
    servers: Vec<Destination>,
    /// Events that were settled when somebody looked last, and when that grew.
    settled: u64,
    grew: Instant,
    /// What the server said that does not take them.
    trouble: Option<String>,
    is_refused: bool,
}

/// Delivers what a plan says.
///
/// # Errors
///
/// The spool can't be used, or a server's address can't be.
pub(super) async fn round(
    plan: Plan,
    (directory, args): (&Path, &FlushArgs),
    signals: &mut Signals,
    bar: &mut Bar,
) -> Result<Round, FlushError> {
    let started: Result<Vec<Delivery>, FlushError> =
        plan.groups.into_iter().map(|group| Delivery::start(group, directory, args)).collect();
    let mut deliveries = started?;
    let is_interrupted = tokio::select! {
        () = watch(&mut deliveries, args.timeout, bar) => false,
        () = signals.next() => true,
    };
    deliveries.iter().for_each(|delivery| delivery.flushing.stop());
    if is_interrupted {
        bar.note("stopping: what is under way comes to its end; a second signal stops at once");
    }
    // What is under way may still arrive, and is then not sent again. A second wish ends even that wait.
    let is_over = tokio::select! {
        ended = timeout(SHUTDOWN_GRACE, end(&deliveries)) => ended.is_ok(),
        () = signals.next() => false,
    };
    let recovered = deliveries.iter().map(|delivery| delivery.flushing.recovered()).collect();
    let refused = deliveries.into_iter().filter(|delivery| delivery.is_refused).map(Delivery::said);
    Ok(Round { recovered, refused: refused.collect(), is_interrupted, is_over })
}

/// Watches until every delivery has come to its end; stops those that do not get on.
async fn watch(deliveries: &mut [Delivery], patience: Duration, bar: &mut Bar) {
    let before = bar.done();
    loop {
        for delivery in &mut *deliveries {
            delivery.look(patience, bar);
        }
        bar.set(before + deliveries.iter().map(|delivery| delivery.settled).sum::<u64>());
        if deliveries.iter().all(|delivery| delivery.flushing.is_done()) {
            return;
        }
        sleep(FLUSH_POLL).await;
    }
}

/// Waits until nothing is under way any more.
async fn end(deliveries: &[Delivery]) {
    while !deliveries.iter().all(|delivery| delivery.flushing.is_done()) {
        sleep(FLUSH_POLL).await;
    }
}

impl Delivery {
    fn start(group: Group, directory: &Path, args: &FlushArgs) -> Result<Self, FlushError> {
        let key = args.key();
        let patient = |sink: Tinker| sink.http_timeout(args.timeout.clamp(FLUSH_POLL, FLUSH_HTTP_TIMEOUT));
        let mut flush = Flush::new(directory).files(group.files.iter().map(|file| &file.file));
        if let Some(url) = &args.to {
            flush = flush.sink(patient(sink_to(url, key.as_ref()))).anywhere();
        }
        for (place, (server, has_key)) in group.servers.iter().enumerate() {
            let sink = sink_to(server.address(), key.as_ref().filter(|_| *has_key));
            // Several servers are told apart by their addresses, which stand in every message.
            flush = flush.sink(patient(sink).name(place.to_string()));
        }
        let servers = group.servers.into_iter().map(|(server, _)| server).collect();
        let flushing = flush.start()?;
        Ok(Self { flushing, servers, settled: 0, grew: Instant::now(), trouble: None, is_refused: false })
    }

    /// Looks how far it is, and stops it if it does not get on.
    fn look(&mut self, patience: Duration, bar: &mut Bar) {
        let Recovered { delivered, dropped, .. } = self.flushing.recovered();
        let settled = delivered + dropped.total();
        if settled > self.settled {
            (self.settled, self.grew) = (settled, Instant::now());
        }
        let trouble = self.flushing.trouble();
        // One server that does not know us will not get to know us. Beside others it must not hold them up.
        let is_held = trouble.as_ref().is_some_and(|sink| sink.state == SinkState::Held);
        let is_unknown = is_held && self.servers.len() <= 1;
        if let Some(said) = trouble.and_then(|sink| sink.last_error).filter(|_| !self.is_refused) {
            if self.trouble.is_none() && !is_unknown {
                bar.note(&format!("{said}; trying again"));
            }
            self.trouble = Some(said);
        }
        let is_stuck = self.grew.elapsed() >= patience;
        if (is_unknown || is_stuck) && !self.is_refused && !self.flushing.is_done() {
            self.is_refused = true;
            self.flushing.stop();
        }
    }

    /// Returns the servers, and what was wrong with them.
    fn said(self) -> (Vec<Destination>, String) {
        (self.servers, self.trouble.unwrap_or_else(|| "nothing was taken for as long as --timeout says".to_owned()))
    }
}
