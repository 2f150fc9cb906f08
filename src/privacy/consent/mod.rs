//! How much a program may report, and who has said so.
//!
//! Three have a say: the program that reports ([`Program`]), the environment that it was started in ([`Environment`]) and
//! the user, in a [`SettingsFile`]. Each may limit; **the most restrictive wins**. One exception: what a program says with
//! `enabled(true)` beats the environment, as the protocol has it. It does not beat the user.
//!
//! [`decide`] is a function of what was read, and of nothing else. What it returns names the rule that won and all others,
//! which is what `lastword privacy status` prints.
//!
//! # Invariants
//!
//! - A settings file that can't be read or understood means [`Level::None`]: whoever wrote it meant something.
//! - Reading never waits and never reads more than a bound, whatever stands at the path: a pipe, a device, a link.
//! - What is written is whole, or what was there before: at any moment, whoever else writes, whatever ends the process.
//! - The id of a user is in no file, no `Debug` and no error; a file knows it by its SHA-256.

mod decide;
mod file;
mod settings;
mod trouble;
mod user;
mod write;

pub use decide::{Consent, Effect, Environment, Found, Program, Rule, Source, decide};
pub use file::{SETTINGS_VARIABLE, SettingsFile};
#[cfg(feature = "runs")]
pub(crate) use file::{directory_of_user, path_in_environment};
pub use settings::UserSettings;
pub use trouble::SettingsError;
pub(crate) use user::{Attribution, Who};
pub use user::{User, installation_id};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much may be reported.
///
/// ```
/// use lastword::privacy::Level;
/// assert!(Level::None < Level::Essential && Level::Essential < Level::Full);
/// assert_eq!("Essential".parse(), Ok(Level::Essential));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing: no event is made, no connection, no file.
    None,
    /// That sessions begin and end, and what goes wrong in them: errors, panics, crashes. No other event; no id of a user.
    Essential,
    /// Everything that the program reports.
    Full,
}

/// A word is no level of consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use full, essential or none")]
pub struct ParseLevelError;

impl Level {
    /// Every level, the most restrictive first.
    pub const ALL: [Self; 3] = [Self::None, Self::Essential, Self::Full];

    /// Returns the word for it.
    ///
    /// ```
    /// assert_eq!(lastword::privacy::Level::Essential.as_str(), "essential");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Essential => "essential",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(word: &str) -> Result<Self, ParseLevelError> {
        Self::ALL.into_iter().find(|level| word.eq_ignore_ascii_case(level.as_str())).ok_or(ParseLevelError)
    }
}
