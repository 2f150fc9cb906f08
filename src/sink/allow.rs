//! Which events a sink is given, by their names.

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::{Body, EventView};

/// The names of the events that a sink is given. A name that ends with `*` stands for all that begin so. Events that have no
/// name of their own go by the name of their kind: `SESSION_START`, `SESSION_END`, `UNHANDLED_EXCEPTION`.
///
/// ```
/// use lastword::sink::AllowList;
///
/// let allow = AllowList::new(["query", "tool.*", "UNHANDLED_EXCEPTION"]);
/// assert!(allow.has("query") && allow.has("tool.error"));
/// assert!(!allow.has("query.slow") && !allow.has("tool") && !allow.has("SESSION_START"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList {
    names: Arc<HashSet<String>>,
    beginnings: Arc<[String]>,
}

impl AllowList {
    /// Makes a list of names.
    #[must_use]
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let (mut whole, mut beginnings) = (HashSet::new(), Vec::new());
        for name in names {
            let name = name.into();
            match name.strip_suffix('*') {
                Some(beginning) => beginnings.push(beginning.to_owned()),
                None => drop(whole.insert(name)),
            }
        }
        Self { names: Arc::new(whole), beginnings: beginnings.into() }
    }

    /// Returns whether a name is on the list.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name) || self.beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()))
    }

    /// Returns whether an event is.
    #[must_use]
    pub fn allows(&self, event: &EventView<'_>) -> bool {
        match event.body() {
            Body::Generic { name, .. } => self.has(name),
            _ => self.has(event.kind().as_str()),
        }
    }
}
