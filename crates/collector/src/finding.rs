//! What is found by who looks after a fleet.

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and should be known.
    Warning,
    /// It does not work.
    Wrong,
}

/// What was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub level: Level,
    /// What it is.
    pub found: String,
    /// What would be right; nothing where it is.
    pub advice: String,
}

impl Finding {
    /// It is as it should be.
    pub(crate) fn ok(found: String) -> Self {
        Self { level: Level::Ok, found, advice: String::new() }
    }

    /// It works, and should be known.
    #[cfg_attr(
        not(any(feature = "nats", feature = "clickhouse")),
        allow(dead_code, reason = "nothing is looked at then")
    )]
    pub(crate) fn warning(found: String, advice: String) -> Self {
        Self { level: Level::Warning, found, advice }
    }

    /// It does not work.
    pub(crate) fn wrong(found: String, advice: String) -> Self {
        Self { level: Level::Wrong, found, advice }
    }
}
