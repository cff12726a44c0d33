//! Chance from a seed: the same seed gives the same choices, in the same order, on every machine.

/// What the states of the generator differ by (`SplitMix64`).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A row of choices.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The row of this seed; another `salt` gives another row.
    pub(super) fn new(seed: u64, salt: u64) -> Self {
        let mut chance = Self(seed ^ salt.wrapping_mul(STEP));
        chance.next();
        chance
    }

    /// Any number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        low + u32::try_from(((self.next() >> 32) * span) >> 32).unwrap_or_default()
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, share: u32) -> bool {
        self.between(1, 100) <= share
    }

    /// One of these; each as likely as the others.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let place = self.place(all.len());
        all.get(place).expect("the place lies in a list that is not empty")
    }

    /// A place in a list of this length, 0 when it is empty.
    pub(super) fn place(&mut self, length: usize) -> usize {
        let last = u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX);
        self.between(0, last) as usize
    }

    /// The text form of an id as SDKs make them.
    pub(super) fn id(&mut self) -> String {
        let (first, second) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            first >> 32,
            (first >> 16) & 0xffff,
            first & 0xfff,
            second >> 52,
            second & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn choices_stay_in_their_bounds_and_reach_them() {
        let mut chance = Chance::new(7, 0);
        let mut seen = [0_u32; 6];
        for _ in 0..6_000 {
            let number = chance.between(3, 8);
            assert!((3..=8).contains(&number));
            seen[number as usize - 3] += 1;
        }
        assert!(seen.iter().all(|times| (800..1_200).contains(times)), "{seen:?}");
        assert!((0..1_000).filter(|_| chance.percent(0)).count() == 0);
        assert!((0..1_000).filter(|_| chance.percent(100)).count() == 1_000);
        assert_eq!(chance.between(5, 5), 5);
        assert_eq!(Chance::new(7, 1).id().len(), 36);
        assert_ne!(Chance::new(7, 1).id(), Chance::new(7, 2).id());
    }
}
