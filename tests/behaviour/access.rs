//! Write keys and tokens: made once, shown once, gone at once; by command and by HTTP, on a folder and on a server.

use serde_json::Value;

use crate::support::{Setup, TestServer};

const CALL: &str = r#"{"userId":"u","event":"e"}"#;

fn json(server: &TestServer, arguments: &[&str]) -> Value {
    let output = server.command(arguments).arg("--json").output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn fails(server: &TestServer, arguments: &[&str]) -> (i32, String) {
    let output = server.command(arguments).output().expect("the command runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn sources_by_command(server: &TestServer, while_serving: Option<&TestServer>) {
    let made = json(server, &["source", "add", "shop", "--kind", "browser"]);
    let key = made["write_key"].as_str().expect("the key is shown").to_owned();
    assert_eq!((key.len(), &made["kind"]), (32, &"browser".into()));
    let newer = json(server, &["source", "rotate", "shop"])["write_key"].as_str().expect("shown").to_owned();
    if let Some(running) = while_serving {
        assert_eq!(running.post_as(&newer, "/v1/track", CALL).status, 200);
        assert_eq!(running.post_as(&key, "/v1/track", CALL).status, 401, "the old key stops working at once");
    }
    assert_eq!(json(server, &["source", "disable", "shop"])["enabled"], false);
    let all = json(server, &["source", "list"]);
    let shop = all.as_array().expect("a list").iter().find(|one| one["name"] == "shop").expect("it is there");
    assert_eq!((&shop["enabled"], shop.get("write_key")), (&false.into(), None));
    if let Some(running) = while_serving {
        let before = running.export().len();
        assert_eq!(running.post_as(&newer, "/v1/track", CALL).text(), r#"{"success":true}"#);
        assert_eq!(running.export().len(), before, "what a disabled source sends is dropped");
    }
    json(server, &["source", "enable", "shop"]);
    for (arguments, words) in [
        (vec!["source", "add", "shop"], "already"),
        (vec!["source", "add", "web"], "already"),
        (vec!["source", "rotate", "web"], "configuration"),
        (vec!["source", "rotate", "none"], "no source"),
        (vec!["source", "add", "a/b"], "letters"),
    ] {
        let (status, text) = fails(server, &arguments);
        assert!(status == 1 && text.contains(words), "{arguments:?}: {status} {text}");
    }
}

#[test]
fn sources_by_command_through_the_server() {
    let server = TestServer::start();
    sources_by_command(&server, Some(&server));
}

#[test]
fn sources_by_command_on_the_folder() {
    let mut server = TestServer::start();
    server.stop();
    sources_by_command(&server, None);
    server.restart();
    let names = server.get_as("admin-token", "/api/sources").json();
    assert!(names["items"].as_array().expect("a list").iter().any(|one| one["name"] == "shop"));
}

#[test]
fn tokens_by_command_and_by_http() {
    let server = TestServer::start();
    let made = json(&server, &["token", "add", "ops", "--scope", "read"]);
    let token = made["token"].as_str().expect("shown").to_owned();
    assert_eq!(server.get_as(&token, "/api/rejections").status, 200);
    assert_eq!(server.get_as(&token, "/api/tokens").status, 403);
    let admin = [("Authorization", "Bearer admin-token")];
    let raised = server.request("PATCH", "/api/tokens/ops", &admin, r#"{"scope":"admin"}"#);
    assert_eq!((raised.status, &raised.json()["scope"]), (200, &"admin".into()));
    assert_eq!(server.get_as(&token, "/api/tokens").status, 200);
    let rotated = server.request("POST", "/api/tokens/ops/rotate", &admin, "").json();
    assert_eq!(server.get_as(&token, "/api/tokens").status, 401);
    let newer = rotated["token"].as_str().expect("shown").to_owned();
    assert_eq!(server.get_as(&newer, "/api/tokens").status, 200);
    json(&server, &["token", "revoke", "ops"]);
    assert_eq!(server.get_as(&newer, "/api/tokens").status, 401);
    assert_eq!(fails(&server, &["token", "revoke", "ops"]).0, 1);
    let (status, text) = fails(&server, &["token", "add", "x", "--scope", "all"]);
    assert!(status == 2 && text.contains("`read` or `admin`"), "{status} {text}");
}

#[test]
fn sources_by_http_are_checked_and_answered_in_full() {
    let server = TestServer::start();
    let admin = [("Authorization", "Bearer admin-token")];
    let made = server.request("POST", "/api/sources", &admin, r#"{"name":"app","kind":"browser"}"#);
    assert_eq!(made.status, 201);
    let key = made.json()["write_key"].as_str().expect("shown").to_owned();
    assert_eq!(server.post_as(&key, "/v1/track", CALL).status, 200);
    let changed = server.request("PATCH", "/api/sources/app", &admin, r#"{"enabled":false,"kind":"server"}"#).json();
    assert_eq!((&changed["enabled"], &changed["kind"]), (&false.into(), &"server".into()));
    for (method, path, body, status, code) in [
        ("POST", "/api/sources", "{", 400, "bad_request"),
        ("POST", "/api/sources", r#"{"name":"x","extra":1}"#, 400, "bad_request"),
        ("POST", "/api/sources", r#"{"name":"../x"}"#, 400, "invalid_name"),
        ("POST", "/api/sources", r#"{"name":"app"}"#, 409, "name_taken"),
        ("POST", "/api/sources/web/rotate", "", 409, "set_in_configuration"),
        ("POST", "/api/sources/none/rotate", "", 404, "unknown_name"),
    ] {
        let answer = server.request(method, path, &admin, body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path} {body}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.json();
        for member in ["type", "title", "status", "detail", "code", "request_id"] {
            assert!(problem.get(member).is_some(), "{member}");
        }
        assert_eq!(answer.header("x-request-id"), problem["request_id"].as_str());
    }
}

#[test]
fn the_admin_token_of_the_environment_works_and_is_not_stored() {
    let server = Setup::default().bare().env("ROUNDTOWER_ADMIN_TOKEN", "from-the-environment").start();
    assert_eq!(server.get_as("from-the-environment", "/api/tokens").status, 200);
    assert_eq!(server.get_as("from-the-environmenT", "/api/tokens").status, 401);
    let listed = server.get_as("from-the-environment", "/api/tokens").text();
    assert!(!listed.contains("from-the-environment"));
}

#[test]
fn the_control_file_is_private_and_gone_after_a_stop() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut server = TestServer::start();
    let file = server.data().join("control.json");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(server.data()).expect("it is there").permissions().mode() & 0o777, 0o700);
    let token =
        serde_json::from_slice::<Value>(&std::fs::read(&file).expect("readable")).expect("JSON")["token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    assert_eq!(server.get_as(&token, "/api/sources").status, 200);
    server.stop();
    assert!(!file.exists());
    server.restart();
    assert_eq!(server.get_as(&token, "/api/sources").status, 401, "a token of an earlier run opens nothing");
}
