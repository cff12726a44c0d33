//! What a receiver understands of a request: which format it is in, and which calls it brings.

use serde_json::Value;

/// How the calls were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"batch": [...]}` of `user` and `event`.
    Windsor,
    /// `{"batch": [...]}` of Segment's types.
    Segment,
    /// One call.
    Partner,
    /// No JSON object.
    Unknown,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names as they were written, values trimmed.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The format.
    pub format: Format,
    /// Its calls, in order.
    pub calls: Vec<Call>,
    /// How many of them were taken, from the first on.
    pub taken: usize,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its id; empty when it has none.
    pub message_id: String,
    /// Its type, as written.
    pub kind: String,
    /// `userId`, else `anonymousId`, else empty.
    pub person: String,
    /// All of it.
    pub json: Value,
}

impl Request {
    /// Reads what is in the body.
    pub fn new(method: String, path: String, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (format, calls) = read(json);
        Self { method, path, headers, body, format, calls, taken: 0 }
    }

    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Leaves only what tells calls apart.
    pub(super) fn strip(&mut self) {
        self.body = Vec::new();
        for call in &mut self.calls {
            call.json = Value::Null;
        }
    }
}

impl Call {
    fn new(json: Value) -> Self {
        let text = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let message_id = text("messageId").unwrap_or_default().to_owned();
        let kind = text("type").unwrap_or_default().to_owned();
        let person = text("userId").or(text("anonymousId")).unwrap_or_default().to_owned();
        Self { message_id, kind, person, json }
    }
}

fn read(json: Value) -> (Format, Vec<Call>) {
    let Value::Object(mut object) = json else { return (Format::Unknown, Vec::new()) };
    match object.remove("batch") {
        Some(Value::Array(items)) => {
            let calls: Vec<Call> = items.into_iter().map(Call::new).collect();
            let is_hook = !calls.is_empty() && calls.iter().all(|call| call.kind == "user" || call.kind == "event");
            (if is_hook { Format::Windsor } else { Format::Segment }, calls)
        }
        Some(_) => (Format::Unknown, Vec::new()),
        None => (Format::Partner, vec![Call::new(Value::Object(object))]),
    }
}
