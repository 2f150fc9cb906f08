//! The rules on what a collector stores, evaluated again and again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::about::About;
use super::engine::{Engine, Transition};
use super::filter::Filter;
use super::kept::{Failed, Kept, Status, Trouble, Why};
use super::kind::Metric;
use super::measure::{Measure, failed_of, of_sessions};
use super::rules::{Rule, Rules};
use super::seen::Seen;
use super::send::Sender;
use super::told::{self, Told};
use crate::clock;
use crate::limits::{ALERT_FINGERPRINTS_MAX, ALERT_HANDLED_ROWS_MAX, ALERT_NAMED_MAX, ALERT_ROWS_MAX, PAGE_ROWS_MAX};
use crate::post::Poster;
use crate::query::{EventQuery, Moment, Order, QueryError, Reader, SessionSums};

/// A rule, and how it stands.
pub(crate) struct Watched {
    pub(crate) rule: Rule,
    /// `None` until it was evaluated.
    pub(crate) status: Option<Status>,
    /// Why it can't be evaluated.
    pub(crate) trouble: Option<Trouble>,
}

/// Watches one collector.
pub(crate) struct Watcher {
    rules: Arc<Rules>,
    directory: PathBuf,
    reader: Arc<Reader>,
    kept: Mutex<Kept>,
    watching: Mutex<Option<Watching>>,
    /// What was told before, where others watch the same store: since when each alert fires, 0 where it does not.
    told_before: Mutex<Vec<(String, i64)>>,
}

/// What is measured, and how far was read.
struct Watching {
    engine: Engine,
    readings: Vec<Reading>,
}

/// Events that rules need, read once for all rules that need the same.
struct Reading {
    query: EventQuery,
    /// Whether anybody looks at more than what stands beside the events' JSON.
    needs_json: bool,
    /// The places of these rules.
    rules: Vec<usize>,
}

impl Watcher {
    pub(crate) fn new(rules: Rules, directory: &Path, reader: Arc<Reader>) -> Self {
        let rules = Arc::new(rules);
        let (kept, watching, told_before) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { rules, directory: directory.to_owned(), reader, kept, watching, told_before }
    }

    /// Evaluates the rules at their interval, and tells who is to be told, until the collector stops. Of processes that share a store each
    /// evaluates, so that each knows how the rules stand, and the one that leads tells.
    pub(crate) async fn run(
        self: Arc<Self>,
        figures: impl Fn() -> [(Metric, Option<f64>); Metric::ALL.len()] + Send,
        mut shared: Option<Told>,
        poster: Option<Arc<dyn Poster>>,
        mut stopping: watch::Receiver<bool>,
    ) {
        if self.rules.alerts.is_empty() {
            return;
        }
        let sender = Sender::new(poster);
        let mut ticks = interval(self.rules.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_begun = false;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            if let Some(shared) = shared.as_ref().filter(|_| !is_begun) {
                match shared.all(self.rules.alerts.iter().map(|rule| rule.name.clone())).await {
                    Ok(told) => *self.told_before.lock().unwrap_or_else(PoisonError::into_inner) = told,
                    Err(error) => {
                        self.all_failed(&Why::from(&error));
                        continue;
                    }
                }
                is_begun = true;
            }
            let (watcher, figures) = (Arc::clone(&self), figures());
            let looking = tokio::task::spawn_blocking(move || watcher.look(&figures));
            match (looking.await, &mut shared) {
                (Ok(transitions), None) => transitions.iter().for_each(|transition| self.tell(&sender, transition)),
                (Ok(transitions), Some(shared)) => {
                    shared.settle(transitions, |transition| self.tell(&sender, transition)).await;
                }
                (Err(_), _) => self.all_failed(&Why::from("the evaluation died, which is a fault of this program")),
            }
        }
    }

    /// Returns how all rules stand and what was told of late.
    pub(crate) fn told(&self) -> Value {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "alerts": kept.statuses(), "history": kept.history })
    }

    /// Returns each rule with how it stands, if it was evaluated yet, and why it can't be; and what was told of late, the newest first.
    pub(crate) fn standing(&self) -> (Vec<Watched>, Vec<Value>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |rule: &Rule| Watched {
            rule: rule.clone(),
            status: kept.statuses.iter().find(|status| status.name == rule.name).cloned(),
            trouble: kept.troubles.get(&rule.name).cloned(),
        };
        (self.rules.alerts.iter().map(of).collect(), kept.history.iter().cloned().collect())
    }

    fn tell(&self, sender: &Sender, transition: &Transition) {
        let rule = self.rules.alerts.iter().find(|rule| rule.name == transition.alert);
        for receiver in rule.into_iter().flat_map(|rule| rule.receivers(&self.rules.receivers)) {
            sender.send(receiver, transition);
        }
    }

    /// Returns how each rule stands: whether it fires, and whether it can't be evaluated.
    pub(crate) fn standings(&self) -> Vec<(&str, (bool, bool))> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.rules.alerts.iter().map(|rule| (rule.name.as_str(), kept.standing(&rule.name))).collect()
    }

    /// Forgets what programs said of exceptions, because events were removed: which of them were not is said again as they come. It may wait.
    pub(crate) fn forget_texts(&self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Watching { engine, .. }) = &mut *watching else { return };
        engine.forget_texts();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).show(engine);
    }

    /// Returns the rules that can't be evaluated, and since when; null if there is none.
    pub(crate) fn failed(&self) -> Value {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).failed()
    }

    /// Reads what is new and evaluates the rules once. One whose data can't be read stands as it stood, and says so.
    fn look(&self, figures: &[(Metric, Option<f64>)]) -> Vec<Transition> {
        let now = Moment(clock::now_us());
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_none() {
            *watching = self.begin(now);
        }
        let Some(Watching { engine, readings }) = &mut *watching else { return Vec::new() };
        for (metric, figure) in figures {
            figure.iter().for_each(|figure| engine.sample(*metric, now.0, *figure));
        }
        let mut failed = Failed::new();
        for (place, rule) in self.rules.alerts.iter().enumerate().filter(|(_, rule)| rule.is_counted()) {
            match self.count(rule, now) {
                Ok((count, among)) => engine.count(place, count, among),
                Err(error) => drop(failed.insert(place, Why::from(&error))),
            }
        }
        self.ask_the_store(engine, &mut failed, now);
        for reading in readings {
            if let Err(error) = reading.go_on(&self.reader, engine) {
                failed.extend(reading.rules.iter().map(|place| (*place, Why::from(&error))));
            }
        }
        // A session that is not known has no version; one that can't be read is told without.
        engine.look_up(|session| self.reader.session(session).ok().flatten()?.session.sdk_version);
        let transitions = engine.evaluate_but(now, |place| failed.contains_key(&place));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.fail(&self.rules, &failed, now);
        let changed = kept.update(engine, &transitions);
        if changed && let Err(error) = kept.write(&self.directory) {
            tracing::warn!(%error, "how alerts stand can't be written; it is forgotten if the collector ends now");
        }
        transitions
    }

    /// Answers the rules whose answers the store has, those of the same window together.
    fn ask_the_store(&self, engine: &mut Engine, failed: &mut Failed, now: Moment) {
        let mut asked: Vec<(Duration, Result<SessionSums, QueryError>)> = Vec::new();
        for (place, rule) in self.rules.alerts.iter().enumerate().filter(|(_, rule)| rule.is_known_to_the_store()) {
            let since = Moment(clock::before(now.0, rule.window));
            if !rule.value.is_of_sessions() {
                match self.reader.regressed(since, ALERT_NAMED_MAX) {
                    #[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
                    Ok((count, last)) => {
                        engine.say(place, Some(count as f64), None, last.iter().map(About::of_regressed).collect());
                    }
                    Err(error) => drop(failed.insert(place, Why::from(&error))),
                }
                continue;
            }
            let known = asked.iter().position(|(window, _)| *window == rule.window).unwrap_or_else(|| {
                asked.push((rule.window, self.reader.sessions_of_late(since)));
                asked.len() - 1
            });
            match &asked[known].1 {
                Ok(sums) => engine.say(place, of_sessions(rule, sums), failed_of(rule, sums), Vec::new()),
                Err(error) => drop(failed.insert(place, Why::from(error))),
            }
        }
    }

    /// Returns how many events of a rule there are in the window that ends now, and of how many.
    fn count(&self, rule: &Rule, now: Moment) -> Result<(u64, u64), QueryError> {
        let since = Moment(clock::before(now.0, rule.window));
        let count = |filter: &Filter| self.reader.counted(&filter.query(), since, now);
        let among = rule.among.as_ref().map(count).transpose()?;
        Ok((count(&rule.event)?, among.unwrap_or(0)))
    }

    /// Begins where the window of each rule does, and where the last run left it; `None` if that can't be read.
    fn begin(&self, now: Moment) -> Option<Watching> {
        let mut engine = Engine::new(Arc::clone(&self.rules));
        let left = Kept::read(&self.directory, &mut engine);
        told::restore(&mut engine, &self.told_before.lock().unwrap_or_else(PoisonError::into_inner));
        let readings = self.readings(&mut engine, now);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_over(left, &engine);
        match readings {
            Ok(readings) => Some(Watching { engine, readings }),
            Err(error) => {
                drop(kept);
                self.all_failed(&Why::from(&error));
                None
            }
        }
    }

    fn all_failed(&self, why: &Why) {
        let all = (0..self.rules.alerts.len()).map(|place| (place, why.clone())).collect();
        let now = Moment(clock::now_us());
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).fail(&self.rules, &all, now);
    }

    /// Decides what is read for which rules, and tells those of exceptions which ones are not new.
    fn readings(&self, engine: &mut Engine, now: Moment) -> Result<Vec<Reading>, QueryError> {
        let mut readings: Vec<Reading> = Vec::new();
        for (place, rule) in self.rules.alerts.iter().enumerate().filter(|(_, rule)| !rule.is_counted()) {
            let queries = Measure::queries(rule);
            if queries.is_empty() {
                continue;
            }
            let row = self.reader.row_before(Moment(clock::before(now.0, rule.window)))?;
            if rule.asks_for_new_exceptions() {
                engine.know(&self.reader.fingerprints_until(row, ALERT_FINGERPRINTS_MAX)?);
                engine.know(&self.handled_until(row, &queries)?);
            }
            for query in queries {
                Reading::add(&mut readings, query, rule.needs_json(), place, row);
            }
        }
        Ok(readings)
    }

    /// Returns the fingerprints of errors up to a row that programs dealt with: the last ones, for most of them are in no group.
    fn handled_until(&self, row: i64, queries: &[EventQuery]) -> Result<Vec<String>, QueryError> {
        let mut fingerprints = Vec::new();
        for query in queries.iter().filter(|query| query.name.is_some()) {
            let after = Some(row.saturating_add(1).to_string());
            let mut query = EventQuery { order: Order::NewestFirst, limit: PAGE_ROWS_MAX, after, ..query.clone() };
            let mut rows = 0;
            while rows < ALERT_HANDLED_ROWS_MAX {
                let page = self.reader.events(&query)?;
                rows += page.items.len();
                let exceptions = page.items.iter().filter_map(|event| Seen::from_stored(event).exception());
                fingerprints.extend(exceptions.map(|(exception, _)| exception.fingerprint));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
        fingerprints.sort_unstable();
        fingerprints.dedup();
        Ok(fingerprints)
    }
}

impl Reading {
    /// Has events read for the rule of a place, from behind a row on: together with those who need the same.
    fn add(readings: &mut Vec<Self>, query: EventQuery, needs_json: bool, place: usize, row: i64) {
        let query = EventQuery { order: Order::OldestFirst, limit: PAGE_ROWS_MAX, ..query };
        let same = readings.iter_mut().find(|reading| {
            reading.needs_json == needs_json && EventQuery { after: None, ..reading.query.clone() } == query
        });
        match same {
            Some(reading) => {
                let first = reading.query.after.as_deref().and_then(|row| row.parse().ok()).unwrap_or(row).min(row);
                reading.query.after = Some(first.to_string());
                reading.rules.push(place);
            }
            None => {
                let query = EventQuery { after: Some(row.to_string()), ..query };
                readings.push(Self { query, needs_json, rules: vec![place] });
            }
        }
    }

    /// Gives the rules what is behind the place that was come to: all of it, or the next [`ALERT_ROWS_MAX`] events.
    fn go_on(&mut self, reader: &Reader, engine: &mut Engine) -> Result<(), QueryError> {
        let mut rows = 0;
        while rows < ALERT_ROWS_MAX {
            let page = if self.needs_json { reader.events(&self.query)? } else { reader.heads(&self.query)? };
            rows += page.items.len();
            for event in &page.items {
                let seen = Seen::from_stored(event);
                self.rules.iter().for_each(|place| engine.feed_one(*place, &seen));
            }
            self.query.after = page.resume.or(self.query.after.take());
            if page.next.is_none() {
                break;
            }
        }
        Ok(())
    }
}
