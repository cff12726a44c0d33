//! Senders of calls of all types by many people, most of which every destination gets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::durability::chance::Chance;
use crate::durability::connection::Connection;

const PEOPLE: u64 = 40;
/// Calls of one batch at most.
const BATCH_MAX: u64 = 40;

/// What the senders know.
#[derive(Default)]
pub(super) struct Sent {
    /// Acknowledged.
    acked: Mutex<Vec<String>>,
    /// Without an answer: to be sent again.
    open: Mutex<Vec<Vec<Value>>>,
}

impl Sent {
    /// Sends until `enough`, or until the server is gone. Names of calls begin with `name`.
    pub(super) fn send(&self, port: u16, name: &str, chance: &mut Chance, enough: &AtomicBool) {
        let Ok(mut connection) = Connection::open(port) else { return };
        let mut number = 0;
        while !enough.load(Ordering::SeqCst) {
            let calls: Vec<Value> = (0..=chance.below(BATCH_MAX))
                .map(|_| {
                    number += 1;
                    call(&format!("{name}n{number}"), chance)
                })
                .collect();
            if !self.post(&mut connection, calls) {
                return;
            }
        }
    }

    /// Sends again what has no answer; now it has to be taken.
    pub(super) fn settle(&self, port: u16) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        let mut connection = Connection::open(port).unwrap();
        for calls in open {
            assert!(self.post(&mut connection, calls), "the server is gone");
        }
    }

    fn post(&self, connection: &mut Connection, calls: Vec<Value>) -> bool {
        let answer = connection.post("/v1/batch", &json!({"batch": calls}).to_string());
        let Ok(answer) = answer else {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).push(calls);
            return false;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let ids = calls.iter().map(|call| call["messageId"].as_str().unwrap().to_owned());
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        true
    }

    pub(super) fn acked(&self) -> Vec<String> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A call with this id.
fn call(id: &str, chance: &mut Chance) -> Value {
    let person = chance.below(PEOPLE);
    let (user, anonymous) = (format!("u{person}"), format!("a{person}"));
    let mut call = match chance.below(20) {
        0 => json!({"type": "identify", "userId": user, "anonymousId": anonymous, "traits": {"seen": id}}),
        1 => json!({"type": "page", "anonymousId": anonymous, "name": "Start"}),
        2 => json!({"type": "screen", "anonymousId": anonymous, "name": "Start"}),
        3 => json!({"type": "group", "userId": user, "groupId": "g", "traits": {"name": "Group"}}),
        4 => json!({"type": "alias", "userId": user, "previousId": format!("p{person}")}),
        5 => json!({"type": "track", "userId": user, "event": "Hidden", "integrations": {"Windsor": false}}),
        6 => json!({"type": "track", "userId": user, "event": "Hidden", "integrations": {"All": false}}),
        7 => json!({"type": "track", "anonymousId": anonymous, "event": "Seen"}),
        _ => json!({"type": "track", "userId": user, "event": "Noted", "properties": {"of": id}}),
    };
    call["messageId"] = id.into();
    call
}

/// Whether a destination of this format, which gets screens or not, has to get this record.
pub(super) fn is_owed(record: &Value, format: &str, screens: bool) -> bool {
    let carried = match record["type"].as_str().unwrap() {
        "alias" => format != "windsor",
        "screen" => screens,
        _ => true,
    };
    carried && record["event"] != "Hidden"
}
