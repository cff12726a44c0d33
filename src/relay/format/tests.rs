//! Each format with calls as awkward as they come.

use serde_json::{Value, json};

use super::*;
use crate::call::ids::{AnonymousId, GroupId, MessageId, UserId};
use crate::call::{Call, Marks, Target};
use crate::journal::Sequence;

const NOW: &str = "2026-11-23T12:00:00.500Z";

/// A plain call of this type.
pub(in crate::relay) fn call(kind: CallType) -> Call<'static> {
    Call {
        kind,
        message_id: MessageId::parse("m-1").unwrap(),
        user_id: Some(UserId::parse("u-1").unwrap()),
        anonymous_id: None,
        target: match kind {
            CallType::Group => Target::Group(GroupId::parse("g-1").unwrap()),
            CallType::Alias => Target::Previous(UserId::parse("before").unwrap()),
            _ => Target::None,
        },
        name: (kind == CallType::Track).then_some("Signed In".into()),
        category: None,
        timestamp: at("2026-11-23T11:00:00.250Z"),
        original_timestamp: at("2026-11-23T10:00:00.000Z"),
        sent_at: Some(at("2026-11-23T10:00:01.000Z")),
        channel: "server".into(),
        payload: "{}".into(),
        context: "{}".into(),
        integrations: None,
        extra: "{}".into(),
        marks: Marks::default(),
    }
}

/// It as a record.
pub(in crate::relay) fn record(call: Call<'_>) -> Record<'_> {
    Record { sequence: Sequence::new(7), source: "website", received_at: at("2026-11-23T11:00:01.250Z"), call }
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn destination(format: Format) -> Destination {
    Destination::new("there", format, "http://127.0.0.1:9/in/", Secret::new("key with/ü?".to_owned()))
}

fn request(format: Format, calls: &[Call<'static>]) -> Request {
    let mut writer = Writer::new(&destination(format));
    for call in calls {
        writer.push(&record(call.clone()));
    }
    assert_eq!(writer.calls(), calls.len());
    let bytes = writer.bytes();
    let request = writer.finish(at(NOW));
    assert_eq!(request.body.len(), bytes, "{format:?}");
    request
}

fn parsed(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_else(|error| panic!("{error}: {}", text(request)))
}

fn text(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

fn item(format: Format, call: Call<'static>) -> Value {
    let body = parsed(&request(format, &[call]));
    if format == Format::Partner { body } else { body["batch"][0].clone() }
}

/// One with everything that was ever a problem.
fn awkward(kind: CallType) -> Call<'static> {
    Call {
        message_id: MessageId::parse("m \"1\" \\ 塔 🏰\n").unwrap(),
        user_id: None,
        anonymous_id: Some(AnonymousId::parse("<a>'\u{1}").unwrap()),
        name: matches!(kind, CallType::Track | CallType::Page | CallType::Screen).then_some("Or\"der\" \\ 🏰".into()),
        payload: r#"{"big":9007199254740993123456789,"tiny":1.50e-7,"":null,"a.b":[{"\u0022":"\ufffd"}],"writeKey":"mine"}"#.into(),
        context: r#"{"ip":"2001:db8::1","\u0022q":{"n":1.0}}"#.into(),
        integrations: Some(r#"{"All":true,"Windsor":{"note":"k\"ept"}}"#.into()),
        extra: r#"{"_metadata":{"nodeVersion":"20"},"writeKey":"secret-key","testIndex":12345678901234567890,"\u0022k":[1.0]}"#.into(),
        ..call(kind)
    }
}

#[test]
fn awkward_calls_arrive_as_they_were_sent() {
    for format in [Format::Windsor, Format::Partner, Format::Segment] {
        for kind in CallType::ALL.into_iter().filter(|kind| carries(format, *kind)) {
            let given = awkward(kind);
            let request = request(format, std::slice::from_ref(&given));
            let (all, found) = (text(&request), item(format, given.clone()));
            assert_eq!(found["messageId"], given.message_id.as_str());
            assert_eq!(found["anonymousId"], "<a>'\u{1}");
            assert!(found.get("userId").is_none(), "an absent id is left out: {all}");
            assert_eq!(found["timestamp"], "2026-11-23T11:00:00.250Z");
            assert_eq!(found["integrations"]["Windsor"]["note"], "k\"ept");
            assert_eq!(found["context"]["ip"], "2001:db8::1");
            assert_eq!(found["context"]["\"q"].to_string(), r#"{"n":1.0}"#);
            assert_eq!(found["_metadata"], json!({ "nodeVersion": "20" }));
            assert_eq!(found["\"k"].to_string(), "[1.0]");
            for exact in ["9007199254740993123456789", "1.50e-7", "\"testIndex\":12345678901234567890", "\"a.b\""] {
                assert!(all.contains(exact), "{exact} is not in {all}");
            }
            assert!(!all.contains("secret-key"), "{all}");
            assert!(all.contains("mine"), "what is called writeKey further down is the sender's: {all}");
            assert!(!all.contains('\n'), "{all}");
        }
    }
}

#[test]
fn no_member_comes_twice() {
    let every = ["type", "messageId", "userId", "anonymousId", "groupId", "previousId", "event", "name", "category"];
    let more = ["traits", "properties", "context", "integrations", "timestamp", "originalTimestamp", "sentAt"];
    let last = ["receivedAt", "channel", "version", "projectId", "_metadata", "library"];
    let others: Vec<String> =
        every.iter().chain(&more).chain(&last).map(|key| format!("\"{key}\":\"other\"")).collect();
    for format in [Format::Windsor, Format::Partner, Format::Segment] {
        for kind in CallType::ALL.into_iter().filter(|kind| carries(format, *kind)) {
            // As ingest leaves it: what is a member of the call itself is not among the others.
            let own = own_members(kind);
            let extra = others.iter().filter(|text| !own.iter().any(|key| text.starts_with(&format!("\"{key}\""))));
            let extra = format!("{{{}}}", extra.cloned().collect::<Vec<_>>().join(","));
            let request = request(format, &[Call { extra: extra.into(), ..awkward(kind) }]);
            let body = text(&request);
            let item = body.strip_prefix("{\"batch\":[").unwrap_or(&body);
            let item: String = serde_json::Deserializer::from_str(item)
                .into_iter::<Box<serde_json::value::RawValue>>()
                .next()
                .unwrap()
                .unwrap()
                .get()
                .to_owned();
            let mut keys = Vec::new();
            crate::call::integrations::each_member(&item, |key, _| keys.push(key.into_owned()));
            let count = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), count, "{format:?} {kind:?}: {item}");
            assert!(!item.contains("\"messageId\":\"other\"") && !item.contains("\"timestamp\":\"other\""));
        }
    }
}

fn own_members(kind: CallType) -> &'static [&'static str] {
    match kind {
        CallType::Identify => &["traits", "sentAt"],
        CallType::Track => &["event", "properties", "sentAt"],
        CallType::Page | CallType::Screen => &["name", "category", "properties", "sentAt"],
        CallType::Group => &["groupId", "traits", "sentAt"],
        CallType::Alias => &["previousId", "properties", "sentAt"],
    }
}

#[test]
fn windsor_gets_users_and_events_as_its_own_client_writes_them() {
    let identify = Call { payload: r#"{"email":"a@example.com"}"#.into(), ..call(CallType::Identify) };
    let track = Call { payload: r#"{"n":1}"#.into(), ..call(CallType::Track) };
    let request = request(Format::Windsor, &[identify, track, call(CallType::Track)]);
    let context = json!({ "library": { "name": "roundtower", "version": env!("CARGO_PKG_VERSION") } });
    let item = |mut item: Value| {
        item["userId"] = "u-1".into();
        item["context"] = context.clone();
        item["_metadata"] = json!({});
        item["timestamp"] = "2026-11-23T11:00:00.250Z".into();
        item["messageId"] = "m-1".into();
        item
    };
    let expected = json!({
        "batch": [
            item(json!({ "type": "user", "traits": { "email": "a@example.com" } })),
            item(json!({ "type": "event", "event": "Signed In", "properties": { "n": 1 } })),
            item(json!({ "type": "event", "event": "Signed In" })),
        ],
        "timestamp": NOW,
        "sentAt": NOW,
    });
    assert_eq!(parsed(&request), expected);
    assert_eq!(request.url, "http://127.0.0.1:9/in/key%20with%2F%C3%BC%3F");
    let expected = [
        ("Accept", "application/json, text/plain, */*".to_owned()),
        ("Content-Type", "application/json;charset=utf-8".to_owned()),
        ("User-Agent", "windsor-node/1.0.0".to_owned()),
    ];
    assert_eq!(request.headers, expected);
}

#[test]
fn windsor_gets_pages_and_screens_as_events_by_their_names_in_the_feed() {
    for (kind, category, name, event) in [
        (CallType::Page, Some("Docs"), Some("Install"), "Viewed Docs Install Page"),
        (CallType::Page, None, Some("Ho\"me"), "Viewed Ho\"me Page"),
        (CallType::Page, Some("Docs"), None, "Loaded a Page"),
        (CallType::Page, None, None, "Loaded a Page"),
        (CallType::Screen, Some("Shop"), Some("Cart"), "Viewed Shop Cart Screen"),
        (CallType::Screen, None, None, "Loaded a Screen"),
    ] {
        let given = Call {
            name: name.map(Into::into),
            category: category.map(Into::into),
            payload: r#"{"url":"https://example.com/","name":"not this"}"#.into(),
            extra: r#"{"event":"never this"}"#.into(),
            ..call(kind)
        };
        let found = item(Format::Windsor, given);
        assert_eq!((&found["type"], &found["event"]), (&json!("event"), &json!(event)));
        assert_eq!(found["properties"], json!({ "url": "https://example.com/", "name": "not this" }));
        assert_eq!(found.get("name").and_then(Value::as_str), name);
        assert_eq!(found.get("category").and_then(Value::as_str), category);
    }
}

#[test]
fn windsor_gets_a_group_as_the_company_of_a_user() {
    let given = Call {
        target: Target::Group(GroupId::parse("g\"1").unwrap()),
        payload: r#"{"name":"Initech","id":"other","employees":9007199254740993}"#.into(),
        context: r#"{"groupId":"before","library":{"name":"x"},"ip":"192.0.2.1"}"#.into(),
        ..call(CallType::Group)
    };
    let found = item(Format::Windsor, given);
    assert_eq!(found["type"], "user");
    let company = r#"{"company":{"id":"g\"1","name":"Initech","employees":9007199254740993}}"#;
    assert_eq!(found["traits"].to_string(), company);
    assert_eq!(found["context"], json!({ "groupId": "g\"1", "library": { "name": "x" }, "ip": "192.0.2.1" }));
    let bare = item(Format::Windsor, call(CallType::Group));
    assert_eq!(bare["traits"], json!({ "company": { "id": "g-1" } }));
    assert_eq!(bare["context"]["groupId"], "g-1");
    assert_eq!(bare["context"]["library"]["name"], "roundtower");
}

#[test]
fn a_partner_gets_everything_that_is_known() {
    let given =
        Call { payload: r#"{"n":1}"#.into(), extra: r#"{"_metadata":{"bundled":[]}}"#.into(), ..call(CallType::Track) };
    let request = request(Format::Partner, &[given]);
    let expected = json!({
        "type": "track",
        "messageId": "m-1",
        "userId": "u-1",
        "event": "Signed In",
        "properties": { "n": 1 },
        "context": {},
        "integrations": {},
        "timestamp": "2026-11-23T11:00:00.250Z",
        "originalTimestamp": "2026-11-23T10:00:00.000Z",
        "sentAt": "2026-11-23T10:00:01.000Z",
        "receivedAt": "2026-11-23T11:00:01.250Z",
        "channel": "server",
        "version": 2,
        "projectId": "website",
        "_metadata": { "bundled": [] },
    });
    assert_eq!(parsed(&request), expected);
    assert_eq!(request.url, "http://127.0.0.1:9/in/");
    let expected = [
        ("Accept", "*/*".to_owned()),
        ("Authorization", "Basic a2V5IHdpdGgvw7w/Og==".to_owned()),
        ("Cache-Control", "no-cache".to_owned()),
        ("Connection", "Keep-Alive".to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "Segment.io/1.0".to_owned()),
    ];
    assert_eq!(request.headers, expected);
}

#[test]
fn the_other_types_keep_their_shape() {
    for format in [Format::Partner, Format::Segment] {
        let alias = item(format, call(CallType::Alias));
        assert_eq!((&alias["userId"], &alias["previousId"]), (&json!("u-1"), &json!("before")));
        assert!(alias.get("properties").is_none() && alias.get("traits").is_none());
        let group = item(format, Call { payload: r#"{"name":"Initech"}"#.into(), ..call(CallType::Group) });
        assert_eq!((&group["groupId"], &group["traits"]["name"]), (&json!("g-1"), &json!("Initech")));
        let page = item(format, Call { name: Some("A".into()), category: Some("B".into()), ..call(CallType::Page) });
        assert_eq!((&page["name"], &page["category"], &page["properties"]), (&json!("A"), &json!("B"), &json!({})));
        assert!(page.get("event").is_none());
    }
}

#[test]
#[should_panic(expected = "one call")]
fn a_partner_gets_one_call_in_a_request() {
    request(Format::Partner, &[call(CallType::Track), call(CallType::Track)]);
}

#[test]
fn any_segment_host_gets_batches_with_corrected_times_and_no_time_of_sending() {
    let given = Call { integrations: Some("{\"All\":true}".into()), ..call(CallType::Track) };
    let request = request(Format::Segment, &[given, call(CallType::Identify)]);
    let expected = json!({ "batch": [
        {
            "type": "track",
            "messageId": "m-1",
            "userId": "u-1",
            "event": "Signed In",
            "properties": {},
            "context": {},
            "integrations": { "All": true },
            "timestamp": "2026-11-23T11:00:00.250Z",
            "channel": "server",
        },
        {
            "type": "identify",
            "messageId": "m-1",
            "userId": "u-1",
            "traits": {},
            "context": {},
            "timestamp": "2026-11-23T11:00:00.250Z",
            "channel": "server",
        },
    ] });
    assert_eq!(parsed(&request), expected);
    assert_eq!(request.url, "http://127.0.0.1:9/in/v1/batch");
    let expected = [
        ("Accept", "application/json".to_owned()),
        ("Authorization", "Basic a2V5IHdpdGgvw7w/Og==".to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", format!("roundtower/{}", env!("CARGO_PKG_VERSION"))),
    ];
    assert_eq!(request.headers, expected);
}

#[test]
fn a_signature_covers_the_whole_body() {
    for format in [Format::Windsor, Format::Partner, Format::Segment] {
        let mut to = destination(format);
        to.signing_secret = Some(Secret::new("s".to_owned()));
        let mut writer = Writer::new(&to);
        writer.push(&record(call(CallType::Track)));
        let request = writer.finish(at(NOW));
        let signed = request.headers.last().unwrap();
        assert_eq!(*signed, ("X-Signature", sign::signature(&Secret::new("s".to_owned()), &request.body)));
        assert!(request.headers.iter().filter(|(name, _)| *name == "X-Signature").count() == 1);
    }
}

#[test]
fn secrets_do_not_show() {
    for format in [Format::Windsor, Format::Partner, Format::Segment] {
        let mut to = destination(format);
        to.signing_secret = Some(Secret::new("hidden".to_owned()));
        let mut writer = Writer::new(&to);
        writer.push(&record(call(CallType::Track)));
        let shown = format!("{to:?} {:?}", writer.finish(at(NOW)));
        for secret in ["key with", "key%20", "hidden", "a2V5", "Signed In", "u-1"] {
            assert!(!shown.contains(secret), "{secret} shows in {shown}");
        }
        assert!(shown.contains("http://127.0.0.1:9/"), "{shown}");
    }
}

#[test]
fn an_empty_request_is_still_json() {
    assert_eq!(parsed(&request(Format::Windsor, &[])), json!({ "batch": [], "timestamp": NOW, "sentAt": NOW }));
    assert_eq!(parsed(&request(Format::Segment, &[])), json!({ "batch": [] }));
}
