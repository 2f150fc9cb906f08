//! What was promised beside what was stored, row by row.

use std::collections::BTreeSet;

use anstyle::AnsiColor;

use super::promise::Promise;
use super::stored::Stored;
use crate::output::Look;
use crate::output::cells::{HEAD, Line, PLAIN};

/// One row: a promise, and what the store says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    what: String,
    promised: u64,
    stored: u64,
}

/// The whole comparison.
#[derive(Debug)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
}

impl Comparison {
    /// Sets a promise beside what was stored.
    pub(crate) fn of(promise: &Promise, stored: &Stored) -> Self {
        let dropped: u64 = promise.dropped.values().sum();
        let row = |what: &str, promised, stored| Row { what: what.to_owned(), promised, stored };
        let mut rows = vec![
            row("accepted, less what was dropped", promise.accepted.saturating_sub(dropped), stored.events),
            row("delivered", promise.delivered, stored.events),
            row("missing in the sequence", 0, stored.missing),
            row("stored twice", 0, stored.repeated),
        ];
        let names: BTreeSet<&String> = promise.names.keys().chain(stored.names.keys()).collect();
        rows.extend(names.into_iter().map(|name| {
            let count = |counts: &std::collections::BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
            row(name, count(&promise.names), count(&stored.names))
        }));
        Self { rows }
    }

    /// Returns whether every row agrees.
    pub(crate) fn agrees(&self) -> bool {
        self.rows.iter().all(Row::agrees)
    }

    /// Returns the lines of a table.
    pub(crate) fn lines(&self, look: Look) -> Vec<String> {
        let width = self.rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
        let heading =
            Line::new(look).cell("", width, PLAIN).right("promised", 8, HEAD).right("stored", 8, HEAD).rest("", PLAIN);
        let rows = self.rows.iter().map(|row| {
            let (word, style) = if row.agrees() {
                ("agree", AnsiColor::Green.on_default())
            } else {
                ("DISAGREE", AnsiColor::Red.on_default().bold())
            };
            Line::new(look)
                .cell(&row.what, width, PLAIN)
                .right(&row.promised.to_string(), 8, PLAIN)
                .right(&row.stored.to_string(), 8, PLAIN)
                .rest(word, style)
        });
        std::iter::once(heading).chain(rows).collect()
    }
}

impl Row {
    fn agrees(&self) -> bool {
        self.promised == self.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise() -> Promise {
        Promise {
            accepted: 3,
            delivered: 3,
            names: [("a".to_owned(), 2), ("b".to_owned(), 1)].into(),
            ..Promise::default()
        }
    }

    fn stored() -> Stored {
        Stored { events: 3, names: promise().names, ..Stored::default() }
    }

    #[test]
    fn a_kept_promise_agrees_in_every_row() {
        let comparison = Comparison::of(&promise(), &stored());
        assert!(comparison.agrees());
        let lines = comparison.lines(Look::PLAIN);
        assert_eq!(lines.last().unwrap(), "b                                       1         1  agree");
    }

    #[test]
    fn a_lost_a_doubled_a_renamed_and_an_unpromised_event_each_disagree() {
        let names = |list: &[(&str, u64)]| list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        for wrong in [
            Stored { events: 2, names: names(&[("a", 1), ("b", 1)]), ..stored() },
            Stored { repeated: 1, ..stored() },
            Stored { missing: 1, ..stored() },
            Stored { names: names(&[("a", 2), ("c", 1)]), ..stored() },
            Stored { names: names(&[("a", 2), ("b", 1), ("c", 1)]), ..stored() },
        ] {
            let comparison = Comparison::of(&promise(), &wrong);
            assert!(!comparison.agrees(), "{wrong:?}");
            assert!(comparison.lines(Look::PLAIN).iter().any(|line| line.ends_with("DISAGREE")));
        }
    }

    #[test]
    fn what_the_reporter_owned_up_to_is_no_disagreement() {
        let promise = Promise { accepted: 5, dropped: [("queue_full".to_owned(), 2)].into(), ..promise() };
        assert!(Comparison::of(&promise, &stored()).agrees());
    }
}
