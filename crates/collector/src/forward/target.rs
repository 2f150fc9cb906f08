//! Where events are sent on to, as the configuration says it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use lastword::Severity;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::values::span;
use crate::limits::{
    FORWARD_ATTEMPTS, FORWARD_BATCH_EVENTS, FORWARD_NAME_CHARS_MAX, FORWARD_PAUSE, FORWARD_REST, FORWARD_TIMEOUT,
    FORWARDS_MAX, PAGE_ROWS_MAX,
};

/// What a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum To {
    /// A `POST` of a batch to the URL as it is.
    Http,
    /// Splunk's HTTP Event Collector.
    Splunk,
    /// Elasticsearch's `_bulk`, which `OpenSearch` has as well.
    Elasticsearch,
    /// Syslog (RFC 5424), over TCP or UDP.
    Syslog,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// As `GET /api/events` gives it.
    #[default]
    Json,
    /// `ArcSight`'s Common Event Format, version 0.
    Cef,
    /// `QRadar`'s Log Event Extended Format, version 2.0.
    Leef,
}

/// How messages of syslog are told apart in a stream (RFC 6587).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Framing {
    /// Each has its length before it.
    #[default]
    Octets,
    /// Each ends with a line feed.
    Lines,
}

/// Another system that is sent what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Target {
    /// What it is called: how far it has come is kept by this name.
    pub name: String,
    /// What it speaks.
    pub to: To,
    /// Where it is: `http://` or `https://`; of syslog `tcp://HOST:PORT` or `udp://HOST:PORT`.
    pub url: String,
    /// How events are written.
    #[serde(default)]
    pub format: Format,
    /// The file of the token that is sent along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The variable of the environment that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The index of Splunk or Elasticsearch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Events with one of these names; `*` at the end stands for any rest. Those without a name have that of their kind.
    #[serde(default)]
    pub names: Vec<String>,
    /// Events as bad as this, or worse.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "severity")]
    pub severity: Option<Severity>,
    /// Whether a new target gets what was stored before it, too.
    #[serde(default)]
    pub backlog: bool,
    /// Of syslog over TCP: how messages are told apart.
    #[serde(default)]
    pub framing: Framing,
    /// Events of one request at most.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How often a batch is tried before it rests.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// The pause between two attempts.
    #[serde(default = "pause", with = "span")]
    pub pause: Duration,
    /// How long one attempt may take.
    #[serde(default = "timeout", with = "span")]
    pub timeout: Duration,
    /// The pause after the last attempt, before it begins again.
    #[serde(default = "rest", with = "span")]
    pub rest: Duration,
}

/// A target that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target `{name}` of `forward` is wrong: {problem}")]
#[non_exhaustive]
pub struct ForwardError {
    /// What it is called.
    pub name: String,
    /// What is wrong, and what would be right.
    pub problem: &'static str,
}

impl Target {
    /// Describes a target, with everything else at its default.
    ///
    /// ```
    /// use lastword_collector::forward::{Format, Target, To};
    /// let target = Target::new("siem", To::Syslog, "udp://127.0.0.1:514");
    /// assert_eq!((target.batch, target.attempts, target.format), (50, 3, Format::Json));
    /// ```
    pub fn new(name: impl Into<String>, to: To, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            to,
            url: url.into(),
            format: Format::Json,
            token_file: None,
            token_env: None,
            index: None,
            names: Vec::new(),
            severity: None,
            backlog: false,
            framing: Framing::Octets,
            batch: FORWARD_BATCH_EVENTS,
            attempts: FORWARD_ATTEMPTS,
            pause: FORWARD_PAUSE,
            timeout: FORWARD_TIMEOUT,
            rest: FORWARD_REST,
        }
    }

    /// Returns the token that is sent along, if there is one.
    ///
    /// # Errors
    ///
    /// It is named and can't be had. No part of it is in what is said.
    pub fn token(&self) -> Result<Option<String>, String> {
        let token = match (&self.token_file, &self.token_env) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map_err(|error| format!("`token_file` {} can't be read: {error}", file.display()))?,
            (None, Some(variable)) => {
                std::env::var(variable).map_err(|_| format!("`token_env` {variable} is not set"))?
            }
            (None, None) => return Ok(None),
        };
        let token = token.trim();
        if token.is_empty() || token.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("the token must be one line of text".to_owned());
        }
        Ok(Some(token.to_owned()))
    }

    /// Returns the header `Authorization` with a token: by the scheme that the system has, unless one is given with the token.
    #[must_use]
    pub fn authorization(&self, token: &str) -> String {
        let scheme = match self.to {
            To::Splunk => "Splunk",
            To::Elasticsearch => "ApiKey",
            To::Http | To::Syslog => "Bearer",
        };
        if token.contains(' ') { token.to_owned() } else { format!("{scheme} {token}") }
    }

    /// Returns the target as the audit trail shows it: a token may stand in the URL's path or query, so that of what comes behind
    /// the host there is only enough of a hash that a change is seen.
    pub(crate) fn without_secrets(&self) -> Self {
        let host = self.url.find("://").map_or(0, |at| at + "://".len());
        let end = self.url[host..].find(['/', '?', '#']).map_or(self.url.len(), |at| host + at);
        let (shown, rest) = self.url.split_at(end);
        if rest.is_empty() {
            return self.clone();
        }
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(rest.as_bytes()));
        Self { url: format!("{shown}/...{:08x}", u32::from_be_bytes([a, b, c, d])), ..self.clone() }
    }

    /// Returns whether an event of this name is sent on.
    pub(super) fn wants(&self, name: &str) -> bool {
        let is = |wanted: &String| match wanted.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == wanted,
        };
        self.names.is_empty() || self.names.iter().any(is)
    }

    /// Returns which key is wrong, and what would be right.
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.len() > FORWARD_NAME_CHARS_MAX || !self.name.chars().all(good) {
            return Some(("name", "`name` must be 1 to 64 letters, digits and `-`, `_`, `.`"));
        }
        if let Some(problem) = self.url_problem() {
            return Some(("url", problem));
        }
        let (is_elastic, is_syslog) = (self.to == To::Elasticsearch, self.to == To::Syslog);
        let has_index = is_elastic || self.to == To::Splunk;
        let has_token = self.token_file.is_some() || self.token_env.is_some();
        let is_star_within = |name: &String| name.strip_suffix('*').unwrap_or(name).contains('*');
        let json = "`format` must be json: documents of Elasticsearch are JSON";
        let star = "in `names` a `*` stands for any rest, at the end of a name alone: `pay.*`";
        let problems = [
            (is_elastic && self.format != Format::Json, "format", json),
            (is_elastic && self.index.is_none(), "to", "`index` must name an index or a data stream"),
            (self.index.is_some() && !has_index, "index", "`index` is of Splunk and Elasticsearch alone: leave it out"),
            (self.framing != Framing::Octets && !self.is_framed(), "framing", FRAMING_MEANS_NOTHING),
            (has_token && is_syslog && self.token_file.is_some(), "token_file", NO_TOKEN),
            (has_token && is_syslog, "token_env", NO_TOKEN),
            (
                self.token_file.is_some() && self.token_env.is_some(),
                "token_env",
                "give one of `token_file` and `token_env`",
            ),
            (self.names.iter().any(is_star_within), "names", star),
            (!(1..=PAGE_ROWS_MAX).contains(&self.batch), "batch", "`batch` must be 1 to 1000"),
            (self.attempts == 0, "attempts", "`attempts` must be more than 0"),
            (self.timeout.is_zero(), "timeout", "`timeout` must be more than 0"),
            (self.rest.is_zero(), "rest", "`rest` must be more than 0"),
        ];
        problems.into_iter().find(|(is_wrong, ..)| *is_wrong).map(|(_, key, problem)| (key, problem))
    }

    /// Whether there is a stream in which messages are told apart.
    pub(crate) fn is_framed(&self) -> bool {
        self.to == To::Syslog && self.url.starts_with("tcp://")
    }

    fn url_problem(&self) -> Option<&'static str> {
        if !self.url.chars().all(|c| c.is_ascii_graphic()) {
            return Some("`url` must be ASCII without spaces");
        }
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", ""));
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Some("`url` must have no user and password in it: use `token_file` or `token_env`");
        }
        let port = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        let has_port = port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
        match (self.to, scheme) {
            (To::Syslog, "tcp" | "udp") if has_port && path.is_empty() => None,
            (To::Syslog, _) => Some("`url` must be tcp://HOST:PORT or udp://HOST:PORT"),
            (_, "http" | "https") if !authority.is_empty() => None,
            _ => Some("`url` must begin with http:// or https:// and a host"),
        }
    }
}

/// Said of `framing` where there is no stream.
pub(crate) const FRAMING_MEANS_NOTHING: &str = "`framing` is of syslog over TCP alone: leave it out";
/// Said of a token where nothing is sent along.
const NO_TOKEN: &str = "syslog has no token: leave out `token_file` and `token_env`";

/// Sees to it that all targets can be used together.
///
/// # Errors
///
/// The first that can't.
pub(crate) fn check(targets: &[Target]) -> Result<(), ForwardError> {
    first_problem(targets).map_or(Ok(()), |(_, _, error)| Err(error))
}

/// Returns the place of the first target that can't be used, which of its keys is wrong, and why.
pub(crate) fn first_problem(targets: &[Target]) -> Option<(usize, &'static str, ForwardError)> {
    let mut names = BTreeSet::new();
    targets.iter().enumerate().find_map(|(place, target)| {
        let (key, problem) = if place >= FORWARDS_MAX {
            ("name", "there are more than 16 targets")
        } else if names.insert(&target.name) {
            target.problem()?
        } else {
            ("name", "there is another one of this name")
        };
        Some((place, key, ForwardError { name: target.name.clone(), problem }))
    })
}

/// Reads targets, and checks them where the file's line is known.
pub(crate) fn targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    let targets = Vec::deserialize(deserializer)?;
    check(&targets).map_err(serde::de::Error::custom)?;
    Ok(targets)
}

/// A severity in a file, in either case.
mod severity {
    use lastword::Severity;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(severity: &Option<Severity>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&severity.unwrap_or_default().as_str().to_ascii_lowercase())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Severity>, D::Error> {
        const KNOWN: &str = "debug, info, warning, error, critical";
        let text = String::deserialize(deserializer)?;
        let unknown = |_| serde::de::Error::custom(format!("`severity` is `{text}`: it must be one of {KNOWN}"));
        text.parse().map(Some).map_err(unknown)
    }
}

fn batch() -> usize {
    FORWARD_BATCH_EVENTS
}

fn attempts() -> u32 {
    FORWARD_ATTEMPTS
}

fn pause() -> Duration {
    FORWARD_PAUSE
}

fn timeout() -> Duration {
    FORWARD_TIMEOUT
}

fn rest() -> Duration {
    FORWARD_REST
}
