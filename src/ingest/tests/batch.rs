//! Batches: what the envelope adds, and how messages keep apart.

use serde_json::{Value, json};

use super::{BATCH, House, Route, track};
use crate::call::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, RECORD_BYTES_MAX};
use crate::ingest::Code;
use crate::ingest::receipt::Status;

#[test]
fn the_envelope_is_merged_into_every_message_wherever_it_stands() {
    let house = House::new();
    let items = r#"[{"type":"track","userId":"u","event":"E"},
        {"type":"track","userId":"u","event":"E","context":{"library":{"name":"own"},"tags":[3],"ip":"1.1.1.1"},"integrations":{"A":{"y":1}}}]"#;
    let shared =
        r#""context":{"library":{"name":"go","version":"3"},"tags":[1,2]},"integrations":{"A":{"x":1},"B":true}"#;
    for body in [format!(r#"{{"batch":{items},{shared}}}"#), format!(r#"{{{shared},"batch":{items}}}"#)] {
        house.send(BATCH, body).unwrap();
        let records = house.records();
        let [first, second] = &records[records.len() - 2..] else { panic!() };
        assert_eq!(first["context"], json!({"library": {"name": "go", "version": "3"}, "tags": [1, 2]}));
        assert_eq!(first["integrations"], json!({"A": {"x": 1}, "B": true}));
        assert_eq!(
            second["context"],
            json!({"library": {"name": "own", "version": "3"}, "tags": [3], "ip": "1.1.1.1"})
        );
        assert_eq!(second["integrations"], json!({"A": {"y": 1}, "B": true}));
    }
}

#[test]
fn a_client_library_named_by_the_envelope_counts_for_every_message() {
    let house = House::new();
    let body =
        json!({"batch": [track(json!({"context": {"os": {}}}))], "context": {"library": {"name": "analytics-swift"}}});
    house.send(BATCH, body.to_string()).unwrap();
    let record = house.records().pop().unwrap();
    assert_eq!((&record["context"]["ip"], &record["channel"]), (&json!("192.0.2.7"), &json!("client")));
}

#[test]
fn the_envelopes_own_ids_and_times_are_nobodys() {
    let house = House::new();
    let body =
        json!({"batch": [track(json!({}))], "messageId": "batch-1", "userId": "x", "writeKey": "key", "sentAt": "?"});
    house.send(BATCH, body.to_string()).unwrap();
    let record = house.records().pop().unwrap();
    assert_ne!(record["messageId"], "batch-1");
    assert_eq!((&record["userId"], record.get("writeKey")), (&json!("u1"), None));
}

#[test]
fn receipts_come_in_the_order_of_the_batch() {
    let house = House::new();
    let body = json!({"batch": [
        track(json!({"messageId": "a"})), null, track(json!({"messageId": "a", "event": "other"})),
        track(json!({"messageId": "b", "event": 5})), track(json!({"messageId": "c"})),
    ]});
    let receipt = house.send(BATCH, body.to_string()).unwrap();
    let items: Vec<_> =
        receipt.items.iter().map(|item| (item.message_id.as_deref(), item.status, item.sequence)).collect();
    assert_eq!(
        items,
        [
            (Some("a"), Status::Appended, Some(1)),
            (None, Status::Rejected, None),
            (Some("a"), Status::Duplicate, Some(1)),
            (Some("b"), Status::Rejected, None),
            (Some("c"), Status::Appended, Some(2)),
        ]
    );
    assert_eq!(receipt.notes, [Code::MultiUserError]);
    assert_eq!((receipt.counts.appended, receipt.counts.duplicate, receipt.counts.rejected), (2, 1, 2));
    assert_eq!(house.logged(), [Code::EventNotString, Code::InvalidMessage]);
    assert_eq!(house.records()[0]["event"], "E", "the first one wins");
    let logged = house.rejections.page(None, 1, |_| true);
    assert_eq!(
        (logged.items[0].kind, logged.items[0].message_id.as_deref(), logged.next),
        ("track", Some("b"), Some(2))
    );
    assert_eq!(
        serde_json::to_value(&receipt.items[1]).unwrap(),
        json!({
            "messageId": null, "status": "rejected", "sequence": null, "code": "invalid_message",
            "message": "a message has to be a JSON object",
        })
    );
}

#[test]
fn a_small_request_cannot_become_a_large_one() {
    let house = House::new();
    let item = track(json!({"context": {"a": 1}})).to_string();
    let batch = |shared: usize, count: usize, item: &str| {
        let items = vec![item; count].join(",");
        let body = format!(r#"{{"context":{{"x":"{}"}},"batch":[{items}]}}"#, "x".repeat(shared));
        assert!(body.len() <= BATCH_BYTES_MAX);
        let receipt = house.send(BATCH, body).unwrap();
        assert!(receipt.items.iter().all(|item| item.code.is_none_or(|code| code == Code::MessageTooLarge)));
        usize::try_from(receipt.counts.appended).unwrap()
    };
    let plain = track(json!({})).to_string();
    for item in [&item, &plain] {
        assert_eq!(batch(1_000, 100, item), 100);
        assert_eq!(batch(RECORD_BYTES_MAX, 1, item), 0, "more than one record holds");
        let taken = batch(40_000, 1_000, item);
        assert!((90..=105).contains(&taken), "{taken} times 40 kB are within 4 MiB");
    }
}

#[test]
fn a_batch_has_at_most_so_many_messages() {
    let house = House::new();
    let body = |count: usize| {
        let items: Vec<_> = (0..count)
            .map(|n| format!(r#"{{"type":"track","userId":"u","event":"E","messageId":"{count}-{n}"}}"#))
            .collect();
        format!(r#"{{"batch":[{}]}}"#, items.join(","))
    };
    let receipt = house.send(BATCH, body(BATCH_MESSAGES_MAX)).unwrap();
    assert_eq!((receipt.counts.appended, receipt.notes.len()), (2_500, 0));
    let receipt = house.send(BATCH, body(BATCH_MESSAGES_MAX + 1)).unwrap();
    assert_eq!((receipt.counts.appended, receipt.counts.rejected), (2_500, 1));
    assert_eq!(receipt.notes, [Code::MultiUserError, Code::BatchTooMany]);
    let last = receipt.items.last().unwrap();
    assert_eq!((last.code, last.message_id.as_deref()), (Some(Code::BatchTooMany), Some("2501-2500")));
    assert_eq!(house.logged(), [Code::BatchTooMany]);

    let nothing = format!(r#"{{"batch":[{}]}}"#, vec!["0"; 200_000].join(","));
    let receipt = house.send(BATCH, nothing).unwrap();
    assert_eq!((receipt.counts.rejected, receipt.items.len()), (200_000, 5_000));
    assert_eq!(house.rejections.page(None, 1, |_| true).items[0].messages, 197_500);
}

#[test]
fn a_second_list_replaces_the_first() {
    let house = House::new();
    let body = r#"{"batch":[{"type":"track","userId":"a","event":"A","x":1}],"batch":[{"type":"track","userId":"b","event":"B","y":2}]}"#;
    assert_eq!(house.send(BATCH, body).unwrap().counts.appended, 1);
    let record = house.records().pop().unwrap();
    assert_eq!((&record["userId"], &record["y"], record.get("x")), (&json!("b"), &json!(2), None));
}

#[test]
fn import_is_another_name_of_batch() {
    let house = House::new();
    let body = json!({"batch": [track(json!({})), track(json!({}))]}).to_string();
    assert_eq!(house.send(Route::Import, body).unwrap().counts.appended, 2);
    assert!(house.records().iter().all(|record| record["context"] == Value::Object(serde_json::Map::new())));
}
