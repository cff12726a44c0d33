//! The scanner against a reference: it accepts exactly the JSON that others accept.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::ingest::merge;
use crate::ingest::wire::{Document, Shape, check};

/// Whether the syntax is fine, whatever else is wrong.
fn is_syntax(text: &str) -> bool {
    match Document::read(format!("{{\"batch\":[{text}]}}"), Shape::Envelope) {
        Ok(document) => document.messages.len() == 1,
        Err(_) => false,
    }
}

fn reference(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Any JSON value of modest size.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object with few keys, so that two of them have some in common.
fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), (0..9).prop_map(Value::from), Just(json!([{"a": 1}]))];
    let object = |inner| prop::collection::vec(("[a-c\n]", inner), 0..5);
    let value = leaf.prop_recursive(4, 24, 5, move |inner| {
        object(inner.boxed()).prop_map(|members| Value::Object(members.into_iter().collect()))
    });
    object(value.boxed()).prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn merged_values(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            for (key, upper) in over {
                let value = match base.get(&key).cloned() {
                    Some(lower) => merged_values(lower, upper),
                    None => upper,
                };
                base.insert(key, value);
            }
            Value::Object(base)
        }
        (_, over) => over,
    }
}

/// Text that is nearly JSON: the pieces of JSON in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"\\\"", "\\u", "00", "\\ud83d", "\\ude00", "\\n", "\\x", "-",
        "0", "1", ".", "e", "+", "E5", "12", " ", "\n", "\t", "\u{b}", "\u{1}", "true", "false", "null", "tru", "é",
        "\u{2028}", "/", "'", "\u{7f}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn accepts_every_value_that_was_written(value in json_value()) {
        prop_assert_eq!(check(&value.to_string()), Ok(()));
        prop_assert_eq!(check(&serde_json::to_string_pretty(&value).unwrap()), Ok(()));
    }

    #[test]
    fn accepts_what_the_reference_accepts(text in nearly_json()) {
        let alone = reference(&text);
        let scanned = check(&text);
        let huge = scanned.as_ref().is_err_and(|detail| detail == "a number is too large");
        prop_assert_eq!(scanned.is_ok() || huge, alone, "{:?}: {:?}", text, scanned);
        if alone {
            prop_assert!(is_syntax(&text), "{:?}", text);
        }
    }

    #[test]
    fn one_changed_byte_is_judged_as_the_reference_does(value in json_value(), place in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let mut bytes = value.to_string().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let scanned = check(&text);
            let huge = scanned.as_ref().is_err_and(|detail| detail == "a number is too large");
            prop_assert_eq!(scanned.is_ok() || huge, reference(&text), "{:?}: {:?}", text, scanned);
        }
    }

    #[test]
    fn whatever_is_sent_is_stored_or_refused(text in nearly_json()) {
        let body = format!(r#"{{"userId":"u","event":"E","x":{text}}}"#);
        let house = super::House::new();
        if let Ok(receipt) = house.send(super::TRACK, body) {
            prop_assert_eq!(receipt.counts.appended + receipt.counts.rejected, 1);
            for line in house.lines() {
                prop_assert!(serde_json::from_str::<Value>(&line).is_ok() && !line.contains('\n'), "{}", line);
            }
        }
    }

    #[test]
    fn merging_texts_is_merging_values(base in object(), over in object()) {
        let merged = merge::merged(&base.to_string(), &over.to_string(), merge::Depth::Deep);
        let read: Value = serde_json::from_str(&merged).unwrap();
        prop_assert_eq!(read, merged_values(base, over));
    }

    #[test]
    fn repaired_text_is_text(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xd7f0_u16..0xe010], 0..12)) {
        let escapes: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let escapes = escapes.concat();
        let document = Document::read(format!(r#"{{"a":"{escapes}"}}"#), Shape::Single).unwrap();
        let read: Value = serde_json::from_str(document.text()).unwrap();
        prop_assert_eq!(read["a"].as_str().unwrap(), String::from_utf16_lossy(&units));
    }
}

#[test]
fn a_body_of_nothing_but_brackets_is_passed_without_recursion() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(check(&deep), Err("nested deeper than 64".to_owned()));
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    assert_eq!(check(&deep), Err("nested deeper than 64".to_owned()));
}
