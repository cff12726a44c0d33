//! A server around the relay: journal, ledger and receivers, all in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::call::Call;
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::clock::Clock;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Appender as _, Batch, Reader, Sequence};
use crate::relay::client::Transport;
use crate::relay::format::Request;
use crate::relay::ledger::Counts;
use crate::relay::policy::{Answer, Failure};
use crate::relay::settings::{Destination, Format, From};
use crate::relay::{Relay, Status};
use crate::store::Engine;
use crate::store::memory::MemoryEngine;

/// When every test begins.
pub(super) const BEGIN: Time = Time::from_millis(1_700_000_000_000);

type Rule = Box<dyn FnMut(&[String]) -> Answer + Send>;

/// A receiver: it keeps what it accepted, in the order it did.
#[derive(Default)]
pub(super) struct Receiver {
    rule: Mutex<Option<Rule>>,
    /// Every request as the message ids in it.
    pub(super) requests: Mutex<Vec<Vec<String>>>,
    /// The message ids of requests that were accepted.
    pub(super) accepted: Mutex<Vec<String>>,
}

impl Receiver {
    /// From now on it answers by this rule.
    pub(super) fn answers(&self, rule: impl FnMut(&[String]) -> Answer + Send + 'static) {
        *self.rule.lock().unwrap() = Some(Box::new(rule));
    }

    pub(super) fn accepted(&self) -> Vec<String> {
        self.accepted.lock().unwrap().clone()
    }

    pub(super) fn set(&self) -> BTreeSet<String> {
        self.accepted().into_iter().collect()
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Transport for Receiver {
    fn send(&self, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(async move {
            let ids = message_ids(&request.body);
            self.requests.lock().unwrap().push(ids.clone());
            let answer = self.rule.lock().unwrap().as_mut().map_or_else(ok, |rule| rule(&ids));
            if matches!(answer, Answer::Status { status: 200..=299, .. }) {
                self.accepted.lock().unwrap().extend(ids);
            }
            answer
        })
    }
}

fn message_ids(body: &[u8]) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let one = |call: &serde_json::Value| call["messageId"].as_str().unwrap().to_owned();
    body["batch"].as_array().map_or_else(|| vec![one(&body)], |batch| batch.iter().map(one).collect())
}

pub(super) fn ok() -> Answer {
    status(200)
}

pub(super) fn status(status: u16) -> Answer {
    Answer::Status { status, retry_after: None, text: String::new() }
}

pub(super) fn refused() -> Answer {
    Answer::Failed { failure: Failure::Connect, text: "connection refused".to_owned() }
}

/// A destination of this format that begins with the oldest record.
pub(super) fn destination(name: &str, format: Format) -> Destination {
    Destination {
        from: From::Start,
        ..Destination::new(name, format, "http://receiver.example", Secret::new("k".to_owned()))
    }
}

/// Everything around the relay. It survives restarts of it.
pub(super) struct World {
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) reader: Arc<dyn Reader>,
    /// The ledger keeps small marks beside its stores, in real files.
    folder: tempfile::TempDir,
    pub(super) engine: MemoryEngine,
    pub(super) clock: Clock,
    pub(super) receivers: BTreeMap<String, Arc<Receiver>>,
    pub(super) destinations: Vec<Destination>,
}

impl World {
    pub(super) fn new(destinations: Vec<Destination>) -> Self {
        let journal = Arc::new(MemoryJournal::default());
        let receivers = destinations.iter().map(|to| (to.name.clone(), Arc::new(Receiver::default()))).collect();
        let reader: Arc<dyn Reader> = journal.clone();
        Self {
            journal,
            reader,
            engine: MemoryEngine::default(),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::hand(BEGIN),
            receivers,
            destinations,
        }
    }

    pub(super) fn receiver(&self, name: &str) -> &Arc<Receiver> {
        &self.receivers[name]
    }

    pub(super) fn append(&self, calls: &[Call<'_>]) {
        let mut batch = Batch::new("s".into(), self.clock.now(), 1_000);
        for call in calls {
            batch.push(call).unwrap();
        }
        drop(self.journal.append(batch).unwrap());
    }

    /// Opens the ledger without sending.
    pub(super) fn open(&self) -> Relay {
        let engine: Arc<dyn Engine> = Arc::new(self.engine.clone());
        Relay::open(
            &self.folder.path().join("relay"),
            &engine,
            Arc::clone(&self.reader),
            &self.destinations,
            &self.clock,
        )
        .unwrap()
    }

    /// Opens it and sends.
    pub(super) fn start(&self) -> Relay {
        let relay = self.open();
        let receivers = self.receivers.clone();
        relay.start(&|to| Ok(receivers[&to.name].clone() as Arc<dyn Transport>)).unwrap();
        relay
    }

    /// Moves the clock in steps, and lets the relay come to rest after each.
    pub(super) fn pass(&self, relay: &Relay, time: Duration, step: Duration) {
        let (mut left, step) = (time.as_millis(), step.as_millis());
        while left > 0 {
            self.clock.advance(i64::try_from(step.min(left)).unwrap());
            left = left.saturating_sub(step);
            relay.settle();
        }
    }

    pub(super) fn tail(&self) -> Sequence {
        self.reader.tail().next()
    }
}

/// The accounts close, and these are they.
pub(super) fn counts(relay: &Relay, name: &str) -> Counts {
    assert_eq!(relay.reconcile().unwrap(), []);
    relay.status(name).unwrap().counts
}

pub(super) fn status_of(relay: &Relay, name: &str) -> Status {
    relay.status(name).unwrap()
}

/// Panics unless what was accepted keeps the order of each person's calls: names are `person-number`. A call accepted
/// again counts the first time.
pub(super) fn check_order(accepted: &[String]) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for name in accepted.iter().filter(|name| seen.insert(name.as_str())) {
        let (person, number) = name.rsplit_once('-').unwrap();
        let number: u64 = number.parse().unwrap();
        let before = last.insert(person, number).unwrap_or(0);
        assert!(before < number, "{name} was accepted after number {before}");
    }
}
