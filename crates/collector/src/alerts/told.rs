//! What was told of each alert, where processes share a store: it is kept there, so that whoever leads goes on from what the one before told.
//!
//! Each process evaluates, and the one that leads tells. What the others see they keep until they know that it was told: when the one
//! that led is gone, nothing of what began while nobody led is lost, and nothing is told again.

use std::collections::BTreeMap;

use super::engine::{Engine, Standing, State, Transition};
use crate::store::{Queue, WriteError};

/// How keys begin by which it is kept since when an alert fires of which that was told, in microseconds; 0 where it does not.
const KEY: &str = "alert.";

/// What was told, by all.
pub(crate) struct Told {
    queue: Queue,
    /// By alert, what this process saw last and does not know to be told.
    untold: BTreeMap<String, Transition>,
    /// By alert, what this process told and the store does not have yet.
    unkept: BTreeMap<String, i64>,
}

impl Told {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, untold: BTreeMap::new(), unkept: BTreeMap::new() }
    }

    /// Returns since when each of these alerts fires, as far as that was told.
    ///
    /// # Errors
    ///
    /// The store can't be asked.
    pub(super) async fn all(&self, alerts: impl Iterator<Item = String>) -> Result<Vec<(String, i64)>, WriteError> {
        let mut all = Vec::new();
        for alert in alerts {
            let since_us = self.since(&alert).await?;
            all.push((alert, since_us));
        }
        Ok(all)
    }

    /// Has told what nobody told yet, if this process leads. Where the store can't say whether somebody did it is told: twice is better than
    /// never.
    pub(super) async fn settle(&mut self, transitions: Vec<Transition>, tell: impl Fn(&Transition)) {
        self.untold.extend(transitions.into_iter().map(|transition| (transition.alert.clone(), transition)));
        if !self.queue.leads() {
            return;
        }
        for (alert, transition) in std::mem::take(&mut self.untold) {
            let fires = transition.state == State::Firing;
            if self.since(&alert).await.is_ok_and(|since_us| (since_us > 0) == fires) {
                continue;
            }
            tell(&transition);
            self.unkept.insert(alert, if fires { transition.at.0 } else { 0 });
        }
        for (alert, since_us) in std::mem::take(&mut self.unkept) {
            let key = key(&alert);
            if let Err(error) = self.queue.edit(move |engine| engine.keep_cursor(&key, since_us)).await {
                tracing::warn!(%error, alert, "it can't be kept that an alert was told; it is tried again");
                self.unkept.insert(alert, since_us);
            }
        }
    }

    async fn since(&self, alert: &str) -> Result<i64, WriteError> {
        if let Some(since_us) = self.unkept.get(alert) {
            return Ok(*since_us);
        }
        let key = key(alert);
        self.queue.edit(move |engine| engine.begin_cursor(&key, 0)).await
    }
}

/// Puts rules where they stand by what was told: what this process knew of it may be old.
pub(super) fn restore(engine: &mut Engine, told: &[(String, i64)]) {
    let fired: Vec<String> = engine
        .standings()
        .filter(|(_, standing, _)| standing.state == State::Firing)
        .map(|(rule, ..)| rule.name.clone())
        .collect();
    for (alert, since_us) in told {
        if *since_us > 0 {
            engine.restore(alert, Standing { state: State::Firing, since_us: *since_us, ..Standing::default() });
        } else if fired.contains(alert) {
            engine.restore(alert, Standing::default());
        }
    }
}

fn key(alert: &str) -> String {
    format!("{KEY}{alert}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::rules::Rules;
    use super::*;

    #[test]
    fn a_rule_stands_as_it_was_told_whatever_a_process_knew_of_it() {
        let rule = |name| format!("[[alert]]\nname = '{name}'\nvalue = 'count'\nwindow = '1m'\nabove = 0\n");
        let rules = Rules::parse(&["told", "over", "new"].map(rule).concat()).unwrap();
        let mut engine = Engine::new(Arc::new(rules));
        let known = Standing { state: State::Firing, since_us: 7, ..Standing::default() };
        engine.restore("over", known);
        engine.restore("new", Standing { state: State::Pending, ..known });
        restore(&mut engine, &[("told".to_owned(), 5), ("over".to_owned(), 0), ("new".to_owned(), 0)]);
        let stand: Vec<_> = engine.standings().map(|(_, standing, _)| (standing.state, standing.since_us)).collect();
        assert_eq!(stand, [(State::Firing, 5), (State::Ok, 0), (State::Pending, 7)]);
    }
}
