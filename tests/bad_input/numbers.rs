//! Numbers that do not survive a detour through floating point, or never were numbers.

use super::case::{Case, assert_success, receipts};

fn body(case: &Case, message_id: &str, number: &str) -> String {
    let (user, id) = (case.id("user"), case.id(message_id));
    format!(
        "{{\"type\":\"track\",\"userId\":\"{user}\",\"event\":\"e\",\"messageId\":\"{id}\",\"properties\":{{\"n\":{number}}}}}"
    )
}

#[test]
fn bad_input_48_number_beyond_the_range_in_a_single_message() {
    let case = Case::new();
    for number in ["1e400", "-1e400", "1e999999999999", "[1e400]"] {
        case.refused(&case.post("/v1/track", body(&case, "m", number)), 400, "invalid_json");
    }
}

#[test]
fn bad_input_48_number_beyond_the_range_in_a_batch() {
    let case = Case::new();
    let items = [body(&case, "first", "1"), body(&case, "bad", "1e400"), body(&case, "last", "2")];
    let answer = case.post("/v1/batch", format!("{{\"batch\":[{}]}}", items.join(",")));
    assert_success(&answer);
    let codes: Vec<_> = receipts(&answer).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["", "invalid_number", ""]);
    assert_eq!(case.stored().len(), 2);
    assert!(case.rejected().contains(&"invalid_number".to_owned()));
}

#[test]
fn bad_input_48_unusual_numbers_are_kept_as_sent() {
    let case = Case::new();
    let numbers = [
        "-0",
        "1e-400",
        "9007199254740993",
        "12345678901234567890123",
        "0.1000",
        "1E5",
        "-0.0",
        "1e308",
        "123456789.123456789123456789",
        "100000000000000000000000000000000000000000000000000",
    ];
    for (index, number) in numbers.iter().enumerate() {
        assert_success(&case.post("/v1/track", body(&case, &index.to_string(), number)));
    }
    let stored: Vec<String> = case.stored().iter().map(|record| record["properties"]["n"].to_string()).collect();
    // The test reads numbers as text, which folds only the letter and sign of the exponent.
    let folded = |text: &str| text.replace('E', "e").replace("e+", "e");
    let (stored, sent): (Vec<_>, Vec<_>) =
        (stored.iter().map(|text| folded(text)).collect(), numbers.iter().map(|text| folded(text)).collect());
    assert_eq!(stored, sent);
}

#[test]
fn numbers_in_traits_context_and_unknown_members_keep_their_digits() {
    let case = Case::new();
    let text = format!(
        "{{\"userId\":\"{}\",\"traits\":{{\"big\":9007199254740993}},\"context\":{{\"big\":9007199254740995}},\"extra\":{{\"big\":9007199254740997}}}}",
        case.tag()
    );
    let record = case.taken(&case.post("/v1/identify", text));
    assert_eq!(record["traits"]["big"].to_string(), "9007199254740993");
    assert_eq!(record["context"]["big"].to_string(), "9007199254740995");
    assert_eq!(record["extra"]["big"].to_string(), "9007199254740997");
}

#[test]
fn numbers_in_the_envelopes_context_keep_their_digits() {
    let case = Case::new();
    let item = body(&case, "m", "1");
    let text = format!("{{\"context\":{{\"big\":9007199254740993,\"deep\":{{\"n\":1.10}}}},\"batch\":[{item}]}}");
    assert_success(&case.post("/v1/batch", text));
    let record = case.stored_one();
    assert_eq!(record["context"]["big"].to_string(), "9007199254740993");
    assert_eq!(record["context"]["deep"]["n"].to_string(), "1.10");
}
