//! Rules, what they measure, and how each stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::about::About;
use super::kind::Metric;
use super::measure::Measure;
use super::rules::{Rule, Rules};
use super::seen::Seen;
use super::window::Slot;
use crate::query::Moment;

/// How a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It does not hold.
    #[default]
    Ok,
    /// It holds, but not yet for as long as it must.
    Pending,
    /// It holds, and those who are to be told were told.
    Firing,
    /// It held and does no more: told once, and then it is [`State::Ok`].
    Resolved,
}

impl State {
    /// Returns its name, as it is told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A rule began to fire, or ceased to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// The rule.
    pub alert: String,
    /// [`State::Firing`] or [`State::Resolved`].
    pub state: State,
    /// When that was.
    pub at: Moment,
    /// Since when it held.
    pub since: Moment,
    /// The value; `None` where there is none any more.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: f64,
    /// How bad that is.
    pub severity: String,
    /// What else the rule says of itself.
    pub labels: BTreeMap<String, String>,
    /// What people are told.
    pub summary: String,
    /// The exceptions that it is about, the last that came first; none of a rule that is about something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<About>,
    /// Where the pages show what was counted: a path, or a URL where the rules say how the pages are reached.
    pub page: String,
}

/// Rules, and what they have measured. See the [module](super).
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
    watches: Vec<Watch>,
    /// When it was first asked: of what was before, an absence tells nothing.
    begun_us: Option<i64>,
}

#[derive(Debug)]
struct Watch {
    measure: Measure,
    standing: Standing,
    /// The exceptions that it was about when it was last evaluated.
    about: Vec<About>,
}

/// How a rule stands, since when, and with which value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Standing {
    pub(super) state: State,
    pub(super) since_us: i64,
    pub(super) value: Option<f64>,
    /// Of a part of something: how many of how many, also where that is too little for a value.
    pub(super) among: Option<(u64, u64)>,
}

impl Engine {
    /// Begins with rules of which nothing was measured yet.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        let watch = |rule| Watch { measure: Measure::of(rule), standing: Standing::default(), about: Vec::new() };
        let watches = rules.alerts.iter().map(watch).collect();
        Self { rules, watches, begun_us: None }
    }

    /// Takes an event into account, for every rule.
    pub fn feed(&mut self, event: &Seen<'_>) {
        (0..self.watches.len()).for_each(|place| self.feed_one(place, event));
    }

    /// Takes an event into account, for the rule of this place.
    pub(super) fn feed_one(&mut self, place: usize, event: &Seen<'_>) {
        if let (Some(watch), Some(rule)) = (self.watches.get_mut(place), self.rules.alerts.get(place)) {
            watch.measure.put(rule, event);
        }
    }

    /// Says how many events of the window of the rule of this place there are, and of a ratio of how many.
    pub(super) fn count(&mut self, place: usize, count: u64, among: u64) {
        if let Some(watch) = self.watches.get_mut(place) {
            watch.measure = Measure::Counted(Slot::of(count, among));
        }
    }

    /// Says what the value of the rule of this place is, of how many, and which exceptions it is about.
    pub(super) fn say(&mut self, place: usize, value: Option<f64>, among: Option<(u64, u64)>, about: Vec<About>) {
        if let Some(watch) = self.watches.get_mut(place) {
            watch.measure = Measure::Known { value, among, about };
        }
    }

    /// Has the versions looked up of exceptions of which they are not known yet, by their session.
    pub(super) fn look_up(&mut self, mut version: impl FnMut(&str) -> Option<String>) {
        self.watches.iter_mut().for_each(|watch| watch.measure.look_up(&mut version));
    }

    /// Forgets what programs said: events were removed, and nobody knows here which.
    pub(super) fn forget_texts(&mut self) {
        for Watch { measure, about, .. } in &mut self.watches {
            measure.forget_texts();
            about.iter_mut().for_each(|about| *about = about.forgotten());
        }
    }

    /// Says which exceptions were there before.
    pub(super) fn know(&mut self, fingerprints: &[String]) {
        for watch in &mut self.watches {
            if let Measure::Exceptions { known, .. } = &mut watch.measure {
                known.extend(fingerprints.iter().cloned());
            }
        }
    }

    /// Takes a figure of the collector's own into account.
    pub(super) fn sample(&mut self, metric: Metric, now_us: i64, figure: f64) {
        for (watch, rule) in self.watches.iter_mut().zip(&self.rules.alerts) {
            if rule.metric == Some(metric) {
                watch.measure.sample(metric, now_us, figure);
            }
        }
    }

    /// Returns how each rule stands and the exceptions that it is about, in the order of the rules.
    pub(super) fn standings(&self) -> impl Iterator<Item = (&Rule, Standing, &[About])> {
        let watches = self.rules.alerts.iter().zip(&self.watches);
        watches.map(|(rule, watch)| (rule, watch.standing, watch.about.as_slice()))
    }

    /// Puts a rule back where it stood.
    pub(super) fn restore(&mut self, name: &str, standing: Standing) {
        let place = self.rules.alerts.iter().position(|rule| rule.name == name);
        if let Some(watch) = place.and_then(|place| self.watches.get_mut(place)) {
            watch.standing = standing;
        }
    }

    /// Evaluates every rule at a moment, and returns those that began or ceased to fire.
    pub fn evaluate(&mut self, now: Moment) -> Vec<Transition> {
        self.evaluate_but(now, |_| false)
    }

    /// Likewise, but for the rules of some places, which stand as they stood: what they need could not be read.
    pub(super) fn evaluate_but(&mut self, now: Moment, is_left_out: impl Fn(usize) -> bool) -> Vec<Transition> {
        let now_us = now.0;
        let begun_us = *self.begun_us.get_or_insert(now_us);
        let mut transitions = Vec::new();
        let rules = self.watches.iter_mut().zip(&self.rules.alerts).enumerate();
        for (_, (watch, rule)) in rules.filter(|(place, _)| !is_left_out(*place)) {
            let value = watch.measure.value(rule, now_us, begun_us);
            let url = self.rules.url.as_deref();
            watch.about = watch.measure.about(rule, now_us).iter().map(|about| about.under(url)).collect();
            let (threshold, is_above) = rule.threshold();
            let holds = value.is_some_and(|value| if is_above { value > threshold } else { value < threshold });
            let before = watch.standing;
            let since_us = if before.state == State::Ok { now_us } else { before.since_us };
            let held_us = u64::try_from(now_us.saturating_sub(since_us)).unwrap_or(0);
            let has_held = u128::from(held_us) >= rule.hold.as_micros();
            let state = match (holds, before.state) {
                (true, State::Firing) => State::Firing,
                (true, _) if has_held => State::Firing,
                (true, _) => State::Pending,
                (false, _) => State::Ok,
            };
            let since_us = match state {
                // One that never held is so since it was first evaluated.
                State::Ok if before.state == State::Ok && before.since_us != 0 => before.since_us,
                State::Ok => now_us,
                _ => since_us,
            };
            watch.standing = Standing { state, since_us, value, among: watch.measure.among(rule, now_us) };
            let told = match (before.state, state) {
                (State::Firing, State::Ok) => State::Resolved,
                (State::Firing, _) => continue,
                (_, State::Firing) => State::Firing,
                _ => continue,
            };
            let since = Moment(if told == State::Resolved { before.since_us } else { since_us });
            let page = url.unwrap_or_default().trim_end_matches('/').to_owned() + &rule.link().link();
            transitions.push(Transition {
                alert: rule.name.clone(),
                state: told,
                at: now,
                since,
                value,
                threshold,
                severity: rule.severity.clone(),
                labels: rule.labels.clone(),
                summary: rule.summarise(value.unwrap_or(0.0), &watch.about),
                exceptions: watch.about.clone(),
                page,
            });
        }
        transitions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Exception;

    const SECOND: i64 = 1_000_000;
    const BEGIN: i64 = 1_795_166_434 * SECOND;

    fn engine(rules: &str) -> Engine {
        Engine::new(Arc::new(Rules::parse(rules).unwrap()))
    }

    /// Feeds an event of a second.
    fn feed(engine: &mut Engine, second: i64, session: &str, index: i64, rest: &str) {
        let time = crate::clock::format(BEGIN + second * SECOND);
        let line = format!(
            r#"{{"event_id":"i","timestamp":"{time}","event_session_index":{index},"session_id":"{session}",{rest}}}"#
        );
        engine.feed(&Seen::from_line(&line).unwrap());
    }

    fn named(name: &str, severity: &str, data: &str) -> String {
        format!(r#""event":"GENERIC_EVENT","event_name":"{name}","severity":"{severity}","event_data":{data}"#)
    }

    /// Returns what changes at a second, and the values told.
    fn at(engine: &mut Engine, second: i64) -> Vec<(State, Option<f64>)> {
        let transitions = engine.evaluate(Moment(BEGIN + second * SECOND));
        transitions.into_iter().map(|told| (told.state, told.value)).collect()
    }

    #[test]
    fn a_rule_is_pending_for_as_long_as_it_must_hold_then_fires_once_and_is_resolved_once() {
        let mut engine =
            engine("[[alert]]\nname='r'\nvalue='count'\nevent={name='n'}\nwindow='60s'\nabove=1\nfor='20s'");
        for second in 0..3 {
            feed(&mut engine, second, "s", second, &named("n", "INFO", "{}"));
        }
        assert_eq!(at(&mut engine, 10), []);
        assert_eq!(engine.standings().next().unwrap().1.state, State::Pending);
        assert_eq!(at(&mut engine, 29), []);
        assert_eq!(at(&mut engine, 30), [(State::Firing, Some(3.0))]);
        assert_eq!(at(&mut engine, 40), []);
        assert_eq!(at(&mut engine, 90), [(State::Resolved, Some(0.0))]);
        assert_eq!(at(&mut engine, 100), []);
        assert_eq!(
            engine.standings().next().unwrap().1.since_us,
            BEGIN + 90 * SECOND,
            "so it is since it was resolved"
        );
    }

    #[test]
    fn a_ratio_of_nothing_holds_no_threshold_and_one_of_few_waits_for_more() {
        let rules = "[[alert]]\nname='r'\nvalue='ratio'\nevent={name='n',severity='error'}\namong={name='n'}\nwindow='60s'\nabove=0.4\nat_least=4";
        let mut engine = engine(rules);
        assert_eq!(at(&mut engine, 1), []);
        for (second, severity) in ["ERROR", "INFO", "ERROR"].into_iter().enumerate() {
            feed(&mut engine, i64::try_from(second).unwrap(), "s", 0, &named("n", severity, "{}"));
        }
        assert_eq!(at(&mut engine, 4), [], "3 are too few");
        assert_eq!(engine.standings().next().unwrap().1.among, Some((2, 3)));
        feed(&mut engine, 4, "s", 0, &named("n", "INFO", "{}"));
        assert_eq!(at(&mut engine, 5), [(State::Firing, Some(0.5))]);
        assert_eq!(at(&mut engine, 90), [(State::Resolved, None)]);
    }

    #[test]
    fn a_field_is_summed_and_spread_and_filtered() {
        let rules = "[[alert]]\nname='sum'\nvalue='sum'\nfield='usage.cost'\nevent={name='llm'}\nwindow='60s'\nabove=5
            [[alert]]\nname='p95'\nvalue='p95'\nfield='duration_ms'\nevent={name='llm',where={model='m-1'}}\nwindow='60s'\nabove=900";
        let mut engine = engine(rules);
        for number in 1..=100 {
            let data = format!(r#"{{"usage":{{"cost":0.1}},"duration_ms":{},"model":"m-1"}}"#, number * 10);
            feed(&mut engine, 1, "s", number, &named("llm", "INFO", &data));
        }
        feed(&mut engine, 1, "s", 101, &named("llm", "INFO", r#"{"duration_ms":99999,"model":"m-2"}"#));
        let told = at(&mut engine, 2);
        assert_eq!(told.len(), 2);
        assert!((told[0].1.unwrap() - 10.0).abs() < 1e-6);
        assert!((931.0..=970.0).contains(&told[1].1.unwrap()), "{told:?}");
    }

    #[test]
    fn silence_fires_when_it_has_lasted_and_is_resolved_by_the_next_event() {
        let mut engine = engine("[[alert]]\nname='r'\nvalue='absent'\nevent={name='beat'}\nwindow='60s'");
        assert_eq!(at(&mut engine, 0), []);
        assert_eq!(at(&mut engine, 61), [(State::Firing, Some(61.0))], "never seen since it is looked for");
        feed(&mut engine, 62, "s", 0, &named("beat", "INFO", "{}"));
        assert_eq!(at(&mut engine, 63), [(State::Resolved, Some(1.0))]);
        assert_eq!(at(&mut engine, 122), []);
        assert_eq!(at(&mut engine, 123), [(State::Firing, Some(61.0))]);
    }

    #[test]
    fn an_exception_is_new_once() {
        let mut engine = engine("[[alert]]\nname='r'\nvalue='new_exceptions'\nwindow='60s'\nabove=0");
        let exception = |kind: &str, message: &str| {
            format!(
                r#""event":"UNHANDLED_EXCEPTION","severity":"ERROR","error_type":"{kind}","error_message":"{message}""#
            )
        };
        engine.know(&[Exception::of("Old", "no answer after 5 s").fingerprint]);
        feed(&mut engine, 1, "s", 0, &exception("Old", "no answer after 30 s"));
        assert_eq!(at(&mut engine, 2), []);
        feed(&mut engine, 3, "s", 1, &exception("New", "id 1"));
        feed(&mut engine, 3, "s", 2, &exception("New", "id 2"));
        assert_eq!(at(&mut engine, 4), [(State::Firing, Some(1.0))]);
        assert_eq!(at(&mut engine, 100), [(State::Resolved, Some(0.0))]);
        feed(&mut engine, 101, "s", 3, &exception("New", "id 3"));
        assert_eq!(at(&mut engine, 102), []);
    }

    #[test]
    fn an_error_that_was_dealt_with_is_an_exception_too_unless_the_rule_wants_others() {
        let rules = "[[alert]]\nname='all'\nvalue='new_exceptions'\nwindow='60s'\nabove=0
            [[alert]]\nname='unhandled'\nvalue='new_exceptions'\nevent={kind='unhandled_exception'}\nwindow='60s'\nabove=0";
        let mut engine = engine(rules);
        let error = |message: &str| {
            named("error", "ERROR", &format!(r#"{{"error.type":"Declined","error.message":"{message}"}}"#))
        };
        feed(&mut engine, 1, "s", 0, &error("card 1"));
        feed(&mut engine, 1, "s", 1, &error("card 2"));
        feed(&mut engine, 1, "s", 2, &named("user_error", "ERROR", r#"{"error_type":"NoSuchFile","message":"x"}"#));
        feed(&mut engine, 1, "s", 3, &named("log", "ERROR", r#"{"error_type":"NoSuchFile","message":"y"}"#));
        assert_eq!(at(&mut engine, 2), [(State::Firing, Some(2.0))]);
    }

    #[test]
    fn gaps_crashes_and_silence_of_sessions_are_told() {
        let rules = "[[alert]]\nname='m'\nvalue='missing'\nwindow='1h'\nabove=1
            [[alert]]\nname='c'\nvalue='crash_rate'\nwindow='1h'\nabove=0.3\nat_least=2
            [[alert]]\nname='s'\nvalue='silent_sessions'\nwindow='1h'\nabove=0";
        let mut engine = engine(rules);
        feed(&mut engine, 0, "a", 0, &named("n", "INFO", "{}"));
        feed(&mut engine, 1, "a", 4, &named("session.recovered", "INFO", "{}"));
        feed(&mut engine, 1, "b", 0, &named("n", "INFO", "{}"));
        assert_eq!(at(&mut engine, 2), [(State::Firing, Some(3.0)), (State::Firing, Some(0.5))]);
        assert_eq!(at(&mut engine, 400), [(State::Firing, Some(1.0))], "b is silent");
        for index in 1..4 {
            feed(&mut engine, 400, "a", index, &named("n", "INFO", "{}"));
        }
        feed(&mut engine, 400, "b", 1, r#""event":"SESSION_END","severity":"INFO""#);
        assert_eq!(at(&mut engine, 401), [(State::Resolved, Some(0.0)), (State::Resolved, Some(0.0))]);
    }

    #[test]
    fn a_counter_of_the_collector_counts_by_what_it_rises_and_a_figure_as_it_is() {
        let rules = "[[alert]]\nname='f'\nvalue='metric'\nmetric='ingest_failed'\nwindow='60s'\nabove=5
            [[alert]]\nname='d'\nvalue='metric'\nmetric='disk_free_ratio'\nwindow='60s'\nbelow=0.1";
        let mut engine = engine(rules);
        for (second, failed, free) in [(0, 100.0, 0.5), (10, 104.0, 0.5), (20, 107.0, 0.05)] {
            engine.sample(Metric::IngestFailed, BEGIN + second * SECOND, failed);
            engine.sample(Metric::DiskFreeRatio, BEGIN + second * SECOND, free);
            let told = at(&mut engine, second);
            let expected = [(State::Firing, Some(7.0)), (State::Firing, Some(0.05))];
            assert_eq!(told, if second == 20 { &expected[..] } else { &[] });
        }
    }
}
