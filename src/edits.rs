//! The shortest way from one list to another (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).

use crate::limits::{DIFF_EDITS_MAX, DIFF_STEPS_MAX};

/// A step from one list to another, with the places in the one and the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Both have it.
    Same(usize, usize),
    /// Only the one has it.
    Removed(usize),
    /// Only the other has it.
    Added(usize),
}

/// Returns the steps from one list to another; `None` if they differ in more than [`DIFF_EDITS_MAX`] places, or to find that out takes
/// more than [`DIFF_STEPS_MAX`] comparisons.
pub(crate) fn between<T: PartialEq>(one: &[T], other: &[T]) -> Option<Vec<Edit>> {
    let trace = search(one, other)?;
    let (mut x, mut y) = (one.len(), other.len());
    let mut edits = Vec::new();
    for (depth, row) in trace.iter().enumerate().rev() {
        let reach = |diagonal: isize| row.get(diagonal);
        let diagonal = signed(x) - signed(y);
        let before = if goes_down(diagonal, depth, &reach) { diagonal + 1 } else { diagonal - 1 };
        let (from_x, from_y) = if depth == 0 {
            (0, 0)
        } else {
            let from = reach(before);
            (from, (signed(from) - before).unsigned_abs())
        };
        // What both have behind the step, and then the step; backwards.
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            edits.push(Edit::Same(x, y));
        }
        if depth > 0 {
            if before > diagonal {
                y -= 1;
                edits.push(Edit::Added(y));
            } else {
                x -= 1;
                edits.push(Edit::Removed(x));
            }
        }
    }
    edits.reverse();
    Some(edits)
}

/// How far each diagonal reaches before the edits of a depth: only those that have that many edits at most.
struct Row {
    reaches: Vec<usize>,
}

impl Row {
    /// A diagonal that is not in the row is never better than one that is.
    fn get(&self, diagonal: isize) -> usize {
        let middle = signed(self.reaches.len() / 2);
        usize::try_from(middle + diagonal).ok().and_then(|at| self.reaches.get(at)).copied().unwrap_or(0)
    }
}

fn goes_down(diagonal: isize, depth: usize, reach: &impl Fn(isize) -> usize) -> bool {
    let depth = signed(depth);
    diagonal == -depth || (diagonal != depth && reach(diagonal - 1) < reach(diagonal + 1))
}

fn search<T: PartialEq>(one: &[T], other: &[T]) -> Option<Vec<Row>> {
    let mut trace = Vec::new();
    let mut steps = 0;
    let mut row = Row { reaches: vec![0; 3] };
    for depth in 0..=DIFF_EDITS_MAX.min(one.len() + other.len()) {
        let half = depth + 1;
        let mut next = Row { reaches: (0..=2 * half).map(|at| row.get(signed(at) - signed(half))).collect() };
        for diagonal in (-signed(depth)..=signed(depth)).step_by(2) {
            let reach = |diagonal: isize| row.get(diagonal);
            let mut x = if goes_down(diagonal, depth, &reach) { reach(diagonal + 1) } else { reach(diagonal - 1) + 1 };
            let mut y = (signed(x) - diagonal).unsigned_abs();
            while x < one.len() && y < other.len() && one[x] == other[y] {
                (x, y) = (x + 1, y + 1);
                steps += 1;
            }
            steps += 1;
            if steps > DIFF_STEPS_MAX {
                return None;
            }
            if let Some(place) = usize::try_from(signed(half) + diagonal).ok().and_then(|at| next.reaches.get_mut(at)) {
                *place = x;
            }
            if x >= one.len() && y >= other.len() {
                trace.push(row);
                return Some(trace);
            }
        }
        trace.push(row);
        row = std::mem::replace(&mut next, Row { reaches: Vec::new() });
    }
    None
}

fn signed(number: usize) -> isize {
    isize::try_from(number).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_takes_too_long_to_compare_is_given_up() {
        let one = vec![0_u8; 100_000];
        let mut other = one.clone();
        other.iter_mut().step_by(101).for_each(|item| *item = 1);
        assert_eq!(between(&one, &other), None);
    }

    fn applied(one: &[u8], other: &[u8]) -> (Vec<u8>, Vec<u8>, usize) {
        let (mut from, mut to, mut count) = (Vec::new(), Vec::new(), 0);
        for edit in between(one, other).unwrap() {
            match edit {
                Edit::Same(x, y) => {
                    assert_eq!(one[x], other[y]);
                    from.push(one[x]);
                    to.push(other[y]);
                }
                Edit::Removed(x) => {
                    from.push(one[x]);
                    count += 1;
                }
                Edit::Added(y) => {
                    to.push(other[y]);
                    count += 1;
                }
            }
        }
        (from, to, count)
    }

    /// The longest list that is within both, by the textbook.
    fn common(one: &[u8], other: &[u8]) -> usize {
        let mut row = vec![0; other.len() + 1];
        for x in one {
            let mut diagonal = 0;
            for (at, y) in other.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if x == y { diagonal + 1 } else { above.max(row[at]) };
                diagonal = above;
            }
        }
        row[other.len()]
    }

    proptest! {
        #[test]
        fn the_steps_lead_from_the_one_to_the_other_and_none_is_too_many(
            one in prop::collection::vec(0..4_u8, 0..24), other in prop::collection::vec(0..4_u8, 0..24)
        ) {
            let (from, to, count) = applied(&one, &other);
            prop_assert_eq!((&from, &to), (&one, &other));
            prop_assert_eq!(count, one.len() + other.len() - 2 * common(&one, &other));
        }
    }

    #[test]
    fn lists_that_have_little_in_common_are_not_compared_for_ever() {
        let (one, other): (Vec<u32>, Vec<u32>) = ((0..2_000).collect(), (5_000..7_000).collect());
        assert_eq!(between(&one, &other), None);
        assert_eq!(between(&one, &one).unwrap().len(), 2_000);
    }
}
