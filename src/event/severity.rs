//! How bad it is.

use std::fmt;
use std::str::FromStr;

/// How bad it is, on one scale of six.
///
/// The wire knows five: `Trace` and `Debug` are both written as `DEBUG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Severity {
    /// Of use to the one who wrote this line.
    Trace = 0,
    /// Of use while looking for a fault.
    Debug = 1,
    /// Something happened, as it should.
    #[default]
    Info = 2,
    /// Something is off, the program goes on by itself.
    Warning = 3,
    /// Something failed, somebody should look.
    Error = 4,
    /// The session can't go on.
    Critical = 5,
}

impl Severity {
    /// Every severity there is, from the mildest.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// Returns the severity's name on the wire.
    ///
    /// ```
    /// use lastword::Severity;
    /// assert_eq!(Severity::Warning.as_str(), "WARNING");
    /// assert_eq!(Severity::Trace.as_str(), "DEBUG");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace | Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// Finds the severity whose number (as in `severity as u8`) this is.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Trace),
            1 => Some(Self::Debug),
            2 => Some(Self::Info),
            3 => Some(Self::Warning),
            4 => Some(Self::Error),
            5 => Some(Self::Critical),
            _ => None,
        }
    }

    /// Finds the severity of an exact name on the wire; `None` if no severity has that name.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        match name {
            "DEBUG" => Some(Self::Debug),
            "INFO" => Some(Self::Info),
            "WARNING" => Some(Self::Warning),
            "ERROR" => Some(Self::Error),
            "CRITICAL" => Some(Self::Critical),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no severity: use one of trace, debug, info, warning, error, critical")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    /// Reads a severity as people write it: any case, `warn` and `fatal` too.
    ///
    /// # Errors
    ///
    /// The text is none of the names.
    ///
    /// ```
    /// use lastword::Severity;
    /// assert_eq!("Warn".parse(), Ok(Severity::Warning));
    /// assert!("loud".parse::<Severity>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            "fatal" | "critical" => Ok(Self::Critical),
            _ => Err(ParseSeverityError(text.chars().take(64).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_scale_are_one_of_six_here_and_one_of_five_on_the_wire() {
        for (words, severity, wire) in [
            (&["trace", " TRACE "][..], Severity::Trace, "DEBUG"),
            (&["debug"], Severity::Debug, "DEBUG"),
            (&["info", "Info"], Severity::Info, "INFO"),
            (&["warn", "WARNING"], Severity::Warning, "WARNING"),
            (&["error"], Severity::Error, "ERROR"),
            (&["fatal", "CRITICAL"], Severity::Critical, "CRITICAL"),
        ] {
            for word in words {
                assert_eq!(word.parse(), Ok(severity), "{word}");
            }
            assert_eq!(severity.as_str(), wire);
            assert_eq!(Severity::from_u8(severity as u8), Some(severity));
        }
        assert!(Severity::ALL.is_sorted(), "from the mildest");
        assert_eq!(Severity::from_wire("DEBUG"), Some(Severity::Debug), "what it was before is not known there");
        assert_eq!(Severity::from_wire("debug"), None, "on the wire a name is exact");
    }
}
