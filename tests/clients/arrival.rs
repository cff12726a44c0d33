//! What arrived: messages as sent, compared member by member with the records of the export.

use jiff::Timestamp;
use roundtower::clock::Clock;
use serde_json::{Map, Value, json};

use crate::support::TestServer;

const IDS: [&str; 4] = ["userId", "anonymousId", "groupId", "previousId"];
const TEXTS: [&str; 3] = ["event", "name", "category"];

/// A server and what its records are compared with.
pub(super) struct Arrivals {
    /// The server.
    pub(super) server: TestServer,
    began: i64,
    source: &'static str,
    channel: &'static str,
}

impl Arrivals {
    /// A new server, of which source `api` is going to be used by a server SDK.
    pub(super) fn from_servers(server: TestServer) -> Self {
        Self { server, began: now(), source: "api", channel: "server" }
    }

    /// A new server, of which source `web` is going to be used by browsers and phones.
    pub(super) fn from_devices(server: TestServer) -> Self {
        Self { server, began: now(), source: "web", channel: "client" }
    }

    /// The write key of its source.
    pub(super) fn key(&self) -> &'static str {
        if self.source == "web" { "test-key" } else { "server-key" }
    }

    /// Stops the server as an operator does, and finds each of these messages in its export exactly once, as it was
    /// sent, and nothing else. Returns the records in the order of the messages.
    pub(super) fn assert_exactly(&mut self, sent: &[Value]) -> Vec<Value> {
        let while_serving = self.server.export();
        assert!(self.server.stop().success(), "the server did not stop well; log:\n{}", self.server.log());
        let ended = now();
        let records = self.server.export();
        assert_eq!(while_serving, records, "the export changed when the server stopped");
        let sequences: Vec<u64> = records.iter().filter_map(|record| record["sequence"].as_u64()).collect();
        assert!(sequences.is_sorted_by(|one, next| one < next), "sequences do not rise: {sequences:?}");
        assert_eq!(records.len(), sent.len(), "records of {} messages: {}", sent.len(), pretty(&records));
        sent.iter()
            .map(|message| {
                let record = the_only(message, &records);
                self.assert_same(message, record);
                self.assert_times(record, ended);
                record.clone()
            })
            .collect()
    }

    /// Every member of the message is in the record, and the record has nothing that neither the message nor the server
    /// put there.
    fn assert_same(&self, message: &Value, record: &Value) {
        assert_eq!(record["version"], 2);
        assert_eq!(record["projectId"], self.source);
        let expected = as_stored(message, self.channel);
        let mut found = record.as_object().expect("a record is an object").clone();
        for server in ["timestamp", "sentAt", "receivedAt", "version", "projectId", "sequence"] {
            assert!(found.shift_remove(server).is_some(), "no {server} in {}", pretty(record));
        }
        found["originalTimestamp"] = json!(millis(&found["originalTimestamp"]));
        if expected["originalTimestamp"].is_null() {
            found["originalTimestamp"] = Value::Null;
        }
        if expected["messageId"].is_null() {
            found["messageId"] = Value::Null;
        }
        if self.channel == "client" {
            let context = found["context"].as_object_mut().expect("a context");
            let ip = context.get("ip").cloned();
            assert!(ip.is_some(), "a device's message has no ip: {}", pretty(record));
            for filled in ["ip", "userAgent"] {
                if expected["context"].get(filled).is_none() {
                    context.shift_remove(filled);
                }
            }
        }
        assert_eq!(Value::Object(found), Value::Object(expected), "left: the record, right: as sent");
    }

    /// Received while the test ran; corrected by the sender's clock as the protocol says.
    fn assert_times(&self, record: &Value, ended: i64) {
        let received = millis(&record["receivedAt"]);
        assert!((self.began..=ended).contains(&received), "received outside of the test: {}", pretty(record));
        let original = millis(&record["originalTimestamp"]);
        let corrected = match &record["sentAt"] {
            Value::Null => original,
            sent_at => received - (millis(sent_at) - original),
        };
        assert_eq!(millis(&record["timestamp"]), corrected, "{}", pretty(record));
    }
}

/// What a call asked for is in its record: whatever an SDK adds, the given ids, names, times and payload are there.
pub(super) fn assert_as_intended(intended: &Map<String, Value>, record: &Value) {
    for (key, given) in intended {
        let found = &record[key];
        match key.as_str() {
            "timestamp" => assert_eq!(millis(given), millis(&record["originalTimestamp"]), "{}", pretty(record)),
            id if IDS.contains(&id) => {
                assert_eq!(id_text(given).as_deref(), found.as_str(), "{id} in {}", pretty(record));
            }
            "context" | "properties" | "traits" => {
                for (member, value) in given.as_object().expect("an object") {
                    assert_eq!(&found[member], value, "{key}.{member} in {}", pretty(record));
                }
            }
            _ => assert_eq!(found, given, "{key} in {}", pretty(record)),
        }
    }
}

/// The same for server SDKs, which keep nothing between calls: what was not given is not there.
pub(super) fn assert_as_given(calls: &[Value], records: &[Value]) {
    assert_eq!(calls.len(), records.len());
    for (call, record) in calls.iter().zip(records) {
        let call = call.as_object().expect("a call is an object");
        assert_as_intended(call, record);
        for absent in IDS.iter().chain(&TEXTS).filter(|key| !call.contains_key(**key)) {
            assert!(record.get(absent).is_none(), "{absent} came from nowhere: {}", pretty(record));
        }
    }
}

/// The one record of a message; by `testIndex` for senders that make no message ids.
fn the_only<'a>(message: &Value, records: &'a [Value]) -> &'a Value {
    let key = if message.get("messageId").is_some() { "messageId" } else { "testIndex" };
    let mut found = records.iter().filter(|record| record[key] == message[key]);
    let record = found.next().unwrap_or_else(|| panic!("not in the export: {}", pretty(message)));
    assert_eq!(found.count(), 0, "more than once in the export: {}", pretty(message));
    record
}

/// The members a record has because of this message. Times become milliseconds; null where the server chooses.
fn as_stored(message: &Value, channel: &str) -> Map<String, Value> {
    let mut stored = message.as_object().expect("a message is an object").clone();
    for never_kept in ["writeKey", "sentAt"] {
        stored.shift_remove(never_kept);
    }
    let kind = match message["type"].as_str().expect("a type") {
        "user" => "identify",
        "event" => "track",
        kind => kind,
    };
    let payload = if matches!(kind, "identify" | "group") { "traits" } else { "properties" };
    if kind != "alias" && stored.get(payload).is_none_or(Value::is_null) {
        stored.insert(payload.to_owned(), json!({}));
    }
    stored.insert("type".to_owned(), json!(kind));
    if stored.get("context").is_none_or(Value::is_null) {
        stored.insert("context".to_owned(), json!({}));
    }
    for id in IDS {
        if let Some(value) = stored.shift_remove(id).as_ref().and_then(id_text) {
            stored.insert(id.to_owned(), json!(value));
        }
    }
    for text in TEXTS {
        if stored.get(text).is_some_and(|value| value.is_null() || value == "") {
            stored.shift_remove(text);
        }
    }
    stored.entry("messageId").or_insert(Value::Null);
    stored.entry("channel").or_insert_with(|| json!(channel));
    let original = stored.shift_remove("timestamp").filter(|value| !value.is_null());
    stored.insert("originalTimestamp".to_owned(), original.map_or(Value::Null, |text| json!(millis(&text))));
    stored
}

/// An id as the journal keeps it; none when null or empty.
fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time in milliseconds since 1970.
fn millis(time: &Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    text.parse::<Timestamp>().unwrap_or_else(|error| panic!("{text:?}: {error}")).as_millisecond()
}

fn now() -> i64 {
    Clock::System.now().as_millis()
}

fn pretty<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}
