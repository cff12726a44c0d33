//! The first rows of a large list in some order, found in one pass and without sorting all of it.

use super::cursor::Row;

/// Rows beyond those wanted that are collected before the worst ones are thrown away.
const SPARE: usize = 128;

/// Where a row stands: those without a number last, then by number, then by what decides between equals.
type Rank = (bool, i64, [u8; 16]);

/// The first rows after a place. The cost of a row does not depend on the order in which rows come.
pub(super) struct First<T> {
    rows: Vec<(Rank, T)>,
    keep: usize,
    /// When enough are there: the last of those that may still be among the first.
    worst: Option<Rank>,
    after: Option<Rank>,
    is_descending: bool,
}

impl<T> First<T> {
    /// For `limit` rows, and one more that tells whether there are more.
    pub(super) fn new(limit: usize, is_descending: bool, after: Option<Row>) -> Self {
        let keep = limit.saturating_add(1);
        let mut first = Self { rows: Vec::new(), keep, worst: None, after: None, is_descending };
        first.after = after.map(|row| first.rank(row.rank, row.tie));
        first
    }

    fn rank(&self, number: Option<i64>, tie: [u8; 16]) -> Rank {
        // Turning all bits around turns the order of numbers around.
        let number_first = number.map_or(0, |number| if self.is_descending { !number } else { number });
        (number.is_none(), number_first, tie)
    }

    /// Whether a row with this number may be among the first: whoever is turned away here costs nothing more.
    pub(super) fn may_take(&self, number: Option<i64>) -> bool {
        let best = self.rank(number, [0; 16]);
        let worst = (best.0, best.1, [u8::MAX; 16]);
        self.after.is_none_or(|after| worst > after) && self.worst.is_none_or(|worst| best <= worst)
    }

    /// Whether any row with this number or one that comes later may be among the first.
    pub(super) fn may_come(&self, number: Option<i64>) -> bool {
        let best = self.rank(number, [0; 16]);
        self.worst.is_none_or(|worst| best <= worst)
    }

    /// Offers a row.
    pub(super) fn offer(&mut self, number: Option<i64>, tie: [u8; 16], row: T) {
        let rank = self.rank(number, tie);
        if self.after.is_some_and(|after| rank <= after) || self.worst.is_some_and(|worst| rank > worst) {
            return;
        }
        self.rows.push((rank, row));
        if self.rows.len() >= self.keep.saturating_add(SPARE).saturating_add(self.keep) {
            let (_, last, _) = self.rows.select_nth_unstable_by_key(self.keep - 1, |(rank, _)| *rank);
            self.worst = Some(last.0);
            self.rows.truncate(self.keep);
        }
    }

    /// The rows in order, and the place after them if there are more.
    pub(super) fn into_rows(mut self) -> (Vec<T>, Option<Row>) {
        self.rows.sort_unstable_by_key(|(rank, _)| *rank);
        let has_more = self.rows.len() >= self.keep;
        self.rows.truncate(self.keep - 1);
        let last = self.rows.last().filter(|_| has_more).map(|((is_none, number, tie), _)| {
            let number = if self.is_descending { !*number } else { *number };
            Row { rank: (!is_none).then_some(number), tie: *tie }
        });
        (self.rows.into_iter().map(|(_, row)| row).collect(), last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_are_the_sorted_list_cut_into_pieces(
            numbers in prop::collection::vec(prop::option::of(-9_i64..9), 0..3_000),
            limit in prop::sample::select(vec![1_usize, 7, 100, 1_000]),
            descending: bool,
        ) {
            let mut whole: Vec<(Option<i64>, u16)> = numbers.iter().copied().zip(0..).collect();
            whole.sort_by_key(|(number, tie)| {
                (number.is_none(), number.map(|number| if descending { -number } else { number }), *tie)
            });
            let (mut pages, mut after) = (Vec::new(), None);
            while pages.len() < 50 * limit {
                let mut first = First::new(limit, descending, after);
                for (number, tie) in numbers.iter().copied().zip(0_u16..) {
                    if first.may_take(number) {
                        first.offer(number, u128::from(tie).to_be_bytes(), (number, tie));
                    }
                }
                let (rows, last) = first.into_rows();
                prop_assert!(rows.len() <= limit);
                pages.extend(rows);
                after = last;
                if after.is_none() {
                    break;
                }
            }
            whole.truncate(50 * limit);
            prop_assert_eq!(pages, whole);
        }
    }
}
