//! Who is told, and how.

use std::time::Duration;

use serde::Deserialize;

use super::rules::duration;
use crate::limits::ALERT_SEND_TIMEOUT;

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Receiver {
    /// What rules call it.
    pub name: String,
    /// A URL that gets a POST of JSON.
    pub(super) webhook: Option<String>,
    /// A program and its arguments, without a shell; it gets a message of e-mail on standard input.
    pub(super) command: Option<Vec<String>>,
    /// The collector's own log.
    #[serde(default)]
    pub(super) log: bool,
    /// How long one attempt may take.
    #[serde(default = "send_timeout", deserialize_with = "duration")]
    pub timeout: Duration,
}

/// How a receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way<'r> {
    /// By a POST to this URL.
    Webhook(&'r str),
    /// By this program, with these arguments.
    Command(&'r [String]),
    /// By a line in the log.
    Log,
}

impl Receiver {
    /// Returns how it is told.
    #[must_use]
    pub fn way(&self) -> Way<'_> {
        match (&self.webhook, &self.command) {
            (Some(url), _) => Way::Webhook(url),
            (None, Some(command)) => Way::Command(command),
            (None, None) => Way::Log,
        }
    }
}

impl Receiver {
    pub(super) fn problem(&self, is_twice: bool) -> Option<&'static str> {
        let ways = usize::from(self.webhook.is_some()) + usize::from(self.command.is_some()) + usize::from(self.log);
        if is_twice {
            return Some("there is another one of this name");
        }
        if ways != 1 {
            return Some("give one of `webhook`, `command` and `log = true`");
        }
        if self.webhook.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Some("`webhook` must be a URL that begins with http:// or https://");
        }
        let is_empty = self.command.as_deref().is_some_and(|command| command.first().is_none_or(String::is_empty));
        is_empty.then_some("`command` must be a list that begins with a program")
    }
}

fn send_timeout() -> Duration {
    ALERT_SEND_TIMEOUT
}
