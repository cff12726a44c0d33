//! The catalogue of bad input of the protocol, by number, as far as it reaches ingest.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{BATCH, House, Request, TRACK, request, track};
use crate::call::limits::{BATCH_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::call::{CallType, Marks};
use crate::ingest::{Code, Receipt, Refusal, Route};
use crate::journal::{Accounts, Ack, AppendError, Appender, Batch};

fn is_invalid(result: &Result<Receipt, Refusal>) -> bool {
    matches!(result, Err(Refusal::InvalidJson { .. }))
}

/// A track call of exactly so many bytes.
fn track_of(bytes: usize) -> String {
    let shell = track(json!({"x": ""})).to_string();
    shell.replace(r#""x":"""#, &format!(r#""x":"{}""#, "x".repeat(bytes - shell.len())))
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn b01_to_b05_no_json() {
    let house = House::new();
    for body in [
        "",
        " ",
        "{",
        r#"{"userId":"u""#,
        r#"{"userId":"u"}x"#,
        r#"{"userId":"u"}}"#,
        "[]",
        "\"x\"",
        "5",
        "null",
        "true",
        r#"{"a":NaN}"#,
        r#"{"a":Infinity}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,]}"#,
        "{\"a\":1 // x\n}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\t\"}",
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":01}"#,
        r#"{"a":.5}"#,
        r#"{"a":1.}"#,
        r#"{"a":+1}"#,
        r#"{"a":tru}"#,
        r#"{"a" 1}"#,
        r#"{"a":1 "b":2}"#,
        "{,}",
        r#"{"a":[}"#,
        r#"{"a":{]}"#,
        "\u{feff}",
    ] {
        for route in [TRACK, BATCH] {
            assert!(is_invalid(&house.send(route, body)), "{body}");
            assert_eq!(house.logged()[0], Code::InvalidJson);
        }
        let item = format!(r#"{{"batch":[{},{body}]}}"#, track(json!({})));
        let alone = serde_json::from_str::<Value>(body).is_ok();
        assert_eq!(is_invalid(&house.send(BATCH, item)), !alone, "broken syntax spoils the batch: {body}");
    }
    let logged = house.rejections.page(None, 1, |_| true);
    assert_eq!((logged.items[0].source.as_deref(), logged.items[0].kind), (Some("web"), "batch"));
}

#[test]
fn b03_a_byte_order_mark_is_tolerated() {
    let house = House::new();
    assert_eq!(house.send(TRACK, format!("\u{feff} {}\r\n", track(json!({})))).unwrap().counts.appended, 1);
}

#[test]
fn b04_invalid_utf8() {
    let house = House::new();
    for bytes in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xc3"] {
        let body = [br#"{"userId":"u","event":""#, bytes, br#""}"#].concat();
        assert!(is_invalid(&house.send(TRACK, body)), "{bytes:?}");
    }
}

#[test]
fn b06_depth() {
    let house = House::new();
    let message = |depth: usize| format!(r#"{{"type":"track","userId":"u","event":"E","deep":{}}}"#, nested(depth - 1));
    assert_eq!(house.send(TRACK, message(64)).unwrap().counts.appended, 1);
    assert!(is_invalid(&house.send(TRACK, message(65))));
    for depth in [65, 129, 10_000] {
        let body = format!(r#"{{"batch":[{},{},{}]}}"#, message(64), message(depth), message(2));
        let receipt = house.send(BATCH, body).unwrap();
        let codes: Vec<_> = receipt.items.iter().map(|item| item.code).collect();
        assert_eq!(codes, [None, Some(Code::TooDeep), None]);
    }
    assert!(is_invalid(&house.send(BATCH, format!(r#"{{"batch":[],"x":{}}}"#, nested(64)))));
    assert!(is_invalid(&house.send(BATCH, "[".repeat(BATCH_BYTES_MAX))));
}

#[test]
fn b07_to_b09_and_b58_compression() {
    let house = House::new();
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let plain = track(json!({})).to_string();
    let send = |bytes: Vec<u8>, header: Option<&str>| {
        house.take(Request { content_encoding: header.map(str::to_owned), ..request(TRACK, bytes) })
    };
    for header in [None, Some("gzip"), Some("identity")] {
        assert_eq!(send(packed(plain.as_bytes()), header).unwrap().counts.appended, 1);
        assert_eq!(send(plain.clone().into_bytes(), header).unwrap().counts.appended, 1);
    }
    assert!(is_invalid(&send(b"no json".to_vec(), Some("gzip"))));
    let mut corrupt = packed(plain.as_bytes());
    corrupt[15] ^= 0xff;
    assert!(is_invalid(&send(corrupt, Some("gzip"))));
    let bomb = packed(&vec![b' '; 20_000_000]);
    assert_eq!(send(bomb, Some("gzip")), Err(Refusal::PayloadTooLarge { bytes_max: MESSAGE_BYTES_MAX }));
    assert_eq!(send(plain.into_bytes(), Some("br")), Err(Refusal::UnsupportedEncoding));
}

#[test]
fn b10_to_b12_sizes() {
    let house = House::new();
    assert_eq!(house.send(TRACK, track_of(MESSAGE_BYTES_MAX)).unwrap().counts.appended, 1);
    let refused = house.send(TRACK, track_of(MESSAGE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!((refused.code(), refused.to_string().as_str()), (Code::PayloadTooLarge, "Exceed payload limit"));
    let batch = |bytes: usize| {
        format!("{{\"batch\":[{}]{}}}", track(json!({})), " ".repeat(bytes - 12 - track(json!({})).to_string().len()))
    };
    assert_eq!(batch(BATCH_BYTES_MAX).len(), BATCH_BYTES_MAX);
    assert_eq!(house.send(BATCH, batch(BATCH_BYTES_MAX)).unwrap().counts.appended, 1);
    assert!(matches!(house.send(BATCH, batch(BATCH_BYTES_MAX + 1)), Err(Refusal::PayloadTooLarge { .. })));
    let mixed = format!("{{\"batch\":[{},{},{}]}}", track_of(MESSAGE_BYTES_MAX), track_of(40_000), track(json!({})));
    let codes: Vec<_> = house.send(BATCH, mixed).unwrap().items.into_iter().map(|item| item.code).collect();
    assert_eq!(codes, [None, Some(Code::MessageTooLarge), None]);
}

#[test]
fn b14_to_b16_empty_and_odd_batches() {
    let house = House::new();
    for body in [r#"{"batch":[]}"#, "{}", r#"{"batch":[ ]}"#] {
        let receipt = house.send(BATCH, body).unwrap();
        assert_eq!((receipt.notes, house.logged()[0]), (vec![Code::EmptyBatch], Code::EmptyBatch));
    }
    for body in [r#"{"batch":{}}"#, r#"{"batch":null}"#, r#"{"batch":"x"}"#, r#"{"batch":5}"#] {
        assert!(is_invalid(&house.send(BATCH, body)), "{body}");
    }
    let body = format!(r#"{{"batch":[null,"x",[],5,[[{{}}]],{},{{"batch":[]}}]}}"#, track(json!({})));
    let codes: Vec<_> = house.send(BATCH, body).unwrap().items.into_iter().map(|item| item.code).collect();
    let invalid = Some(Code::InvalidMessage);
    assert_eq!(codes, [invalid, invalid, invalid, invalid, invalid, None, Some(Code::UnknownType)]);
}

#[test]
fn b17_and_up_a_single_route_decides_the_type() {
    let house = House::new();
    house.send(TRACK, r#"{"type":"identify","userId":"u","event":"E"}"#).unwrap();
    house.send(Route::Single { kind: CallType::Identify, short: true }, r#"{"userId":"u"}"#).unwrap();
    let types: Vec<_> = house.records().iter().map(|record| record["type"].clone()).collect();
    assert_eq!(types, ["track", "identify"]);
    let receipt = house.send(TRACK, r#"{"userId":"u","writeKey":"key"}"#).unwrap();
    assert_eq!((receipt.counts.rejected, receipt.notes.len()), (1, 0));
    assert_eq!(receipt.items[0].code, Some(Code::EventNotDefined));
    assert_eq!(house.rejections.page(None, 1, |_| true).items[0].body, r#"{"userId":"u","writeKey":"***"}"#);
}

#[test]
fn b42_the_same_message_again() {
    let house = House::new();
    let body = track(json!({"messageId": "m"})).to_string();
    assert_eq!(house.send(TRACK, body.clone()).unwrap().counts.appended, 1);
    house.ingest.clock.advance(3_600_000);
    assert_eq!(house.send(TRACK, body).unwrap().counts.duplicate, 1);
    assert_eq!(house.records().len(), 1);
}

#[test]
fn b45_to_b47_odd_text_is_stored_as_it_is() {
    let house = House::new();
    let body = r#"{"userId":"u","event":"<script>\u0000\u001b\n","properties":{"__proto__":{"a":1},"constructor":1,"":2,"a.b":3,"\u0000":"\u0007"}}"#;
    house.send(TRACK, body).unwrap();
    let record = house.records().pop().unwrap();
    assert_eq!(record["event"], "<script>\0\u{1b}\n");
    assert_eq!(record["properties"], json!({"__proto__": {"a": 1}, "constructor": 1, "": 2, "a.b": 3, "\0": "\u{7}"}));
}

#[test]
fn b48_numbers() {
    let house = House::new();
    for number in ["1e400", "-1e400", "1e99999999999999999999", &"9".repeat(400)] {
        let message = format!(r#"{{"type":"track","userId":"u","event":"E","n":{number}}}"#);
        assert!(is_invalid(&house.send(TRACK, message.clone())), "{number}");
        let body = format!(r#"{{"batch":[{message},{}]}}"#, track(json!({})));
        let codes: Vec<_> = house.send(BATCH, body).unwrap().items.into_iter().map(|item| item.code).collect();
        assert_eq!(codes, [Some(Code::InvalidNumber), None]);
    }
    for number in ["-0", "1e-400", "9007199254740993", "12345678901234567890123", "0e99999", "1.50", "1E5", "-0.0e-1"] {
        let body = format!(r#"{{"userId":"u","event":"E","properties":{{"n":{number}}}}}"#);
        house.send(TRACK, body).unwrap();
        let line = house.lines().pop().unwrap();
        assert!(line.contains(&format!(r#""properties":{{"n":{number}}}"#)), "{line}");
    }
}

#[test]
fn ten_thousand_members_take_linear_time() {
    let house = House::new();
    let members: Vec<_> = (0..2_200).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let body = format!(r#"{{"userId":"u","event":"E",{},"properties":{{{}}}}}"#, members.join(","), r#""a":1"#);
    house.send(TRACK, body).unwrap();
    assert_eq!(house.records()[0]["k2199"], 2_199);
    let keys: Vec<_> = (0..10_000).map(|n| format!(r#""{n}":1"#)).collect();
    let body = format!(r#"{{"batch":[],"context":{{{}}}}}"#, keys.join(","));
    assert_eq!(house.send(BATCH, body).unwrap().notes, [Code::EmptyBatch]);
}

#[test]
fn b43_context_that_is_no_object() {
    let house = House::new();
    for context in [json!("x"), json!([]), json!(5)] {
        assert_eq!(house.record(&track(json!({"context": context})))["context"], json!({}), "{context}");
        assert!(house.marks().has(Marks::MEMBER_IGNORED));
    }
    assert_eq!(house.record(&track(json!({"context": null})))["context"], json!({}));
    assert!(!house.marks().has(Marks::MEMBER_IGNORED));
}

/// A journal that takes nothing.
struct Full(AppendError, Accounts);

impl Appender for Full {
    fn append(&self, _: Batch) -> Result<Ack, AppendError> {
        Err(self.0.clone())
    }

    fn accounts(&self) -> &Accounts {
        &self.1
    }
}

#[test]
fn what_could_not_be_stored_is_neither_counted_nor_logged() {
    for (cause, retry_after_s) in [
        (AppendError::QueueFull { queued_bytes: 1 }, 1),
        (AppendError::Closed, 2),
        (AppendError::DiskLow { free_bytes: 1, needed_bytes: 2 }, 30),
        (AppendError::Poisoned, 30),
    ] {
        let mut house = House::new();
        let full = Arc::new(Full(cause.clone(), Accounts::default()));
        house.ingest.appender = Arc::clone(&full) as Arc<dyn Appender>;
        let body = json!({"batch": [null, track(json!({}))]}).to_string();
        let refusal = house.send(BATCH, body).unwrap_err();
        assert_eq!(refusal, Refusal::Unavailable { retry_after_s, cause });
        assert_eq!(refusal.retry_after_s(), Some(retry_after_s));
        assert_eq!((full.1.totals(), house.logged()), ((0, 0, 0, 0), vec![]), "the sender comes back with all of it");
    }
}
