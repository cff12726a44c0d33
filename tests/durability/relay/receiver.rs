//! A receiver by a plan, and what has to be true of what arrived there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::support::windsor::{Act, Reply, Request, Windsor};

/// A receiver that remembers which requests it accepted.
pub(super) struct Receiver {
    pub(super) windsor: Windsor,
    /// For each request, whether the answer was a plain yes.
    said_yes: Arc<Mutex<Vec<bool>>>,
}

/// One arrival of one call.
struct Arrival {
    id: String,
    life: u64,
    /// Whether the receiver answered that it has it.
    is_accepted: bool,
}

impl Receiver {
    /// Does with each request what the plan says.
    pub(super) fn start(plan: impl FnMut(&Request) -> Act + Send + 'static) -> Self {
        let receiver = Self { windsor: Windsor::start(), said_yes: Arc::default() };
        receiver.plan(plan);
        receiver
    }

    /// Does this from now on.
    pub(super) fn plan(&self, mut plan: impl FnMut(&Request) -> Act + Send + 'static) {
        let said_yes = Arc::clone(&self.said_yes);
        self.windsor.rule(move |request| {
            let act = plan(request);
            said_yes.lock().unwrap_or_else(PoisonError::into_inner).push(is_yes(&act));
            act
        });
    }

    /// Does these, one for each request, then takes everything.
    pub(super) fn acts(acts: Vec<Act>) -> Self {
        let mut acts = acts.into_iter();
        Self::start(move |_| acts.next().unwrap_or(Act::Take))
    }

    /// How many requests came.
    pub(super) fn asked(&self) -> usize {
        self.windsor.look(|state| state.requests.len())
    }

    /// What was taken, call by call, in order.
    fn arrivals(&self) -> Vec<Arrival> {
        self.windsor.look(|state| {
            let said_yes = self.said_yes.lock().unwrap_or_else(PoisonError::into_inner);
            assert_eq!(state.requests.len(), said_yes.len(), "an act without the plan");
            let each = state.requests.iter().zip(said_yes.iter());
            let of = |(request, is_accepted): (&Request, &bool)| {
                let (life, is_accepted) = (life(request), *is_accepted);
                let ids = request.calls.iter().take(request.taken).map(|call| call.message_id.clone());
                ids.map(move |id| Arrival { id, life, is_accepted }).collect::<Vec<_>>()
            };
            each.flat_map(of).collect()
        })
    }

    /// Calls that it said yes to.
    pub(super) fn accepted(&self) -> HashSet<String> {
        self.arrivals().into_iter().filter(|arrival| arrival.is_accepted).map(|arrival| arrival.id).collect()
    }

    /// Calls among these that were sent once more by that life of the server.
    pub(super) fn sent_again(&self, before: &HashSet<String>, life: u64) -> usize {
        let arrivals = self.arrivals();
        let again = arrivals.iter().filter(|arrival| arrival.life == life && before.contains(&arrival.id));
        again.map(|arrival| arrival.id.as_str()).collect::<HashSet<_>>().len()
    }

    /// How many arrivals were not the first of their call.
    pub(super) fn doubles(&self) -> usize {
        let arrivals = self.arrivals();
        arrivals.len() - arrivals.iter().map(|arrival| arrival.id.as_str()).collect::<HashSet<_>>().len()
    }

    /// What is wrong here, with these records in the journal, of which it has to have those that are `owed`.
    pub(super) fn faults(&self, journal: &[Value], owed: impl Fn(&Value) -> bool) -> Vec<String> {
        let arrivals = self.arrivals();
        let mut faults = doubled(&arrivals);
        let mut first: HashMap<&str, usize> = HashMap::with_capacity(arrivals.len());
        for (place, arrival) in arrivals.iter().enumerate() {
            first.entry(&arrival.id).or_insert(place);
        }
        let mut last: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for record in journal {
            let id = record["messageId"].as_str().unwrap();
            let place = first.remove(id);
            let Some(place) = place.filter(|_| owed(record)) else {
                match (place, owed(record)) {
                    (None, true) => faults.push(format!("{id} never arrived")),
                    (Some(_), false) => faults.push(format!("{id} arrived and is not owed")),
                    _ => {}
                }
                continue;
            };
            for name in ["userId", "anonymousId", "previousId"] {
                let Some(person) = record[name].as_str() else { continue };
                if let Some((before, other)) = last.insert(person, (place, id)).filter(|(before, _)| *before > place) {
                    faults.push(format!("{id} of {person} arrived at {place}, before {other} at {before}"));
                }
            }
        }
        faults.extend(first.into_keys().map(|id| format!("{id} arrived and is not in the journal")));
        faults
    }

    /// Panics with the first faults, if there are any.
    pub(super) fn assert_has(&self, name: &str, journal: &[Value], owed: impl Fn(&Value) -> bool) {
        let faults = self.faults(journal, owed);
        let shown = faults.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        assert!(faults.is_empty(), "{name}: {} faults in {} records:\n{shown}", faults.len(), journal.len());
    }
}

/// Calls that came again in the life of the server that had already got a yes for them.
fn doubled(arrivals: &[Arrival]) -> Vec<String> {
    let mut accepted = HashSet::new();
    let mut faults = Vec::new();
    for arrival in arrivals {
        if accepted.contains(&(arrival.life, &arrival.id)) {
            faults.push(format!("{} came again in life {}, after it was accepted", arrival.id, arrival.life));
        }
        if arrival.is_accepted {
            accepted.insert((arrival.life, &arrival.id));
        }
    }
    faults
}

fn is_yes(act: &Act) -> bool {
    match act {
        Act::Take => true,
        Act::Answer(reply) | Act::Close(reply) => (200..300).contains(&reply.status),
        Act::Slow(_, act) => is_yes(act),
        _ => false,
    }
}

/// The server writes into the path how often it was started, by its configuration: see [`super::scene::Scene::next_life`].
fn life(request: &Request) -> u64 {
    let number = request.path.split('/').find_map(|part| part.strip_prefix("life-"));
    number.map_or(0, |number| number.parse().unwrap())
}

#[test]
fn the_receiver_notices_loss_doubles_disorder_and_strangers() {
    use serde_json::json;
    let receiver = Receiver::start(|_| Act::Close(Reply::new(200)));
    let send = |ids: &[&str]| {
        let calls: Vec<Value> = ids.iter().map(|id| json!({"messageId": id, "userId": "u"})).collect();
        let body = json!({"batch": calls}).to_string();
        crate::support::http::request(receiver.windsor.port(), "POST", "/life-1/v1/batch", &[], body.as_bytes());
    };
    let journal: Vec<Value> = ["a", "b", "c"].iter().map(|id| json!({"messageId": id, "userId": "u"})).collect();
    let faults = |wanted: &str| {
        let faults = receiver.faults(&journal, |record| record["messageId"] != "c");
        faults.iter().filter(|fault| fault.contains(wanted)).count()
    };
    send(&["b"]);
    assert_eq!((faults("a never arrived"), faults("")), (1, 1));
    send(&["a"]);
    assert_eq!((faults("b of u arrived"), faults("")), (1, 1));
    send(&["b"]);
    assert_eq!((faults("b came again"), faults("")), (1, 2));
    send(&["c", "d"]);
    assert_eq!((faults("c arrived and is not owed"), faults("d arrived and is not in the journal")), (1, 1));
}
