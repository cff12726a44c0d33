//! Which write key counts, of all the places where one may be.

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

/// Hides the values of `writeKey` in a text that is kept to look at, whether it is JSON or a query string.
pub(super) fn masked(text: &str) -> String {
    const NAME: &str = "writeKey";
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(NAME) {
        out.push_str(before);
        out.push_str(NAME);
        let value = after.trim_start_matches(['"', ':', '=', ' ', '\t', '\r', '\n', '\\']);
        out.push_str(after.get(..after.len() - value.len()).unwrap_or_default());
        let end = value.find(['"', '&', ',', '}', '\\']).unwrap_or(value.len());
        if end > 0 {
            out.push_str("***");
        }
        rest = value.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
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
    }
}
