//! How much something matters.

use std::str::FromStr;

/// A level of the log, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Every step.
    Trace,
    /// For who develops it: each request.
    Debug,
    /// What is important and expected.
    Info,
    /// What mends itself, and may be worth a look.
    Warn,
    /// What needs attention.
    Error,
    /// The collector can't go on.
    Fatal,
    /// Above all: nothing is written.
    Silent,
}

/// The levels by their names, with what else they are called.
const NAMES: [(&str, Level); 11] = [
    ("trace", Level::Trace),
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("error", Level::Error),
    ("fatal", Level::Fatal),
    ("silent", Level::Silent),
    ("warning", Level::Warn),
    ("critical", Level::Fatal),
    ("off", Level::Silent),
    ("none", Level::Silent),
];

impl Level {
    /// Returns its rank.
    pub(crate) const fn rank(self) -> u16 {
        match self {
            Self::Trace => 10,
            Self::Debug => 20,
            Self::Info => 30,
            Self::Warn => 40,
            Self::Error => 50,
            Self::Fatal => 60,
            Self::Silent => 1000,
        }
    }

    /// Returns its name.
    pub(crate) fn as_str(self) -> &'static str {
        NAMES.iter().find(|(_, level)| *level == self).map_or("info", |(name, _)| name)
    }

    /// Returns the level of what the parts say.
    pub(crate) const fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_known_in_any_case_and_by_its_rank() {
        for (text, level, rank) in [
            ("INFO", Level::Info, 30),
            (" Warn ", Level::Warn, 40),
            ("WARNING", Level::Warn, 40),
            ("trace", Level::Trace, 10),
            ("debug", Level::Debug, 20),
            ("error", Level::Error, 50),
            ("fatal", Level::Fatal, 60),
            ("silent", Level::Silent, 1000),
        ] {
            assert_eq!((text.parse(), level.rank()), (Ok(level), rank), "{text}");
        }
        for text in ["", "loud", "info,debug"] {
            assert_eq!(text.parse::<Level>(), Err(()), "{text}");
        }
        assert_eq!(Level::Warn.as_str(), "warn");
    }
}
