//! How alerts stand and stood: in memory for whoever asks, in a file of the data directory for the next run.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::about::About;
use super::engine::{Engine, Standing, State, Transition};
use super::kind::Kind;
use super::rules::Rules;
use crate::clock;
use crate::limits::{ALERT_FILE_BYTES_MAX, ALERT_HISTORY_MAX};
use crate::query::{Moment, QueryError};
use crate::store::WriteError;

/// How one rule stands, as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Status {
    pub(crate) name: String,
    pub(crate) state: State,
    /// Since when it is so.
    pub(crate) since: Moment,
    pub(crate) value: Option<f64>,
    pub(crate) threshold: f64,
    pub(crate) severity: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// The same for a page of ours, where what it is about is a link.
    #[serde(skip)]
    pub(crate) spoken: String,
    /// How many exceptions it is about, in words that these may follow.
    #[serde(skip)]
    pub(crate) brief: Option<String>,
    /// How many these are beyond those that are named.
    #[serde(skip)]
    pub(crate) more: usize,
    /// Whether it is about exceptions that came back.
    #[serde(skip)]
    pub(crate) is_of_regressed: bool,
    /// Why there is no value, where there is less than the rule speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) too_few: Option<String>,
    /// The exceptions that it is about, the last that came first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) exceptions: Vec<About>,
}

/// The places of rules that could not be evaluated, and why.
pub(super) type Failed = BTreeMap<usize, Why>;

/// Why a rule could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    /// What whoever looks is told.
    told: String,
    /// All of it, for the log.
    whole: String,
}

impl From<&QueryError> for Why {
    fn from(error: &QueryError) -> Self {
        Self { told: error.told(), whole: error.to_string() }
    }
}

impl From<&WriteError> for Why {
    fn from(error: &WriteError) -> Self {
        Self { told: error.told(), whole: error.to_string() }
    }
}

impl From<&str> for Why {
    fn from(why: &str) -> Self {
        Self { told: why.to_owned(), whole: why.to_owned() }
    }
}

/// Why a rule can't be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Trouble {
    pub(crate) error: String,
    /// Since when that is so.
    pub(crate) error_since: Moment,
    /// What was logged of it: it names tables and addresses, and nobody who looks is told.
    #[serde(skip)]
    logged: String,
}

/// How one rule stands, or stood when it could last be evaluated.
#[derive(Serialize)]
pub(super) struct Shown<'k> {
    #[serde(flatten)]
    status: &'k Status,
    #[serde(flatten)]
    trouble: Option<&'k Trouble>,
}

/// How all stand, and what was told of late, the newest first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) statuses: Vec<Status>,
    /// Rules that can't be evaluated, by name.
    pub(super) troubles: BTreeMap<String, Trouble>,
    pub(super) history: VecDeque<serde_json::Value>,
}

/// What is in the file.
#[derive(Default, Serialize, Deserialize)]
struct File {
    alerts: Vec<Known>,
    history: VecDeque<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Known {
    name: String,
    state: State,
    since: String,
}

impl Kept {
    /// Takes over how the rules stand, and what they told. Returns whether any stands otherwise than before.
    pub(super) fn update(&mut self, engine: &Engine, transitions: &[Transition]) -> bool {
        for transition in transitions {
            // It has nothing that JSON can't say.
            self.history.push_front(serde_json::to_value(without_texts(transition, engine)).unwrap_or_default());
        }
        self.history.truncate(ALERT_HISTORY_MAX);
        let before: Vec<State> = self.statuses.iter().map(|status| status.state).collect();
        self.show(engine);
        !self.statuses.iter().map(|status| status.state).eq(before)
    }

    /// Takes over what the last run left.
    pub(super) fn take_over(&mut self, left: Self, engine: &Engine) {
        self.history = left.history;
        self.show(engine);
    }

    pub(super) fn show(&mut self, engine: &Engine) {
        self.statuses = engine
            .standings()
            .map(|(rule, Standing { state, since_us, value, among }, about)| Status {
                brief: value.and_then(|value| rule.brief(value)),
                more: value.map_or(0, |value| beyond(value, about.len())),
                is_of_regressed: rule.value == Kind::Regressed,
                too_few: among.filter(|_| value.is_none()).and_then(|among| rule.too_few(among)),
                name: rule.name.clone(),
                state,
                since: Moment(since_us),
                value,
                threshold: rule.threshold().0,
                severity: rule.severity.clone(),
                labels: rule.labels.clone(),
                summary: rule.summarise(value.unwrap_or(0.0), about),
                spoken: rule.summarise(value.unwrap_or(0.0), &about.iter().map(About::linked).collect::<Vec<_>>()),
                exceptions: about.to_vec(),
            })
            .collect();
    }

    /// Notes which rules could not be evaluated at a moment, and that the others could. What is new of that is logged, and why.
    pub(super) fn fail(&mut self, rules: &Rules, failed: &Failed, now: Moment) {
        for (place, rule) in rules.alerts.iter().enumerate() {
            let Some(why) = failed.get(&place) else {
                if self.troubles.remove(&rule.name).is_some() {
                    tracing::warn!(alert = rule.name, "the alert is evaluated again");
                }
                continue;
            };
            let new = || Trouble { error: String::new(), error_since: now, logged: String::new() };
            let trouble = self.troubles.entry(rule.name.clone()).or_insert_with(new);
            if trouble.logged != why.whole {
                let error = &why.whole;
                tracing::error!(alert = rule.name, error, "the alert can't be evaluated; it stands as it stood");
                trouble.logged.clone_from(error);
            }
            trouble.error.clone_from(&why.told);
        }
    }

    /// Returns how each rule stands.
    pub(super) fn statuses(&self) -> Vec<Shown<'_>> {
        let shown = |status| Shown { status, trouble: self.troubles.get(&status.name) };
        self.statuses.iter().map(shown).collect()
    }

    /// Returns whether a rule fires, and whether it can't be evaluated.
    pub(super) fn standing(&self, name: &str) -> (bool, bool) {
        let fires = self.statuses.iter().any(|status| status.name == name && status.state == State::Firing);
        (fires, self.troubles.contains_key(name))
    }

    /// Returns the rules that can't be evaluated and since when; null if there is none. Why is not told here: it is for those with a key.
    pub(super) fn failed(&self) -> serde_json::Value {
        let of =
            |(name, trouble): (&String, &Trouble)| serde_json::json!({ "name": name, "since": trouble.error_since });
        if self.troubles.is_empty() { serde_json::Value::Null } else { self.troubles.iter().map(of).collect() }
    }

    /// Writes the file anew, whole or not at all.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let held = self.statuses.iter().filter(|status| status.state != State::Ok);
        let known = |status: &Status| Known {
            name: status.name.clone(),
            state: status.state,
            since: clock::format(status.since.0),
        };
        let file = File { alerts: held.map(known).collect(), history: self.history.clone() };
        let new = path(directory).with_extension("new");
        std::fs::write(&new, serde_json::to_vec_pretty(&file)?)?;
        std::fs::rename(new, path(directory))
    }

    /// Reads what the last run left, and puts the rules back where they stood. A file that can't be read is none.
    pub(super) fn read(directory: &Path, engine: &mut Engine) -> Self {
        let file = match read(&path(directory)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::default(),
            Err(error) => {
                tracing::warn!(%error, "what alerts stood before can't be read; they begin anew");
                File::default()
            }
        };
        for Known { name, state, since } in file.alerts {
            if let Some(since_us) = clock::parse(&since) {
                engine.restore(&name, Standing { state, since_us, ..Standing::default() });
            }
        }
        Self { history: file.history, ..Self::default() }
    }
}

/// Returns how many there are of a count beyond so many.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count, and never below 0")]
fn beyond(count: f64, named: usize) -> usize {
    (count.max(0.0) as usize).saturating_sub(named)
}

/// Returns what is kept of what was told: not what programs said, which may be removed from the store.
fn without_texts(transition: &Transition, engine: &Engine) -> Transition {
    let exceptions: Vec<About> = transition.exceptions.iter().map(About::kept).collect();
    let rule = engine.standings().map(|(rule, ..)| rule).find(|rule| rule.name == transition.alert);
    let summary = match rule {
        Some(rule) => rule.summarise(transition.value.unwrap_or(0.0), &exceptions),
        None => transition.alert.clone(),
    };
    Transition { summary, exceptions, ..transition.clone() }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("alerts.json")
}

fn read(path: &Path) -> io::Result<File> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > ALERT_FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has {bytes} bytes")));
    }
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn whoever_looks_is_told_which_kind_of_trouble_a_rule_has_and_the_log_gets_all_of_it() {
        let rules = Rules::parse("[[alert]]\nname='Bad'\nvalue='count'\nwindow='1h'\nabove=0").unwrap();
        let said = || "10.0.0.7:8123: table events".to_owned();
        let (away, unwritable) = (QueryError::Away(said()), WriteError::Failed(said()));
        let mut kept = Kept::default();
        kept.show(&Engine::new(Arc::new(rules.clone())));
        for (why, told) in [(Why::from(&away), away.told()), (Why::from(&unwritable), unwritable.told())] {
            kept.fail(&rules, &Failed::from([(0, why.clone())]), Moment(7));
            let shown = serde_json::to_value(kept.statuses()).unwrap();
            assert_eq!(shown[0]["error"], told.as_str());
            assert!(!shown.to_string().contains("10.0.0.7") && !shown.to_string().contains("table events"), "{shown}");
            assert_eq!(kept.troubles["Bad"].logged, why.whole);
            assert!(why.whole.contains("10.0.0.7:8123: table events"), "{}", why.whole);
        }
    }
}
