//! Filters on traits.

use super::*;

fn equals(text: &str) -> Test {
    Test::Equals(text.to_owned())
}

fn greater(text: &str) -> Test {
    Test::Greater(text.to_owned())
}

fn less(text: &str) -> Test {
    Test::Less(text.to_owned())
}

#[test]
fn values_equal_by_their_kind() {
    let index = Index::of([
        with(1, &[("v", "5")]),
        with(2, &[("v", "5.0")]),
        with(3, &[("v", "\"5\"")]),
        with(4, &[("v", "true")]),
        with(5, &[("v", "\"true\"")]),
        with(6, &[("v", "\"Pro\"")]),
        with(7, &[("v", "\"pro \"")]),
        with(8, &[("v", "null")]),
        with(9, &[("v", "9007199254740993")]),
        with(10, &[("v", "9007199254740992")]),
        with(11, &[("v", "\"\"")]),
        with(12, &[("w", "5")]),
        with(13, &[("v", "false")]),
        with(14, &[("v", "-0.0")]),
        with(15, &[("v", "\"\\u0000\\ud83d\\ude00\"")]),
    ]);
    for (text, found) in [
        ("5", &[1, 2, 3][..]),
        ("5.0", &[1, 2]),
        ("50e-1", &[1, 2]),
        ("true", &[4, 5]),
        ("false", &[13]),
        ("Pro", &[6]),
        ("pro", &[]),
        ("pro ", &[7]),
        ("null", &[]),
        ("9007199254740993", &[9]),
        ("9007199254740992.000", &[10]),
        ("", &[11]),
        ("0", &[14]),
        ("\u{0}😀", &[15]),
    ] {
        assert_eq!(index.with_trait("v", equals(text)), found, "{text:?}");
    }
    let with_value = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15];
    assert_eq!(index.with_trait("v", Test::Exists(true)), with_value);
    assert_eq!(index.with_trait("v", Test::Exists(false)), [8, 12]);
}

#[test]
fn numbers_compare_as_numbers_and_text_as_text() {
    let index = Index::of([
        with(1, &[("v", "9")]),
        with(2, &[("v", "10")]),
        with(3, &[("v", "-10.5")]),
        with(4, &[("v", "1e3")]),
        with(5, &[("v", "\"2024-05-17T10:00:00.000Z\"")]),
        with(6, &[("v", "\"2024-05-17T10:00:00.001Z\"")]),
        with(7, &[("v", "\"2023-12-31T23:59:59Z\"")]),
        with(8, &[("v", "\"abc\"")]),
        with(9, &[("v", "true")]),
    ]);
    assert_eq!(index.with_trait("v", greater("9.5")), [2, 4, 8]); // "abc" is greater than the text "9.5"
    assert_eq!(index.with_trait("v", less("9.5")), [1, 3, 5, 6, 7]);
    assert_eq!(index.with_trait("v", greater("2024-05-17T10:00:00.000Z")), [6, 8]);
    assert_eq!(index.with_trait("v", less("2024-05-17T10:00:00.000Z")), [7]);
    assert_eq!(index.with_trait("v", greater("2024")), [5, 6, 8]);
    assert_eq!(index.with_trait("v", less("2024-05-17")), [7]);
    assert_eq!(index.with_trait("v", greater("")), [5, 6, 7, 8]);
    assert_eq!(index.with_trait("v", less("")), NOBODY);
    assert_eq!(index.with_trait("w", less("10")), NOBODY);
    let both = Filter { traits: vec![("v".to_owned(), greater("8")), ("v".to_owned(), less("11"))], ..everybody() };
    assert_eq!(index.roots(&both), BTreeSet::from([1, 2]));
}

#[test]
fn nested_values_have_paths_and_lists_stand_for_their_members() {
    let index = Index::of([
        with(1, &[("address", r#"{"city":"Ulm","geo":{"lat":48.4}}"#)]),
        with(2, &[("address.city", "\"Ulm\"")]),
        with(3, &[("tags", r#"["a",["b",7],{"deep":"c"},null]"#)]),
        with(4, &[("address", "{}"), ("tags", "[]")]),
        with(5, &[("address", "\"Ulm\"")]),
    ]);
    assert_eq!(index.with_trait("address.city", equals("Ulm")), [1, 2]);
    assert_eq!(index.with_trait("address.geo.lat", greater("48")), [1]);
    assert_eq!(index.with_trait("address", equals("Ulm")), [5]);
    assert_eq!(index.with_trait("address", Test::Exists(true)), [1, 4, 5]);
    assert_eq!(index.with_trait("tags", equals("a")), [3]);
    assert_eq!(index.with_trait("tags", equals("b")), [3]);
    assert_eq!(index.with_trait("tags", equals("7")), [3]);
    assert_eq!(index.with_trait("tags.deep", equals("c")), [3]);
    assert_eq!(index.with_trait("tags", Test::Exists(true)), [3, 4]);
}

#[test]
fn strange_keys_are_keys_like_others() {
    for key in
        ["", ".", "..", "a.", ".a", "__proto__", "constructor", "a\u{0}b", "a\u{1}b", "\u{7f}", "日本", "a b", "$x"]
    {
        let index = Index::of([
            with(1, &[(key, "\"value\"")]),
            with(2, &[("other", "\"value\"")]),
            with(3, &[("a", "{\"\":1}")]),
        ]);
        assert_eq!(index.with_trait(key, equals("value")), [1], "{key:?}");
        assert_eq!(index.with_trait(key, greater("valu")), [1], "{key:?}");
        let there = index.with_trait(key, Test::Exists(true));
        assert_eq!(there, if key == "a." { vec![1, 3] } else { vec![1] }, "{key:?}");
        assert_eq!(index.with_trait(key, Test::Exists(false)).len(), 3 - there.len(), "{key:?}");
    }
}

#[test]
fn one_key_cannot_pass_for_the_value_of_another() {
    let index =
        Index::of([with(1, &[("a", "\"b\"")]), with(2, &[("as\u{0}b", "1")]), with(3, &[("a", "\"\\u00ff\"")])]);
    assert_eq!(index.with_trait("a", equals("b")), [1]);
    assert_eq!(index.with_trait("as", equals("b")), NOBODY);
    assert_eq!(index.with_trait("a", greater("b")), [3]);
    assert_eq!(index.with_trait("a", Test::Exists(true)), [1, 3]);
}

#[test]
fn what_looks_like_a_number_of_serde_is_an_object() {
    let index = Index::of([
        with(1, &[("v", r#"{"$serde_json::private::Number":"x"}"#)]),
        with(2, &[("v", r#"{"$serde_json::private::RawValue":"5"}"#)]),
        with(3, &[("v", "{broken"), ("w", "1")]),
    ]);
    assert_eq!(index.with_trait("v.$serde_json::private::Number", equals("x")), [1]);
    assert_eq!(index.with_trait("v.$serde_json::private::RawValue", equals("5")), [2]);
    assert_eq!(index.with_trait("v", equals("5")), NOBODY);
    assert_eq!(index.with_trait("w", equals("1")), [3]);
}

#[test]
fn long_values_only_exist_and_long_keys_are_refused() {
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    let (fits, long) = (text(facts::VALUE_BYTES_MAX), text(facts::VALUE_BYTES_MAX + 1));
    let key = "k".repeat(facts::KEY_BYTES_MAX);
    let long_key = format!("{key}k");
    let index = Index::of([
        with(1, &[("v", &fits)]),
        with(2, &[("v", &long)]),
        with(3, &[(&key, "1")]),
        with(4, &[(&long_key, "1"), ("v", "1")]),
    ]);
    assert_eq!(index.with_trait("v", Test::Exists(true)), [1, 2, 4]);
    assert_eq!(index.with_trait("v", equals(fits.trim_matches('"'))), [1]);
    assert_eq!(index.with_trait("v", greater("x")), [1]);
    assert_eq!(index.with_trait(&key, equals("1")), [3]);
    let asked = |path: &str, test| {
        let filter = Filter { traits: vec![(path.to_owned(), test)], ..everybody() };
        index.search.roots(&filter).map_err(|error| error.to_string())
    };
    assert_eq!(
        asked(&long_key, equals("1")),
        Err("the key of a trait or audience is at most 1024 bytes long".to_owned())
    );
    assert_eq!(asked("v", equals(&long)), Err("a trait is compared with at most 8192 bytes".to_owned()));
    let audience = Filter { audience: Some(long_key), ..everybody() };
    assert!(matches!(index.search.roots(&audience), Err(SearchError::LongKey)));
}

#[test]
fn a_person_has_so_many_values_and_no_more() {
    let keys: Vec<String> = (0..=facts::VALUES_MAX).map(|number| format!("k{number:04}")).collect();
    let all: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "1")).collect();
    let deep = "[".repeat(4_000) + &"]".repeat(4_000);
    let index = Index::of([with(1, &all), with(2, &[("v", &deep), ("w", "1")])]);
    assert_eq!(index.with_trait(&keys[facts::VALUES_MAX - 1], equals("1")), [1]);
    assert_eq!(index.with_trait(&keys[facts::VALUES_MAX], equals("1")), NOBODY);
    assert_eq!(index.with_trait("v", Test::Exists(true)), [2]);
    assert_eq!(index.with_trait("w", equals("1")), [2]);
}
