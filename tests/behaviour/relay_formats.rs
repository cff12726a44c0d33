//! What the relay writes is what this server itself takes: each format at the route that is made for it, with the same
//! message ids and, to the millisecond, the same times, however wrong the first sender's clock was.

use roundtower::call::ids::{AnonymousId, GroupId, MessageId, UserId};
use roundtower::call::secret::Secret;
use roundtower::call::time::Time;
use roundtower::call::{Call, CallType, Marks, Target};
use roundtower::clock::Clock;
use roundtower::journal::{Record, Sequence};
use roundtower::relay::format::{Request, Writer, carries};
use roundtower::relay::settings::{Destination, Format};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, http};

fn at(text: &str) -> Time {
    Time::parse(text).expect("a time")
}

/// One call of each type, from a sender whose clock was ten minutes slow.
fn six() -> Vec<Call<'static>> {
    CallType::ALL
        .into_iter()
        .map(|kind| Call {
            kind,
            message_id: MessageId::parse(format!("m-{}-塔\"", kind.as_str())).expect("an id"),
            user_id: Some(UserId::parse("u-1").expect("an id")),
            anonymous_id: (kind != CallType::Alias).then(|| AnonymousId::parse("a-1").expect("an id")),
            target: match kind {
                CallType::Group => Target::Group(GroupId::parse("g-1").expect("an id")),
                CallType::Alias => Target::Previous(UserId::parse("a-1").expect("an id")),
                _ => Target::None,
            },
            name: (!kind.has_traits() && kind != CallType::Alias).then_some("Home".into()),
            category: None,
            timestamp: at("2024-02-29T12:00:00.123Z"),
            original_timestamp: at("2024-02-29T11:50:00.000Z"),
            sent_at: Some(at("2024-02-29T11:50:00.377Z")),
            channel: "client".into(),
            payload: r#"{"n":9007199254740993123,"text":"\"塔\" 🏰"}"#.into(),
            context: r#"{"ip":"192.0.2.1"}"#.into(),
            integrations: Some(r#"{"All":true,"Windsor":{"x":1}}"#.into()),
            extra: r#"{"testIndex":1,"writeKey":"not for others"}"#.into(),
            marks: Marks::default(),
        })
        .collect()
}

fn requests(to: &Destination, calls: &[Call<'static>]) -> Vec<Request> {
    calls
        .chunks(to.calls_max())
        .map(|calls| {
            let mut writer = Writer::new(to);
            for call in calls {
                let received_at = at("2024-02-29T12:00:00.500Z");
                writer.push(&Record { sequence: Sequence::FIRST, source: "website", received_at, call: call.clone() });
            }
            writer.finish(Clock::System.now())
        })
        .collect()
}

fn send(server: &TestServer, request: &Request) {
    let path = request.url.strip_prefix(&server.url("")).expect("a path of the server");
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let headers: Vec<_> = headers.into_iter().filter(|(name, _)| *name != "Connection").collect();
    let answer = http::request(server.port(), "POST", path, &headers, &request.body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn each_format_is_understood_here() {
    let signing = "[[sources]]\nname = \"signed\"\nwrite_key = \"signed-key\"\nsigning_secret = \"shared\"";
    for (format, path) in [(Format::Windsor, "/hook"), (Format::Partner, "/v1/webhook"), (Format::Segment, "")] {
        let server = Setup::default().tables(signing).start();
        let mut to = Destination::new("next", format, server.url(path), Secret::new("signed-key".to_owned()));
        to.signing_secret = Some(Secret::new("shared".to_owned()));
        let calls: Vec<_> = six().into_iter().filter(|call| carries(format, call.kind)).collect();
        for request in requests(&to, &calls) {
            send(&server, &request);
        }
        let records = server.export();
        assert_eq!(records.len(), calls.len(), "{format:?}: {records:?}");
        for (call, record) in calls.iter().zip(&records) {
            same(format, call, record);
        }
    }
}

fn same(format: Format, call: &Call<'_>, record: &Value) {
    let text = record.to_string();
    assert_eq!(record["messageId"], call.message_id.as_str());
    assert_eq!((&record["userId"], record["projectId"].as_str()), (&json!("u-1"), Some("signed")));
    assert!(!text.contains("not for others"), "{text}");
    assert!(text.contains("9007199254740993123"), "{text}");
    assert_eq!(record["integrations"], json!({ "All": true, "Windsor": { "x": 1 } }));
    assert_eq!(record["context"]["ip"], "192.0.2.1");
    assert_eq!(record["testIndex"], 1);
    let off = at(record["timestamp"].as_str().expect("a time")).as_millis() - call.timestamp.as_millis();
    if format == Format::Windsor {
        // Its own client says when it sends, so receivers correct by it: the time on the way is added.
        assert!((0..60_000).contains(&off), "{text}");
    } else {
        assert_eq!(off, 0, "{text}");
        assert_eq!(record["type"], call.kind.as_str());
        assert_eq!(record["channel"], "client");
        let payload = if call.kind.has_traits() { "traits" } else { "properties" };
        assert_eq!(record[payload].to_string(), call.payload);
    }
}
