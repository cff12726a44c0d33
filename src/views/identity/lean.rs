//! Lists of millions that waste little: they grow by an eighth, and sequences take four bytes.

use crate::journal::Sequence;

/// Appends to a list that never holds much more room than it needs.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(16));
    }
    list.push(item);
}

/// Sequences that never fall. The upper half of the number is kept once for all that share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rising {
    low: Vec<u32>,
    /// From this place on the upper half is this.
    turns: Vec<(u32, u32)>,
}

impl Rising {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of the number are what is wanted")]
    pub(super) fn push(&mut self, sequence: Sequence) {
        let (high, low) = ((sequence.get() >> 32) as u32, sequence.get() as u32);
        if self.turns.last().map_or(0, |(_, last)| *last) != high {
            self.turns.push((self.len(), high));
        }
        push(&mut self.low, low);
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.low.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, place: u32) -> Option<Sequence> {
        let low = self.low.get(place as usize)?;
        let turn = self.turns.partition_point(|(from, _)| *from <= place).checked_sub(1);
        let high = turn.and_then(|turn| self.turns.get(turn)).map_or(0, |(_, high)| *high);
        Some(Sequence::new(u64::from(high) << 32 | u64::from(*low)))
    }

    /// How many are below `before`; those are the first ones.
    pub(super) fn below(&self, before: Sequence) -> u32 {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            if self.get(middle).is_some_and(|sequence| sequence < before) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }
}

/// The bytes that a list holds.
#[cfg(test)]
pub(super) const fn bytes<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

#[cfg(test)]
impl Rising {
    pub(super) const fn bytes(&self) -> usize {
        bytes(&self.low) + bytes(&self.turns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_come_back_across_every_turn_of_the_upper_half() {
        let turn = 1_u64 << 32;
        let numbers = [1, 1, 2, turn - 1, turn, turn, turn + 7, 5 * turn, 5 * turn + 1, u64::MAX];
        let mut rising = Rising::default();
        for number in numbers {
            rising.push(Sequence::new(number));
        }
        for (place, number) in (0..).zip(numbers) {
            assert_eq!(rising.get(place), Some(Sequence::new(number)));
        }
        assert_eq!(rising.get(10), None);
        for before in numbers.into_iter().flat_map(|number| [number, number.saturating_add(1)]) {
            let expected = numbers.iter().filter(|number| **number < before).count();
            assert_eq!(rising.below(Sequence::new(before)) as usize, expected, "{before}");
        }
    }

    #[test]
    fn a_long_list_has_little_room_to_spare() {
        let mut list = Vec::new();
        for item in 0..100_000 {
            push(&mut list, item);
        }
        assert!(list.capacity() <= list.len() * 9 / 8, "{}", list.capacity());
    }
}
