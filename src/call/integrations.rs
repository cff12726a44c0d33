//! Whether a sender wants a destination to have a call: the rule of `integrations`. And the top level of checked JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer as _, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Whether `integrations` (a checked object) exclude `destination`.
///
/// The named key beats `All`. Only booleans decide; null counts as absent and anything else means yes. Names are
/// case-sensitive, but for `All`.
pub fn excludes(integrations: &str, destination: &str) -> bool {
    // Only the word `false` excludes, and a word cannot be escaped: nearly all calls end here.
    if integrations == "{}" || memchr::memmem::find(integrations.as_bytes(), b"false").is_none() {
        return false;
    }
    let (mut named, mut all) = (None, None);
    each_member(integrations, |key, value| {
        if key == destination {
            named = (value != "null").then_some(value);
        } else if key.eq_ignore_ascii_case("all") {
            all = Some(value);
        }
    });
    named.or(all) == Some("false")
}

/// Shows each member of a checked object in the order sent: the key as it reads, the value as it is written. Ends at what
/// cannot be read; shows nothing of a text that is no object.
pub fn each_member<'a>(object: &'a str, show: impl FnMut(Cow<'a, str>, &'a str)) {
    struct Members<F>(F);

    impl<'a, F: FnMut(Cow<'a, str>, &'a str)> Visitor<'a> for Members<F> {
        type Value = ();

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object")
        }

        fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
            while let Some((Key(key), value)) = map.next_entry::<Key<'a>, &'a RawValue>()? {
                (self.0)(key, value.get());
            }
            Ok(())
        }
    }

    // What was checked on its way in can be read; what cannot is left out.
    let _ = serde_json::Deserializer::from_str(object).deserialize_map(Members(show));
}

/// The value of a member of a checked object; the last one, if there are several.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    each_member(object, |key, value| {
        if key == name {
            found = Some(value);
        }
    });
    found
}

/// A key, borrowed where it holds no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'a> Visitor<'a> for Text {
            type Value = Key<'a>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        input.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_table_of_the_protocol() {
        for (integrations, excluded) in [
            ("{}", false),
            (r#"{"All":true}"#, false),
            (r#"{"Windsor":false}"#, true),
            (r#"{"All":false}"#, true),
            (r#"{"All":false,"Windsor":true}"#, false),
            (r#"{"Windsor":true,"All":false}"#, false),
            (r#"{"All":false,"Windsor":{"x":1}}"#, false),
            (r#"{"Windsor":{}}"#, false),
            (r#"{"All":true,"Windsor":false}"#, true),
            (r#"{"windsor":false}"#, false),
            (r#"{"WINDSOR":false}"#, false),
            (r#"{"all":false}"#, true),
            (r#"{"Segment.io":false}"#, false),
            (r#"{"Windsor":"false"}"#, false),
            (r#"{"Windsor":0}"#, false),
            (r#"{"Windsor":null}"#, false),
            (r#"{"All":false,"Windsor":null}"#, true),
            (r#"{"\u0057indsor":false}"#, true),
            (r#"{ "Windsor" : false }"#, true),
            (r#"{"Windsor":true,"Windsor":false}"#, true),
            (r#"{"Windsor":{"All":false},"other":"false"}"#, false),
        ] {
            assert_eq!(excludes(integrations, "Windsor"), excluded, "{integrations}");
        }
    }

    #[test]
    fn members_come_in_order_as_they_are_written() {
        let mut found = Vec::new();
        let text = r#" {"a": 1.50 ,"\u0062\"":{"a":[ ]},"":null,"a":9007199254740993123} "#;
        each_member(text, |key, value| found.push(format!("{key}={value}")));
        assert_eq!(found, ["a=1.50", r#"b"={"a":[ ]}"#, "=null", "a=9007199254740993123"]);
        assert_eq!(member(text, "a"), Some("9007199254740993123"));
        assert_eq!(member(text, "c"), None);
        for none in ["", "[1]", "null", "{", "7"] {
            each_member(none, |key, value| panic!("{key} {value} in {none}"));
        }
        each_member(r#"{"a":1,"b":"#, |key, _| assert_eq!(key, "a"));
    }
}
