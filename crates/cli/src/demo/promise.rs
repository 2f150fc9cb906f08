//! What the client's reporter promised, on its way from the client to the parent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of the client's events, as its reporter says, and what the client itself counted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    /// Events that the reporter took.
    pub(crate) accepted: u64,
    /// Events that it says were delivered.
    pub(crate) delivered: u64,
    /// Events that it says were lost, by reason.
    pub(crate) dropped: BTreeMap<String, u64>,
    /// Events by name, or by kind where they have none, as the client counted them when it made them.
    pub(crate) names: BTreeMap<String, u64>,
}
