//! Pixels, webhooks and Windsor's own hook.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{House, Request, Route, request, track};
use crate::call::CallType;
use crate::ingest::{Code, Credentials, Refusal, Sender};

const PIXEL: Route = Route::Pixel(CallType::Track);

fn unnamed(route: Route, body: String) -> Request {
    Request { credentials: Credentials::default(), ..request(route, body) }
}

#[test]
fn a_pixel_is_a_message_in_a_query() {
    let house = House::new();
    let message = json!({"writeKey": "key", "userId": "u~~??>>", "event": "Opened", "properties": {"n": 1}, "context": {"page": {"url": "x"}}});
    for data in [STANDARD.encode(message.to_string()), URL_SAFE_NO_PAD.encode(message.to_string())] {
        let mut request = unnamed(PIXEL, format!("data={data}"));
        request.sender = Sender {
            ip: Some([192, 0, 2, 7].into()),
            user_agent: Some("Mail/1".to_owned()),
            referrer: Some("https://mail.example/".to_owned()),
            text_plain: false,
        };
        house.take(request).unwrap();
        let record = house.records().pop().unwrap();
        assert_eq!(
            (&record["event"], &record["channel"], record.get("writeKey")),
            (&json!("Opened"), &json!("client"), None)
        );
        assert_eq!(
            record["context"],
            json!({"ip": "192.0.2.7", "userAgent": "Mail/1", "page": {"url": "x", "referrer": "https://mail.example/"}})
        );
    }
    let query = "userId=7&event=Email+Opened&properties.subject=Hi&context.userAgent=own&context.ip=0.0.0.0&writeKey=key&timestamp=2026-11-23";
    let mut request = unnamed(PIXEL, query.to_owned());
    request.sender.user_agent = Some("other".to_owned());
    house.take(request).unwrap();
    let record = house.records().pop().unwrap();
    assert_eq!((&record["userId"], &record["properties"]), (&json!("7"), &json!({"subject": "Hi"})));
    assert_eq!(record["context"], json!({"userAgent": "own", "ip": "0.0.0.0"}));
}

#[test]
fn a_broken_pixel_is_logged() {
    let house = House::new();
    assert_eq!(house.take(unnamed(PIXEL, String::new())), Err(Refusal::MissingWriteKey));
    for query in ["data=%%%&writeKey=key", "data=bnVsbA&writeKey=key", "data=e30&writeKey=k%ff"] {
        let refused = house.take(request(PIXEL, query.to_owned()));
        assert!(matches!(refused, Err(Refusal::InvalidJson { .. })) || query.contains("e30"), "{query}: {refused:?}");
    }
    assert_eq!(house.logged().len(), 4);
    let receipt = house.send(PIXEL, "userId=u").unwrap();
    assert_eq!(receipt.items[0].code, Some(Code::EventNotDefined));
}

#[test]
fn a_webhook_takes_corrected_times_as_they_are() {
    let house = House::new();
    let call = json!({
        "type": "track", "userId": "u", "event": "E", "messageId": "m", "channel": "client", "version": 2, "projectId": "p",
        "timestamp": "2026-11-20T10:00:00.000Z", "originalTimestamp": "2026-11-20T08:00:00.000Z",
        "sentAt": "2026-11-20T08:00:01.000Z", "receivedAt": "2026-11-20T10:00:01.000Z",
        "context": {"library": {"name": "analytics.js"}},
    });
    house.send(Route::Webhook, call.to_string()).unwrap();
    let record = house.records().pop().unwrap();
    for key in ["timestamp", "originalTimestamp", "sentAt", "channel", "context"] {
        assert_eq!(record[key], call[key], "{key}");
    }
    assert_eq!((&record["receivedAt"], &record["senderReceivedAt"]), (&json!(super::NOW), &call["receivedAt"]));
    assert_eq!(record["projectId"], "web");

    let calls = json!([track(json!({"messageId": "n"})), {"type": "delete", "userId": "u"}, track(json!({"messageId": "m"})), {"userId": "u"}]);
    let receipt = house.send(Route::Webhook, calls.to_string()).unwrap();
    let codes: Vec<_> = receipt.items.iter().map(|item| item.code).collect();
    assert_eq!(codes, [None, Some(Code::DeleteNotAllowed), None, Some(Code::UnknownType)]);
    assert_eq!((receipt.counts.appended, receipt.counts.duplicate), (1, 1));
    for body in ["null", "5", "", "[{}"] {
        assert!(matches!(house.send(Route::Webhook, body), Err(Refusal::InvalidJson { .. })), "{body}");
    }
}

#[test]
fn a_webhooks_key_may_be_in_its_path_but_not_in_its_body() {
    let house = House::new();
    let body = track(json!({"writeKey": "key"})).to_string();
    assert_eq!(house.take(unnamed(Route::Webhook, body.clone())), Err(Refusal::MissingWriteKey));
    let mut request = unnamed(Route::Webhook, body);
    request.credentials.path = Some("key".to_owned());
    assert_eq!(house.take(request).unwrap().counts.appended, 1);
}

#[test]
fn a_signed_source_refuses_unsigned_webhooks() {
    let house = House::new();
    let body = r#"{"type":"track","userId":"u","event":"E"}"#;
    let signed = |signature: Option<&str>| {
        let mut request = unnamed(Route::Webhook, body.to_owned());
        request.credentials.path = Some("signed".to_owned());
        request.signature = signature.map(str::to_owned);
        house.take(request)
    };
    // printf '%s' BODY | openssl dgst -sha1 -hmac secret
    let good = "cde4827fb67f46f9c8ec8a30075efc1296ce6090";
    assert_eq!(signed(Some(good)).unwrap().counts.appended, 1);
    for bad in [None, Some(""), Some("00"), Some("77fa13f18bf8e94b5bfd07d1ab68bb71de929e68")] {
        assert_eq!(signed(bad), Err(Refusal::BadSignature), "{bad:?}");
    }
    assert_eq!(house.logged(), [Code::BadSignature; 4]);
}

#[test]
fn windsors_own_client_speaks_of_users_and_events() {
    let house = House::new();
    let body = json!({
        "batch": [
            {"type": "user", "userId": 42, "traits": {"email": "x"}, "messageId": "a"},
            {"type": "event", "userId": "42", "event": "Signed Up", "properties": {}, "messageId": "b"},
            {"type": "event", "userId": "42", "event": "Signed Up", "properties": {}, "messageId": "b"},
            {"type": "page", "userId": "42"},
        ],
        "timestamp": "2026-11-23T12:00:00Z", "sentAt": "2026-11-23T12:00:00Z",
    });
    let mut request = unnamed(Route::Hook, body.to_string());
    request.credentials.path = Some("key".to_owned());
    let receipt = house.take(request).unwrap();
    assert_eq!((receipt.counts.appended, receipt.counts.duplicate), (3, 1));
    let types: Vec<_> = house.records().iter().map(|record| record["type"].clone()).collect();
    assert_eq!(types, ["identify", "track", "page"]);
    assert_eq!(house.take(unnamed(Route::Hook, body.to_string())), Err(Refusal::MissingWriteKey));
}
