//! Single messages: what becomes a call, and with which code it is rejected.

use serde_json::{Value, json};

use super::{BATCH, House, NOW, Route, TRACK, request, track};
use crate::call::{CallType, Marks};
use crate::ingest::settings::Settings;
use crate::ingest::{Authorization, Code, Sender};

#[test]
fn every_type_becomes_a_record_with_its_own_members() {
    let house = House::new();
    let ids = json!({"userId": "u", "anonymousId": "a", "messageId": "m", "timestamp": NOW});
    let message = |members: Value| {
        let mut message = ids.clone();
        message.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        message["messageId"] = message["type"].clone();
        house.record(&message)
    };
    let record = message(json!({"type": "identify", "traits": {"email": "x"}, "properties": {"p": 1}}));
    assert_eq!((&record["traits"], &record["properties"]), (&json!({"email": "x"}), &json!({"p": 1})));
    let record = message(json!({"type": "track", "event": "Bought", "properties": {"n": 1}, "name": 5, "groupId": 9}));
    assert_eq!((&record["event"], &record["properties"]), (&json!("Bought"), &json!({"n": 1})));
    assert_eq!((&record["name"], &record["groupId"]), (&json!(5), &json!(9)));
    let record = message(json!({"type": "page", "name": "Home", "category": "Docs", "event": "x"}));
    assert_eq!((&record["name"], &record["category"], &record["event"]), (&json!("Home"), &json!("Docs"), &json!("x")));
    let record = message(json!({"type": "screen", "name": "", "category": null}));
    assert!(record.get("name").is_none() && record.get("category").is_none());
    assert_eq!(record["properties"], json!({}));
    let record = message(json!({"type": "group", "groupId": 9, "traits": null}));
    assert_eq!((&record["groupId"], &record["traits"]), (&json!("9"), &json!({})));
    let record = message(json!({"type": "alias", "previousId": "old"}));
    assert_eq!((&record["previousId"], record.get("properties")), (&json!("old"), None));
    assert!(house.records().iter().all(|record| record["projectId"] == "web" && record["version"] == 2));
}

#[test]
fn an_export_line_has_its_keys_in_order_and_the_rest_as_sent() {
    let house = House::new();
    let body = r#"{"zz": 1.50, "writeKey":"key","messageId":"m1","type":"x","userId":7,"event":"E\u00e9","version":1,
        "projectId":"p","receivedAt":"r","sequence":5,"_metadata":{"a":[1, 2]},"timestamp":"2026-11-23T12:00:00Z",
        "zz": -0,"channel":"mobile","properties":{"big":12345678901234567890123,"tiny":1e-400}}"#;
    house.send(TRACK, body).unwrap();
    let expected = concat!(
        r#"{"type":"track","messageId":"m1","userId":"7","event":"Eé","#,
        r#""properties":{"big":12345678901234567890123,"tiny":1e-400},"context":{},"#,
        r#""timestamp":"2026-11-23T12:00:00.000Z","originalTimestamp":"2026-11-23T12:00:00.000Z","sentAt":null,"#,
        r#""receivedAt":"2026-11-23T12:00:00.000Z","channel":"mobile","version":2,"projectId":"web","sequence":1,"#,
        r#""senderReceivedAt":"r","senderSequence":5,"_metadata":{"a":[1, 2]},"zz": -0}"#
    );
    assert_eq!(house.lines(), [expected]);
}

#[test]
fn codes_of_the_validation_table() {
    let house = House::new();
    for (message, code) in [
        (json!({"type": "identify"}), Code::NoUserAnonId),
        (json!({"type": "track", "event": "E", "userId": null, "anonymousId": ""}), Code::NoUserAnonId),
        (json!({"type": "track", "event": "E", "userId": "  "}), Code::NoUserAnonId),
        (json!({"type": "group", "groupId": "g"}), Code::NoUserAnonId),
        (json!({"type": "identify", "userId": "u", "traits": []}), Code::TraitsNotObject),
        (json!({"type": "group", "userId": "u", "groupId": "g", "traits": "x"}), Code::TraitsNotObject),
        (json!({"type": "track", "userId": "u"}), Code::EventNotDefined),
        (json!({"type": "track", "userId": "u", "event": null}), Code::EventNotDefined),
        (json!({"type": "track", "userId": "u", "event": ""}), Code::EventNotDefined),
        (json!({"type": "track", "userId": "u", "event": " \t"}), Code::EventNotDefined),
        (json!({"type": "track", "userId": "u", "event": 5}), Code::EventNotString),
        (json!({"type": "track", "userId": "u", "event": {}}), Code::EventNotString),
        (json!({"type": "track", "userId": "u", "event": "E", "properties": []}), Code::PropertiesNotObject),
        (json!({"type": "page", "userId": "u", "properties": "x"}), Code::PropertiesNotObject),
        (json!({"type": "page", "userId": "u", "name": 5}), Code::NameNotString),
        (json!({"type": "screen", "userId": "u", "category": true}), Code::CategoryNotString),
        (json!({"type": "group", "userId": "u"}), Code::GroupIdRequired),
        (json!({"type": "group", "userId": "u", "groupId": ""}), Code::GroupIdRequired),
        (json!({"type": "group", "userId": "u", "groupId": {}}), Code::IdNotString),
        (json!({"type": "alias", "userId": "u"}), Code::IdRequired),
        (json!({"type": "alias", "previousId": "p"}), Code::IdRequired),
        (json!({"type": "alias", "anonymousId": "a", "previousId": "p"}), Code::IdRequired),
        (json!({"type": "alias", "userId": "u", "previousId": []}), Code::IdNotString),
        (json!({"userId": "u", "event": "E"}), Code::UnknownType),
        (json!({"type": 5, "userId": "u"}), Code::UnknownType),
        (json!({"type": "purchase", "userId": "u"}), Code::UnknownType),
        (json!({"type": "Track", "userId": "u", "event": "E"}), Code::UnknownType),
        (json!({"type": "delete", "userId": "u"}), Code::UnknownType),
    ] {
        assert_eq!(house.rejection(&message), code, "{message}");
    }
    let lenient = House::with(Settings { lenient_types: true, ..Settings::default() });
    let body = json!({"batch": [{"type": "Track", "userId": "u", "event": "E"}]}).to_string();
    assert_eq!(lenient.send(BATCH, body).unwrap().counts.appended, 1);
}

#[test]
fn ids_are_text_or_whole_numbers_and_never_changed() {
    let house = House::new();
    let digits = "12345678901234567890123";
    let body = format!(r#"{{"type":"track","event":"E","userId":{digits},"anonymousId":-7,"messageId":5}}"#);
    house.send(TRACK, body).unwrap();
    let record = house.records().pop().unwrap();
    assert_eq!(
        (&record["userId"], &record["anonymousId"], &record["messageId"]),
        (&json!(digits), &json!("-7"), &json!("5"))
    );
    assert_eq!(house.record(&track(json!({"userId": " A "})))["userId"], " A ");
    let longest = "é".repeat(512);
    assert_eq!(house.record(&track(json!({"userId": longest})))["userId"], longest);
    for id in [json!(true), json!([]), json!({}), json!(1.5), json!("x".repeat(1025)), json!("a\0b")] {
        assert_eq!(house.rejection(&track(json!({"userId": id}))), Code::IdNotString, "{id}");
        assert_eq!(house.rejection(&track(json!({"anonymousId": id}))), Code::IdNotString, "{id}");
    }
    let body = r#"{"batch":[{"type":"track","event":"E","userId":1e3}]}"#;
    assert_eq!(house.send(BATCH, body).unwrap().items[0].code, Some(Code::IdNotString));
    let strict = House::with(Settings { strict_ids: true, ..Settings::default() });
    assert_eq!(strict.rejection(&track(json!({"userId": 5}))), Code::IdNotString);
    assert_eq!(strict.record(&track(json!({"messageId": 5})))["messageId"], "5");
}

#[test]
fn message_ids_are_kept_or_made() {
    let house = House::new();
    for id in [Value::Null, json!(""), json!(true), json!({}), json!(1.5), json!("a\0b")] {
        let made = house.record(&track(json!({"messageId": id})))["messageId"].as_str().unwrap().to_owned();
        assert!(made.strip_prefix("api-").is_some_and(|uuid| uuid.len() == 36), "{made}");
        assert!(house.marks().has(Marks::ID_GENERATED));
    }
    let long = "m".repeat(300);
    assert_eq!(house.record(&track(json!({"messageId": long})))["messageId"], long);
    assert!(!house.marks().has(Marks::ID_GENERATED));
}

#[test]
fn an_alias_takes_its_ids_from_where_browsers_put_them() {
    let house = House::new();
    let record = house.record(&json!({"type": "alias", "userId": "new", "anonymousId": "device"}));
    assert_eq!(
        (&record["userId"], &record["previousId"], &record["anonymousId"]),
        (&json!("new"), &json!("device"), &json!("device"))
    );
    let record = house.record(&json!({"type": "alias", "from": "old", "to": "new"}));
    assert_eq!((&record["userId"], &record["previousId"]), (&json!("new"), &json!("old")));
    assert!(record.get("from").is_none() && record.get("to").is_none());
    let record =
        house.record(&json!({"type": "alias", "userId": "u", "previousId": "u", "from": "x", "properties": 5}));
    assert_eq!((&record["previousId"], &record["from"], &record["properties"]), (&json!("u"), &json!("x"), &json!(5)));
}

#[test]
fn the_senders_integrations_decide_what_is_filtered() {
    let house = House::new();
    let body = json!({"batch": [track(json!({"integrations": {"All": false}}))]}).to_string();
    let receipt = house.send(BATCH, body.clone()).unwrap();
    let item = serde_json::to_value(&receipt.items[0]).unwrap();
    assert_eq!(
        (&item["status"], &item["code"], &item["sequence"]),
        (&json!("filtered"), &json!("FILTERED_BY_INTEGRATIONS_OBJECT"), &json!(1))
    );
    assert!(house.marks().has(Marks::FILTERED));
    house.record(&track(json!({"integrations": {"All": false, "Windsor": {"x": 1}}})));
    assert!(!house.marks().has(Marks::FILTERED));
    for ignored in [json!(true), json!([])] {
        let record = house.record(&track(json!({"integrations": ignored})));
        assert!(record.get("integrations").is_none() && house.marks().has(Marks::MEMBER_IGNORED), "{ignored}");
    }
    house.record(&track(json!({"integrations": null})));
    assert_eq!(house.marks(), Marks::default().with(Marks::ID_GENERATED));
}

#[test]
fn a_clients_message_gets_its_address_and_nothing_given_is_changed() {
    let short = Route::Single { kind: CallType::Track, short: true };
    let context = |route, context: Value, plain| {
        let house = House::new();
        let mut request = request(route, track(json!({"context": context})).to_string());
        request.sender.text_plain = plain;
        house.take(request).unwrap();
        let record = house.records().pop().unwrap();
        (record["context"].clone(), record["channel"].clone())
    };
    let filled = json!({"ip": "192.0.2.7"});
    assert_eq!(context(short, Value::Null, false), (filled.clone(), json!("client")));
    assert_eq!(context(TRACK, Value::Null, true), (filled.clone(), json!("client")));
    assert_eq!(context(TRACK, Value::Null, false), (json!({}), json!("server")));
    assert_eq!(context(short, json!({"ip": null}), false).0, filled);
    assert_eq!(context(short, json!({"ip": "0.0.0.0", "a": 1}), false).0, json!({"ip": "0.0.0.0", "a": 1}));
    assert_eq!(
        context(TRACK, json!({"direct": true}), false),
        (json!({"ip": "192.0.2.7", "direct": true}), json!("server"))
    );
    assert_eq!(context(TRACK, json!({"direct": false}), false).0, json!({"direct": false}));
    assert_eq!(context(TRACK, json!({"channel": "kiosk"}), false).1, "kiosk");
    for (library, client) in
        [("analytics.js", true), ("analytics-kotlin", true), ("analytics-node", false), ("x", false)]
    {
        let (context, channel) = context(TRACK, json!({"library": {"version": "1", "name": library}}), false);
        assert_eq!((context.get("ip").is_some(), channel == "client"), (client, client), "{library}");
    }
    for ignored in [json!("x"), json!([])] {
        assert_eq!(context(TRACK, ignored, false).0, json!({}));
    }
}

#[test]
fn an_address_of_the_old_kind_is_written_so() {
    let house = House::new();
    let mut request = request(Route::Batch { short: true }, json!({"batch": [track(json!({}))]}).to_string());
    request.sender = Sender { ip: Some("::ffff:192.0.2.1".parse().unwrap()), ..Sender::default() };
    house.take(request).unwrap();
    assert_eq!(house.records()[0]["context"]["ip"], "192.0.2.1");
}

#[test]
fn half_a_character_is_replaced_and_marked() {
    let house = House::new();
    house.send(TRACK, r#"{"userId":"u","event":"a\ud83db","properties":{"\udc00":"\ud83d\ude00"}}"#).unwrap();
    let record = house.records().pop().unwrap();
    assert_eq!((&record["event"], &record["properties"]), (&json!("a\u{fffd}b"), &json!({"\u{fffd}": "\u{1f600}"})));
    assert!(house.marks().has(Marks::TEXT_REPAIRED));
    let body = json!({"batch": [track(json!({"n": 1})), track(json!({"n": 2}))]})
        .to_string()
        .replace("\"n\":1", r#""n":"\udfff""#);
    house.send(BATCH, body).unwrap();
    assert!(!house.marks().has(Marks::TEXT_REPAIRED), "the neighbour was not repaired");
}

#[test]
fn the_aliases_of_a_careful_source_are_marked_and_nothing_else_is() {
    let house = House::new();
    let marks = |key: &str, kind: CallType, body: &str| {
        let mut request = request(Route::Single { kind, short: false }, body.to_owned());
        request.credentials.authorization = Authorization::Basic(key.to_owned());
        assert_eq!(house.take(request).unwrap().counts.appended, 1);
        house.marks()
    };
    let alias = r#"{"userId":"n","previousId":"p"}"#;
    assert!(marks("careful", CallType::Alias, alias).has(Marks::MERGES_ANONYMOUS_ONLY));
    assert!(!marks("key", CallType::Alias, alias).has(Marks::MERGES_ANONYMOUS_ONLY));
    assert!(!marks("careful", CallType::Identify, r#"{"userId":"n"}"#).has(Marks::MERGES_ANONYMOUS_ONLY));
    let forged = r#"{"userId":"n","event":"merge","marks":32,"source":"roundtower","projectId":"roundtower"}"#;
    assert!(!marks("key", CallType::Track, forged).has(Marks::CONTROL), "no sender gives orders");
}
