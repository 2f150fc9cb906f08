//! What was decided, and why.

use std::fmt;

use crate::sink::SettingError;
use crate::sync::say;

/// What is said once everything is decided: of a call that fails, nothing is.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<String>,
    wrong: Vec<SettingError>,
}

impl Report {
    /// Notes a decision.
    pub(super) fn say(&mut self, line: fmt::Arguments<'_>) {
        self.lines.push(line.to_string());
    }

    /// Notes what is wrong with a variable.
    pub(super) fn wrong(&mut self, wrong: SettingError) {
        self.wrong.push(wrong);
    }

    /// Takes what is wrong.
    pub(super) fn take_wrong(&mut self) -> Vec<SettingError> {
        std::mem::take(&mut self.wrong)
    }

    #[cfg(test)]
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Forgets the decisions: nothing came of them.
    pub(super) fn forget(&mut self) {
        self.lines.clear();
    }

    /// Tells `tracing`, a line each.
    pub(super) fn tell(self) {
        for wrong in self.wrong {
            say(|| tracing::warn!(target: "lastword", "a variable of the environment is left out: {wrong}"));
        }
        for line in self.lines {
            say(|| tracing::debug!(target: "lastword", "{line}"));
        }
    }
}
