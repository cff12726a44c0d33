//! Repeatable randomness, and the numbers that a longer run may raise.

use std::time::SystemTime;

use super::tell::tell;

/// A small generator, and the same everywhere.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// With the seed of `ROUNDTOWER_SEED`, else a new one; prints it.
    pub(super) fn new(test: &str) -> Self {
        let seed = number("ROUNDTOWER_SEED").unwrap_or_else(fresh);
        tell(&format!("{test}: ROUNDTOWER_SEED={seed}"));
        Self(seed)
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `0..below`.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }
}

/// A number from the environment.
pub(super) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} has to be a number, not {text}")))
}

#[expect(clippy::disallowed_methods, reason = "a seed is the one thing that should differ from run to run")]
fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::from(since.subsec_nanos()) ^ since.as_secs() << 20 & 0xFFFF_FFFF
}
