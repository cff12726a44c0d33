//! What an operator can set about a destination, with defaults and units.

mod entry;

use serde::Deserialize;

pub use entry::Entry;

use crate::call::secret::Secret;
use crate::call::time::Time;

/// How calls are written for a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// What Windsor's own client sends: batches of `user` and `event`, the key in the path.
    Windsor,
    /// Segment's delivery to partners: one call a request, the key as Basic user name.
    Partner,
    /// `/v1/batch` of any Segment-compatible host, the key as Basic user name.
    Segment,
}

impl Format {
    /// How many calls one request carries when nothing else is set.
    pub const fn batch_max(self) -> usize {
        match self {
            Self::Windsor => 20,
            Self::Partner => 1,
            Self::Segment => 100,
        }
    }
}

/// Where a new destination begins in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "entry::Written")]
pub enum From {
    /// At the first record that comes after it was added.
    Now,
    /// At the oldest record there is.
    Start,
    /// At the first record received at this time or later.
    Time(Time),
}

/// One entry of `[[destinations]]`.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, named as in the configuration")]
pub struct Destination {
    /// Unique in this server; the relay remembers by it what was delivered.
    pub name: String,
    /// How calls are written.
    pub format: Format,
    /// Where to: `http://` or `https://`.
    pub url: String,
    /// The key the receiver issued.
    pub api_key: Secret,
    /// False: nothing is sent; what comes stays pending.
    pub enabled: bool,
    /// The name this destination answers to in the `integrations` of a call.
    pub integration: String,
    /// Whether that is the name of this server too: then what was decided when the call came in holds, whatever the
    /// server was called since. Not set by hand: it follows from `[ingest] destination`.
    pub own_name: bool,
    /// Whether screen calls are sent.
    pub relay_screen: bool,
    /// Where it begins when it is new.
    pub from: From,
    /// Time limit of one attempt, everything included, in milliseconds.
    pub timeout_ms: u64,
    /// Pause before the second attempt, in milliseconds; later ones follow the policy's growth from it.
    pub retry_initial_ms: u64,
    /// Longest pause between attempts, in milliseconds.
    pub retry_max_ms: u64,
    /// Time after the first attempt of a call at which it is given up, in seconds.
    pub expire_after_s: u64,
    /// Calls a second at most; 0 means no limit.
    pub rate_per_second: u32,
    /// Calls in one request at most; 0 means the format's own number (windsor 20, partner 1, segment 100).
    pub batch_max: usize,
    /// Bytes of one request at most.
    pub body_bytes_max: usize,
    /// Requests under way at the same time at most.
    pub concurrency_max: usize,
    /// Answers 401 or 403 in a row after which the destination is paused.
    pub unauthorized_max: u32,
    /// Whether private, loopback and link-local addresses are refused, after the name was resolved.
    pub deny_private: bool,
    /// Signs each body as `X-Signature`, hexadecimal HMAC-SHA1, when set.
    pub signing_secret: Option<Secret>,
}

impl Destination {
    /// A destination with everything else at its default: the one place where the defaults stand.
    pub fn new(name: impl Into<String>, format: Format, url: impl Into<String>, api_key: Secret) -> Self {
        Self {
            name: name.into(),
            format,
            url: url.into(),
            api_key,
            enabled: true,
            integration: "Windsor".to_owned(),
            own_name: true,
            relay_screen: true,
            from: From::Now,
            timeout_ms: 5_000,
            retry_initial_ms: 10_000,
            retry_max_ms: 4_500_000,
            expire_after_s: 14_400,
            rate_per_second: 0,
            batch_max: 0,
            body_bytes_max: 450_000,
            concurrency_max: 64,
            unauthorized_max: 3,
            deny_private: false,
            signing_secret: None,
        }
    }

    /// How many calls one request carries at most.
    pub const fn calls_max(&self) -> usize {
        if self.batch_max == 0 { self.format.batch_max() } else { self.batch_max }
    }
}
