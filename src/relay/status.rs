//! What operators see of the relay, and what they can ask of it.

use std::collections::BTreeMap;

use super::ledger::{Attempt, Counts, State};
use super::outbox::Breaker;
use super::settings::{Destination, Format};
use crate::call::CallType;
use crate::call::time::Time;
use crate::journal::Sequence;

/// How a destination stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets its calls, or would if the receiver answered.
    Running,
    /// An operator paused it.
    Paused,
    /// It paused itself: the receiver does not accept the key.
    Alarm,
    /// The configuration says `enabled = false`.
    Disabled,
    /// Its worker ended by a bug, or its ledger or the journal cannot be used: see [`Status::reason`].
    Failed,
}

impl Standing {
    /// The word shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Alarm => "alarm",
            Self::Disabled => "disabled",
            Self::Failed => "failed",
        }
    }
}

/// A destination as it is now.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// How calls are written.
    pub format: Format,
    /// Where to, with everything that could be a secret masked.
    pub url: String,
    /// How it stands.
    pub standing: Standing,
    /// Why it does not run, in a sentence, when it does not.
    pub reason: Option<String>,
    /// Records by state; together as many as there are in the journal.
    pub counts: Counts,
    /// Durable records that are not settled, as far as they were looked at or not.
    pub lag_events: u64,
    /// How long ago the oldest pending record was received, in milliseconds; 0 when there is none.
    pub lag_ms: u64,
    /// Records settled a second, over the last ten seconds.
    pub rate_per_second: f64,
    /// Requests since the start by how they ended: `2xx` to `5xx`, or `timeout`, `connect` and so on.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The circuit breaker.
    pub breaker: Breaker,
    /// Records in requests under way.
    pub in_flight: usize,
    /// Records held that were tried in vain and wait for their time.
    pub waiting: usize,
    /// Requests that may be under way now.
    pub concurrency: usize,
    /// When a request was last accepted, since the start.
    pub last_success_at: Option<Time>,
    /// When a request last failed, since the start.
    pub last_failure_at: Option<Time>,
    /// What came then, in one line without secrets.
    pub last_failure: Option<String>,
    /// Orders to deliver again that are not done.
    pub redeliveries: usize,
}

/// One record at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the journal.
    pub sequence: Sequence,
    /// What the sender named it; `None` when the journal does not have the record any more.
    pub message_id: Option<String>,
    /// The type of call.
    pub kind: Option<CallType>,
    /// The event of a track call; the name of a page or screen.
    pub event: Option<String>,
    /// When it was received.
    pub received_at: Option<Time>,
    /// Its state.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// The last attempt, as far as it is kept.
    pub last: Option<Attempt>,
    /// When it is tried again, if it waits for that.
    pub due: Option<Time>,
    /// Why it was given up, for a dead letter; why it is not owed, for a filtered one, by the configuration of today.
    pub code: Option<String>,
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A place in the journal.
    Sequence(Sequence),
    /// The first record received then or later.
    Time(Time),
}

/// Records of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins; `None` is the oldest record.
    pub from: Option<Edge>,
    /// Where it ends (not included); `None` is the newest record, included.
    pub until: Option<Edge>,
    /// Only this type of call.
    pub kind: Option<CallType>,
    /// Only this event.
    pub event: Option<String>,
    /// Delivered ones too, not only dead letters.
    pub delivered_too: bool,
}

/// What is to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One record, delivered or dead.
    One(Sequence),
    /// All dead letters.
    Dead,
    /// Those of a range.
    Span(Span),
}

/// Something `verify` has to say about a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub destination: String,
    /// What does not agree, in a sentence.
    pub text: String,
}

/// The URL of a destination without anything that could be a secret.
pub(super) fn shown_url(to: &Destination) -> String {
    let plain = to.url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = plain.split_once("://").unwrap_or(("", plain));
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = path.map(|path| format!("/{path}")).unwrap_or_default();
    let key = if to.format == Format::Windsor { "/***" } else { "" };
    let path = if key.is_empty() { path.as_str() } else { path.trim_end_matches('/') };
    format!("{scheme}://{host}{path}{key}").trim_start_matches("://").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::secret::Secret;

    #[test]
    fn a_url_is_shown_without_what_could_be_secret() {
        let shown = |format, url: &str| shown_url(&Destination::new("a", format, url, Secret::new("key".to_owned())));
        assert_eq!(shown(Format::Windsor, "https://hook.example/in/"), "https://hook.example/in/***");
        assert_eq!(shown(Format::Windsor, "https://hook.example"), "https://hook.example/***");
        assert_eq!(shown(Format::Partner, "https://me:secret@host:8/a/b?token=x#y"), "https://host:8/a/b");
        assert_eq!(shown(Format::Segment, "http://127.0.0.1:9"), "http://127.0.0.1:9");
    }
}
