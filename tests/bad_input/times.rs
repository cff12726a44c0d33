//! Times that are missing, impossible, far away or in another notation: the message is taken, the clock is not believed.

use serde_json::{Value, json};

use super::case::{Case, assert_success};

/// Milliseconds since 1970 of a time as the export writes it.
fn millis(time: &Value) -> i64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    assert!(text.ends_with('Z') && text.len() == 24, "{text} is not UTC with milliseconds");
    text.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{text}: {error}")).as_millisecond()
}

/// Sends a track call with these times; its record.
fn sent(case: &Case, times: &Value) -> Value {
    let mut call = case.track("m");
    for (name, value) in times.as_object().unwrap() {
        call[name] = value.clone();
    }
    case.taken(&case.post_json("/v1/track", &call))
}

#[test]
fn bad_input_38_timestamp_that_is_no_time() {
    let impossible = [
        json!("yesterday"),
        json!({}),
        json!(""),
        json!([]),
        json!(true),
        json!(null),
        json!("2024-02-30T10:00:00Z"),
        json!("2024-01-01T25:00:00Z"),
        json!("2024-13-01"),
        json!("24/12/2024"),
        json!(-5),
        json!("2024-01-01T10:00:00+99:00"),
    ];
    for timestamp in impossible {
        let case = Case::new();
        let record = sent(&case, &json!({"timestamp": timestamp}));
        assert_eq!(record["timestamp"], record["receivedAt"], "{timestamp}");
        millis(&record["receivedAt"]);
    }
}

#[test]
fn bad_input_39_timestamp_far_outside() {
    for timestamp in [
        json!("9999-12-31T23:59:59Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!("+275760-09-13T00:00:00Z"),
        json!("2201-01-01T00:00:00Z"),
        json!("-000001-01-01T00:00:00Z"),
        json!(1e18),
        json!("99999999999999999999"),
    ] {
        let case = Case::new();
        let record = sent(&case, &json!({"timestamp": timestamp}));
        assert_eq!(record["timestamp"], record["receivedAt"], "{timestamp}");
    }
}

#[test]
fn bad_input_40_sent_a_day_before_it_happened() {
    let case = Case::new();
    let record = sent(&case, &json!({"timestamp": "2026-03-02T10:00:00.000Z", "sentAt": "2026-03-01T10:00:00.000Z"}));
    assert_eq!(millis(&record["timestamp"]) - millis(&record["receivedAt"]), 86_400_000);
    assert_eq!(record["originalTimestamp"], "2026-03-02T10:00:00.000Z");
    assert_eq!(record["sentAt"], "2026-03-01T10:00:00.000Z");
}

#[test]
fn clock_of_the_sender_ten_years_off_is_corrected() {
    for (original, sent_at) in [
        ("2036-01-01T00:00:00.000Z", "2036-01-01T00:00:01.500Z"),
        ("1970-01-01T00:00:10.000Z", "1970-01-01T00:00:11.500Z"),
    ] {
        let case = Case::new();
        let record = sent(&case, &json!({"timestamp": original, "sentAt": sent_at}));
        assert_eq!(millis(&record["receivedAt"]) - millis(&record["timestamp"]), 1_500, "{record}");
        assert_eq!(record["originalTimestamp"], original);
    }
}

#[test]
fn without_any_time_all_are_the_time_of_receipt() {
    let case = Case::new();
    let record = sent(&case, &json!({}));
    assert_eq!(record["timestamp"], record["receivedAt"]);
    assert_eq!(record["originalTimestamp"], record["receivedAt"]);
    assert_eq!(record["sentAt"], Value::Null);
}

#[test]
fn old_import_without_sent_at_keeps_its_time() {
    let case = Case::new();
    let record = sent(&case, &json!({"timestamp": "2012-12-02T00:30:08.276Z"}));
    assert_eq!(record["timestamp"], "2012-12-02T00:30:08.276Z");
}

#[test]
fn notations_of_a_time() {
    let expected = "2024-02-29T12:34:56.000Z";
    for timestamp in [
        json!("2024-02-29T12:34:56Z"),
        json!("2024-02-29T12:34:56.000000Z"),
        json!("2024-02-29T13:34:56+01:00"),
        json!("2024-02-29 12:34:56"),
        json!("2024-02-29T12:34:56"),
        json!("2024-02-29T12:34:56.000000+00:00"),
        json!(1_709_210_096),
        json!(1_709_210_096_000_i64),
    ] {
        let case = Case::new();
        assert_eq!(sent(&case, &json!({"timestamp": timestamp}))["timestamp"], expected, "{timestamp}");
    }
    let case = Case::new();
    assert_eq!(sent(&case, &json!({"timestamp": "2024-02-29"}))["timestamp"], "2024-02-29T00:00:00.000Z");
}

#[test]
fn invalid_sent_at_counts_as_missing() {
    for sent_at in [json!("soon"), json!({}), json!(""), json!("2024-02-30")] {
        let case = Case::new();
        let record = sent(&case, &json!({"timestamp": "2024-01-01T00:00:00.000Z", "sentAt": sent_at}));
        assert_eq!(record["timestamp"], "2024-01-01T00:00:00.000Z", "{sent_at}");
        assert_eq!(record["sentAt"], Value::Null, "{sent_at}");
    }
}

#[test]
fn an_items_sent_at_wins_over_the_envelopes() {
    let case = Case::new();
    let mut own = case.track_with("own", "timestamp", json!("2026-03-01T10:00:00.000Z"));
    own["sentAt"] = json!("2026-03-01T10:00:01.000Z");
    let shared = case.track_with("shared", "timestamp", json!("2026-03-01T10:00:00.000Z"));
    let body =
        json!({"sentAt": "2026-03-01T10:00:05.000Z", "timestamp": "2001-01-01T00:00:00Z", "batch": [own, shared]});
    assert_success(&case.post_json("/v1/batch", &body));
    let ages: Vec<i64> =
        case.stored().iter().map(|record| millis(&record["receivedAt"]) - millis(&record["timestamp"])).collect();
    assert_eq!(ages, [1_000, 5_000]);
}
