//! The pauses between the attempts of one call, and the dice that spread them.

use std::time::Duration;

use crate::relay::policy::pause_before;
use crate::relay::settings::Destination;

/// The policy's pause after so many attempts; `jitter` is a factor in thousandths.
pub(super) fn pause_after(attempts: u32, to: &Destination, jitter: u64) -> Duration {
    let number = |value: u64| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    let share = number(jitter.saturating_sub(JITTER_MIN)) / number(JITTER_MAX - JITTER_MIN);
    pause_before(attempts.saturating_add(1), to, share).max(Duration::from_millis(1))
}

/// The largest of the factors that spread pauses.
pub(super) const JITTER_MAX: u64 = 1_250;
/// The smallest.
const JITTER_MIN: u64 = 750;

/// A pause times a factor in thousandths; never nothing.
pub(super) fn spread(pause: Duration, jitter: u64) -> Duration {
    let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis((millis.saturating_mul(jitter) / 1_000).max(1))
}

/// Random numbers from a seed (`SplitMix64`).
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    /// The same seed throws the same numbers.
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A factor in thousandths, 750 to 1250: calls that failed together do not all come back together.
    pub(super) fn jitter(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        JITTER_MIN + (mixed ^ (mixed >> 31)) % (JITTER_MAX - JITTER_MIN + 1)
    }
}
