//! Which numbers of a session have arrived, as ranges that neither touch nor overlap.
//!
//! A session without a gap is one range, however long. What is missing lies between the ranges, and before the first:
//! numbers are counted from 0.

use rusqlite::{Transaction, params};

/// Adds numbers, sorted, to what has arrived; returns how many of them are new.
pub(super) fn add(transaction: &Transaction<'_>, session: i64, sorted: &[i64]) -> rusqlite::Result<i64> {
    let mut new = 0;
    for run in sorted.chunk_by(|one, next| *next - *one <= 1) {
        if let [low, ..] = run
            && let [.., high] = run
        {
            new += add_run(transaction, session, *low, *high)?;
        }
    }
    Ok(new)
}

/// Adds the numbers from `low` to `high`: they swallow every range that they touch.
fn add_run(transaction: &Transaction<'_>, session: i64, low: i64, high: i64) -> rusqlite::Result<i64> {
    let mut touching =
        transaction.prepare_cached("SELECT low, high FROM ranges WHERE session = ? AND low <= ? ORDER BY low DESC")?;
    // No number is `i64::MAX`, so the one after it exists.
    let mut rows = touching.query([session, high + 1])?;
    let (mut merged_low, mut merged_high, mut known) = (low, high, 0);
    let mut swallowed = Vec::new();
    while let Some(row) = rows.next()? {
        let (from, to): (i64, i64) = (row.get(0)?, row.get(1)?);
        if to < low - 1 {
            break;
        }
        merged_low = merged_low.min(from);
        merged_high = merged_high.max(to);
        known += (to.min(high) - from.max(low) + 1).max(0);
        swallowed.push(from);
    }
    drop(rows);
    let mut remove = transaction.prepare_cached("DELETE FROM ranges WHERE session = ? AND low = ?")?;
    for from in swallowed.into_iter().filter(|from| *from != merged_low) {
        remove.execute([session, from])?;
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO ranges (session, low, high) VALUES (?, ?, ?)")?
        .execute(params![session, merged_low, merged_high])?;
    Ok(high - low + 1 - known)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::schema;
    use super::*;

    fn ranges_after(additions: &[&[i64]]) -> (Vec<(i64, i64)>, i64) {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, 0).unwrap();
        let transaction = connection.transaction().unwrap();
        let new = additions.iter().map(|numbers| add(&transaction, 1, numbers).unwrap()).sum();
        let mut statement = transaction.prepare("SELECT low, high FROM ranges ORDER BY low").unwrap();
        let ranges = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (ranges.map(Result::unwrap).collect(), new)
    }

    #[test]
    fn an_unbroken_session_is_one_range() {
        assert_eq!(ranges_after(&[&[0, 1, 2], &[3, 4], &[5]]), (vec![(0, 5)], 6));
    }

    #[test]
    fn what_arrives_late_closes_its_gap() {
        assert_eq!(ranges_after(&[&[0, 1, 5, 6]]), (vec![(0, 1), (5, 6)], 4));
        assert_eq!(ranges_after(&[&[0, 1, 5, 6], &[9], &[2, 3, 4]]), (vec![(0, 6), (9, 9)], 8));
        assert_eq!(ranges_after(&[&[4], &[2], &[0], &[1, 3]]), (vec![(0, 4)], 5));
    }

    #[test]
    fn a_number_that_arrives_twice_counts_once() {
        assert_eq!(ranges_after(&[&[0, 0, 1], &[1, 2], &[0, 1, 2, 3]]), (vec![(0, 3)], 4));
        assert_eq!(ranges_after(&[&[0, 1, 5, 6], &[1, 2, 3, 4, 5]]), (vec![(0, 6)], 7));
    }

    #[test]
    fn the_largest_number_is_a_number_like_others() {
        assert_eq!(ranges_after(&[&[0, i64::MAX - 1]]), (vec![(0, 0), (i64::MAX - 1, i64::MAX - 1)], 2));
    }
}
