//! Exports come back as the same records.

use serde_json::json;

use super::{House, Route, TRACK, request, track};
use crate::call::CallType;
use crate::call::render::export_line;
use crate::call::time::Time;
use crate::ingest::import::{Importer, LINE_BYTES_MAX};
use crate::ingest::settings::Settings;
use crate::ingest::source::Merges;
use crate::ingest::{Code, Rejected};

fn now() -> Time {
    Time::parse("2027-01-01T00:00:00Z").unwrap()
}

/// The line that an export shows for an imported one.
fn again(line: &str, number: u64, sequence: u64) -> Result<String, Rejected> {
    let mut importer = Importer::new("web".into(), Merges::All, Settings::default());
    let read = importer.read(line.as_bytes(), number, now())?.expect("not blank");
    let mut out = Vec::new();
    export_line(&read.call, "web", read.received_at, sequence, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn an_export_imports_to_the_same_records() {
    let house = House::new();
    let odd = r#"{"userId":1,"event":"\"\u0000\n","integrations":{"All":false},"properties":{"x" : 1.0e5,
        "__proto__":{}},"sequence":9,"receivedAt":7,"timestamp":"?","sentAt":"2026-01-01","é":"é","channel":"x","groupId":5}"#;
    house.send(TRACK, odd).unwrap();
    let alias = json!({"type": "alias", "from": "a", "to": "b", "properties": 5, "timestamp": "9999-01-01"});
    house.send(Route::Single { kind: CallType::Alias, short: true }, alias.to_string()).unwrap();
    let group = json!({"groupId": "g", "anonymousId": "a", "context": {"a": {"b": []}}, "sentAt": 5, "timestamp": "2026-01-01T00:00:00.123456Z"});
    house.send(Route::Single { kind: CallType::Group, short: false }, group.to_string()).unwrap();
    house
        .take(request(
            Route::Single { kind: CallType::Page, short: true },
            r#"{"userId":"u","name":"N","category":"C","page":1}"#,
        ))
        .unwrap();
    let lines = house.lines();
    assert_eq!(lines.len(), 4);
    for (line, sequence) in lines.iter().zip(1..) {
        assert!(!line.contains('\n'));
        assert_eq!(again(line, 1, sequence).as_ref(), Ok(line));
    }
}

#[test]
fn a_line_of_another_archive_keeps_its_times() {
    let line = json!({"type": "track", "userId": "u", "event": "E", "timestamp": "2020-01-01T10:00:00.500Z", "receivedAt": "2020-01-01T10:00:01Z"});
    let shown: serde_json::Value = serde_json::from_str(&again(&line.to_string(), 1, 1).unwrap()).unwrap();
    assert_eq!(
        (&shown["timestamp"], &shown["originalTimestamp"]),
        (&json!("2020-01-01T10:00:00.500Z"), &json!("2020-01-01T10:00:00.500Z"))
    );
    assert_eq!((&shown["receivedAt"], &shown["sentAt"]), (&json!("2020-01-01T10:00:01.000Z"), &json!(null)));
    let unreceived = json!({"type": "track", "userId": "u", "event": "E", "originalTimestamp": "2020-01-01T10:00:00.500Z", "sentAt": "2020-01-02T00:00:00Z"});
    let shown: serde_json::Value = serde_json::from_str(&again(&unreceived.to_string(), 1, 1).unwrap()).unwrap();
    assert_eq!(
        (&shown["timestamp"], &shown["sentAt"]),
        (&json!("2020-01-01T10:00:00.500Z"), &json!("2020-01-02T00:00:00.000Z"))
    );
    let timeless = json!({"type": "track", "userId": "u", "event": "E", "sentAt": "2020-01-02T00:00:00Z"});
    let shown: serde_json::Value = serde_json::from_str(&again(&timeless.to_string(), 1, 1).unwrap()).unwrap();
    assert_eq!(shown["timestamp"], "2020-01-02T00:00:00.000Z");
    let plain: serde_json::Value = serde_json::from_str(&again(&track(json!({})).to_string(), 1, 1).unwrap()).unwrap();
    assert_eq!((&plain["receivedAt"], &plain["timestamp"]), (&json!("2027-01-01T00:00:00.000Z"), &json!(super::NOW)));
}

#[test]
fn a_line_without_id_gets_the_same_one_every_time() {
    let line = track(json!({})).to_string();
    let id = |line: &str, number| {
        let shown: serde_json::Value = serde_json::from_str(&again(line, number, 1).unwrap()).unwrap();
        shown["messageId"].as_str().unwrap().to_owned()
    };
    assert!(id(&line, 1).strip_prefix("import-").is_some_and(|hex| hex.len() == 64));
    assert_eq!(id(&line, 1), id(&format!("  {line}\r\n"), 1));
    assert_ne!(id(&line, 1), id(&line, 2));
}

#[test]
fn a_bad_line_is_rejected_alone() {
    for (line, code) in [
        ("{", Code::InvalidJson),
        ("[]", Code::InvalidJson),
        ("\u{1}", Code::InvalidJson),
        (r#"{"userId":"u"}"#, Code::UnknownType),
        (r#"{"type":"delete","userId":"u"}"#, Code::UnknownType),
        (r#"{"type":"track","userId":"u","event":"E","n":1e999}"#, Code::InvalidNumber),
        (
            &format!(r#"{{"type":"track","userId":"u","event":"E","x":"{}"}}"#, "x".repeat(LINE_BYTES_MAX)),
            Code::MessageTooLarge,
        ),
    ] {
        assert_eq!(again(line, 1, 1).unwrap_err().code, code, "{}", line.get(..60).unwrap_or(line));
    }
    let mut importer = Importer::new("web".into(), Merges::All, Settings::default());
    assert!(importer.read(b" \r\n", 1, now()).unwrap().is_none());
    assert_eq!(importer.read(b"\xff", 1, now()).unwrap_err().code, Code::InvalidJson);
}
