//! What the senders know: which ids were sent, which were acknowledged and where, which have no answer yet.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::chance::Chance;
use crate::support::{Answer, TestServer};

/// The body of one request.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) path: &'static str,
    pub(super) ids: Vec<String>,
    pub(super) body: String,
}

impl Parcel {
    pub(super) fn single(id: &str) -> Self {
        Self { path: "/v1/track", ids: vec![id.to_owned()], body: call(id).to_string() }
    }

    pub(super) fn batch(ids: Vec<String>) -> Self {
        let calls: Vec<Value> = ids.iter().map(|id| call(id)).collect();
        Self { path: "/v1/batch", ids, body: json!({"batch": calls}).to_string() }
    }
}

/// The call with this id: everything in it follows from the id, so that content can be checked as well.
fn call(id: &str) -> Value {
    json!({"type": "track", "event": "Noted", "userId": "keeper", "messageId": id, "properties": {"of": id, "pad": pad(id)}})
}

fn pad(id: &str) -> String {
    let seed = id.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut chance = Chance::seeded(seed);
    (0..chance.below(24)).map(|_| format!("{:016x}", chance.next())).collect()
}

/// The ledger of all senders of one data folder.
#[derive(Default)]
pub(super) struct Ledger(Mutex<State>);

#[derive(Default)]
struct State {
    sent: HashSet<String>,
    acked: BTreeMap<String, u64>,
    batches: Vec<Vec<String>>,
    unsettled: Vec<Parcel>,
    problems: Vec<String>,
    first_refusal: Option<Instant>,
    acks_after_refusal: u64,
    refusals: u64,
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before sending.
    pub(super) fn note_sent(&self, parcel: &Parcel) {
        self.state().sent.extend(parcel.ids.iter().cloned());
    }

    /// After an answer: 200 settles the parcel, anything else leaves it to be sent again.
    pub(super) fn note_answer(&self, parcel: &Parcel, sent_at: Instant, answer: &Answer) {
        let mut state = self.state();
        match answer.status {
            200 => state.settle(parcel, sent_at, answer),
            503 | 429 => {
                if answer.header("retry-after").is_none() {
                    state.problems.push(format!("{} without Retry-After", answer.status));
                }
                state.refusals += 1;
                state.first_refusal.get_or_insert_with(Instant::now);
                state.unsettled.push(parcel.clone());
            }
            other => {
                state.problems.push(format!("status {other}: {}", answer.text()));
                state.unsettled.push(parcel.clone());
            }
        }
    }

    /// The connection broke: nobody knows.
    pub(super) fn note_broken(&self, parcel: &Parcel) {
        self.state().unsettled.push(parcel.clone());
    }

    /// The parcels without an answer; they leave the ledger and have to be sent again.
    pub(super) fn take_unsettled(&self) -> Vec<Parcel> {
        std::mem::take(&mut self.state().unsettled)
    }

    /// An id that was acknowledged, to be sent again.
    pub(super) fn any_acked(&self, chance: &mut Chance) -> Option<String> {
        let state = self.state();
        let place = usize::try_from(chance.below(state.batches.len() as u64)).unwrap();
        state.batches.get(place)?.first().cloned()
    }

    pub(super) fn acked(&self) -> usize {
        self.state().acked.len()
    }

    pub(super) fn refusals(&self) -> u64 {
        self.state().refusals
    }

    /// Requests that were sent after a refusal had arrived, and acknowledged; then forgets about refusals.
    pub(super) fn take_acks_after_refusal(&self) -> u64 {
        let mut state = self.state();
        state.first_refusal = None;
        std::mem::take(&mut state.acks_after_refusal)
    }

    /// Compares with all records of the journal: each acknowledged id once, where the receipt said, with its content;
    /// nothing twice; sequences without a gap; batches in order.
    pub(super) fn faults(&self, records: &[Value]) -> Vec<String> {
        let state = self.state();
        let mut faults = state.problems.clone();
        let mut places: HashMap<&str, u64> = HashMap::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let id = record["messageId"].as_str().unwrap_or_default();
            let sequence = record["sequence"].as_u64().unwrap_or_default();
            if sequence != index as u64 + 1 {
                faults.push(format!("record {index} has sequence {sequence}"));
            }
            if !state.sent.contains(id) {
                faults.push(format!("{id:?} was never sent"));
            } else if record["properties"] != call(id)["properties"] || record["event"] != "Noted" {
                faults.push(format!("{id} has other content: {record}"));
            }
            if let Some(first) = places.insert(id, sequence) {
                faults.push(format!("{id} is stored twice, at {first} and {sequence}"));
            }
        }
        for (id, sequence) in &state.acked {
            match places.get(id.as_str()) {
                None => faults.push(format!("{id} was acknowledged at {sequence} and is lost")),
                Some(at) if at != sequence => {
                    faults.push(format!("{id} was acknowledged at {sequence} and is at {at}"));
                }
                Some(_) => {}
            }
        }
        for batch in &state.batches {
            let order: Vec<u64> = batch.iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
            if !order.is_sorted() {
                faults.push(format!("the order of a batch was not kept: {order:?}"));
            }
        }
        faults
    }

    /// Panics with the first faults, if there are any.
    pub(super) fn assert_holds(&self, server: &TestServer) {
        let records = server.export();
        let faults = self.faults(&records);
        let shown = faults.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        assert!(
            faults.is_empty(),
            "{} faults in {} records:\n{shown}\nlog:\n{}",
            faults.len(),
            records.len(),
            tail(&server.log())
        );
    }
}

impl State {
    fn settle(&mut self, parcel: &Parcel, sent_at: Instant, answer: &Answer) {
        if self.first_refusal.is_some_and(|refused| sent_at > refused) {
            self.acks_after_refusal += 1;
        }
        let receipts = answer.json()["receipts"].as_array().cloned().unwrap_or_default();
        if receipts.len() != parcel.ids.len() {
            self.problems.push(format!("{} receipts for {} calls", receipts.len(), parcel.ids.len()));
        }
        for (id, receipt) in parcel.ids.iter().zip(receipts) {
            let status = receipt["status"].as_str().unwrap_or_default();
            let Some(sequence) = receipt["sequence"].as_u64().filter(|_| matches!(status, "appended" | "duplicate"))
            else {
                self.problems.push(format!("{id}: {receipt}"));
                continue;
            };
            if let Some(before) = self.acked.insert(id.clone(), sequence).filter(|before| *before != sequence) {
                self.problems.push(format!("{id} was acknowledged at {before} and then at {sequence}"));
            }
        }
        let mut seen = HashSet::new();
        self.batches.push(parcel.ids.iter().filter(|id| seen.insert(*id)).cloned().collect());
    }
}

/// The end of a log, for a message.
pub(super) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
