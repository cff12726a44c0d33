//! Batches that are empty, wrong, or hold what is no message: one bad item never costs its neighbours.

use serde_json::{Value, json};

use super::case::{Case, assert_success, receipts, setup};

/// Sends the items between two good ones; returns the codes of what stands between them.
fn between(case: &Case, items: &[Value]) -> Vec<String> {
    let mut all = vec![case.track("first")];
    all.extend_from_slice(items);
    all.push(case.track("last"));
    let answer = case.post_json("/v1/batch", &json!({"batch": all}));
    assert_success(&answer);
    let outcomes = receipts(&answer);
    assert_eq!(outcomes.len(), all.len(), "one receipt an item, in order: {}", answer.text());
    assert_eq!(outcomes.first().unwrap().0, "appended");
    assert_eq!(outcomes.last().unwrap().0, "appended");
    let stored: Vec<_> = case.stored().iter().map(|call| call["messageId"].clone()).collect();
    let taken = outcomes.iter().filter(|(status, _)| status == "appended").count();
    assert_eq!(stored.len(), taken, "{stored:?}");
    assert_eq!(stored.first().unwrap(), &case.id("first"));
    assert_eq!(stored.last().unwrap(), &case.id("last"));
    outcomes[1..outcomes.len() - 1].iter().map(|(_, code)| code.clone()).collect()
}

#[test]
fn bad_input_14_empty_batch() {
    let case = Case::new();
    let answer = case.post_json("/v1/batch", &json!({"batch": [], "note": case.tag()}));
    assert_success(&answer);
    assert!(case.rejected().contains(&"empty_batch".to_owned()), "{:?}", case.rejected());
    case.stored_none();
}

#[test]
fn bad_input_15_batch_is_missing() {
    let case = Case::new();
    let answer = case.post_json("/v1/batch", &json!({"note": case.tag()}));
    assert_success(&answer);
    assert!(case.rejected().contains(&"empty_batch".to_owned()), "{:?}", case.rejected());
    case.stored_none();
    assert_success(&case.post("/v1/batch", "{}"));
}

#[test]
fn bad_input_15_batch_is_no_array() {
    let case = Case::new();
    for batch in [json!({"0": case.track("m")}), json!("text"), json!(5), json!(true)] {
        let answer = case.post_json("/v1/batch", &json!({"batch": batch, "note": case.tag()}));
        case.refused(&answer, 400, "invalid_json");
    }
}

#[test]
fn bad_input_15_batch_is_null() {
    let case = Case::new();
    let answer = case.post_json("/v1/batch", &json!({"batch": null, "note": case.tag()}));
    case.refused(&answer, 400, "invalid_json");
}

#[test]
fn bad_input_16_items_that_are_no_objects() {
    let case = Case::new();
    let codes =
        between(&case, &[json!(null), json!("text"), json!([]), json!(5), json!(true), json!([case.track("inner")])]);
    assert_eq!(codes, ["invalid_message"; 6]);
    assert!(case.all_rejections().iter().any(|item| super::case::code_of(item) == "invalid_message"));
}

#[test]
fn bad_input_17_items_without_type_or_with_an_unknown_one() {
    let case = Case::new();
    let mut without = case.track("without");
    without.as_object_mut().unwrap().remove("type");
    let wrong: Vec<Value> = [json!("purchase"), json!(""), json!(null), json!(5), json!({})]
        .into_iter()
        .enumerate()
        .map(|(number, kind)| case.track_with(&format!("wrong{number}"), "type", kind))
        .collect();
    let codes = between(&case, &[vec![without], wrong].concat());
    assert_eq!(codes, ["unknown_type"; 6]);
    assert!(case.rejected().contains(&"unknown_type".to_owned()));
}

#[test]
fn bad_input_17_a_batch_in_a_batch() {
    let case = Case::new();
    let codes = between(
        &case,
        &[json!({"type": "batch", "batch": [case.track("inner")]}), json!({"batch": [case.track("other")]})],
    );
    assert_eq!(codes, ["unknown_type"; 2]);
}

#[test]
fn bad_input_18_type_in_the_wrong_case() {
    let case = Case::new();
    let codes =
        between(&case, &[case.track_with("m", "type", json!("Track")), case.track_with("n", "type", json!("TRACK"))]);
    assert_eq!(codes, ["unknown_type"; 2]);
    assert!(case.rejected().contains(&"unknown_type".to_owned()));
}

#[test]
fn bad_input_18_type_in_the_wrong_case_with_lenient_types() {
    let case = Case::with(super::case::lenient());
    let codes = between(
        &case,
        &[case.track_with("m", "type", json!("Track")), case.track_with("n", "type", json!("purchase"))],
    );
    assert_eq!(codes, ["", "unknown_type"]);
    assert!(case.stored().iter().all(|call| call["type"] == "track"));
}

#[test]
fn every_item_bad_and_some_items_bad_are_noted() {
    let case = Case::new();
    let bad = case.track_with("m", "type", json!("x"));
    let noted = |items: Value, code: &str| {
        let answer = case.post_json("/v1/batch", &json!({"batch": items, "note": case.tag()}));
        assert_success(&answer);
        let is_noted = answer.json()["notes"].to_string().contains(code) || case.rejected().contains(&code.to_owned());
        assert!(is_noted, "{code} is neither in the answer nor listed: {} {:?}", answer.text(), case.rejected());
    };
    noted(json!([bad]), "empty_batch_result");
    noted(json!([bad, case.track("good")]), "multi_user_error");
    case.stored_one();
}

#[test]
fn each_kind_of_bad_item_leaves_the_rest_of_its_batch() {
    let case = Case::new();
    let items = [
        case.track_with("a", "event", json!(5)),
        case.track_with("b", "userId", json!(true)),
        case.track_with("c", "properties", json!([1])),
        json!({"type": "identify", "userId": case.id("u"), "traits": "x", "messageId": case.id("d")}),
        json!({"type": "group", "userId": case.id("u"), "messageId": case.id("e")}),
        json!({"type": "alias", "userId": case.id("u"), "messageId": case.id("f")}),
        json!({"type": "page", "userId": case.id("u"), "name": 5, "messageId": case.id("g")}),
        json!({"type": "track", "event": "e", "messageId": case.id("h")}),
    ];
    let codes = between(&case, &items);
    let expected = [
        "event_not_string",
        "id_not_string",
        "properties_not_object",
        "traits_not_object",
        "group_id_required",
        "id_required",
        "name_not_string",
        "no_user_anon_id",
    ];
    assert_eq!(codes, expected);
    let listed = case.rejected();
    assert!(expected.iter().all(|code| listed.contains(&(*code).to_owned())), "{listed:?}");
}

#[test]
fn refused_messages_are_counted_so_that_the_accounts_close() {
    let case = Case::with(setup());
    let items = [case.track("a"), case.track("a"), case.track_with("b", "event", json!(5)), json!(null)];
    assert_success(&case.post_json("/v1/batch", &json!({"batch": items})));
    let status = case.server().get_as("admin-token", "/status").json();
    let count = |name: &str| status["accounts"][name].as_u64().unwrap_or_else(|| panic!("no account {name}: {status}"));
    assert_eq!((count("received"), count("appended"), count("duplicate"), count("rejected")), (4, 1, 1, 2), "{status}");
}
