//! Which part of the work a process does, and how the stream between the parts is set up.

use serde::{Deserialize, Serialize};

use crate::config::values::Bytes;
use crate::limits::STREAM_BYTES_MAX;

/// A part of the work of a collector. One process may do all of it, or many processes a part each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Takes in what clients send, and answers when it is stored, or in the stream.
    Ingest,
    /// Stores what is in the stream, watches it and sends it on.
    Write,
    /// Answers questions: the API and the pages.
    Query,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Write, Self::Query];

    /// Returns its name, as the configuration has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Write => "write",
            Self::Query => "query",
        }
    }
}

/// How the stream is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StreamSettings {
    /// Its name; in lower case its subjects begin with it.
    pub(crate) name: String,
    /// How many servers have a copy; 0 is as many as are named, three at most.
    pub(crate) replicas: usize,
    /// How large it may become.
    pub(crate) bytes_max: Bytes,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { name: "LASTWORD".to_owned(), replicas: 0, bytes_max: Bytes(STREAM_BYTES_MAX) }
    }
}
