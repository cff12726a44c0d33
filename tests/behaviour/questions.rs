//! Questions about people, groups and events over HTTP: parameters, pages, waiting, and the Profile API.

use serde_json::{Value, json};

use crate::support::{Answer, TestServer, http};

fn read(server: &TestServer, path: &str) -> Answer {
    server.get_as("read-token", path)
}

/// The answer to a question that has one.
fn found(server: &TestServer, path: &str) -> Value {
    let answer = read(server, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Sends calls in one batch and returns the sequence of the last one.
fn send(server: &TestServer, calls: &[Value]) -> u64 {
    let answer = server.post("/v1/batch?receipt=1", json!({"batch": calls}).to_string()).json();
    let receipts = answer["receipts"].as_array().expect("receipts").clone();
    assert!(receipts.iter().all(|one| one["status"] == "appended"), "{answer}");
    receipts.last().and_then(|one| one["sequence"].as_u64()).expect("a sequence")
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().map(|one| one["user_id"].as_str().unwrap_or("-")).collect()
}

#[test]
fn a_call_is_seen_in_every_answer_once_it_was_waited_for() {
    let server = TestServer::start();
    let last = send(
        &server,
        &[
            json!({"type": "identify", "userId": "u1", "anonymousId": "a1", "traits": {"email": "ada@example.com", "name": "Ada", "n": 1}}),
            json!({"type": "group", "userId": "u1", "groupId": "g/1", "traits": {"name": "Acme"}}),
            json!({"type": "page", "userId": "u1", "name": "Home"}),
            json!({"type": "track", "userId": "u1", "event": "Order Completed", "properties": {"order_id": "7"}}),
        ],
    );
    let person = found(&server, &format!("/api/people/user_id:u1?wait_for={last}"));
    assert_eq!((&person["name"], &person["group"]["id"], &person["events"]), (&"Ada".into(), &"g/1".into(), &2.into()));
    let id = person["id"].as_str().expect("an id");
    for path in [id, "anonymous_id%3Aa1", "email:ada%40example.com", "email:ADA@example.com"] {
        let again = found(&server, &format!("/api/people/{path}?wait_for={last}"));
        // The search index, which knows emails, is a moment behind.
        assert_eq!(again, person, "{path}");
    }
    assert_eq!(found(&server, "/api/people/user_id:u1/timeline")["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(found(&server, "/api/people/user_id:u1/identity")["links"][0]["rule"], "R2");
    assert_eq!(found(&server, "/api/people/user_id:u1/traits")["items"][0]["key"], "email");
    assert_eq!(found(&server, "/api/groups/g%2F1")["members"], 1);
    assert_eq!(ids(&found(&server, "/api/groups/g%2F1/people")), ["u1"]);
    assert_eq!(found(&server, "/api/groups/g%2F1/timeline")["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(found(&server, "/api/groups?search=ACM&sort=members")["items"][0]["id"], "g/1");
    let feed = found(&server, "/api/feed");
    assert_eq!(
        (&feed["items"][0]["event"], feed["items"].as_array().map(Vec::len)),
        (&"Order Completed".into(), Some(1))
    );
    assert_eq!(found(&server, "/api/feed?hidden=true&type=page")["items"][0]["event"], "Home");
    assert_eq!(found(&server, "/api/events?search=order")["items"][0]["count"], 1);
    let by_day = found(&server, "/api/stats?interval=day");
    let today = by_day["buckets"].as_array().and_then(|all| all.last()).expect("a bucket").clone();
    assert_eq!((&today["types"]["track"], &today["active_people"]), (&1.into(), &1.into()));
    assert_eq!(found(&server, &format!("/api/people?search=ada&wait_for={last}"))["items"][0], person);
    assert_eq!(ids(&found(&server, "/api/people?trait.n.gt=0&sort=name")), ["u1"]);
    assert_eq!(found(&server, "/api/people?trait.n.lt=1")["items"], json!([]));
    let status = found(&server, "/status");
    assert_eq!((&status["views"]["through"], &status["views"]["lag_events"]), (&(last + 1).into(), &0.into()));
    let metrics = read(&server, "/metrics").text();
    assert!(metrics.contains(&format!("roundtower_views_through {}", last + 1)), "{metrics}");
}

#[test]
fn a_record_that_does_not_come_is_waited_for_ten_seconds_and_not_longer() {
    let server = TestServer::start();
    let start = std::time::Instant::now();
    let answer = read(&server, "/api/feed?wait_for=1000");
    assert_eq!((answer.status, answer.code().as_str()), (503, "not_yet"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.json()["detail"].as_str().is_some_and(|text| text.contains("through 1 ")), "{}", answer.text());
    assert!((9..14).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn pages_neither_skip_nor_repeat_while_calls_come_in() {
    let server = TestServer::start();
    let call =
        |n: usize| json!({"type": "track", "userId": format!("u{n:02}"), "event": "E", "messageId": format!("m{n}")});
    let last = send(&server, &(0..25).map(call).collect::<Vec<_>>());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0..10 {
        let page = found(&server, &format!("/api/feed?limit=4&wait_for={last}{cursor}"));
        seen.extend(page["items"].as_array().expect("items").iter().map(|one| one["message_id"].to_string()));
        send(&server, &[call(100 + round)]);
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let mut expected: Vec<String> = (0..25).rev().map(|n| format!("\"m{n}\"")).collect();
    assert_eq!(seen.len(), expected.len());
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let page = found(&server, "/api/people?limit=3");
    let next = page["next"].as_str().expect("more");
    assert_eq!(
        found(&server, &format!("/api/people?limit=3&cursor={next}"))["items"].as_array().map(Vec::len),
        Some(3)
    );
    for wrong in [
        format!("/api/feed?cursor={next}"),
        format!("/api/people?sort=events&cursor={next}"),
        "/api/people?cursor=x".into(),
    ] {
        let answer = read(&server, &wrong);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_cursor"), "{wrong}");
    }
}

#[test]
fn what_cannot_be_is_said_by_name() {
    let server = TestServer::start();
    send(&server, &[json!({"type": "track", "userId": "u", "event": "E"})]);
    for (path, status, code) in [
        ("/api/people?limti=5", 400, "bad_request"),
        ("/api/people?limit=501", 400, "bad_request"),
        ("/api/people?sort=age", 400, "bad_request"),
        ("/api/feed?since=yesterday", 400, "bad_request"),
        ("/api/stats?since=2026-01-02&until=2026-01-01", 400, "bad_parameter"),
        ("/api/stats?interval=minute&since=2000-01-01", 400, "bad_parameter"),
        ("/api/people/nobody", 404, "not_found"),
        ("/api/people/user_id:nobody", 404, "not_found"),
        ("/api/people/user_id:nobody/timeline", 404, "not_found"),
        ("/api/people/email:x@y.z/identity", 404, "not_found"),
        ("/api/feed?person=user_id:nobody", 404, "not_found"),
        ("/api/groups/none", 404, "not_found"),
        ("/api/groups/none/people", 404, "not_found"),
        ("/api/people/user_id:u?as_of=2001-01-01", 404, "not_found"),
        ("/v1/spaces/s/collections/accounts/profiles/user_id:u/traits", 404, "not_found"),
        ("/v1/spaces/s/collections/users/profiles/user_id:u/traits?limit=201", 400, "bad_request"),
    ] {
        let answer = read(&server, path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(found(&server, "/api/people?group=none")["items"], json!([]));
}

#[test]
fn clients_of_the_profile_api_read_from_here() {
    let server = TestServer::start();
    let traits: Value = (0..12).map(|n| (format!("t{n:02}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let last = send(
        &server,
        &[
            json!({"type": "identify", "userId": "u", "anonymousId": "a", "traits": traits}),
            json!({"type": "group", "userId": "u", "groupId": "g", "traits": {"plan": "pro"}}),
            json!({"type": "track", "userId": "u", "event": "E"}),
        ],
    );
    found(&server, &format!("/api/feed?wait_for={last}"));
    let user = |rest: &str| {
        let path = format!("/v1/spaces/any/collections/users/profiles/user_id:u/{rest}");
        let answer = server.request("GET", &path, &[("Authorization", &http::basic("read-token"))], "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    let first = user("traits");
    assert_eq!(first["traits"].as_object().map(serde_json::Map::len), Some(10));
    assert_eq!((&first["cursor"]["has_more"], &first["cursor"]["limit"]), (&true.into(), &10.into()));
    let rest = user(&format!("traits?cursor={}", first["cursor"]["next"].as_str().expect("a cursor")));
    assert_eq!((&rest["traits"], &rest["cursor"]["has_more"]), (&json!({"t10": 10, "t11": 11}), &false.into()));
    assert_eq!(user("traits?include=t03,t05")["traits"], json!({"t03": 3, "t05": 5}));
    let only = "traits?class=computed_trait&include=t03";
    assert_eq!(user(only)["traits"], json!({}), "no trait was computed");
    assert_eq!(user("events")["data"][0]["event"], "E");
    assert_eq!(user("events?include=F")["data"], json!([]));
    let ids = user("external_ids");
    assert_eq!((&ids["data"][0]["type"], &ids["data"][1]["id"]), (&"user_id".into(), &"a".into()));
    assert_eq!(user("links")["data"][0]["external_ids"][0]["id"], "g");
    assert!(user("metadata")["metadata"]["created_at"].is_string());
    let one = user("external_ids?limit=1");
    let next = one["cursor"]["next"].as_str().expect("a cursor");
    assert_eq!(user(&format!("external_ids?limit=1&cursor={next}"))["data"][0], ids["data"][1]);
    for elsewhere in ["traits?cursor=", "events?cursor=", "external_ids?include=user_id&cursor="] {
        let path = format!("/v1/spaces/any/collections/users/profiles/user_id:u/{elsewhere}{next}");
        let answer = read(&server, &path);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_cursor"), "{path}");
    }
    let account = found(&server, "/v1/spaces/any/collections/accounts/profiles/group_id:g/traits");
    assert_eq!(account["traits"], json!({"plan": "pro"}));
    let links = found(&server, "/v1/spaces/any/collections/accounts/profiles/group_id:g/links");
    assert_eq!(links["data"][0]["external_ids"][0]["id"], "u");
}

#[test]
fn audiences_and_computed_traits_are_listed_with_their_members() {
    let server = TestServer::start();
    let computed = |user: &str, class: &str, key: &str, value: Value| {
        let context = json!({"personas": {"computation_class": class, "computation_key": key}});
        json!({"type": "identify", "userId": user, "traits": {key: value}, "context": context})
    };
    let last = send(
        &server,
        &[
            computed("u1", "audience", "vip", json!(true)),
            computed("u2", "audience", "vip", json!(true)),
            computed("u3", "audience", "vip", json!(false)),
            computed("u3", "audience", "left", json!(false)),
            computed("u1", "trait", "score", json!(5)),
            computed("u2", "computed_trait", "score", json!(0)),
            computed("u1", "journey_step", "welcomed", json!(true)),
        ],
    );
    let row =
        |key: &str, class: &str, members: u64| json!({"key": key, "name": key, "class": class, "members": members});
    let all = [
        row("left", "audience", 0),
        row("score", "computed_trait", 2),
        row("vip", "audience", 2),
        row("welcomed", "journey_step", 1),
    ];
    let whole = found(&server, &format!("/api/audiences?wait_for={last}"));
    assert_eq!((&whole["items"], &whole["next"]), (&json!(all), &Value::Null));
    let page = found(&server, "/api/audiences?limit=3");
    assert_eq!(page["items"], json!(all[..3]));
    let next = page["next"].as_str().expect("more");
    assert_eq!(found(&server, &format!("/api/audiences?limit=3&cursor={next}"))["items"], json!(all[3..]));
    assert_eq!(
        read(&server, "/api/audiences?cursor=left").code(),
        "bad_cursor",
        "a cursor is nothing to write oneself"
    );
    for (audience, members) in [("vip", 2), ("left", 0), ("welcomed", 1), ("score", 0)] {
        let people = found(&server, &format!("/api/people?audience={audience}"));
        assert_eq!(people["items"].as_array().map(Vec::len), Some(members), "{audience}");
    }
}
