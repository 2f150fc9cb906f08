//! What a rule measures, fed event by event.

use std::collections::{HashSet, VecDeque};

use lastword::EventKind;
use lastword::event::names;

use super::about::About;
use super::kind::{Kind, Metric};
use super::rules::Rule;
use super::seen::Seen;
use super::sessions::Sessions;
use super::window::{Slot, Window};
use crate::clock;
use crate::ingest::Exception;
use crate::limits::{ALERT_FINGERPRINTS_MAX, ALERT_NAMED_MAX};
use crate::query::{EventQuery, SessionSums};

/// What is measured, and what was measured by now.
#[derive(Debug)]
pub(super) enum Measure {
    /// Events, or the numbers of a field, over a window.
    Window(Window),
    /// The same, where it was counted already as the events came.
    Counted(Slot),
    /// What the store knew when it was last asked.
    Known { value: Option<f64>, among: Option<(u64, u64)>, about: Vec<About> },
    /// When such an event was last seen.
    Absent { last_us: Option<i64> },
    /// Exceptions: those that are known, the new ones of the window, and the last of these with when they came.
    Exceptions { known: HashSet<String>, new: Window, last: VecDeque<(i64, About)> },
    /// Sessions.
    Sessions(Sessions),
    /// A figure of the collector's own: what it last was, and what it rose by.
    Metric { last: Option<f64>, rises: Window },
}

impl Measure {
    pub(super) fn of(rule: &Rule) -> Self {
        match rule.value {
            Kind::Absent => Self::Absent { last_us: None },
            Kind::NewExceptions => {
                Self::Exceptions { known: HashSet::new(), new: Window::new(rule.window), last: VecDeque::new() }
            }
            Kind::Regressed => Self::Known { value: None, among: None, about: Vec::new() },
            Kind::Missing | Kind::CrashRate | Kind::SilentSessions => Self::Sessions(Sessions::new(rule.window)),
            Kind::Metric => Self::Metric { last: None, rises: Window::new(rule.window) },
            _ => Self::Window(Window::new(rule.window)),
        }
    }

    /// Returns the queries that find what a rule needs; none if it needs no events that are stored.
    pub(super) fn queries(rule: &Rule) -> Vec<EventQuery> {
        let one = match rule.value {
            Kind::Metric => return Vec::new(),
            Kind::NewExceptions => return of_exceptions(&rule.event.query()),
            _ if rule.is_known_to_the_store() => return Vec::new(),
            _ => rule.among.as_ref().map_or_else(|| rule.event.query(), |among| rule.event.query_of_both(among)),
        };
        vec![one]
    }

    pub(super) fn put(&mut self, rule: &Rule, event: &Seen<'_>) {
        match self {
            Self::Window(window) => put_window(window, rule, event),
            Self::Absent { last_us } if rule.event.passes(event) => {
                *last_us = Some(last_us.map_or(event.time_us, |last_us| last_us.max(event.time_us)));
            }
            Self::Exceptions { known, new, last } if rule.event.passes(event) => {
                let Some((Exception { fingerprint, .. }, about)) = event.exception() else { return };
                let is_new = known.len() < ALERT_FINGERPRINTS_MAX && known.insert(fingerprint);
                // What a process that died left is delivered by the next one, however late: it is new when it comes.
                if let (true, Some(slot)) = (is_new, new.slot(event.received_us)) {
                    slot.count += 1;
                    last.push_front((event.received_us, about));
                    last.truncate(ALERT_NAMED_MAX);
                }
            }
            Self::Sessions(sessions) => sessions.put(event),
            Self::Counted(_)
            | Self::Known { .. }
            | Self::Absent { .. }
            | Self::Exceptions { .. }
            | Self::Metric { .. } => {}
        }
    }

    /// Takes a figure of the collector's own into account.
    pub(super) fn sample(&mut self, metric: Metric, now_us: i64, figure: f64) {
        let Self::Metric { last, rises } = self else { return };
        if let (true, Some(before), Some(slot)) = (metric.only_rises(), *last, rises.slot(now_us)) {
            // What was counted before a restart is not known; what is counted anew begins at 0.
            slot.sum += if figure < before { figure } else { figure - before };
        }
        *last = Some(figure);
    }

    /// Returns the value at a moment; `None` where there is none.
    #[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
    pub(super) fn value(&mut self, rule: &Rule, now_us: i64, begun_us: i64) -> Option<f64> {
        match self {
            Self::Window(window) => of_window(&window.sum(now_us), rule),
            Self::Counted(slot) => of_window(slot, rule),
            Self::Known { value, .. } => *value,
            Self::Absent { last_us } => {
                // Before it was looked for nobody knows.
                Some(now_us.saturating_sub(last_us.unwrap_or(begun_us)).max(0) as f64 / 1e6)
            }
            Self::Exceptions { new, .. } => Some(new.sum(now_us).count as f64),
            Self::Sessions(sessions) => match rule.value {
                Kind::Missing => Some(sessions.missing(now_us)),
                Kind::CrashRate => sessions.crash_rate(now_us, rule.at_least),
                _ => Some(sessions.silent(now_us)),
            },
            Self::Metric { last, rises } => {
                let metric = rule.metric?;
                if metric.only_rises() { Some(rises.sum(now_us).sum) } else { *last }
            }
        }
    }

    /// Returns how many of how many there are, of a value that is a part of something.
    pub(super) fn among(&self, rule: &Rule, now_us: i64) -> Option<(u64, u64)> {
        let slot = match self {
            Self::Known { among, .. } => return *among,
            Self::Counted(slot) if rule.value == Kind::Ratio => return Some((slot.count, slot.among)),
            Self::Window(window) if rule.value == Kind::Ratio => window.sum(now_us),
            _ => return None,
        };
        Some((slot.count, slot.among))
    }

    /// Returns the exceptions that it was about when its value was last asked for, the last first.
    pub(super) fn about(&mut self, rule: &Rule, now_us: i64) -> Vec<About> {
        match self {
            Self::Known { about, .. } => about.clone(),
            Self::Exceptions { last, .. } => {
                let first_us = clock::before(now_us, rule.window);
                last.retain(|(received_us, _)| *received_us > first_us);
                last.iter().map(|(_, about)| about.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Forgets what programs said.
    pub(super) fn forget_texts(&mut self) {
        match self {
            Self::Exceptions { last, .. } => last.iter_mut().for_each(|(_, about)| *about = about.forgotten()),
            Self::Known { about, .. } => about.iter_mut().for_each(|about| *about = about.forgotten()),
            _ => {}
        }
    }

    /// Has the version looked up of exceptions of which it is not known yet, by their session.
    pub(super) fn look_up(&mut self, version: &mut dyn FnMut(&str) -> Option<String>) {
        let Self::Exceptions { last, .. } = self else { return };
        for (_, about) in last {
            if let Some(session) = about.session.take() {
                about.version = version(&session);
            }
        }
    }
}

/// Returns the value of a rule that is about sessions.
#[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
pub(super) fn of_sessions(rule: &Rule, sums: &SessionSums) -> Option<f64> {
    match rule.value {
        Kind::Missing => Some(sums.missing as f64),
        Kind::SilentSessions => Some(sums.silent as f64),
        _ => {
            let is_enough = sums.all().unsigned_abs() >= rule.at_least.max(1);
            is_enough.then(|| sums.failed() as f64 / sums.all() as f64)
        }
    }
}

/// Returns how many sessions failed, of how many, for a rule about that part.
pub(super) fn failed_of(rule: &Rule, sums: &SessionSums) -> Option<(u64, u64)> {
    (rule.value == Kind::CrashRate).then(|| (sums.failed().unsigned_abs(), sums.all().unsigned_abs()))
}

/// Returns the queries that find exceptions: those that nobody handled, and errors that the program dealt with.
fn of_exceptions(of: &EventQuery) -> Vec<EventQuery> {
    let all = [
        (EventKind::UnhandledException, None),
        (EventKind::Generic, Some(names::ERROR)),
        (EventKind::Generic, Some(names::USER_ERROR)),
    ];
    let wanted = all.into_iter().filter(|(kind, name)| {
        of.kind.is_none_or(|wanted| wanted == *kind) && (of.name.is_none() || of.name.as_deref() == *name)
    });
    wanted
        .map(|(kind, name)| EventQuery { kind: Some(kind), name: name.map(ToOwned::to_owned), ..of.clone() })
        .collect()
}

fn put_window(window: &mut Window, rule: &Rule, event: &Seen<'_>) {
    let is_among = rule.among.as_ref().is_some_and(|among| among.passes(event));
    let is_counted = rule.event.passes(event);
    if !is_among && !is_counted {
        return;
    }
    let number = rule.field.as_deref().map(|field| event.number(field));
    let Some(slot) = window.slot(event.time_us) else { return };
    slot.among += u64::from(is_among);
    match number {
        None => slot.count += u64::from(is_counted),
        Some(Some(number)) if is_counted => slot.put(number),
        Some(_) => {}
    }
}

#[allow(clippy::cast_precision_loss, reason = "a threshold is a float")]
fn of_window(slot: &Slot, rule: &Rule) -> Option<f64> {
    let count = slot.count as f64;
    match rule.value {
        Kind::Rate => Some(count / rule.window.as_secs_f64()),
        Kind::Ratio => (slot.among >= rule.at_least.max(1)).then(|| count / slot.among as f64),
        Kind::Sum => Some(slot.sum),
        Kind::Avg => (slot.count > 0).then(|| slot.sum / count),
        Kind::Max => slot.max,
        Kind::P50 => slot.percentile(0.5),
        Kind::P90 => slot.percentile(0.9),
        Kind::P95 => slot.percentile(0.95),
        Kind::P99 => slot.percentile(0.99),
        _ => Some(count),
    }
}
