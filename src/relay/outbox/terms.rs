//! What is said to and by the outbox: offers, decisions, changes, numbers.

use crate::call::time::Time;
use crate::journal::Sequence;

/// What was tried before, for a record that is offered again after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Attempts so far. 0: owed as if it was never tried, the other two say nothing.
    pub attempts: u32,
    /// When the first one was.
    pub first_at: Time,
    /// Not before this.
    pub due: Time,
}

/// A record that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its place.
    pub sequence: Sequence,
    /// Digests of the ids it carries (user, anonymous, previous): records that share one, also by way of others, are
    /// sent one after the other.
    pub ids: Vec<u64>,
    /// About how large it is, in bytes.
    pub bytes: usize,
    /// Attempts from before a restart.
    pub tried: Option<Tried>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send these in one request, in this order, and report with [`super::Outbox::answered`].
    Send(Vec<Sequence>),
    /// These were given up without being sent again: their time had run out when their turn came. Ask again.
    Settle(Vec<Change>),
    /// Nothing before this time, unless something is offered or answered. `None`: nothing at all.
    Wait(Option<Time>),
}

/// What became of a record by an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Settled: accepted.
    Delivered(Sequence),
    /// Settled: given up.
    Dead {
        /// Which.
        sequence: Sequence,
        /// The code shown to operators: `REFUSED`, `EXPIRED`, `UNAUTHORIZED`, `UNSUPPORTED_EVENT_TYPE`, `TOO_LARGE`.
        code: &'static str,
        /// How often it was tried, and when first; `due` is when it was given up.
        tried: Tried,
    },
    /// Still owed: tried in vain.
    Waiting {
        /// Which.
        sequence: Sequence,
        /// How often, and when again.
        tried: Tried,
    },
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// An operator said so.
    Operator,
    /// Too many answers 401 or 403 in a row.
    Unauthorized,
}

/// The circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// All is well.
    Closed,
    /// Too many failures in a row: nothing is sent before this time.
    Open(Time),
    /// One request is under way to see.
    HalfOpen,
}

/// The state in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Records held here.
    pub held: usize,
    /// Of these: in requests under way.
    pub in_flight: usize,
    /// Of these: tried in vain and waiting for their time.
    pub waiting: usize,
    /// Requests that may be under way now.
    pub concurrency: usize,
    /// The breaker.
    pub breaker: Breaker,
    /// Whether it is paused, and why.
    pub pause: Option<Pause>,
}
