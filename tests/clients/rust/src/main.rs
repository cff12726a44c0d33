//! The crate `analytics`: every call of a file once on its own route and once more in a batch with a common context.
//!
//! Arguments: the server's URL, a write key, a file of calls. Prints each message as it is on the wire (with the context
//! of its batch merged in), first the single ones, then those of the batch. The crate makes no message ids, so each
//! message carries `testIndex`.

use std::error::Error;

use analytics::batcher::Batcher;
use analytics::client::Client;
use analytics::http::HttpClient;
use analytics::message::{BatchMessage, Message};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, write_key, file] = arguments.as_slice() else {
        return Err("usage: roundtower-test-client URL KEY CALLS".into());
    };
    let calls: Vec<Map<String, Value>> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let client = HttpClient::new(reqwest::Client::new(), url.clone());
    let context = json!({ "library": { "name": "analytics-rust", "version": "0.2.0" }, "app": { "name": "shop" } });

    for (index, call) in calls.iter().enumerate() {
        let message = parse(call, index)?;
        println!("{}", serde_json::to_string(&message)?);
        client.send(write_key, &single(message))?;
    }

    let mut batcher = Batcher::new(Some(context.clone()));
    for (index, call) in calls.iter().enumerate() {
        let message = parse(call, calls.len() + index)?;
        println!("{}", merged(&message, &context)?);
        if batcher.push(message)?.is_some() {
            return Err("the calls do not fit one batch".into());
        }
    }
    client.send(write_key, &batcher.into_message())?;
    Ok(())
}

/// The call as the crate's own type. Its types have no optional members, so what a call leaves out is `null` or empty.
fn parse(call: &Map<String, Value>, index: usize) -> Result<BatchMessage, serde_json::Error> {
    let mut call = call.clone();
    let (payload, name) = match call.get("type").and_then(Value::as_str) {
        Some("identify" | "group") => ("traits", None),
        Some("page" | "screen") => ("properties", Some("name")),
        Some("track") => ("properties", None),
        _ => ("testIndex", None),
    };
    call.entry(payload).or_insert(Value::Null);
    if let Some(name) = name {
        call.entry(name).or_insert_with(|| json!(""));
    }
    call.insert("testIndex".to_owned(), json!(index));
    serde_json::from_value(Value::Object(call))
}

fn single(message: BatchMessage) -> Message {
    match message {
        BatchMessage::Identify(call) => Message::Identify(call),
        BatchMessage::Track(call) => Message::Track(call),
        BatchMessage::Page(call) => Message::Page(call),
        BatchMessage::Screen(call) => Message::Screen(call),
        BatchMessage::Group(call) => Message::Group(call),
        BatchMessage::Alias(call) => Message::Alias(call),
    }
}

/// The message with the members of the batch's context that it has none of itself.
fn merged(message: &BatchMessage, context: &Value) -> Result<Value, serde_json::Error> {
    let mut message = serde_json::to_value(message)?;
    let mut both = context.clone();
    if let (Some(both), Some(own)) = (both.as_object_mut(), message.get("context").and_then(Value::as_object)) {
        both.extend(own.clone());
    }
    message["context"] = both;
    Ok(message)
}
