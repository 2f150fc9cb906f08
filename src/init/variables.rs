//! The environment, which is read through one function.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::limits::{DEADLINE_MAX, FLUSH_INTERVAL_MIN, SAID_CHARS_MAX};
use crate::privacy::{Switch, switch};
use crate::sink::SettingError;

/// Returns the value of a variable, if there is one.
type Read = dyn Fn(&str) -> Option<OsString> + Send;

/// The variables of the process, or of a test.
pub(super) struct Variables(Box<Read>);

impl Variables {
    /// Returns those of this process: the only place of this module that reads them.
    pub(super) fn of_process() -> Self {
        Self(Box::new(|name| std::env::var_os(name)))
    }

    /// Returns these, and no others.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn of(variables: std::collections::HashMap<String, OsString>) -> Self {
        Self(Box::new(move |name| variables.get(name).cloned()))
    }

    /// Returns the value of a variable as it is; `None` where there is none, or nothing in it.
    pub(super) fn raw(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
    }

    /// Returns whether a variable says something.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Returns the value of a variable without the blanks around it.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, SettingError> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        // The value is not shown: it may be a key.
        let value = value.into_string().map_err(|_| SettingError::new(name, "it is not UTF-8"))?;
        Ok(Some(value.trim().to_owned()))
    }

    /// Returns whether a variable says yes.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, SettingError> {
        let Some(value) = self.text(name)? else { return Ok(false) };
        match switch(Some(&value)) {
            Switch::On => Ok(true),
            Switch::Off => Ok(false),
            Switch::UnknownOff => {
                let reason = format!("{} is neither yes nor no: write `1` or `0`", Shown(&value));
                Err(SettingError::new(name, reason))
            }
        }
    }

    /// Returns the whole number in a variable.
    pub(super) fn number(&self, name: &'static str, min: usize, max: usize) -> Result<Option<usize>, SettingError> {
        self.parsed(name, |number| (min..=max).contains(number), format_args!("a whole number from {min} to {max}"))
    }

    /// Returns the duration in a variable, which is in seconds.
    pub(super) fn seconds(&self, name: &'static str) -> Result<Option<Duration>, SettingError> {
        let (min, max) = (FLUSH_INTERVAL_MIN.as_secs_f64(), DEADLINE_MAX.as_secs_f64());
        // NaN is in no range.
        let seconds = self.parsed(
            name,
            |seconds: &f64| (min..=max).contains(seconds),
            format_args!("seconds from {min} to {max}, such as `10` or `0.5`"),
        )?;
        Ok(seconds.map(Duration::from_secs_f64))
    }

    fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        fits: impl FnOnce(&T) -> bool,
        right: fmt::Arguments<'_>,
    ) -> Result<Option<T>, SettingError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse().ok().filter(fits) {
            Some(value) => Ok(Some(value)),
            None => Err(SettingError::new(name, format!("it is {}; use {right}", Shown(&text)))),
        }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // None of them: some are keys.
        f.write_str("Variables")
    }
}

/// Shows what was said where a number or a word was meant: the beginning of it, in one line.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(SAID_CHARS_MAX).collect();
        write!(f, "`{}`", shown.escape_debug())
    }
}
