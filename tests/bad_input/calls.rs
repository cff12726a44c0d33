//! Messages that lack what their type needs, or have it in the wrong shape.

use serde_json::{Value, json};

use super::case::{Case, assert_success, receipts};

/// A call of any type with what every type needs.
fn call(case: &Case, message_id: &str, members: Value) -> Value {
    let mut call = json!({"userId": case.id("user"), "messageId": case.id(message_id)});
    for (name, value) in members.as_object().unwrap() {
        call[name] = value.clone();
    }
    call
}

#[test]
fn bad_input_25_track_without_event() {
    let case = Case::new();
    for members in [json!({}), json!({"event": null}), json!({"event": ""}), json!({"event": " \t"})] {
        case.dropped(&case.post_json("/v1/track", &call(&case, "m", members)), "event_not_defined");
    }
}

#[test]
fn bad_input_26_event_is_no_string() {
    let case = Case::new();
    for event in [json!(5), json!({}), json!([]), json!(true), json!({"name": "x"})] {
        case.dropped(&case.post_json("/v1/track", &call(&case, "m", json!({"event": event}))), "event_not_string");
    }
}

#[test]
fn event_of_two_kilobytes_is_whole_or_refused() {
    let case = Case::new();
    let name = "n".repeat(2_048);
    let answer = case.post_json("/v1/track", &call(&case, "m", json!({"event": name})));
    assert_success(&answer);
    match case.stored().first() {
        Some(record) => assert_eq!(record["event"], name),
        None => assert_eq!(receipts(&answer)[0].0, "rejected"),
    }
}

#[test]
fn bad_input_31_traits_are_no_object() {
    let case = Case::new();
    for traits in [json!("text"), json!([]), json!([{"a": 1}]), json!(5), json!(false)] {
        case.dropped(
            &case.post_json("/v1/identify", &call(&case, "m", json!({"traits": traits}))),
            "traits_not_object",
        );
        let group = call(&case, "m", json!({"traits": traits, "groupId": "g"}));
        case.dropped(&case.post_json("/v1/group", &group), "traits_not_object");
    }
}

#[test]
fn bad_input_32_properties_are_no_object() {
    let case = Case::new();
    for properties in [json!([]), json!("text"), json!(5), json!(true)] {
        for path in ["/v1/track", "/v1/page", "/v1/screen"] {
            let body = call(&case, "m", json!({"properties": properties, "event": "e"}));
            case.dropped(&case.post_json(path, &body), "properties_not_object");
        }
    }
}

#[test]
fn bad_input_33_null_traits_and_properties_are_empty() {
    let case = Case::new();
    let nothing = json!({"event": "e", "properties": null, "traits": null, "groupId": "g"});
    for (number, path) in ["/v1/identify", "/v1/track", "/v1/page", "/v1/screen", "/v1/group"].iter().enumerate() {
        assert_success(&case.post_json(path, &call(&case, &number.to_string(), nothing.clone())));
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 5);
    for record in stored {
        let member = if record["type"] == "identify" || record["type"] == "group" { "traits" } else { "properties" };
        assert_eq!(record[member], json!({}), "{record}");
    }
}

#[test]
fn nested_traits_are_kept_as_sent() {
    let case = Case::new();
    let traits = json!({"company": {"plan": {"name": "x", "seats": [1, 2, {"a": null}]}}, "list": [], "none": null});
    let record = case.taken(&case.post_json("/v1/identify", &call(&case, "m", json!({"traits": traits}))));
    assert_eq!(record["traits"], traits);
}

#[test]
fn bad_input_34_page_name_is_no_string() {
    let case = Case::new();
    for path in ["/v1/page", "/v1/screen"] {
        case.dropped(&case.post_json(path, &call(&case, "m", json!({"name": 5}))), "name_not_string");
        case.dropped(&case.post_json(path, &call(&case, "m", json!({"name": {}}))), "name_not_string");
        case.dropped(
            &case.post_json(path, &call(&case, "m", json!({"name": "n", "category": 5}))),
            "category_not_string",
        );
    }
}

#[test]
fn bad_input_34_empty_page_name_is_nameless() {
    let case = Case::new();
    for (number, name) in [json!(""), json!(null)].into_iter().enumerate() {
        let body = call(&case, &number.to_string(), json!({"name": name, "category": name}));
        assert_success(&case.post_json("/v1/page", &body));
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|record| record.get("name").is_none() && record.get("category").is_none()), "{stored:?}");
}

#[test]
fn bad_input_35_group_without_group_id() {
    let case = Case::new();
    for members in [json!({}), json!({"groupId": null}), json!({"groupId": ""})] {
        case.dropped(&case.post_json("/v1/group", &call(&case, "m", members)), "group_id_required");
    }
    case.dropped(&case.post_json("/v1/group", &call(&case, "m", json!({"groupId": true}))), "id_not_string");
}

#[test]
fn group_id_that_is_a_number_becomes_its_digits() {
    let case = Case::new();
    let record = case.taken(&case.post_json("/v1/group", &call(&case, "m", json!({"groupId": 9}))));
    assert_eq!(record["groupId"], "9");
}

#[test]
fn bad_input_36_alias_without_previous_id() {
    let case = Case::new();
    for members in [json!({}), json!({"previousId": null}), json!({"previousId": ""})] {
        case.dropped(&case.post_json("/v1/alias", &call(&case, "m", members)), "id_required");
    }
    let without_user = json!({"previousId": case.id("old"), "messageId": case.id("m")});
    case.dropped(&case.post_json("/v1/alias", &without_user), "id_required");
}

#[test]
fn bad_input_36_alias_takes_the_anonymous_id_or_from_and_to() {
    let case = Case::new();
    assert_success(&case.post_json("/v1/alias", &call(&case, "a", json!({"anonymousId": "anon"}))));
    let from_to = json!({"from": "old", "to": case.id("new"), "messageId": case.id("b")});
    assert_success(&case.post_json("/v1/alias", &from_to));
    let previous: Vec<_> = case.stored().iter().map(|record| record["previousId"].clone()).collect();
    assert_eq!(previous, ["anon", "old"]);
}

#[test]
fn bad_input_37_alias_to_itself() {
    let case = Case::new();
    let answer = case.post_json("/v1/alias", &call(&case, "m", json!({"previousId": case.id("user")})));
    assert_success(&answer);
    assert_ne!(receipts(&answer)[0].0, "rejected", "{}", answer.text());
    case.still_serves();
}

#[test]
fn alias_of_known_users_is_taken_in_any_order() {
    let case = Case::new();
    let alias = |id: &str, from: &str, to: &str| json!({"previousId": case.id(from), "userId": case.id(to), "messageId": case.id(id)});
    for (number, (from, to)) in [("a", "b"), ("b", "a"), ("a", "b")].iter().enumerate() {
        assert_success(&case.post_json("/v1/alias", &alias(&number.to_string(), from, to)));
    }
    assert_eq!(case.stored().len(), 3);
}

#[test]
fn bad_input_43_context_null_or_text() {
    let case = Case::new();
    for (number, context) in [json!(null), json!("text"), json!([1]), json!(7)].into_iter().enumerate() {
        assert_success(&case.post_json("/v1/track", &case.track_with(&number.to_string(), "context", context)));
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 4);
    assert!(stored.iter().all(|record| record["context"] == json!({})), "{stored:?}");
}

#[test]
fn bad_input_43_envelope_context_that_is_no_object() {
    let case = Case::new();
    let mut good = case.track("m");
    good["context"] = json!({"kept": 1});
    let answer = case.post_json("/v1/batch", &json!({"context": "text", "integrations": [1], "batch": [good]}));
    assert_success(&answer);
    assert_eq!(case.stored_one()["context"], json!({"kept": 1}));
}

#[test]
fn bad_input_44_integrations_true_or_array() {
    let case = Case::new();
    for (number, integrations) in [json!(true), json!([]), json!("All"), json!(5)].into_iter().enumerate() {
        assert_success(
            &case.post_json("/v1/track", &case.track_with(&number.to_string(), "integrations", integrations)),
        );
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 4);
    for record in stored {
        let kept = record.get("integrations").cloned().unwrap_or_else(|| json!({}));
        assert!(kept.is_null() || kept == json!({}), "{record}");
    }
}

#[test]
fn the_route_decides_the_type_of_a_single_message() {
    let case = Case::new();
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "type", json!("identify"))));
    assert_eq!(record["type"], "track");
}
