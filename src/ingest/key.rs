//! Which write key counts, of all the places where one may be.

use std::borrow::Cow;

use super::code::Code;
use super::request::{Authorization, Credentials, Route};
use super::value::{Members, Value};
use super::wire::{Document, Field};

/// The key that a request names outside its body: the Basic user name, then the path, then `X-Write-Key`.
pub(super) fn outside(credentials: &Credentials) -> Option<&str> {
    let basic = match &credentials.authorization {
        Authorization::Basic(user) => Some(user.as_str()),
        Authorization::None | Authorization::Bearer | Authorization::Unreadable => None,
    };
    let candidates = [basic, credentials.path.as_deref(), credentials.header.as_deref()];
    candidates.into_iter().flatten().find(|key| !key.is_empty())
}

/// The key in the body: the envelope's, else the first message's that has one. Not on routes where the body was
/// written for somebody else.
pub(super) fn inside(route: Route, document: &Document) -> Option<String> {
    if matches!(route, Route::Webhook | Route::Hook) {
        return None;
    }
    let key = |message| match (Members { document, message }).get(Field::WriteKey) {
        Value::Text(key) if !key.is_empty() => Some(key.into_owned()),
        _ => None,
    };
    key(&document.envelope).or_else(|| document.messages.first().and_then(key))
}

/// The key in the query, which counts when there is no other.
pub(super) fn in_query(credentials: &Credentials) -> Option<&str> {
    credentials.query.as_deref().filter(|key| !key.is_empty())
}

/// What is odd about a request whose key was found.
pub(super) fn oddity(credentials: &Credentials, outside: Option<&str>, inside: Option<&str>) -> Option<Code> {
    if credentials.authorization == Authorization::Unreadable {
        return Some(Code::AuthorizationIgnored);
    }
    match (outside, inside) {
        (Some(outside), Some(inside)) if outside != inside => Some(Code::WriteKeyConflict),
        _ => None,
    }
}

/// Hides the values of `writeKey` in a text that is kept to look at, whether it is JSON (also inside a text), cut off, or a
/// query string. Letters that are written as escapes are read first.
pub(super) fn masked(text: &str) -> String {
    const NAME: &str = "writeKey";
    let text = unescaped(text);
    let (mut out, mut rest) = (String::with_capacity(text.len()), &*text);
    while let Some((before, after)) = rest.split_once(NAME) {
        out.push_str(before);
        out.push_str(NAME);
        let value = after.trim_start_matches(['"', ':', '=', ' ', '\t', '\r', '\n', '\\', '[']);
        let sign = after.get(..after.len() - value.len()).unwrap_or_default();
        out.push_str(sign);
        let end = if sign.contains([':', '=']) { value_end(sign, value) } else { 0 };
        if end > 0 {
            out.push_str("***");
        }
        rest = value.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where a value ends that follows these signs.
fn value_end(sign: &str, value: &str) -> usize {
    if sign.ends_with("\"\"") {
        return 0;
    }
    let end = if sign.contains('\\') {
        value.find(['"', '\\'])
    } else if sign.contains('"') && sign.trim_end_matches('[').ends_with('"') {
        let mut is_escaped = false;
        value.find(|letter| {
            let is_end = letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            is_end
        })
    } else if sign.contains(':') {
        value.find([',', '}', ']', '"'])
    } else {
        value.find(['&', '"', ' '])
    };
    end.unwrap_or(value.len())
}

/// With letters and digits in place of their escapes: `\u004b` is a `K`.
fn unescaped(text: &str) -> Cow<'_, str> {
    const ESCAPE: &str = "\\u00";
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(ESCAPE) {
        out.push_str(before);
        let letter = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).map(char::from);
        if let Some(letter) = letter.filter(char::is_ascii_alphanumeric) {
            out.push(letter);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push_str(ESCAPE);
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn keys_are_hidden_wherever_they_are() {
        assert_eq!(masked(r#"{"writeKey" : "abc","a":"writeKey"}"#), r#"{"writeKey" : "***","a":"writeKey"}"#);
        assert_eq!(masked("a=1&writeKey=abc&b=2"), "a=1&writeKey=***&b=2");
        assert_eq!(masked(r#"{"writeKey":"cut off"#), r#"{"writeKey":"***"#);
        assert_eq!(masked("plain"), "plain");
        assert_eq!(masked(r#"{"writeKey":"a,b}\"c","x":1}"#), r#"{"writeKey":"***","x":1}"#);
        assert_eq!(masked(r#"{"writeKey":"","x":1}"#), r#"{"writeKey":"","x":1}"#);
        assert_eq!(masked(r#"{"writeKey":12,"x":1}"#), r#"{"writeKey":***,"x":1}"#);
        assert_eq!(masked(r#"{"writeKey":["abc"]}"#), r#"{"writeKey":["***"]}"#);
        assert_eq!(masked(r#"{"write\u004bey":"a\u0062c"}"#), r#"{"writeKey":"***"}"#);
        assert_eq!(masked(r#"{"a":"{\"writeKey\":\"abc\"}"}"#), r#"{"a":"{\"writeKey\":\"***\"}"}"#);
        assert_eq!(masked(r#"{"a":"\u00e9\u0022"}"#), r#"{"a":"\u00e9\u0022"}"#);
    }
}
