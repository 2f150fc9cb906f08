//! Sessions of late: what is missing of them, how they ended.

use std::collections::HashMap;
use std::time::Duration;

use lastword::{EventKind, Severity};

use super::seen::Seen;
use crate::limits::{ALERT_SESSIONS_MAX, SILENT_AFTER};

/// Sessions that were heard of within a window, at most [`ALERT_SESSIONS_MAX`]: beyond, those that were heard of longest ago are
/// forgotten.
#[derive(Debug)]
pub(super) struct Sessions {
    window_us: i64,
    by_id: HashMap<Box<str>, Session>,
}

#[derive(Debug, Default)]
struct Session {
    last_us: i64,
    /// The smallest and the largest number that arrived since it is known here, and how many did.
    numbers: Option<(i64, i64, i64)>,
    is_critical: bool,
    has_ended: bool,
    has_crashed: bool,
}

impl Sessions {
    pub(super) fn new(window: Duration) -> Self {
        Self { window_us: micros(window), by_id: HashMap::new() }
    }

    pub(super) fn put(&mut self, event: &Seen<'_>) {
        if !self.by_id.contains_key(&*event.session_id) {
            self.make_room();
            self.by_id.insert((*event.session_id).into(), Session::default());
        }
        let Some(session) = self.by_id.get_mut(&*event.session_id) else { return };
        session.last_us = session.last_us.max(event.time_us);
        if let Some(index) = event.index {
            let (first, last, count) = session.numbers.unwrap_or((index, index, 0));
            session.numbers = Some((first.min(index), last.max(index), count + 1));
        }
        match event.kind {
            EventKind::SessionEnd => session.has_ended = true,
            EventKind::UnhandledException => session.is_critical |= event.severity == Severity::Critical,
            _ => session.has_crashed |= event.name.as_deref() == Some("session.recovered"),
        }
    }

    /// Forgets those that were heard of longest ago, a quarter of all, so that it is not done for each new one.
    fn make_room(&mut self) {
        if self.by_id.len() < ALERT_SESSIONS_MAX {
            return;
        }
        let mut times: Vec<i64> = self.by_id.values().map(|session| session.last_us).collect();
        let (_, &mut oldest, _) = times.select_nth_unstable(ALERT_SESSIONS_MAX / 4);
        self.by_id.retain(|_, session| session.last_us > oldest);
    }

    /// Forgets those that were not heard of within the window that ends at a moment.
    fn prune(&mut self, now_us: i64) {
        let first = now_us.saturating_sub(self.window_us);
        self.by_id.retain(|_, session| session.last_us > first);
    }

    /// Returns how many events are missing, by their numbers.
    #[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
    pub(super) fn missing(&mut self, now_us: i64) -> f64 {
        self.prune(now_us);
        let numbers = self.by_id.values().filter_map(|session| session.numbers);
        numbers
            .map(|(first, last, count)| last.saturating_sub(first) + 1 - count)
            .map(|missing| missing.max(0))
            .sum::<i64>() as f64
    }

    /// Returns which part crashed or ended by a fatal error; `None` where there are fewer than so many.
    #[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
    pub(super) fn crash_rate(&mut self, now_us: i64, at_least: u64) -> Option<f64> {
        self.prune(now_us);
        let all = self.by_id.len() as u64;
        let bad = |session: &&Session| session.has_crashed || (session.has_ended && session.is_critical);
        let crashed = self.by_id.values().filter(bad).count();
        (all >= at_least.max(1)).then(|| crashed as f64 / all as f64)
    }

    /// Returns how many say nothing any more and have not ended.
    #[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
    pub(super) fn silent(&mut self, now_us: i64) -> f64 {
        self.prune(now_us);
        let silent_us = now_us.saturating_sub(micros(SILENT_AFTER));
        let is_silent = |session: &&Session| !session.has_ended && !session.has_crashed && session.last_us < silent_us;
        self.by_id.values().filter(is_silent).count() as f64
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
