//! What the relay sends to Windsor, side by side with what Windsor's own Node client sends for the same calls.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};

use roundtower::call::ids::{AnonymousId, MessageId, UserId};
use roundtower::call::secret::Secret;
use roundtower::call::time::Time;
use roundtower::call::{Call, CallType, Marks, Target};
use roundtower::clock::Clock;
use roundtower::journal::{Record, Sequence};
use roundtower::relay::format::{Request, Writer};
use roundtower::relay::settings::{Destination, Format};
use serde_json::{Map, Value, json};

use super::client::{CALLS, Client, calls, node};
use crate::support::{TestServer, http};

const KEY: &str = "the token 1";

/// A request as it came: its line, its headers in lower case, its body.
#[derive(Debug)]
struct Recorded {
    line: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Answers everything with 200, and hands over what came.
fn recorder() -> (String, std::sync::mpsc::Receiver<Recorded>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || record_all(stream, &send));
        }
    });
    (url, receive)
}

fn record_all(stream: TcpStream, send: &Sender<Recorded>) {
    let mut writer = stream.try_clone().expect("the socket is shared");
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let headers: BTreeMap<String, String> = std::iter::from_fn(|| {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let (name, value) = header.trim_end().split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
        let mut body = vec![0; headers["content-length"].parse().expect("a length")];
        reader.read_exact(&mut body).expect("the whole body");
        let body = serde_json::from_slice(&body).expect("JSON");
        // Before the answer: who got one can be sure that it was recorded.
        let _ = send.send(Recorded { line: line.trim_end().to_owned(), headers, body });
        let _ = writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    }
}

/// What each call became in a journal: sent as anybody sends it, and exported.
fn exported(calls: &[Value]) -> Vec<Value> {
    let server = TestServer::start();
    let body = json!({ "batch": calls }).to_string();
    let answer = http::request(
        server.port(),
        "POST",
        "/v1/batch",
        &[("Authorization", &http::basic("server-key"))],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.export()
}

/// The call of an exported record, identify or track.
fn call(record: &Map<String, Value>) -> Call<'static> {
    let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
    let json = |key: &str| record.get(key).map(Value::to_string);
    let time = |key: &str| text(key).and_then(|text| Time::parse(&text));
    let kind = CallType::parse(&text("type").expect("a type")).expect("one of the six");
    let payload = if kind == CallType::Identify { "traits" } else { "properties" };
    let known = [
        "type",
        "messageId",
        "userId",
        "anonymousId",
        "event",
        payload,
        "context",
        "integrations",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "receivedAt",
        "channel",
        "version",
        "projectId",
        "sequence",
    ];
    let mut extra = record.clone();
    extra.retain(|key, _| !known.contains(&key.as_str()));
    Call {
        kind,
        message_id: MessageId::parse(text("messageId").expect("an id")).expect("an id"),
        user_id: text("userId").map(|id| UserId::parse(id).expect("an id")),
        anonymous_id: text("anonymousId").map(|id| AnonymousId::parse(id).expect("an id")),
        target: Target::None,
        name: text("event").map(Into::into),
        category: None,
        timestamp: time("timestamp").expect("a time"),
        original_timestamp: time("originalTimestamp").expect("a time"),
        sent_at: time("sentAt"),
        channel: text("channel").expect("a channel").into(),
        payload: json(payload).expect("a payload").into(),
        context: json("context").expect("a context").into(),
        integrations: json("integrations").map(Into::into),
        extra: Value::Object(extra).to_string().into(),
        marks: Marks::default(),
    }
}

/// The request that the relay sends for these records.
fn relayed(url: &str, records: &[Value]) -> Request {
    let mut writer = Writer::new(&Destination::new("windsor", Format::Windsor, url, Secret::new(KEY.to_owned())));
    for record in records {
        let record = record.as_object().expect("a record is an object");
        let received_at = Clock::System.now();
        writer.push(&Record { sequence: Sequence::FIRST, source: "api", received_at, call: call(record) });
    }
    writer.finish(Clock::System.now())
}

/// Keys and types, all the way down. Only Node.js can say which version of Node.js it is.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let shape =
                |key: &str, value: &Value| if key == "_metadata" { json!(value.is_object()) } else { shape(value) };
            sorted.into_iter().map(|(key, value)| (key.clone(), shape(key, value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) if Time::parse(text).is_some() && text.ends_with('Z') => json!("time"),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

/// windsor-node 1.0.0 knows two calls. What the relay makes of the same calls has the same shape, member by member, and
/// goes to the same place with the same headers.
#[test]
fn the_relay_writes_as_windsor_node_does() {
    let mut given = calls(CALLS);
    given.retain(|call| call["type"] == "identify" || call["type"] == "track");
    for (index, call) in given.iter_mut().enumerate() {
        call["testIndex"] = index.into();
    }
    let (url, came) = recorder();
    Client::start(node("windsor-node.mjs"), &url, KEY, &given, &[]).finish();
    let theirs: Vec<Recorded> = came.try_iter().collect();
    assert!(!theirs.is_empty());
    // It sends again what it has delivered: the last one counts.
    let mut items = BTreeMap::new();
    for item in theirs.iter().flat_map(|request| request.body["batch"].as_array().expect("a batch")) {
        items.insert(item["testIndex"].as_u64().expect("an index"), item);
    }
    assert_eq!(items.len(), given.len());

    let ours = relayed(&format!("{url}/hook/"), &exported(&given));
    let body: Value = serde_json::from_slice(&ours.body).expect("JSON");
    let batch = body["batch"].as_array().expect("a batch");
    assert_eq!(batch.len(), given.len());
    for (index, item) in batch.iter().enumerate() {
        let theirs = items[&(index as u64)];
        assert_eq!(shape(item), shape(theirs), "left: ours {item}, right: theirs {theirs}");
        for same in ["type", "userId", "anonymousId", "event", "traits", "properties", "integrations"] {
            assert_eq!(item.get(same), theirs.get(same), "{same}");
        }
        if given[index].get("timestamp").is_some() {
            assert_eq!(item["timestamp"], theirs["timestamp"]);
        }
    }
    let first = &theirs[0];
    let envelope = |body: &Value| {
        let mut envelope = body.clone();
        envelope["batch"] = Value::Null;
        shape(&envelope)
    };
    assert_eq!(envelope(&body), envelope(&first.body));
    assert_eq!(first.line, format!("POST {} HTTP/1.1", ours.url.strip_prefix(&url).expect("the same host")));
    for (name, value) in &ours.headers {
        assert_eq!(first.headers.get(&name.to_ascii_lowercase()), Some(value), "{name}");
    }
    let of_every_client = ["host", "content-length", "connection", "accept-encoding"];
    for name in first.headers.keys().filter(|name| !of_every_client.contains(&name.as_str())) {
        assert!(ours.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)), "{name} is missing");
    }
}
