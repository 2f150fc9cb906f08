//! Why a question got no answer.

use std::path::PathBuf;

#[cfg(feature = "clickhouse")]
use crate::store::outside::Wrong;
use crate::store::outside::{Trouble, trouble};

/// A parameter of a query can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// The value is not one that the parameter takes.
    #[error("`{name}` is `{value}`: it must be {right}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The beginning of what was given.
        value: String,
        /// What would be right.
        right: String,
    },
    /// There is no such parameter.
    #[error("there is no parameter `{name}`: there are {known}")]
    Unknown {
        /// The beginning of what was given.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A parameter is given twice.
    #[error("`{name}` is given twice: give it once")]
    Twice {
        /// The parameter.
        name: &'static str,
    },
}

impl ParamError {
    pub(crate) fn value(name: &'static str, value: &str, right: impl Into<String>) -> Self {
        Self::Value { name, value: value.chars().take(64).collect(), right: right.into() }
    }
}

/// A question got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A parameter of the query is wrong.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// There is no store in the directory.
    #[error("there is no store in {}: `lastword serve --data` makes one", dir.display())]
    NoStore {
        /// The directory.
        dir: PathBuf,
    },
    /// The store has a format that this program doesn't know.
    #[error("the store in {} has format {found}, this program reads {known}: use a newer one", dir.display())]
    TooNew {
        /// The directory.
        dir: PathBuf,
        /// The format that was found.
        found: i64,
        /// The format that this program reads.
        known: i64,
    },
    /// The store has an older format, and who reads it changes nothing.
    #[error(
        "the store in {} has format {found}, this program reads {known}: `lastword serve --data` brings it up to date", dir.display()
    )]
    TooOld {
        /// The directory.
        dir: PathBuf,
        /// The format that was found.
        found: i64,
        /// The format that this program reads.
        known: i64,
    },
    /// The query took longer than it may.
    #[error("the query took too long and was interrupted: narrow it down by session, name or time")]
    TooLong,
    /// Answers that nobody reads take all the memory that answers may.
    #[error("{bytes} bytes of answers wait to be read by those who asked: read them, or come back later")]
    Unread {
        /// What waits.
        bytes: u64,
    },
    /// SQLite could not read.
    #[error("the store can't be read: {0}")]
    Store(rusqlite::Error),
    /// The server that has the store can't be reached, or not all that it needs.
    #[error("the store can't be reached: {0}: see that the server runs and that it can be reached from here")]
    Away(String),
    /// The object store that has large values of events does not answer.
    #[error("a large value can't be read: {0}")]
    LargeAway(String),
    /// The server that has the store did not answer the question.
    #[error("the store gave no answer: {0}")]
    Refused(String),
    /// The thread that read it died, which is a fault of this program.
    #[error("the query was lost")]
    Lost,
}

impl QueryError {
    /// Returns what those are told who asked: the kind of trouble. What SQLite, a server or the file system says of it names tables, files
    /// and addresses, and is for the log.
    pub(crate) fn told(&self) -> String {
        let text = match self {
            Self::Param(_) | Self::TooLong | Self::Unread { .. } => return self.to_string(),
            Self::Away(_) => "the store can't be reached: ask again a little later",
            Self::LargeAway(_) => "a large value can't be read: ask again a little later",
            Self::NoStore { .. } | Self::TooNew { .. } | Self::TooOld { .. } | Self::Store(_) | Self::Refused(_) => {
                "the store can't be read: the log of the collector says why"
            }
            Self::Lost => "the query was lost: the log of the collector says why",
        };
        text.to_owned()
    }
}

#[cfg(feature = "clickhouse")]
impl From<Wrong> for QueryError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Away(why) => Self::LargeAway(why),
            Wrong::Lost(why) => Self::Refused(why),
        }
    }
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        if let Some(Trouble::Away(why)) = trouble(&error) {
            return Self::LargeAway(why.to_owned());
        }
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::TooLong,
            _ => Self::Store(error),
        }
    }
}
