//! The table of times: the sender's clock, corrected.

use serde_json::{Value, json};

use super::{BATCH, House, NOW, track};
use crate::call::Marks;
use crate::call::time::Time;

/// `(timestamp, originalTimestamp, sentAt, replaced, invalidTimestamp)` of a message with these times.
fn times(members: &Value) -> (Value, Value, Value, bool, Value) {
    let house = House::new();
    let mut message = json!({"type": "track", "userId": "u1", "event": "E"});
    message.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let record = house.record(&message);
    let replaced = house.marks().has(Marks::TIME_REPLACED);
    assert_eq!(record["receivedAt"], NOW);
    let get = |key: &str| record.get(key).cloned().unwrap_or_default();
    (get("timestamp"), get("originalTimestamp"), get("sentAt"), replaced, get("invalidTimestamp"))
}

fn read(text: &str) -> Option<String> {
    Time::parse(text).map(|time| time.to_string())
}

#[test]
fn the_senders_clock_is_corrected_by_what_it_says_when_it_sends() {
    let (original, sent) = ("2026-11-23T08:00:00.250Z", "2026-11-23T08:00:01.000Z");
    let got = times(&json!({"timestamp": original, "sentAt": sent}));
    assert_eq!(got, (json!("2026-11-23T11:59:59.250Z"), json!(original), json!(sent), false, Value::Null));
    let skewed = times(&json!({"timestamp": "1970-01-02T00:00:00Z", "sentAt": "1970-01-02T00:00:05Z"}));
    assert_eq!(skewed.0, "2026-11-23T11:59:55.000Z");
    let import = times(&json!({"timestamp": "2012-12-02T00:30:08.276Z", "sentAt": "2026-11-23T12:00:01.000Z"}));
    assert_eq!(import.0, "2012-12-02T00:30:07.276Z");
    let later = times(&json!({"timestamp": "2026-11-24T12:00:00Z", "sentAt": "2026-11-23T12:00:00Z"}));
    assert_eq!(later.0, "2026-11-24T12:00:00.000Z");
    assert!(!later.3);
}

#[test]
fn without_a_time_of_sending_the_original_stands() {
    for sent in [Value::Null, json!("soon"), json!({}), json!(-5)] {
        let got = times(&json!({"timestamp": "2026-01-01T00:00:00Z", "sentAt": sent}));
        let at = json!("2026-01-01T00:00:00.000Z");
        assert_eq!(got, (at.clone(), at, Value::Null, false, Value::Null), "{sent}");
    }
}

#[test]
fn an_unreadable_time_is_replaced_and_kept_as_sent() {
    let unreadable =
        ["\"yesterday\"", "{}", "\"\"", "true", "[1]", "-5", "\"2026-02-30T10:00:00Z\"", "\"2026-02-03T25:00:00Z\""];
    for sent in unreadable {
        let sent: Value = serde_json::from_str(sent).unwrap();
        let got = times(&json!({"timestamp": sent, "sentAt": "2026-11-23T08:00:00Z"}));
        let expected =
            (json!(NOW), json!("2026-11-23T08:00:00.000Z"), json!("2026-11-23T08:00:00.000Z"), true, sent.clone());
        assert_eq!(got, expected, "{sent}");
    }
    let got = times(&json!({"timestamp": "yesterday"}));
    assert_eq!(got, (json!(NOW), json!(NOW), Value::Null, true, json!("yesterday")));
    for absent in [json!({}), json!({"timestamp": null})] {
        assert_eq!(times(&absent), (json!(NOW), json!(NOW), Value::Null, true, Value::Null));
    }
}

#[test]
fn years_beyond_belief_are_replaced() {
    for (sent, shown) in [
        ("9999-01-01T00:00:00Z", "9999-01-01T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
        ("2201-01-01T00:00:00Z", "2201-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(times(&json!({"timestamp": sent})), (json!(NOW), json!(shown), Value::Null, true, Value::Null));
    }
    for sent in ["1970-01-01T00:00:00.000Z", "2200-12-31T23:59:59.999Z"] {
        assert_eq!(times(&json!({"timestamp": sent})).0, sent);
    }
    assert_eq!(times(&json!({"timestamp": "+275760-09-13T00:00:00Z"})).0, NOW);
}

#[test]
fn the_original_time_counts_more_and_the_message_more_than_its_batch() {
    let got = times(&json!({"timestamp": "2026-01-01T00:00:00Z", "originalTimestamp": "2026-02-01T00:00:00Z"}));
    assert_eq!(got.1, "2026-02-01T00:00:00.000Z");
    let got = times(&json!({"timestamp": "2026-01-01T00:00:00Z", "originalTimestamp": "?"}));
    assert_eq!(got.1, "2026-01-01T00:00:00.000Z");

    let house = House::new();
    let own = track(json!({"sentAt": "2026-11-23T12:00:10Z"}));
    let body = json!({"batch": [track(json!({})), own], "sentAt": "2026-11-23T12:00:01Z", "timestamp": "2000-01-01T00:00:00Z"});
    house.send(BATCH, body.to_string()).unwrap();
    let records = house.records();
    assert_eq!(
        (&records[0]["sentAt"], &records[0]["timestamp"]),
        (&json!("2026-11-23T12:00:01.000Z"), &json!("2026-11-23T11:59:59.000Z"))
    );
    assert_eq!(
        (&records[1]["sentAt"], &records[1]["timestamp"]),
        (&json!("2026-11-23T12:00:10.000Z"), &json!("2026-11-23T11:59:50.000Z"))
    );
}

#[test]
fn times_are_read_in_every_form_that_senders_write() {
    for (text, expected) in [
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23t12:00:00.5z", "2026-11-23T12:00:00.500Z"),
        ("2026-11-23T12:00:00.123456+00:00", "2026-11-23T12:00:00.123Z"),
        ("2026-11-23T12:00:00.1234567-07:00", "2026-11-23T19:00:00.123Z"),
        ("2026-11-23T14:00:00.000+02:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T14:00:00+0200", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23 12:00:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T12:00:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23", "2026-11-23T00:00:00.000Z"),
        (" 2026-11-23T12:00:00Z ", "2026-11-23T12:00:00.000Z"),
        ("1795435200000", "2026-11-23T12:00:00.000Z"),
        ("1795435200", "2026-11-23T12:00:00.000Z"),
    ] {
        assert_eq!(read(text).as_deref(), Some(expected), "{text}");
    }
    for text in
        ["", "now", "2026-13-01", "12:00", "2026-11-23T12:00:00[Europe/Berlin]", "1e3", ".", "99999999999999999999"]
    {
        assert_eq!(read(text), None, "{text}");
    }
    let number = |text: &str| Time::from_number(text).map(Time::as_millis);
    assert_eq!(number("100000000000"), Some(100_000_000_000));
    assert_eq!(number("99999999999"), Some(99_999_999_999_000));
    assert_eq!(number("1795435200.25"), Some(1_795_435_200_250));
    assert_eq!(number("1.7954352e12"), Some(1_795_435_200_000));
    assert_eq!(number("0"), Some(0));
    assert_eq!((number("-1"), number("1e30"), number("9e14")), (None, None, None));
}
