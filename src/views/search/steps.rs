//! Greater and less over millions of values without visiting each: beside the whole value, its first few bytes are
//! terms too, on rising steps.
//!
//! All that is greater than `2024-05-17T10:00` is: what begins with a year after 2024, or with 2024 and a later month,
//! or with that month and a later day, and so on. Each of these is a short row of terms on one step, and only the last
//! few values are compared whole. The steps of text are those of RFC 3339: year, month, day, hour.

/// The step that holds whole values.
pub(super) const WHOLE: u8 = 0;
/// Where the steps of text end, in bytes.
pub(super) const TEXT: &[usize] = &[4, 7, 10, 13];
/// Where the steps of numbers end: sign and power of ten are three bytes, then two digits a byte.
pub(super) const NUMBER: &[usize] = &[4, 5, 6, 7];

/// The terms of one value: its step and the bytes on it. A value is on a step when it is longer than the one before.
pub(super) fn of<'a>(value: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = (u8, &'a [u8])> {
    let begins = std::iter::once(0).chain(ends.iter().copied());
    let steps = ends.iter().zip(begins).enumerate().map_while(move |(at, (end, begin))| {
        let is_there = at == 0 || value.len() > begin;
        is_there.then(|| (number(at), first(value, *end)))
    });
    std::iter::once((WHOLE, value)).chain(steps)
}

/// A row of terms on one step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// One whole value.
    Only(&'a [u8]),
    /// What is greater than `over` and begins with `begin`.
    Above { step: u8, over: &'a [u8], begin: &'a [u8] },
    /// What begins with `begin` and is smaller than `under`.
    Below { step: u8, under: &'a [u8], begin: &'a [u8] },
}

/// The rows whose documents together are those with a greater value.
pub(super) fn greater<'a>(value: &'a [u8], ends: &[usize]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(ends.len() + 1);
    let mut begin = first(value, 0);
    for (at, end) in ends.iter().enumerate() {
        let over = first(value, *end);
        rows.push(Row::Above { step: number(at), over, begin });
        if value.len() < *end {
            return rows; // what is alike on this step is equal
        }
        begin = over;
    }
    rows.push(Row::Above { step: WHOLE, over: value, begin });
    rows
}

/// The rows whose documents together are those with a smaller value.
pub(super) fn less<'a>(value: &'a [u8], ends: &[usize]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(2 * ends.len() + 1);
    let mut begin = first(value, 0);
    for (at, end) in ends.iter().enumerate() {
        if at > 0 {
            rows.push(Row::Only(begin)); // smaller, and too short to be on this step
        }
        let under = first(value, *end);
        rows.push(Row::Below { step: number(at), under, begin });
        if value.len() <= *end {
            return rows; // what is alike on this step is not smaller
        }
        begin = under;
    }
    rows.push(Row::Below { step: WHOLE, under: value, begin });
    rows
}

fn first(value: &[u8], length: usize) -> &[u8] {
    value.get(..length).unwrap_or(value)
}

/// Steps are numbered from 1: [`WHOLE`] is 0.
fn number(at: usize) -> u8 {
    u8::try_from(at + 1).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a value is in one of the rows, found by its terms as the index finds it.
    fn is_in(rows: &[Row<'_>], value: &[u8], ends: &[usize]) -> bool {
        rows.iter().any(|row| {
            of(value, ends).any(|(step, term)| match row {
                Row::Only(only) => step == WHOLE && term == *only,
                Row::Above { step: on, over, begin } => step == *on && term > *over && term.starts_with(begin),
                Row::Below { step: on, under, begin } => step == *on && term < *under && term >= *begin,
            })
        })
    }

    proptest! {
        #[test]
        fn rows_hold_exactly_what_is_greater_and_less(
            left in proptest::collection::vec(0u8..3, 0..18),
            right in proptest::collection::vec(0u8..3, 0..18),
            same in 0usize..18,
        ) {
            for ends in [TEXT, NUMBER, &[1, 2, 3], &[1]] {
                // Long common beginnings are what the steps are about.
                let mut value = left.clone();
                value.truncate(same);
                value.extend(&right);
                prop_assert_eq!(is_in(&greater(&left, ends), &value, ends), value > left);
                prop_assert_eq!(is_in(&less(&left, ends), &value, ends), value < left);
            }
        }
    }

    #[test]
    fn a_time_has_few_rows() {
        let rows = greater(b"2024-05-17T10:00:00.000Z", TEXT);
        assert_eq!(rows.len(), 5);
        assert_eq!(rows.first(), Some(&Row::Above { step: 1, over: b"2024", begin: b"" }));
        assert_eq!(
            rows.last(),
            Some(&Row::Above { step: WHOLE, over: b"2024-05-17T10:00:00.000Z", begin: b"2024-05-17T10" })
        );
    }
}
