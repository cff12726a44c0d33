//! Ids that are missing, of the wrong type, reserved, huge, or repeated.

use serde_json::{Value, json};

use super::case::{Case, assert_success, receipts, setup, strict};

#[test]
fn bad_input_27_neither_user_nor_anonymous_id() {
    let case = Case::new();
    let absent = [
        json!({}),
        json!({"userId": null}),
        json!({"userId": ""}),
        json!({"anonymousId": ""}),
        json!({"userId": null, "anonymousId": null}),
        json!({"userId": "", "anonymousId": ""}),
    ];
    for ids in absent {
        let mut call = json!({"event": "e", "messageId": case.id("m")});
        for (name, value) in ids.as_object().unwrap() {
            call[name] = value.clone();
        }
        case.dropped(&case.post_json("/v1/track", &call), "no_user_anon_id");
        case.dropped(&case.post_json("/v1/identify", &call), "no_user_anon_id");
    }
}

#[test]
fn bad_input_28_user_id_of_another_type() {
    let case = Case::new();
    for id in [json!(true), json!([]), json!({}), json!(1.5), json!(["u"]), json!(1e3), json!(false)] {
        case.dropped(&case.post_json("/v1/track", &case.track_with("m", "userId", id)), "id_not_string");
    }
    let anonymous = case.track_with("m", "anonymousId", json!({}));
    case.dropped(&case.post_json("/v1/track", &anonymous), "id_not_string");
}

#[test]
fn bad_input_29_number_as_user_id() {
    let case = Case::new();
    let paths = ["/v1/track", "/v1/identify", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias"];
    for (number, path) in paths.iter().enumerate() {
        let call = json!({"userId": 123, "event": "e", "groupId": 9, "previousId": 7, "messageId": case.id(&number.to_string())});
        assert_success(&case.post_json(path, &call));
    }
    let item = json!({"type": "track", "event": "e", "userId": 123, "anonymousId": 5, "messageId": case.id("batch")});
    assert_success(&case.post_json("/v1/batch", &json!({"batch": [item]})));
    let stored = case.stored();
    assert_eq!(stored.len(), paths.len() + 1);
    assert!(stored.iter().all(|record| record["userId"] == "123"), "one rule on all routes: {stored:?}");
    assert_eq!(stored.last().unwrap()["anonymousId"], "5");
}

#[test]
fn bad_input_29_number_as_user_id_with_strict_ids() {
    let case = Case::with(strict());
    case.dropped(&case.post_json("/v1/track", &case.track_with("m", "userId", json!(123))), "id_not_string");
}

#[test]
fn bad_input_30_long_number_keeps_all_digits() {
    let case = Case::new();
    for (number, digits) in ["12345678901234567890123", "9007199254740993", "-5", "0"].iter().enumerate() {
        let body =
            format!("{{\"userId\":{digits},\"event\":\"e\",\"messageId\":\"{}\"}}", case.id(&number.to_string()));
        assert_success(&case.post("/v1/track", body));
    }
    let ids: Vec<Value> = case.stored().iter().map(|record| record["userId"].clone()).collect();
    assert_eq!(ids, ["12345678901234567890123", "9007199254740993", "-5", "0"]);
}

#[test]
fn reserved_looking_ids_are_stored() {
    let case = Case::new();
    let ids = ["null", "undefined", "[object Object]", "0", "anonymous", "guest", "NaN", "-1", "none", "0000-0000"];
    for (number, id) in ids.iter().enumerate() {
        assert_success(&case.post_json("/v1/track", &case.track_with(&number.to_string(), "userId", json!(id))));
    }
    let stored: Vec<_> = case.stored().iter().map(|record| record["userId"].clone()).collect();
    assert_eq!(stored, ids);
}

#[test]
fn ids_are_neither_trimmed_nor_folded() {
    let case = Case::new();
    for (number, id) in [" a ", "A", "a", "ä"].iter().enumerate() {
        assert_success(&case.post_json("/v1/track", &case.track_with(&number.to_string(), "userId", json!(id))));
    }
    let stored: Vec<_> = case.stored().iter().map(|record| record["userId"].clone()).collect();
    assert_eq!(stored, [" a ", "A", "a", "ä"]);
}

#[test]
fn id_beyond_1024_bytes_is_refused_and_never_cut() {
    let case = Case::new();
    for length in [1_025, 10_240] {
        let id = json!("i".repeat(length));
        case.dropped(&case.post_json("/v1/track", &case.track_with("m", "userId", id.clone())), "id_not_string");
        case.dropped(&case.post_json("/v1/track", &case.track_with("m", "anonymousId", id.clone())), "id_not_string");
        case.dropped(&case.post_json("/v1/group", &case.track_with("m", "groupId", id)), "id_not_string");
    }
    let edge = "i".repeat(1_024);
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "userId", json!(edge))));
    assert_eq!(record["userId"], edge);
}

#[test]
fn bad_input_41_message_id_missing_or_null_is_made() {
    let case = Case::new();
    let mut without = case.track("m");
    without.as_object_mut().unwrap().remove("messageId");
    let calls = [without, case.track_with("m", "messageId", json!(null)), case.track_with("m", "messageId", json!(""))];
    for call in &calls {
        let answer = case.post_json("/v1/track", call);
        assert_success(&answer);
        let made = answer.json()["receipts"][0]["messageId"].as_str().expect("the receipt tells the id").to_owned();
        let stored = case.stored();
        assert_eq!(stored.last().unwrap()["messageId"], made);
        let uuid = made.strip_prefix("api-").unwrap_or_else(|| panic!("{made} does not begin with api-"));
        assert_eq!(uuid.len(), 36, "{made}");
        assert_eq!(uuid.as_bytes()[14], b'4', "{made} is no version 4");
    }
    assert_eq!(case.stored().len(), 3, "three different ids");
}

#[test]
fn bad_input_41_message_id_that_is_a_number() {
    let case = Case::with(setup());
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "messageId", json!(5))));
    assert_eq!(record["messageId"], "5");
    let again = case.post_json("/v1/track", &case.track_with("m", "messageId", json!("5")));
    assert_eq!(receipts(&again)[0].0, "duplicate");
}

#[test]
fn bad_input_41_message_id_of_300_characters() {
    let case = Case::new();
    let long = case.id(&"l".repeat(300));
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "messageId", json!(long))));
    assert_eq!(record["messageId"], long);
    let other = format!("{}x", &long[..long.len() - 1]);
    let answer = case.post_json("/v1/track", &case.track_with("m", "messageId", json!(other)));
    assert_eq!(receipts(&answer)[0].0, "appended", "the whole id counts");
}

#[test]
fn bad_input_42_same_message_id_twice_in_one_batch() {
    let case = Case::new();
    let mut second = case.track("same");
    second["event"] = json!("Other");
    let answer = case.post_json("/v1/batch", &json!({"batch": [case.track("same"), second, case.track("other")]}));
    assert_success(&answer);
    let statuses: Vec<_> = receipts(&answer).into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, ["appended", "duplicate", "appended"]);
    let items = answer.json()["receipts"].clone();
    assert_eq!(items[0]["sequence"], items[1]["sequence"], "a duplicate names the first one's sequence");
    let events: Vec<_> = case.stored().iter().map(|record| record["event"].clone()).collect();
    assert_eq!(events, ["Tried", "Tried"], "the first wins");
}

#[test]
fn bad_input_42_same_message_id_in_another_request() {
    let case = Case::new();
    assert_success(&case.post_json("/v1/track", &case.track("same")));
    let other = case.track_with("same", "event", json!("Other content"));
    let answer = case.post_json("/v1/track", &other);
    assert_success(&answer);
    assert_eq!(receipts(&answer)[0].0, "duplicate");
    assert_eq!(case.stored_one()["event"], "Tried");
}

#[test]
fn bad_input_42_another_source_is_not_shadowed() {
    let case = Case::new();
    assert_success(&case.post_json("/v1/track", &case.track("same")));
    let key = crate::support::http::basic("test-key");
    let answer = case.post_with("/v1/track", &[("Authorization", &key)], case.track("same").to_string());
    assert_eq!(receipts(&answer)[0].0, "appended", "a public key may not swallow another source's ids");
    assert_eq!(case.stored().len(), 2);
}

#[test]
fn message_id_repeated_on_fifty_connections_is_stored_once() {
    let case = Case::new();
    let body = case.track("same").to_string();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..50).map(|_| scope.spawn(|| case.post("/v1/track", &body))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let mut appended = 0;
    for answer in &answers {
        assert_success(answer);
        appended += usize::from(receipts(answer)[0].0 == "appended");
    }
    assert_eq!(appended, 1);
    case.stored_one();
}
