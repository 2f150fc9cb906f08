//! The way of events to one target: read behind its cursor, sent, the cursor moved.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::format;
use super::request::{self, Fate, Verdict};
use super::syslog;
use super::target::{Target, To};
use crate::clock;
use crate::limits::{
    FORWARD_BATCH_BYTES, FORWARD_KEEP_INTERVAL, FORWARD_STEP_BYTES, FORWARD_STEP_ROWS, FORWARD_TELL_INTERVAL,
    STREAM_PAUSE,
};
use crate::post::Poster;
use crate::query::{Event, EventQuery, Order, Page, QueryError, Reader};
use crate::stats::{Counter, Gauge};
use crate::store::{Queue, WriteError};

/// What is counted of one target.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) name: String,
    /// Events that it has taken.
    pub(crate) sent: Counter,
    /// Events that it refused for ever.
    pub(crate) dropped: Counter,
    /// Attempts that failed and are made again.
    pub(crate) failed: Counter,
    /// The row that it has come to.
    pub(crate) row: Gauge,
    /// When an attempt last failed or an event was refused, in microseconds; 0 if that never was.
    pub(crate) failed_at_us: Gauge,
    /// 1 while it does not take what it is sent: it fails, or refused the last event for ever.
    pub(crate) broken: Gauge,
}

impl Counts {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn note_failure(&self) {
        self.failed_at_us.set(u64::try_from(clock::now_us()).unwrap_or(0));
    }

    /// Returns how many rows are stored that it has not come to.
    pub(crate) fn lag(&self, newest: i64) -> u64 {
        u64::try_from(newest).unwrap_or(0).saturating_sub(self.row.get())
    }
}

/// Sends on to one target.
pub(crate) struct Forwarder {
    target: Target,
    counts: Arc<Counts>,
    reader: Arc<Reader>,
    queue: Queue,
    poster: Option<Arc<dyn Poster>>,
    /// The newest row when it was made, behind which a new target begins.
    there: i64,
    /// The last row that is settled.
    row: i64,
    /// Rows behind it that are settled already, while others of their batch are not.
    ahead: BTreeSet<i64>,
    /// The row that is written down.
    kept: i64,
    kept_at: Instant,
    /// Attempts that failed one after the other.
    attempts: u32,
    told_at: Option<Instant>,
    /// When it was last told that events were refused: of those nothing else is told, so no other complaint hides them.
    told_refused_at: Option<Instant>,
}

impl Forwarder {
    pub(crate) fn new(
        target: Target,
        counts: Arc<Counts>,
        reader: Arc<Reader>,
        queue: Queue,
        poster: Option<Arc<dyn Poster>>,
    ) -> Self {
        let there = *queue.newest().borrow();
        let kept_at = Instant::now();
        Self {
            target,
            counts,
            reader,
            queue,
            poster,
            there,
            row: 0,
            ahead: BTreeSet::new(),
            kept: 0,
            kept_at,
            attempts: 0,
            told_at: None,
            told_refused_at: None,
        }
    }

    /// Sends on what comes until the collector stops, then writes down how far it came.
    ///
    /// # Cancel safety
    ///
    /// What was settled since it was last written down is sent again by the next run.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        // A token that is not there is told at once, and not when the first event is stored.
        if let Err(why) = self.target.token() {
            self.tell(&why);
        }
        tokio::select! {
            () = self.go_on() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        self.keep().await;
    }

    async fn go_on(&mut self) {
        let mut newest = self.queue.newest();
        let mut led = false;
        loop {
            // Of processes that share a store one sends on, and goes on where the one before it ended.
            if !self.queue.leads() {
                led = false;
                sleep(FORWARD_KEEP_INTERVAL).await;
                continue;
            }
            if !std::mem::replace(&mut led, true) {
                self.begin_again().await;
            }
            newest.borrow_and_update();
            match self.read().await {
                Ok(page) => {
                    let is_more = page.next.is_some();
                    if !self.settle_page(page).await || is_more {
                        continue;
                    }
                }
                Err(error) => {
                    self.tell(&format!("what is stored can't be read: {error}"));
                    sleep(self.target.rest).await;
                    continue;
                }
            }
            // Commits that follow each other closely are read together.
            sleep(STREAM_PAUSE).await;
            match timeout(FORWARD_KEEP_INTERVAL, newest.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => self.keep().await,
            }
        }
    }

    async fn begin_again(&mut self) {
        while let Err(error) = self.begin().await {
            self.tell(&format!("how far it came can't be read: {error}"));
            sleep(self.target.rest).await;
        }
    }

    /// Finds out how far an earlier run came; a new target begins behind what is there, or before it.
    async fn begin(&mut self) -> Result<(), WriteError> {
        let key = self.key();
        let first = if self.target.backlog { 0 } else { self.there };
        let row = self.queue.edit(move |engine| engine.begin_cursor(&key, first)).await?;
        (self.row, self.kept) = (row, row);
        self.counts.row.set(u64::try_from(row).unwrap_or(0));
        Ok(())
    }

    fn key(&self) -> String {
        format!("forward.{}", self.target.name)
    }

    /// Writes down how far it came, where that changed. It takes a turn of the writer, so it is not done for each batch.
    async fn keep(&mut self) {
        let (row, key) = (self.row, self.key());
        self.kept_at = Instant::now();
        if row == self.kept {
            return;
        }
        match self.queue.edit(move |engine| engine.keep_cursor(&key, row)).await {
            Ok(()) => self.kept = row,
            Err(error) => self.tell(&format!("how far it came can't be written down: {error}")),
        }
    }

    async fn read(&self) -> Result<Page<Event>, QueryError> {
        let query = EventQuery {
            after: Some(self.row.to_string()),
            severity: self.target.severity,
            limit: FORWARD_STEP_ROWS,
            order: Order::OldestFirst,
            ..EventQuery::default()
        };
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || reader.events_within(&query, FORWARD_STEP_BYTES));
        read.await.unwrap_or(Err(QueryError::TooLong))
    }

    /// Sends all events of a page that the target wants, a batch at a time. Returns whether it came to the page's end: what is left
    /// is read again, for it may have been deleted meanwhile.
    async fn settle_page(&mut self, page: Page<Event>) -> bool {
        let read_at = Instant::now();
        let is_wanted = |event: &&Event| !self.ahead.contains(&event.row) && self.target.wants(format::title(event));
        let wanted: Vec<&Event> = page.items.iter().filter(is_wanted).collect();
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_len(rest, self.target.batch));
            if !self.settle(batch).await {
                return false;
            }
            rest = later;
            if let Some(last) = batch.last() {
                self.come_to(last.row).await;
            }
            if !rest.is_empty() && read_at.elapsed() >= FORWARD_KEEP_INTERVAL {
                return false;
            }
        }
        if let Some(row) = page.resume.and_then(|row| row.parse().ok()) {
            self.come_to(row).await;
        }
        true
    }

    async fn come_to(&mut self, row: i64) {
        self.row = row;
        self.ahead.retain(|settled| *settled > row);
        self.counts.row.set(u64::try_from(row).unwrap_or(0));
        if self.kept_at.elapsed() >= FORWARD_KEEP_INTERVAL {
            self.keep().await;
        }
    }

    /// Sends a batch. Returns whether each of its events was taken or refused for ever; after a pause, where that is not so.
    async fn settle(&mut self, batch: &[&Event]) -> bool {
        let mut waiting = vec![batch.to_vec()];
        while let Some(mut part) = waiting.pop() {
            match self.deliver(&part).await {
                Verdict::Taken => self.taken(&part),
                Verdict::Refused(_) if part.len() > 1 => {
                    // One of them is bad, and takes none along.
                    waiting.push(part.split_off(part.len() / 2));
                    waiting.push(part);
                }
                Verdict::Refused(why) => part.iter().for_each(|event| self.refused(event, &why)),
                Verdict::Later(why) => {
                    self.rest(&why).await;
                    return false;
                }
                Verdict::Each(fates) => {
                    if let Some(why) = self.sort(&part, fates) {
                        self.rest(&why).await;
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Counts what each event came to, and returns why one of them is sent again, if any is.
    fn sort(&mut self, part: &[&Event], fates: Vec<Fate>) -> Option<String> {
        let (mut taken, mut again) = (Vec::new(), None);
        for (event, fate) in part.iter().zip(fates) {
            match fate {
                Fate::Taken => taken.push(*event),
                Fate::Refused(why) => self.refused(event, &why),
                Fate::Later(why) => again = Some(why),
            }
        }
        if !taken.is_empty() {
            self.taken(&taken);
        }
        again
    }

    /// Pauses after an attempt that failed: longer, after so many of them.
    async fn rest(&mut self, why: &str) {
        self.counts.failed.add(1);
        self.counts.note_failure();
        self.attempts += 1;
        if self.attempts < self.target.attempts {
            sleep(self.target.pause).await;
            return;
        }
        self.attempts = 0;
        self.counts.broken.set(1);
        self.tell(why);
        self.keep().await;
        sleep(self.target.rest).await;
    }

    async fn deliver(&self, events: &[&Event]) -> Verdict {
        if self.target.to == To::Syslog {
            return match syslog::send(&self.target, events).await {
                Ok(()) => Verdict::Taken,
                Err(error) => Verdict::Later(error.to_string()),
            };
        }
        let limit = self.target.timeout;
        let attempt = async {
            let Some(poster) = &self.poster else {
                return Verdict::Later("this collector can't post to a URL".to_owned());
            };
            let token = match self.target.token() {
                Ok(token) => token,
                Err(why) => return Verdict::Later(why),
            };
            match poster.post(request::post(&self.target, token.as_deref(), events)).await {
                Ok(answer) => request::verdict(self.target.to, &answer, events.len()),
                Err(error) => Verdict::Later(error.to_string()),
            }
        };
        let late = |_| Verdict::Later(format!("it took longer than {limit:?}"));
        timeout(limit, attempt).await.unwrap_or_else(late)
    }

    fn taken(&mut self, events: &[&Event]) {
        self.counts.broken.set(0);
        self.counts.sent.add(events.len());
        self.ahead.extend(events.iter().map(|event| event.row));
        self.attempts = 0;
        if self.told_at.take().is_some() {
            tracing::warn!(target_name = self.target.name, "events are forwarded again");
        }
    }

    fn refused(&mut self, event: &Event, why: &str) {
        // It may be the setting that is wrong, and not the event: that is seen until one is taken.
        self.counts.broken.set(1);
        self.counts.dropped.add(1);
        self.counts.note_failure();
        self.ahead.insert(event.row);
        self.attempts = 0;
        if may_tell(&mut self.told_refused_at) {
            let (target_name, dropped) = (&self.target.name, self.counts.dropped.get());
            tracing::error!(target_name, dropped, why, "the target refused an event for ever: it is not sent again");
        }
    }

    fn tell(&mut self, why: &str) {
        if may_tell(&mut self.told_at) {
            let lag = self.counts.lag(*self.queue.newest().borrow());
            tracing::warn!(target_name = self.target.name, lag, why, "events are not forwarded; it is tried again");
        }
    }
}

/// Whether it is long enough that this was told: a target that is away for days fills no log.
fn may_tell(told_at: &mut Option<Instant>) -> bool {
    let may = told_at.is_none_or(|at| at.elapsed() >= FORWARD_TELL_INTERVAL);
    if may {
        *told_at = Some(Instant::now());
    }
    may
}

/// Returns how many events are one batch: so many, or as many as have so many bytes.
fn batch_len(events: &[&Event], most: usize) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(most).take_while(|event| {
        bytes += event.json.len();
        bytes <= FORWARD_BATCH_BYTES
    });
    fit.count().max(1)
}
