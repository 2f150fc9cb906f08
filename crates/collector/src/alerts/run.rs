//! The rules on what a collector stores, evaluated again and again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::engine::{Engine, Transition};
use super::kept::Kept;
use super::measure::Measure;
use super::rules::{Metric, Rules};
use super::seen::Seen;
use super::send::{Sender, Webhook};
use crate::clock;
use crate::limits::{ALERT_FINGERPRINTS_MAX, ALERT_ROWS_MAX, PAGE_ROWS_MAX};
use crate::query::{EventQuery, Moment, Order, QueryError, Reader};

/// Watches one collector.
pub(crate) struct Watcher {
    rules: Arc<Rules>,
    directory: PathBuf,
    reader: Arc<Reader>,
    kept: Mutex<Kept>,
    watching: Mutex<Option<Watching>>,
}

/// What is measured, and how far each rule has read.
struct Watching {
    engine: Engine,
    /// By rule: what it asks for next; `None` if it asks for no events.
    queries: Vec<Option<EventQuery>>,
}

impl Watcher {
    pub(crate) fn new(rules: Rules, directory: &Path, reader: Arc<Reader>) -> Self {
        let rules = Arc::new(rules);
        Self { rules, directory: directory.to_owned(), reader, kept: Mutex::default(), watching: Mutex::default() }
    }

    /// Evaluates the rules at their interval, and tells who is to be told, until the collector stops.
    pub(crate) async fn run(
        self: Arc<Self>,
        figures: impl Fn() -> [(Metric, Option<f64>); Metric::ALL.len()] + Send,
        webhook: Option<Arc<dyn Webhook>>,
        mut stopping: watch::Receiver<bool>,
    ) {
        if self.rules.alerts.is_empty() {
            return;
        }
        let sender = Sender::new(webhook);
        let mut ticks = interval(self.rules.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            let (watcher, figures) = (Arc::clone(&self), figures());
            let told = tokio::task::spawn_blocking(move || watcher.look(&figures)).await;
            match told {
                Ok(Ok(transitions)) => self.tell(&sender, &transitions),
                Ok(Err(error)) => tracing::error!(%error, "alerts can't be evaluated"),
                Err(_) => tracing::error!("alerts could not be evaluated"),
            }
        }
    }

    /// Returns how all rules stand and what was told of late.
    pub(crate) fn told(&self) -> Value {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "alerts": kept.statuses, "history": kept.history })
    }

    fn tell(&self, sender: &Sender, transitions: &[Transition]) {
        for transition in transitions {
            let Some(rule) = self.rules.alerts.iter().find(|rule| rule.name == transition.alert) else { continue };
            rule.receivers(&self.rules.receivers).for_each(|receiver| sender.send(receiver, transition));
        }
    }

    /// Reads what is new and evaluates the rules once.
    fn look(&self, figures: &[(Metric, Option<f64>)]) -> Result<Vec<Transition>, QueryError> {
        let now = Moment(clock::now_us());
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_none() {
            *watching = Some(self.begin(now)?);
        }
        let Some(Watching { engine, queries }) = &mut *watching else { return Ok(Vec::new()) };
        for (metric, figure) in figures {
            figure.iter().for_each(|figure| engine.sample(*metric, now.0, *figure));
        }
        for (place, query) in queries.iter_mut().enumerate() {
            if let Some(query) = query {
                read(&self.reader, query, |event| engine.feed_one(place, event))?;
            }
        }
        let transitions = engine.evaluate(now);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = kept.update(engine, &transitions);
        if changed && let Err(error) = kept.write(&self.directory) {
            tracing::warn!(%error, "how alerts stand can't be written; it is forgotten if the collector ends now");
        }
        Ok(transitions)
    }

    /// Begins where the window of each rule does, and where the last run left it.
    fn begin(&self, now: Moment) -> Result<Watching, QueryError> {
        let mut engine = Engine::new(Arc::clone(&self.rules));
        let kept = Kept::read(&self.directory, &mut engine);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        let mut queries = Vec::new();
        for rule in &self.rules.alerts {
            let Some(query) = Measure::query(rule) else {
                queries.push(None);
                continue;
            };
            let row = self.reader.row_before(Moment(clock::before(now.0, rule.window)))?;
            if rule.asks_for_new_exceptions() {
                engine.know(&self.reader.fingerprints_until(row, ALERT_FINGERPRINTS_MAX)?);
            }
            let after = Some(row.to_string());
            queries.push(Some(EventQuery { after, order: Order::OldestFirst, limit: PAGE_ROWS_MAX, ..query }));
        }
        Ok(Watching { engine, queries })
    }
}

/// Hands on what is behind a query's place, and moves the place: all of it, or the next [`ALERT_ROWS_MAX`] events.
fn read(reader: &Reader, query: &mut EventQuery, mut each: impl FnMut(&Seen<'_>)) -> Result<(), QueryError> {
    let mut rows = 0;
    while rows < ALERT_ROWS_MAX {
        let page = reader.events(query)?;
        rows += page.items.len();
        page.items.iter().for_each(|event| each(&Seen::from_stored(event)));
        query.after = page.resume.or(query.after.take());
        if page.next.is_none() {
            break;
        }
    }
    Ok(())
}
