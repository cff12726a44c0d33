//! Views can be thrown away: `rebuild` makes the same ones again, and `verify` notices when they are not the journal's.

use serde_json::{Value, json};

use crate::support::{Setup, TestServer};

fn run(server: &TestServer, arguments: &[&str]) -> (i32, Value, String) {
    let output = server.command(arguments).arg("--json").output().expect("the command runs");
    let result = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap_or(-1), result, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn rebuilt_views_say_the_same_and_verify_compares_them() {
    let mut server = TestServer::start();
    let calls: Vec<Value> = (0..200)
        .map(|n| match n % 5 {
            0 => json!({"type": "identify", "userId": format!("u{}", n % 9), "anonymousId": format!("a{}", n % 4), "traits": {"n": n}}),
            1 => json!({"type": "group", "userId": format!("u{}", n % 7), "groupId": format!("g{}", n % 3)}),
            2 => json!({"type": "alias", "userId": format!("u{}", n % 6), "previousId": format!("p{}", n % 8)}),
            _ => json!({"type": "track", "anonymousId": format!("a{}", n % 11), "event": format!("E{}", n % 3)}),
        })
        .collect();
    assert_eq!(server.post("/v1/batch", json!({ "batch": calls }).to_string()).status, 200);
    let people = |server: &TestServer| server.get_as("read-token", "/api/people?anonymous=true&wait_for=200").json();
    let before = people(&server);
    let (status, _, text) = run(&server, &["rebuild"]);
    assert!(status == 1 && text.contains("stop it, then rebuild"), "{status} {text}");
    let (status, live, text) = run(&server, &["verify"]);
    assert_eq!((status, &live["views"]["through"]), (0, &201.into()), "{live} {text}");
    assert!(server.stop().success());

    let (status, verified, text) = run(&server, &["verify"]);
    assert_eq!((status, &verified["views"]["equal"]), (0, &true.into()), "{verified} {text}");
    assert_eq!(verified["views"]["digest"], live["views"]["digest"], "the same after a restart");
    let (status, rebuilt, text) = run(&server, &["rebuild"]);
    assert_eq!((status, &rebuilt["parked"]), (0, &0.into()), "{rebuilt} {text}");
    assert_eq!(rebuilt["digest"], live["views"]["digest"]);
    std::fs::remove_dir_all(server.data().join("views")).expect("views can be deleted");
    assert_eq!(run(&server, &["verify"]).1["views"]["digest"], live["views"]["digest"]);
    assert!(!server.data().join("views-verify").exists(), "nothing is left beside");

    server.restart();
    assert_eq!(people(&server), before);
}

#[test]
fn views_that_are_switched_off_cost_nothing_and_can_be_made_later() {
    let mut server = Setup::default().tables("[views]\nenabled = false\n").start();
    assert_eq!(server.post("/v1/track", "{\"userId\":\"u\",\"event\":\"e\"}").status, 200);
    let status = server.get_as("admin-token", "/status").json();
    assert_eq!(status["views"]["through"], 1, "{status}");
    assert!(status["views"]["stopped"].as_str().is_some_and(|why| why.contains("views.enabled")), "{status}");
    assert_eq!(server.get_as("read-token", "/api/people").json()["items"], json!([]));
    assert!(server.stop().success());
    let (status, rebuilt, text) = run(&server, &["rebuild"]);
    assert_eq!((status, &rebuilt["through"]), (0, &2.into()), "{rebuilt} {text}");
    server.restart();
    let people = server.get_as("read-token", "/api/people").json();
    assert_eq!(people["items"][0]["user_id"], "u", "what was made is shown, though nothing is added: {people}");
}
