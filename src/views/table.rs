//! Tables that are bounded, and whose sums are exact all the same.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use crate::limits::VIEW_NAME_BYTES_MAX;

/// What stands between the parts of a key.
const SEPARATOR: char = '\u{1f}';

/// Two of it can be made one.
pub(crate) trait Fold: Default {
    /// Adds what the other one has.
    fn fold(&mut self, other: Self);
}

/// Rows by name, at most `MAX`; all others are one row, `other`.
///
/// Which names have a row of their own is a matter of the names alone: the shortest have, and of equally long ones the first in the
/// alphabet. So a table of the same events is the same in whatever order they came, and however it was put together; and where a
/// program makes up names without end, with ids in them, those that people gave still stand.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Table<V, const MAX: usize> {
    rows: Vec<(Box<str>, V)>,
    other: V,
    /// Whether anything was counted in `other`.
    #[serde(default)]
    overflowed: bool,
}

impl<V: Fold, const MAX: usize> Table<V, MAX> {
    /// Returns the row of a name that is bounded already.
    #[inline]
    pub(crate) fn row(&mut self, name: &str) -> &mut V {
        match self.find(name) {
            Ok(at) => &mut self.rows[at].1,
            Err(at) => self.make(at, name),
        }
    }

    #[cold]
    fn make(&mut self, at: usize, name: &str) -> &mut V {
        self.overflowed |= self.rows.len() >= MAX;
        if at >= MAX {
            return &mut self.other;
        }
        if self.rows.len() >= MAX
            && let Some((_, last)) = self.rows.pop()
        {
            self.other.fold(last);
        }
        self.rows.insert(at, (name.into(), V::default()));
        &mut self.rows[at].1
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.find(name).ok().map(|at| &self.rows[at].1)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &V)> {
        self.rows.iter().map(|(name, row)| (&**name, row))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.iter_mut().map(|(_, row)| row)
    }

    /// Returns the row of all those that have none of their own, if there are any.
    pub(crate) fn other(&self) -> Option<&V> {
        self.overflowed.then_some(&self.other)
    }

    pub(crate) fn other_mut(&mut self) -> &mut V {
        &mut self.other
    }

    #[inline]
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.rows.binary_search_by(|(row, _)| row.len().cmp(&name.len()).then_with(|| (**row).cmp(name)))
    }
}

impl<V: Fold, const MAX: usize> Fold for Table<V, MAX> {
    fn fold(&mut self, other: Self) {
        for (name, row) in other.rows {
            self.row(&name).fold(row);
        }
        self.other.fold(other.other);
        self.overflowed |= other.overflowed;
    }
}

/// A row that is left out once it was not heard of for longer than others.
pub(crate) trait Aging: Fold {
    /// When it was last heard of.
    fn last(&self) -> Moment;
    /// What is still known of it once it is left out: its sums.
    fn left_out(self) -> Self;
}

/// Rows by key, of which those that were heard of last are kept, at most `MAX` and a quarter; all others are one row, `other`.
///
/// Beyond the bound it depends on the order of events what a row that comes back still knows. Sums of all rows do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "K: Ord + Serialize, V: Serialize",
    deserialize = "K: Ord + Deserialize<'de>, V: Deserialize<'de>"
))]
pub(crate) struct Recent<K, V, const MAX: usize> {
    rows: BTreeMap<K, V>,
    other: V,
    /// Rows that were folded into `other`.
    left_out: u64,
}

impl<K, V: Default, const MAX: usize> Default for Recent<K, V, MAX> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), other: V::default(), left_out: 0 }
    }
}

impl<K: Ord + Clone, V: Aging, const MAX: usize> Recent<K, V, MAX> {
    /// Returns the row of a key, which is made where there is none.
    #[inline]
    pub(crate) fn row<Q: Ord + ?Sized>(&mut self, key: &Q, owned: impl FnOnce(&Q) -> K) -> &mut V
    where
        K: Borrow<Q>,
    {
        if self.rows.len() >= MAX + MAX / 4 && !self.rows.contains_key(key) {
            self.shrink_to(MAX);
        }
        self.rows.entry(owned(key)).or_default()
    }

    /// Leaves the oldest rows out. It is done once there are a quarter more than are kept: so once for many new ones.
    pub(crate) fn shrink_to(&mut self, keep: usize) {
        let surplus = self.rows.len().saturating_sub(keep);
        if surplus == 0 {
            return;
        }
        let mut ages: Vec<(Moment, K)> = self.rows.iter().map(|(key, row)| (row.last(), key.clone())).collect();
        ages.select_nth_unstable(surplus - 1);
        for (_, key) in ages.drain(..surplus) {
            if let Some(row) = self.rows.remove(&key) {
                self.other.fold(row.left_out());
                self.left_out = self.left_out.saturating_add(1);
            }
        }
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns how many rows there are and were.
    pub(crate) fn seen(&self) -> u64 {
        self.left_out.saturating_add(self.rows.len() as u64)
    }

    /// Returns the row of all those that were left out.
    pub(crate) const fn other(&self) -> &V {
        &self.other
    }
}

impl<K: Ord + Clone, V: Aging, const MAX: usize> Fold for Recent<K, V, MAX> {
    fn fold(&mut self, other: Self) {
        for (key, row) in other.rows {
            self.rows.entry(key).or_default().fold(row);
        }
        self.other.fold(other.other);
        self.left_out = self.left_out.saturating_add(other.left_out);
        if self.rows.len() > MAX + MAX / 4 {
            self.shrink_to(MAX);
        }
    }
}

/// Cuts a text to so many bytes, between two characters.
#[inline]
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max { text } else { &text[..text.floor_char_boundary(bytes_max)] }
}

/// Cuts a name to what a view keeps.
#[inline]
pub(crate) fn cut_name(name: &str) -> &str {
    cut(name, VIEW_NAME_BYTES_MAX)
}

/// Makes one key of several parts, none of which can be taken for two.
pub(crate) fn join<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut key = String::with_capacity(64);
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            key.push(SEPARATOR);
        }
        let part = cut_name(part);
        if part.contains(SEPARATOR) {
            key.push_str(&part.replace(SEPARATOR, " "));
        } else {
            key.push_str(part);
        }
    }
    key
}

/// Returns the parts of such a key.
pub(crate) fn parts(key: &str) -> impl Iterator<Item = &str> {
    key.split(SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[derive(Debug, Clone, PartialEq, Default)]
    struct Row(u64, Moment);

    impl Fold for Row {
        fn fold(&mut self, other: Self) {
            self.0 += other.0;
            self.1 = self.1.max(other.1);
        }
    }

    impl Aging for Row {
        fn last(&self) -> Moment {
            self.1
        }

        fn left_out(self) -> Self {
            self
        }
    }

    fn table<'n>(names: impl IntoIterator<Item = &'n String>) -> Table<Row, 8> {
        let mut table: Table<Row, 8> = Table::default();
        names.into_iter().for_each(|name| table.row(name).0 += 1);
        table
    }

    #[test]
    fn a_table_beyond_its_bound_is_the_same_in_any_order_and_however_it_is_merged() {
        let names: Vec<String> =
            (0..40_u64).flat_map(|number| [format!("tool-{number}"), format!("t{}", number % 9)]).collect();
        let whole = table(&names);
        assert_eq!(whole, table(names.iter().rev()));
        let mut merged = table(names.iter().step_by(2));
        merged.fold(table(names.iter().skip(1).step_by(2)));
        assert_eq!(merged, whole);
        let kept: Vec<&str> = whole.iter().map(|(name, _)| name).collect();
        assert_eq!(kept, ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"], "those that people gave");
        let sum: u64 = whole.iter().map(|(_, row)| row.0).chain(whole.other().map(|row| row.0)).sum();
        assert_eq!(sum, 80, "nothing is lost");
    }

    #[test]
    fn the_rows_that_were_heard_of_last_are_kept_and_the_sum_of_all_is_exact() {
        let mut rows: Recent<Box<str>, Row, 8> = Recent::default();
        for number in 0..1_000 {
            let row = rows.row(format!("{number}").as_str(), |key| key.into());
            row.0 += 1;
            row.1 = Moment::new(Timestamp::from_unix_nanos(number * 1_000), "s", 0);
        }
        assert!(rows.len() <= 10);
        assert!((992..1_000).all(|number| rows.get(format!("{number}").as_str()).is_some()));
        assert_eq!(rows.iter().map(|(_, row)| row.0).sum::<u64>() + rows.other().0, 1_000);
        assert_eq!(rows.seen(), 1_000);
    }

    #[test]
    fn parts_of_a_key_stay_apart_whatever_is_in_them() {
        let key = join(["a\u{1f}b", "", "c"]);
        assert_eq!(parts(&key).collect::<Vec<_>>(), ["a b", "", "c"]);
        assert_eq!(cut("日本", 4), "日");
    }
}
