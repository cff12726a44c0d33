//! Text that breaks pages, logs and maps elsewhere: here it is data.

use serde_json::json;

use super::case::{Case, assert_success, receipts};

#[test]
fn bad_input_45_control_characters_in_names_and_values() {
    let case = Case::new();
    let body = format!(
        r#"{{"userId":"{}","event":"a\u0000b\n\u001b[31m\t","properties":{{"k\u0000":"v\u0000\r\n\u007f","nl\n":"\u2028"}}}}"#,
        case.tag()
    );
    let record = case.taken(&case.post("/v1/track", body));
    assert_eq!(record["event"], "a\0b\n\u{1b}[31m\t");
    assert_eq!(record["properties"]["k\0"], "v\0\r\n\u{7f}");
    assert_eq!(record["properties"]["nl\n"], "\u{2028}");
    let output = case.server().command(&["export", "calls"]).output().unwrap();
    let line = output
        .stdout
        .split(|byte| *byte == b'\n')
        .find(|line| String::from_utf8_lossy(line).contains(case.tag()))
        .unwrap();
    assert!(line.iter().all(|byte| *byte >= 0x20), "control characters are escaped in an export");
    assert!(!case.server().log().contains('\u{1b}'), "no escape sequence reaches the log");
}

#[test]
fn bad_input_45_nul_in_an_id() {
    let case = Case::new();
    for member in ["userId", "anonymousId"] {
        let call = case.track_with("m", member, json!("a\0b"));
        case.dropped(&case.post_json("/v1/track", &call), "id_not_string");
    }
    let group = case.track_with("m", "groupId", json!("\0"));
    case.dropped(&case.post_json("/v1/group", &group), "id_not_string");
    let alias = case.track_with("m", "previousId", json!("p\0"));
    case.dropped(&case.post_json("/v1/alias", &alias), "id_not_string");
}

#[test]
fn newlines_in_ids_stay_inside_one_line() {
    let case = Case::new();
    let id = format!("{}\n\r\t\u{1b}[2J\u{85}", case.tag());
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "userId", json!(id))));
    assert_eq!(record["userId"], id);
    let bad = case.track_with("n", "event", json!(5));
    let mut forged = bad.clone();
    forged["messageId"] = json!(format!("{}\nERROR forged line", case.tag()));
    assert_eq!(receipts(&case.post_json("/v1/track", &forged))[0].0, "rejected");
    assert!(!case.server().log().lines().any(|line| line.starts_with("ERROR forged")), "a sender wrote a log line");
}

#[test]
fn bad_input_46_markup_is_stored_as_it_is() {
    let case = Case::new();
    let markup = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}${7*7}&amp;'\"";
    let call = json!({"userId": format!("{}{markup}", case.tag()), "event": markup, "properties": {markup: markup}, "messageId": case.id("m")});
    let record = case.taken(&case.post_json("/v1/track", &call));
    assert_eq!(record["event"], markup);
    assert_eq!(record["properties"][markup], markup);
    let bad = json!({"userId": case.id("u"), "event": {"x": markup}, "messageId": case.id("n")});
    assert_success(&case.post_json("/v1/track", &bad));
    let listed = case.server().get_as("admin-token", "/api/rejections?limit=500");
    assert!(listed.header("content-type").unwrap().contains("json"));
    assert_eq!(listed.header("x-content-type-options"), Some("nosniff"), "{:?}", listed.headers);
}

#[test]
fn bad_input_47_keys_that_are_names_elsewhere() {
    let case = Case::new();
    let body = format!(
        r#"{{"userId":"{}","traits":{{"__proto__":{{"admin":true}},"constructor":1,"toString":"x","":"empty","a.b":2,"$set":3,"hasOwnProperty":null}}}}"#,
        case.tag()
    );
    let record = case.taken(&case.post("/v1/identify", body));
    let expected = json!({
        "__proto__": {"admin": true}, "constructor": 1, "toString": "x", "": "empty", "a.b": 2, "$set": 3, "hasOwnProperty": null
    });
    assert_eq!(record["traits"], expected);
}

#[test]
fn bad_input_47_members_of_ours_cannot_be_forged() {
    let case = Case::new();
    let mut call = case.track("m");
    for (name, value) in [
        ("sequence", json!(999_999_999)),
        ("receivedAt", json!("2001-01-01T00:00:00.000Z")),
        ("projectId", json!("other")),
        ("version", json!(7)),
        ("source", json!("x")),
        ("__proto__", json!({"x": 1})),
    ] {
        call[name] = value;
    }
    let record = case.taken(&case.post_json("/v1/track", &call));
    assert_eq!(record["projectId"], "api");
    assert_eq!(record["version"], 2);
    assert_ne!(record["sequence"], 999_999_999);
    assert_ne!(record["receivedAt"], "2001-01-01T00:00:00.000Z");
}

#[test]
fn unknown_members_are_kept() {
    let case = Case::new();
    let record =
        case.taken(&case.post_json("/v1/track", &case.track_with("m", "custom", json!({"a": [1, "x", null]}))));
    assert_eq!(record["custom"], json!({"a": [1, "x", null]}));
}
