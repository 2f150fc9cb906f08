//! Whom a run was forked from, and what was forked from it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::error::RunError;
use super::model::RunSummary;
use super::store::RunStore;
use crate::limits::LINEAGE_DEPTH_MAX;

/// The family of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Lineage {
    /// The run.
    pub run: RunSummary,
    /// Whom it comes from, from the first to its parent.
    pub ancestors: Vec<Ancestor>,
    /// What comes from it, the oldest first.
    pub descendants: Vec<Descendant>,
    /// Runs that are there of all that come from the first ancestor, this one and the first one counted.
    pub family_size: usize,
}

/// A run that another comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ancestor {
    /// Its id.
    pub run_id: String,
    /// What is known of it; `None` if it was pruned.
    pub summary: Option<RunSummary>,
}

/// A run that comes from another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Descendant {
    /// What is known of it.
    pub summary: RunSummary,
    /// What comes from it, the oldest first.
    pub children: Vec<Self>,
}

impl RunStore {
    /// Returns the family of a run: at most 100 generations up, and as many down.
    ///
    /// ```
    /// use lastword::runs::{RunMetadata, RunStore};
    ///
    /// # let directory = std::env::temp_dir().join(format!("lastword-runs-lineage-{}", std::process::id()));
    /// let store = RunStore::open(&directory)?;
    /// let root = store.start("Fix it", RunMetadata::new())?;
    /// let child = root.fork("retry", RunMetadata::new())?;
    /// let lineage = store.lineage(child.id())?;
    /// assert_eq!(lineage.ancestors[0].run_id, root.id());
    /// assert_eq!(lineage.family_size, 2);
    /// # drop((root, child));
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// # Ok::<(), lastword::runs::RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such run, or the directory can't be read.
    pub fn lineage(&self, id: &str) -> Result<Lineage, RunError> {
        Ok(Lineage::among(self.inner.summary(id)?, self.list(usize::MAX)?))
    }
}

impl Lineage {
    /// Returns the family of a run among these, the newest first.
    #[must_use]
    pub fn among(run: RunSummary, all: Vec<RunSummary>) -> Self {
        let mut family = Family::of(all);
        let ancestors = family.ancestors(&run);
        let first = ancestors.first().map_or(run.run_id.as_str(), |ancestor| ancestor.run_id.as_str()).to_owned();
        let family_size = family.size(&first);
        let descendants = family.descendants(&run.run_id);
        Self { run, ancestors, descendants, family_size }
    }
}

/// All runs, by their ids and by those of their parents.
struct Family {
    by_id: HashMap<String, RunSummary>,
    children: HashMap<String, Vec<String>>,
}

impl Family {
    /// Takes the runs, the newest first.
    fn of(runs: Vec<RunSummary>) -> Self {
        let mut children: HashMap<String, Vec<String>> = HashMap::new();
        for run in runs.iter().rev() {
            if let Some(parent) = run.parent() {
                children.entry(parent.to_owned()).or_default().push(run.run_id.clone());
            }
        }
        Self { by_id: runs.into_iter().map(|run| (run.run_id.clone(), run)).collect(), children }
    }

    /// From the first to the parent. A file that was tampered with may make a run its own ancestor.
    fn ancestors(&self, run: &RunSummary) -> Vec<Ancestor> {
        let mut seen = HashSet::from([run.run_id.as_str()]);
        let mut ancestors = Vec::new();
        let mut parent = run.parent();
        while let Some(id) = parent {
            if ancestors.len() >= LINEAGE_DEPTH_MAX || !seen.insert(id) {
                break;
            }
            let summary = self.by_id.get(id);
            ancestors.push(Ancestor { run_id: id.to_owned(), summary: summary.cloned() });
            parent = summary.and_then(RunSummary::parent);
        }
        ancestors.reverse();
        ancestors
    }

    /// How many are there of a run and all that come from it.
    fn size(&self, first: &str) -> usize {
        let mut seen = HashSet::from([first]);
        let mut open = vec![first];
        while let Some(id) = open.pop() {
            let children = self.children.get(id).into_iter().flatten();
            open.extend(children.map(String::as_str).filter(|child| seen.insert(child)));
        }
        seen.iter().filter(|id| self.by_id.contains_key(**id)).count()
    }

    fn descendants(&mut self, id: &str) -> Vec<Descendant> {
        let mut seen = HashSet::from([id.to_owned()]);
        self.below(id, &mut seen, 0)
    }

    fn below(&mut self, id: &str, seen: &mut HashSet<String>, depth: usize) -> Vec<Descendant> {
        if depth >= LINEAGE_DEPTH_MAX {
            return Vec::new();
        }
        let children = self.children.remove(id).unwrap_or_default();
        let mut below = Vec::new();
        for child in children {
            if let Some(summary) = self.by_id.get(&child).filter(|_| seen.insert(child.clone())).cloned() {
                below.push(Descendant { children: self.below(&child, seen, depth + 1), summary });
            }
        }
        below
    }
}
