//! Which events are reported, or given to a sink, by their names.

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::{Body, EventView};

/// The names of the events that are reported, or that a sink is given. A name that ends with `*` stands for all that begin so. Events that have no
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

    /// Reads a list as it stands in a file: a name a line; `#` begins a remark; empty lines are nothing.
    ///
    /// ```
    /// let list = lastword::privacy::AllowList::parse("# what the support asks for\ntool.*\n\nquery  # the slow ones\n");
    /// assert!(list.has("tool.error") && list.has("query") && !list.has("") && !list.has("#"));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        Self::new(lines.filter(|name| !name.is_empty()))
    }

    /// Returns a list of the names of both.
    ///
    /// ```
    /// use lastword::privacy::AllowList;
    /// let both = AllowList::new(["query"]).and(&AllowList::new(["tool.*"]));
    /// assert!(both.has("query") && both.has("tool.error"));
    /// ```
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let names = self.names.union(&other.names).cloned().collect();
        let beginnings = self.beginnings.iter().chain(&*other.beginnings).cloned().collect();
        Self { names: Arc::new(names), beginnings }
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
