//! The rules, as a file of TOML says them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::filter::Filter;
use super::kind::{Kind, Metric};
use super::receiver::Receiver;
use crate::clock;
use crate::limits::{
    ALERT_COUNTED_WINDOW_MIN, ALERT_EVERY, ALERT_EVERY_MIN, ALERT_RULES_MAX, ALERT_WINDOW_MAX, ALERT_WINDOW_MIN,
};

/// The rules that are in force where no others are given.
pub const DEFAULT_RULES: &str = include_str!("default.toml");

/// Rules, and who is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rules {
    /// How often they are evaluated.
    #[serde(default = "every", deserialize_with = "duration")]
    pub every: Duration,
    /// The rules.
    #[serde(default, rename = "alert")]
    pub alerts: Vec<Rule>,
    /// Who may be told.
    #[serde(default, rename = "receiver")]
    pub receivers: Vec<Receiver>,
    /// Where people reach the collector's pages: what is told links to them.
    pub url: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// What it is called; no two rules are called the same.
    pub name: String,
    /// What is measured, over the window.
    pub(super) value: Kind,
    /// Which events are measured.
    #[serde(default)]
    pub(super) event: Filter,
    /// Of a ratio: what it is a ratio of.
    pub(super) among: Option<Filter>,
    /// The field whose numbers are measured.
    pub(super) field: Option<String>,
    /// Of `metric`: which figure of the collector's own.
    pub(super) metric: Option<Metric>,
    /// Over how long it is measured.
    #[serde(deserialize_with = "duration")]
    pub(super) window: Duration,
    /// It holds above this.
    pub(super) above: Option<f64>,
    /// It holds below this.
    pub(super) below: Option<f64>,
    /// Of a ratio or a rate of crashes: of fewer than so many nothing is said.
    #[serde(default)]
    pub(super) at_least: u64,
    /// How long it must hold before it fires.
    #[serde(default, rename = "for", deserialize_with = "duration")]
    pub(super) hold: Duration,
    /// How bad that is: any word; those who are told know what it means.
    #[serde(default = "warning")]
    pub severity: String,
    /// Whatever else those who are told want to know.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What is told, with `{value}`, `{threshold}`, `{window}`, `{name}`, `{severity}` and `{exceptions}` in it.
    #[serde(default)]
    pub(super) summary: Option<String>,
    /// Who is told, by name; everybody if nobody is named.
    #[serde(default)]
    pub(super) send: Vec<String>,
}

/// The rules can't be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// They are no TOML, or not what rules are.
    #[error("{0}")]
    Unreadable(String),
    /// A rule makes no sense.
    #[error("the rule `{rule}`: {problem}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A receiver makes no sense.
    #[error("the receiver `{receiver}`: {problem}")]
    Receiver {
        /// Its name.
        receiver: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// There are too many.
    #[error("there are {0} rules: at most {ALERT_RULES_MAX} are taken")]
    TooMany(usize),
}

impl Default for Rules {
    /// No rules, nobody to be told.
    fn default() -> Self {
        Self { every: ALERT_EVERY, alerts: Vec::new(), receivers: Vec::new(), url: None }
    }
}

impl Rules {
    /// Returns the rules that ship, [`DEFAULT_RULES`].
    #[must_use]
    pub fn shipped() -> Self {
        // A test reads them; rules that could not be read would be none.
        Self::parse(DEFAULT_RULES).unwrap_or_default()
    }

    /// Returns how long after the last event nothing can change any more.
    #[must_use]
    pub fn settled_after(&self) -> Duration {
        let longest = self.alerts.iter().map(|rule| rule.window + rule.hold).max().unwrap_or_default();
        longest + 2 * self.every
    }

    /// Reads rules, and checks all that can be checked without events.
    ///
    /// # Errors
    ///
    /// They can't be read, or one of them makes no sense; the error says which, and what would be right.
    ///
    /// ```
    /// use lastword_collector::alerts::Rules;
    ///
    /// let rules = Rules::parse("[[alert]]\nname = 'x'\nvalue = 'count'\nevent = { name = 'pay.failed' }\nwindow = '5m'\nabove = 3")?;
    /// assert_eq!(rules.alerts[0].name, "x");
    /// let error = Rules::parse("[[alert]]\nname = 'x'\nvalue = 'count'\nwindow = '5m'").unwrap_err();
    /// assert_eq!(error.to_string(), "the rule `x`: it has no threshold: give `above` or `below`");
    /// # Ok::<(), lastword_collector::alerts::RulesError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let rules: Self =
            toml::from_str(text).map_err(|error| RulesError::Unreadable(crate::config::in_one_line(text, &error)))?;
        if rules.alerts.len() > ALERT_RULES_MAX {
            return Err(RulesError::TooMany(rules.alerts.len()));
        }
        if rules.every < ALERT_EVERY_MIN {
            return Err(RulesError::Unreadable(format!(
                "`every` is {:?}: use {ALERT_EVERY_MIN:?} or more",
                rules.every
            )));
        }
        if let Some(url) =
            rules.url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            return Err(RulesError::Unreadable(format!("`url` is `{url}`: it must begin with http:// or https://")));
        }
        for (place, receiver) in rules.receivers.iter().enumerate() {
            let is_twice = rules.receivers[..place].iter().any(|other| other.name == receiver.name);
            receiver.problem(is_twice).map_or(Ok(()), |problem| {
                Err(RulesError::Receiver { receiver: receiver.name.clone(), problem: problem.to_owned() })
            })?;
        }
        for (place, rule) in rules.alerts.iter().enumerate() {
            let is_twice = rules.alerts[..place].iter().any(|other| other.name == rule.name);
            let problem = if is_twice { Some("there is another one of this name".to_owned()) } else { None };
            let problem = problem.or_else(|| rule.problem()).or_else(|| rule.unknown_receiver(&rules.receivers));
            if let Some(problem) = problem {
                return Err(RulesError::Rule { rule: rule.name.clone(), problem });
            }
        }
        Ok(rules)
    }
}

impl Rule {
    /// Returns what it is compared with, and whether it holds above it (or else below).
    pub(super) fn threshold(&self) -> (f64, bool) {
        match (self.above, self.below) {
            (Some(above), _) => (above, true),
            (None, Some(below)) => (below, false),
            (None, None) => (self.window.as_secs_f64(), true),
        }
    }

    /// Returns whether no event tells of what it is about: the collector itself, or what somebody marked as resolved.
    #[must_use]
    pub fn is_told_by_no_event(&self) -> bool {
        matches!(self.value, Kind::Metric | Kind::Regressed)
    }

    /// Returns whether a collector counts for it what it received within the window, whenever that happened.
    #[must_use]
    pub fn is_by_arrival(&self) -> bool {
        self.value.is_of_sessions() || matches!(self.value, Kind::NewExceptions | Kind::Regressed)
    }

    /// Returns whether the store itself knows the answer, without any event.
    pub(super) fn is_known_to_the_store(&self) -> bool {
        self.value.is_of_sessions() || self.value == Kind::Regressed
    }

    /// Returns whether it looks into events, beyond what stands beside their JSON.
    pub(super) fn needs_json(&self) -> bool {
        let filters = [Some(&self.event), self.among.as_ref()];
        self.field.is_some()
            || self.asks_for_new_exceptions()
            || filters.into_iter().flatten().any(Filter::looks_into_fields)
    }

    /// Returns whether it is answered by what is counted by minute as events come: it only counts, it looks at nothing but kind, name and
    /// severity, and it does so over so long that a minute more or less is none.
    pub(super) fn is_counted(&self) -> bool {
        let filters = [Some(&self.event), self.among.as_ref()];
        matches!(self.value, Kind::Count | Kind::Rate | Kind::Ratio)
            && self.window >= ALERT_COUNTED_WINDOW_MIN
            && filters.into_iter().flatten().all(Filter::is_counted)
    }

    pub(super) fn asks_for_new_exceptions(&self) -> bool {
        self.value == Kind::NewExceptions
    }

    fn problem(&self) -> Option<String> {
        let is_absent = self.value == Kind::Absent;
        let no = |is_wrong: bool, what: &str| is_wrong.then(|| what.to_owned());
        no(self.name.trim().is_empty(), "it has no name")
            .or_else(|| no(self.above.is_some() && self.below.is_some(), "it has `above` and `below`: give one"))
            .or_else(|| {
                let has_none = self.above.is_none() && self.below.is_none();
                no(has_none && !is_absent, "it has no threshold: give `above` or `below`")
            })
            .or_else(|| {
                no(
                    is_absent && (self.above.is_some() || self.below.is_some()),
                    "`absent` has no threshold but `window`",
                )
            })
            .or_else(|| {
                let is_finite = [self.above, self.below].into_iter().flatten().all(f64::is_finite);
                no(!is_finite, "its threshold must be a finite number")
            })
            .or_else(|| {
                no(self.value.needs_field() && self.field.is_none(), "give the `field` whose numbers are meant")
            })
            .or_else(|| no(!self.value.needs_field() && self.field.is_some(), "`field` has no meaning for this value"))
            .or_else(|| no((self.value == Kind::Ratio) != self.among.is_some(), "a ratio, and only one, has `among`"))
            .or_else(|| {
                let is_narrowed = self.value == Kind::Regressed && self.event != Filter::default();
                no(is_narrowed, "`event` has no meaning for `regressed`: it is about all exceptions")
            })
            .or_else(|| {
                no((self.value == Kind::Metric) != self.metric.is_some(), "`metric` goes with value = \"metric\"")
            })
            .or_else(|| {
                let is_in = (ALERT_WINDOW_MIN..=ALERT_WINDOW_MAX).contains(&self.window);
                (!is_in).then(|| {
                    format!("`window` must be from {ALERT_WINDOW_MIN:?} to {}h", ALERT_WINDOW_MAX.as_secs() / 3600)
                })
            })
    }

    fn unknown_receiver(&self, receivers: &[Receiver]) -> Option<String> {
        let unknown = self.send.iter().find(|name| !receivers.iter().any(|receiver| receiver.name == **name))?;
        let known: Vec<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        Some(format!("`send` names `{unknown}`: the receivers are: {}", known.join(", ")))
    }

    /// Returns who is told of it.
    pub(super) fn receivers<'r>(&'r self, all: &'r [Receiver]) -> impl Iterator<Item = &'r Receiver> {
        all.iter().filter(|receiver| self.send.is_empty() || self.send.contains(&receiver.name))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let before_us = clock::parse_when(&text, 0).filter(|before_us| *before_us <= 0);
    let micros = before_us.map(i64::unsigned_abs);
    micros.map(Duration::from_micros).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is no duration: use a number and a unit, like 90s, 15m, 2h, 7d"))
    })
}

fn every() -> Duration {
    ALERT_EVERY
}

fn warning() -> String {
    "warning".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rule: &str) -> String {
        Rules::parse(&format!("[[alert]]\nname = 'r'\n{rule}")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_toml_is_told_in_one_line_with_its_place() {
        let error = refused("value = 'count'\nwindow\n");
        assert!(error.starts_with("line 4, column 7, `window`: ") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn the_rules_that_ship_are_good() {
        let rules = Rules::parse(DEFAULT_RULES).unwrap();
        assert!(rules.alerts.len() >= 6);
        assert!(rules.alerts.iter().all(|rule| rule.receivers(&rules.receivers).next().is_some()));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        let said = [
            ("value = 'count'\nwindow = '5m'", "it has no threshold: give `above` or `below`"),
            ("value = 'count'\nwindow = '5m'\nabove = 1\nbelow = 2", "it has `above` and `below`: give one"),
            ("value = 'p95'\nwindow = '5m'\nabove = 1", "give the `field` whose numbers are meant"),
            ("value = 'ratio'\nwindow = '5m'\nabove = 1", "a ratio, and only one, has `among`"),
            ("value = 'absent'\nwindow = '5m'\nabove = 1", "`absent` has no threshold but `window`"),
            ("value = 'count'\nwindow = '1s'\nabove = 1", "`window` must be from 10s to 168h"),
            (
                "value = 'regressed'\nwindow = '5m'\nabove = 0\nevent = { name = 'n' }",
                "`event` has no meaning for `regressed`: it is about all exceptions",
            ),
            ("value = 'count'\nwindow = '5m'\nabove = nan", "its threshold must be a finite number"),
            ("value = 'count'\nwindow = '5m'\nabove = 1\nsend = ['ops']", "`send` names `ops`: the receivers are: "),
        ];
        for (rule, problem) in said {
            assert_eq!(refused(rule), format!("the rule `r`: {problem}"), "{rule}");
        }
        let error = Rules::parse("url = 'example.org'").unwrap_err().to_string();
        assert_eq!(error, "`url` is `example.org`: it must begin with http:// or https://");
        for (rule, part) in [
            ("value = 'counts'\nwindow = '5m'\nabove = 1", "`counts` is not known here: use one of `"),
            ("value = 'count'\nwindow = 'long'\nabove = 1", "`long` is no duration"),
            ("value = 'count'\nwindow = '5m'\nabove = 1\nover = 2", "unknown field `over`"),
        ] {
            assert!(refused(rule).contains(part), "{}", refused(rule));
        }
    }
}
