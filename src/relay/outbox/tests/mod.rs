//! The rules one by one, and all of them against a receiver that misbehaves.

mod failures;
mod order;
mod refusals;
mod simulation;
mod steps;
mod volume;

use super::{Change, Next, Offer, Outbox, Tried};
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::relay::settings::{Destination, Format, From};

/// Some time in 2024.
const START_MS: i64 = 1_710_000_000_000;

fn destination() -> Destination {
    Destination {
        name: "vendor".to_owned(),
        format: Format::Segment,
        url: "http://127.0.0.1:1".to_owned(),
        api_key: Secret::new("key".to_owned()),
        enabled: true,
        integration: "Vendor".to_owned(),
        own_name: true,
        relay_screen: true,
        from: From::Start,
        timeout_ms: 5_000,
        retry_initial_ms: 10_000,
        retry_max_ms: 4_500_000,
        expire_after_s: 4 * 3_600,
        rate_per_second: 0,
        batch_max: 0,
        body_bytes_max: 1_000_000,
        concurrency_max: 16,
        unauthorized_max: 3,
        deny_private: false,
        signing_secret: None,
    }
}

/// So many seconds after the start.
fn at(seconds: i64) -> Time {
    Time::from_millis(START_MS + seconds * 1_000)
}

fn sequences(numbers: impl IntoIterator<Item = u64>) -> Vec<Sequence> {
    numbers.into_iter().map(Sequence::new).collect()
}

/// Offers what is not left behind.
fn offer_to(outbox: &mut Outbox, offer: Offer, now: Time) {
    assert!(outbox.offer(offer, now));
}

fn offer(number: u64, ids: &[u64]) -> Offer {
    Offer { sequence: Sequence::new(number), ids: ids.to_vec(), bytes: 100, tried: None }
}
