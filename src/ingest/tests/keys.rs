//! Write keys: from five places, in one order, and never stored.

use serde_json::json;

use super::{BATCH, House, TRACK, request, track};
use crate::ingest::settings::{Settings, UnknownKeys};
use crate::ingest::{Authorization, Code, Credentials, Receipt, Refusal};

fn sent(house: &House, credentials: Credentials, body: &serde_json::Value) -> Result<Receipt, Refusal> {
    let route = if body.get("batch").is_some() { BATCH } else { TRACK };
    house.take(super::Request { credentials, ..request(route, body.to_string()) })
}

fn basic(user: &str) -> Credentials {
    Credentials { authorization: Authorization::Basic(user.to_owned()), ..Credentials::default() }
}

#[test]
fn headers_are_read_with_patience() {
    for (header, read) in [
        ("Basic a2V5Og==", Authorization::Basic("key".to_owned())),
        ("basic a2V5Og", Authorization::Basic("key".to_owned())),
        ("Basic a2V5", Authorization::Basic("key".to_owned())),
        ("Basic a2V5OnBhc3M6dw==", Authorization::Basic("key".to_owned())),
        ("Basic Og==", Authorization::Basic(String::new())),
        ("Basic", Authorization::Basic(String::new())),
        ("Bearer abc.def", Authorization::Bearer),
        ("Basic !!!", Authorization::Unreadable),
        ("Basic /////w==", Authorization::Unreadable),
        ("Digest x", Authorization::Unreadable),
        ("", Authorization::Unreadable),
    ] {
        assert_eq!(Authorization::read(header.as_bytes()), read, "{header}");
    }
    assert_eq!(Authorization::read(b"Basic \xff"), Authorization::Unreadable);
}

#[test]
fn a_key_may_be_anywhere() {
    let house = House::new();
    let keyed = track(json!({"writeKey": "key"}));
    let plain = track(json!({}));
    let none = Credentials::default();
    let bearer = Credentials { authorization: Authorization::Bearer, ..Credentials::default() };
    for (credentials, body) in [
        (basic("key"), plain.clone()),
        (Credentials { header: Some("key".to_owned()), ..none.clone() }, plain.clone()),
        (Credentials { query: Some("key".to_owned()), ..none.clone() }, plain.clone()),
        (none.clone(), keyed.clone()),
        (bearer.clone(), keyed.clone()),
        (basic(""), keyed.clone()),
        (none.clone(), json!({"batch": [plain.clone()], "writeKey": "key"})),
        (none.clone(), json!({"batch": [keyed.clone(), plain.clone()]})),
        (none.clone(), json!({"batch": [track(json!({"writeKey": "other"}))], "writeKey": "key"})),
        (Credentials { query: Some("other".to_owned()), ..none.clone() }, keyed.clone()),
    ] {
        let receipt = sent(&house, credentials.clone(), &body).unwrap();
        assert!(receipt.counts.appended > 0 && receipt.notes.is_empty(), "{credentials:?} {body}");
    }
    assert!(house.lines().iter().all(|line| !line.contains("writeKey")));
    for credentials in [none, bearer, basic("")] {
        assert_eq!(sent(&house, credentials.clone(), &plain), Err(Refusal::MissingWriteKey), "{credentials:?}");
        let empty = track(json!({"writeKey": ""}));
        assert_eq!(sent(&house, credentials, &empty), Err(Refusal::MissingWriteKey));
    }
}

#[test]
fn the_header_wins_and_the_conflict_is_noted() {
    let house = House::new();
    let receipt = sent(&house, basic("key"), &track(json!({"writeKey": "signed"}))).unwrap();
    assert_eq!(receipt.notes, [Code::WriteKeyConflict]);
    assert_eq!(house.records()[0]["projectId"], "web");
    let garbage = Credentials { authorization: Authorization::Unreadable, ..Credentials::default() };
    let receipt = sent(&house, garbage.clone(), &track(json!({"writeKey": "signed"}))).unwrap();
    assert_eq!(receipt.notes, [Code::AuthorizationIgnored]);
    assert_eq!(house.records()[1]["projectId"], "signed");
    assert_eq!(sent(&house, garbage, &track(json!({}))), Err(Refusal::MissingWriteKey));
}

#[test]
fn unknown_keys_are_refused_or_dropped() {
    let house = House::new();
    for (credentials, key) in [(basic("nobody"), "key"), (Credentials::default(), "nobody")] {
        let body = track(json!({"writeKey": key}));
        assert_eq!(sent(&house, credentials, &body), Err(Refusal::UnknownWriteKey));
    }
    assert_eq!(house.logged(), [Code::UnknownWriteKey; 2]);
    let logged = house.rejections.page(None, 1, |_| true);
    assert!(!logged.items[0].body.contains("nobody") && logged.items[0].body.contains("***"));
    let dropping = House::with(Settings { unknown_keys: UnknownKeys::Drop, ..Settings::default() });
    for credentials in [basic("nobody"), Credentials::default()] {
        let receipt = sent(&dropping, credentials, &track(json!({"writeKey": "nobody"}))).unwrap();
        assert_eq!((receipt.notes, receipt.counts.appended), (vec![Code::UnknownSource], 0));
    }
    assert_eq!(dropping.logged(), [Code::UnknownSource; 2]);
    assert!(dropping.records().is_empty());
}

#[test]
fn a_disabled_source_is_answered_and_dropped() {
    let house = House::new();
    for credentials in [basic("off"), Credentials::default()] {
        let receipt = sent(&house, credentials, &track(json!({"writeKey": "off"}))).unwrap();
        assert_eq!(receipt.notes, [Code::SourceDisabled]);
    }
    assert_eq!(house.logged(), [Code::SourceDisabled; 2]);
    assert_eq!(house.rejections.page(None, 1, |_| true).items[0].source.as_deref(), Some("off"));
    assert!(house.records().is_empty());
}

#[test]
fn requests_may_move_between_threads() {
    fn movable<T: Send>(_: T) {}
    let house = House::new();
    movable(house.ingest.take(request(TRACK, "{}")));
}

#[test]
fn a_caller_may_look_at_the_source_between_the_halves() {
    let house = House::new();
    let admission = house.ingest.authenticate(request(TRACK, track(json!({})).to_string())).unwrap();
    assert_eq!(admission.source().map(|source| &*source.name), Some("web"));
}
