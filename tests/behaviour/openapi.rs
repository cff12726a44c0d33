//! The OpenAPI document tells the truth: every answer has a documented status and the documented shape; the pages that
//! show it load nothing from elsewhere.

use serde_json::{Value, json};

use crate::support::{Answer, TestServer};

/// What of `value` is not as `schema` says.
fn mismatch(document: &Value, schema: &Value, value: &Value, place: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let shape = document.pointer(name.trim_start_matches('#')).expect("the reference leads somewhere");
        return mismatch(document, shape, value, place);
    }
    if let Some(all) = schema["oneOf"].as_array() {
        let fits = all.iter().any(|one| mismatch(document, one, value, place).is_none());
        return (!fits).then(|| format!("{place} is none of {}", schema["oneOf"]));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_allowed = kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"));
    if !is_allowed {
        return Some(format!("{place} is {kind}, not {kinds:?}"));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| mismatch(document, &schema["items"], item, &format!("{place}[{at}]"))),
        Value::Object(members) => {
            let missing = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing = missing.into_iter().find(|name| !members.contains_key(*name));
            if let Some(name) = missing {
                return Some(format!("{place} lacks {name}"));
            }
            members.iter().find_map(|(name, member)| {
                let place = format!("{place}.{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Bool(false)) => Some(format!("{place} is not described")),
                    (Value::Null, rest) => mismatch(document, rest, member, &place),
                    (told, _) => mismatch(document, told, member, &place),
                }
            })
        }
        _ => None,
    }
}

/// Checks an answer against the document.
pub(super) fn check(document: &Value, path: &str, verb: &str, answer: &Answer) {
    let told = &document["paths"][path][verb];
    assert!(told.is_object(), "{verb} {path} is not in the document");
    let response = &told["responses"][answer.status.to_string()];
    assert!(
        response.is_object(),
        "{verb} {path} answered {}, which is not documented: {}",
        answer.status,
        answer.text()
    );
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{verb} {path} {}: {}", answer.status, answer.text());
        return;
    };
    let media = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
    let schema =
        content.get(&media).unwrap_or_else(|| panic!("{verb} {path} {}: {media} is not documented", answer.status));
    if media.ends_with("/json") || media.ends_with("+json") {
        let wrong = mismatch(document, &schema["schema"], &answer.json(), "answer");
        assert_eq!(wrong, None, "{verb} {path} {}: {}", answer.status, answer.text());
    }
}

/// A server where every shape has something in it.
fn lively() -> TestServer {
    let server = TestServer::start();
    let personas =
        json!({"personas": {"computation_class": "audience", "computation_key": "vip", "computation_id": "aud_1"}});
    let batch = json!({"batch": [
        {"type": "identify", "userId": "u1", "anonymousId": "a1", "traits": {"email": "x@y.z", "name": "X", "plan": "free", "o": {"a": [1.5, null]}}},
        {"type": "identify", "userId": "u2", "anonymousId": "a1", "traits": {"email": "x@y.z", "plan": null}},
        {"type": "identify", "userId": "u1", "traits": {"vip": true}, "context": personas},
        {"type": "group", "userId": "u1", "groupId": "g", "traits": {"name": "G"}},
        {"type": "track", "userId": "u1", "event": "Order Completed", "messageId": "m", "properties": {"total": 5}},
        {"type": "page", "userId": "u1", "name": "Home"},
        {"type": "screen", "anonymousId": "a2"},
        {"type": "alias", "userId": "u1", "previousId": "later"},
        {"type": "alias", "userId": "u3", "previousId": "u2"},
        {"type": "track", "userId": "u1"},
    ]});
    let last = server.post("/v1/batch?receipt=1", batch.to_string()).json()["receipts"][8]["sequence"].clone();
    assert_eq!(server.get_as("read-token", &format!("/api/people?search=x&wait_for={last}")).status, 200);
    server
}

#[test]
fn every_answer_is_as_documented() {
    let server = lively();
    let document = server.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let user = "/v1/spaces/{space}/collections/users/profiles/{profile}";
    let account = "/v1/spaces/{space}/collections/accounts/profiles/{profile}";
    for (path, asked) in [
        ("/api/people", "/api/people?anonymous=true"),
        ("/api/people", "/api/people?audience=vip&sort=name"),
        ("/api/people", "/api/people?limti=1"),
        ("/api/people/{person}", "/api/people/user_id:u1"),
        ("/api/people/{person}", "/api/people/anonymous_id:a2"),
        ("/api/people/{person}", "/api/people/user_id:u1?as_of=2100-01-01"),
        ("/api/people/{person}", "/api/people/none"),
        ("/api/people/{person}/timeline", "/api/people/user_id:u1/timeline"),
        ("/api/people/{person}/timeline", "/api/people/user_id:u3/timeline"),
        ("/api/people/{person}/timeline", "/api/people/user_id:u1/timeline?cursor=x"),
        ("/api/people/{person}/identity", "/api/people/user_id:u1/identity"),
        ("/api/people/{person}/identity", "/api/people/user_id:u3/identity"),
        ("/api/people/{person}/traits", "/api/people/user_id:u1/traits"),
        ("/api/people/{person}/traits", "/api/people/user_id:u3/traits"),
        ("/api/groups", "/api/groups"),
        ("/api/groups/{group}", "/api/groups/g"),
        ("/api/groups/{group}/people", "/api/groups/g/people"),
        ("/api/groups/{group}/timeline", "/api/groups/g/timeline"),
        ("/api/audiences", "/api/audiences"),
        ("/api/feed", "/api/feed?hidden=true"),
        ("/api/events", "/api/events"),
        ("/api/stats", "/api/stats?interval=minute"),
        ("/api/calls/{id}", "/api/calls/m"),
        ("/api/calls/{id}", "/api/calls/none"),
        ("/api/rejections", "/api/rejections"),
        ("/api/calls/{id}", "/api/calls/?message_id=m"),
        ("/api/calls/live", "/api/calls/live?verdict=none"),
        ("/api/history", "/api/history"),
        ("/api/sources", "/api/sources"),
        ("/api/tokens", "/api/tokens"),
        ("/api/session", "/api/session"),
        ("/", "/"),
        ("/people/{rest}", "/people/u1"),
        ("/assets/{file}", "/assets/none.js"),
        ("/api/export/calls", "/api/export/calls"),
        ("/status", "/status"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/metrics", "/metrics"),
        ("/openapi.json", "/openapi.json"),
        ("/docs", "/docs"),
        (&format!("{user}/traits"), "/v1/spaces/s/collections/users/profiles/user_id:u1/traits"),
        (&format!("{user}/events"), "/v1/spaces/s/collections/users/profiles/user_id:u1/events"),
        (&format!("{user}/external_ids"), "/v1/spaces/s/collections/users/profiles/user_id:u1/external_ids"),
        (&format!("{user}/metadata"), "/v1/spaces/s/collections/users/profiles/user_id:u1/metadata"),
        (&format!("{user}/links"), "/v1/spaces/s/collections/users/profiles/user_id:u1/links"),
        (&format!("{account}/traits"), "/v1/spaces/s/collections/accounts/profiles/group_id:g/traits"),
        (&format!("{account}/links"), "/v1/spaces/s/collections/accounts/profiles/group_id:g/links"),
    ] {
        check(&document, path, "get", &server.get_as("admin-token", asked));
        check(&document, path, "get", &server.get_as("wrong", asked));
    }
}

#[test]
fn every_number_and_file_is_as_documented() {
    let server = lively();
    let document = server.get("/openapi.json").json();
    for (path, asked) in [
        ("/api/people/count", "/api/people/count?search=x"),
        ("/api/people/{person}/activity", "/api/people/user_id:u1/activity"),
        ("/api/people/{person}/activity", "/api/people/none/activity"),
        ("/api/audiences/{key}/history", "/api/audiences/vip/history"),
        ("/api/audiences/{key}/history", "/api/audiences/none/history"),
        ("/api/export/people", "/api/export/people?format=csv"),
        ("/api/export/people", "/api/export/people?sort=name"),
        ("/api/export/groups", "/api/export/groups"),
        ("/api/export/feed", "/api/export/feed?format=csv"),
        ("/api/export/feed", "/api/export/feed?person=user_id:none"),
    ] {
        check(&document, path, "get", &server.get_as("admin-token", asked));
        check(&document, path, "get", &server.get_as("wrong", asked));
    }
}

#[test]
fn every_change_is_as_documented() {
    let server = lively();
    let document = server.get("/openapi.json").json();
    let changes = [
        ("post", "/api/merges/preview", "/api/merges/preview", r#"{"from":"user_id:u3","into":"user_id:u1"}"#),
        ("post", "/api/merges/preview", "/api/merges/preview", r#"{"from":"user_id:u1","into":"user_id:u1"}"#),
        ("post", "/api/merges", "/api/merges", r#"{"from":"user_id:u3","into":"user_id:u1"}"#),
        ("post", "/api/merges", "/api/merges", r#"{"from":"user_id:u3","into":"user_id:u1"}"#),
        ("post", "/api/merges/{sequence}/undo", "/api/merges/10/undo", ""),
        ("post", "/api/merges/{sequence}/undo", "/api/merges/10/undo", ""),
        ("put", "/api/events/{name}", "/api/events/Home", r#"{"hidden":false}"#),
        ("put", "/api/events/{name}", "/api/events/none", r#"{"hidden":false}"#),
        ("post", "/api/sources", "/api/sources", r#"{"name":"s"}"#),
        ("post", "/api/sources", "/api/sources", r#"{"name":"s"}"#),
        ("patch", "/api/sources/{name}", "/api/sources/s", r#"{"merges":"anonymous"}"#),
        ("post", "/api/sources/{name}/rotate", "/api/sources/s/rotate", ""),
        ("post", "/api/sources/{name}/test", "/api/sources/api/test", ""),
        ("post", "/api/sources/{name}/test", "/api/sources/none/test", ""),
        ("post", "/api/tokens", "/api/tokens", r#"{"name":"t","scope":"read"}"#),
        ("patch", "/api/tokens/{name}", "/api/tokens/t", r#"{"scope":"admin"}"#),
        ("post", "/api/tokens/{name}/rotate", "/api/tokens/t/rotate", ""),
        ("delete", "/api/tokens/{name}", "/api/tokens/t", ""),
        ("post", "/api/session", "/api/session", r#"{"token":"read-token"}"#),
        ("post", "/api/session", "/api/session", r#"{"token":"wrong"}"#),
        ("delete", "/api/session", "/api/session", ""),
        ("post", "/api/import", "/api/import?source=api", "{}\n"),
        ("post", "/api/import", "/api/import?source=none", ""),
        ("post", "/api/verify", "/api/verify", ""),
    ];
    let admin = [("Authorization", "Bearer admin-token")];
    for (verb, path, asked, body) in changes {
        check(&document, path, verb, &server.request(&verb.to_uppercase(), asked, &admin, body));
        let read = [("Authorization", "Bearer read-token")];
        check(&document, path, verb, &server.request(&verb.to_uppercase(), asked, &read, "{"));
    }
    let strange = [("Cookie", "roundtower_session=x"), ("Origin", "https://evil.example")];
    for (verb, path, asked, body) in changes {
        let answer = server.request(&verb.to_uppercase(), asked, &strange, body);
        assert_eq!(answer.code(), "cross_origin", "{verb} {path}");
        check(&document, path, verb, &answer);
    }
    // A connection whose body is not read lingers after the answer: all of them at once.
    let large = "x".repeat(9 << 20);
    std::thread::scope(|scope| {
        for (verb, path, asked, _) in changes {
            let (server, document, large) = (&server, &document, &large);
            scope.spawn(move || {
                check(document, path, verb, &server.request(&verb.to_uppercase(), asked, &admin, large));
            });
        }
    });
}

#[test]
fn the_pages_load_nothing_from_elsewhere() {
    let server = TestServer::start();
    let page = server.get("/docs");
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    let text = page.text();
    let is_loaded = |part: &&str| part.rsplit_once('.').is_some_and(|(_, kind)| ["js", "css"].contains(&kind));
    let parts: Vec<&str> = text.split(['"', '\'']).filter(is_loaded).collect();
    assert!(parts.len() >= 5, "{text}");
    for part in parts {
        assert!(part.starts_with("/docs/"), "{part}");
        let file = server.get(part);
        assert_eq!(file.status, 200, "{part}");
        assert!(!file.body.starts_with(&[0x1f, 0x8b]), "{part} is not packed for whom cannot unpack it");
        assert_eq!(file.header("content-security-policy"), Some(policy.as_str()), "{part}");
    }
    assert!(server.get("/docs/swagger-initializer.js").text().contains("\"/openapi.json\""));
    assert_eq!(server.get("/docs/none.js").status, 404);
}
