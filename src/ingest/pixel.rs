//! Pixels: a message in a query string, as base64 in `data` or spelled out with dotted names.

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::request::LENIENT;
use crate::call::limits::JSON_DEPTH_MAX;

/// Parameters that are no part of a message.
const OURS: [&str; 2] = ["data", "receipt"];

/// The message of a query string, as JSON text. All values are strings: no number is guessed.
///
/// # Errors
/// When `data` is no base64 of UTF-8, or a parameter is no UTF-8.
pub(super) fn text(query: &str) -> Result<String, Refusal> {
    let mut message = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if name == "data" {
            return from_base64(&value);
        }
        if !OURS.contains(&name.as_str()) {
            insert(&mut message, &name, value)?;
        }
    }
    Ok(Value::Object(message).to_string())
}

/// The query string without what it holds in base64, for the list of rejections.
pub(super) fn shown(query: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(query);
    let mut shown = String::new();
    for pair in text.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let is_data = percent_decode_str(name).decode_utf8_lossy() == "data";
        shown.push_str(if shown.is_empty() { "" } else { "&" });
        shown.push_str(if is_data { "data=***" } else { pair });
    }
    shown.into_bytes()
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| invalid("a parameter is not UTF-8"))
}

fn invalid(detail: &str) -> Refusal {
    Refusal::InvalidJson { detail: detail.to_owned() }
}

/// Standard or URL-safe alphabet; a `+` that was taken for a space is one again.
fn from_base64(data: &str) -> Result<String, Refusal> {
    let standard: String = data
        .trim()
        .chars()
        .map(|sign| match sign {
            '-' | ' ' => '+',
            '_' => '/',
            sign => sign,
        })
        .collect();
    let bytes = LENIENT.decode(standard).map_err(|_| invalid("\"data\" is not base64"))?;
    String::from_utf8(bytes).map_err(|_| invalid("\"data\" is not UTF-8"))
}

/// Sets the member that a dotted name leads to. An object in the way of a text is kept, and the other way round
/// the object wins, since it was spelled out in more detail.
fn insert(message: &mut Map<String, Value>, name: &str, value: String) -> Result<(), Refusal> {
    let mut parts = name.split('.').peekable();
    let mut into = message;
    let mut depth = 1;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            if !into.get(part).is_some_and(Value::is_object) {
                into.insert(part.to_owned(), Value::String(value));
            }
            return Ok(());
        }
        depth += 1;
        if depth > JSON_DEPTH_MAX {
            return Err(invalid("a parameter's name has too many dots"));
        }
        let inner = into.entry(part).or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        let Value::Object(object) = inner else { return Ok(()) };
        into = object;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn dotted_names_become_objects_of_strings() {
        let query = "userId=7&event=Email+Opened&properties.subject=Hi%20%C3%A9&properties.n=1&writeKey=k&receipt=1";
        let expected =
            r#"{"userId":"7","event":"Email Opened","properties":{"subject":"Hi é","n":"1"},"writeKey":"k"}"#;
        assert_eq!(text(query).unwrap(), expected);
        assert_eq!(text("a=1&a.b=2&a=3").unwrap(), r#"{"a":{"b":"2"}}"#);
        assert_eq!(text("").unwrap(), "{}");
    }

    #[test]
    fn data_is_base64_in_any_alphabet_with_or_without_padding() {
        let message = r#"{"a":"~~~???>>>"}"#;
        for data in [
            "eyJhIjoifn5%2BPz8/Pj4%2BIn0=",
            "eyJhIjoifn5+Pz8/Pj4+In0=",
            "eyJhIjoifn5-Pz8_Pj4-In0",
            "eyJhIjoifn5%2BPz8%2FPj4%2BIn0%3D",
        ] {
            assert_eq!(text(&format!("data={data}&writeKey=k")).unwrap(), message, "{data}");
        }
    }

    #[test]
    fn broken_parameters_are_refused() {
        let deep = format!("{}a=1", "a.".repeat(64));
        for query in ["data=%%%", "data=_w", "a=%ff", deep.as_str()] {
            assert!(text(query).is_err(), "{query}");
        }
    }
}
