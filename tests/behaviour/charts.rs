//! Numbers over time and counts over HTTP: people, activity, who came into audiences, sources and the catalogue.

use serde_json::{Value, json};

use crate::support::{Answer, Setup, TestServer};

fn read(server: &TestServer, path: &str) -> Answer {
    server.get_as("read-token", path)
}

fn found(server: &TestServer, path: &str) -> Value {
    let answer = read(server, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Sends calls in one batch and returns the sequence of the last one.
fn send(server: &TestServer, calls: &[Value]) -> u64 {
    let answer = server.post("/v1/batch?receipt=1", json!({"batch": calls}).to_string()).json();
    let receipts = answer["receipts"].as_array().expect("receipts").clone();
    assert!(receipts.iter().all(|one| one["sequence"].is_u64()), "{answer}");
    receipts.last().and_then(|one| one["sequence"].as_u64()).expect("a sequence")
}

fn refused(server: &TestServer, path: &str, status: u16, code: &str) {
    let answer = read(server, path);
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}: {}", answer.text());
}

#[test]
fn a_count_says_how_long_the_list_is() {
    let server = TestServer::start();
    let person = |number: u32| {
        let traits =
            if number.is_multiple_of(3) { json!({"plan": "pro"}) } else { json!({"email": format!("u{number}@x.y")}) };
        json!({"type": "identify", "userId": format!("u{number}"), "traits": traits})
    };
    let mut calls: Vec<Value> = (0..30).map(person).collect();
    calls.push(json!({"type": "track", "anonymousId": "a", "event": "E"}));
    calls.push(json!({"type": "group", "userId": "u1", "groupId": "g"}));
    let last = send(&server, &calls);
    assert_eq!(
        found(&server, &format!("/api/people/count?wait_for={last}")),
        json!({"count": 30, "exact": true, "through": last + 1})
    );
    for (filter, count) in [
        ("anonymous=true", 31),
        ("anonymous=only", 1),
        ("trait.plan=pro", 10),
        ("trait.plan=free", 0),
        ("search=u1", 11),
        ("search=x.y", 20),
        ("incomplete=true", 10),
        ("incomplete=true&anonymous=true", 11),
        ("group=g", 1),
        ("group=none", 0),
        ("event=E&anonymous=true", 1),
        ("seen_before=2001-01-01", 0),
        ("seen_after=2001-01-01&trait.plan=pro", 10),
    ] {
        let counted = found(&server, &format!("/api/people/count?{filter}&wait_for={last}"));
        let people = found(&server, &format!("/api/people?{filter}&limit=500&wait_for={last}"));
        assert_eq!((&counted["count"], &counted["exact"]), (&count.into(), &true.into()), "{filter}");
        assert_eq!(people["items"].as_array().map(Vec::len), Some(count), "{filter}");
    }
    refused(&server, "/api/people/count?limit=5", 400, "bad_request");
    refused(&server, "/api/people/count?sort=name", 400, "bad_request");
    refused(&server, &format!("/api/people/count?{}", "trait.a=1&".repeat(17)), 400, "bad_request");
    assert_eq!(read(&server, &format!("/api/people/count?{}", "trait.a=1&".repeat(16))).status, 200);
    assert_eq!(server.get("/api/people/count").status, 401);
}

#[test]
fn activity_counts_calls_by_their_own_time() {
    let server = TestServer::start();
    let at = |time: &str, kind: &str| match kind {
        "track" => json!({"type": "track", "userId": "u1", "event": "E", "timestamp": time}),
        _ => json!({"type": "identify", "userId": "u1", "anonymousId": "a1", "timestamp": time}),
    };
    let last = send(
        &server,
        &[
            at("2026-01-04T23:59:59.999Z", "track"),
            at("2026-01-05T00:00:00Z", "track"),
            at("2026-01-05T00:59:59Z", "identify"),
            at("2026-01-07T12:00:00Z", "track"),
            json!({"type": "page", "anonymousId": "a1", "name": "P", "timestamp": "2026-01-07T13:00:00Z"}),
            json!({"type": "track", "userId": "other", "event": "E", "timestamp": "2026-01-07T13:00:00Z"}),
        ],
    );
    let ask = |query: &str| {
        let answer = found(&server, &format!("/api/people/user_id:u1/activity?wait_for={last}{query}"));
        assert_eq!((&answer["cut"], &answer["through"]), (&false.into(), &(last + 1).into()));
        let items = answer["items"].as_array().expect("items").iter();
        let items: Vec<(String, u64)> = items
            .map(|one| (one["at"].as_str().expect("a time").to_owned(), one["count"].as_u64().expect("a count")))
            .collect();
        (answer["interval"].as_str().expect("an interval").to_owned(), items)
    };
    let of =
        |all: &[(&str, u64)]| all.iter().map(|(at, count)| (format!("{at}:00:00.000Z"), *count)).collect::<Vec<_>>();
    let days = of(&[("2026-01-04T00", 1), ("2026-01-05T00", 2), ("2026-01-07T00", 2)]);
    assert_eq!(ask(""), ("day".to_owned(), days.clone()));
    assert_eq!(ask("&interval=week").1, of(&[("2025-12-29T00", 1), ("2026-01-05T00", 4)]));
    let hours = of(&[("2026-01-04T23", 1), ("2026-01-05T00", 2), ("2026-01-07T12", 1), ("2026-01-07T13", 1)]);
    assert_eq!(ask("&interval=hour"), ("hour".to_owned(), hours));
    assert_eq!(ask("&since=2026-01-05T15:00:00Z").1, days[1..]);
    assert_eq!(ask("&until=2026-01-05").1, days[..1]);
    assert_eq!(ask("&until=2026-01-05T00:00:00.001Z").1, days[..2]);
    assert_eq!(ask("&since=2026-02-01").1, []);
    for (query, code) in [
        ("interval=minute", "bad_request"),
        ("since=2026-01-02&until=2026-01-02", "bad_parameter"),
        ("since=2026-01-02&until=2026-01-01", "bad_parameter"),
        ("limit=5", "bad_request"),
    ] {
        refused(&server, &format!("/api/people/user_id:u1/activity?{query}"), 400, code);
    }
    refused(&server, "/api/people/user_id:none/activity", 404, "not_found");
    assert_eq!(server.get("/api/people/user_id:u1/activity").status, 401);
}

#[test]
fn who_came_and_went_is_told_by_day_and_hour_and_survives_restarts_and_rebuilds() {
    let mut server = TestServer::start();
    let membership = |user: &str, class: &str, key: &str, value: Value, time: &str| {
        let context = json!({"personas": {"computation_class": class, "computation_key": key}});
        json!({"type": "identify", "userId": user, "traits": {key: value}, "context": context, "timestamp": time})
    };
    let (morning, noon, next) = ("2026-01-05T08:10:00Z", "2026-01-05T12:00:00Z", "2026-01-06T00:00:00Z");
    let odd = "a/b c";
    let last = send(
        &server,
        &[
            membership("u1", "audience", "vip", json!(true), morning),
            membership("u2", "audience", "vip", json!("true"), morning),
            membership("u1", "audience", "vip", json!(true), noon),
            membership("u2", "audience", "vip", json!(false), noon),
            membership("u1", "audience", "vip", Value::Null, next),
            membership("u1", "journey_step", odd, json!(true), noon),
            membership("u1", "trait", "score", json!(true), noon),
            json!({"type": "identify", "userId": "u3", "traits": {"vip": true}, "timestamp": noon}),
            json!({"type": "track", "userId": "u3", "event": "Audience Entered", "timestamp": noon,
                   "properties": {"audience_key": "vip", "vip": true},
                   "context": {"personas": {"computation_class": "audience", "computation_key": "vip"}}}),
            membership("u9", "audience", "quiet", json!(true), "2001-01-01"),
        ],
    );
    let row =
        |at: &str, entered: u64, left: u64| json!({"at": format!("{at}:00:00.000Z"), "entered": entered, "left": left});
    let days = json!([row("2026-01-05T00", 3, 1), row("2026-01-06T00", 0, 1)]);
    let hours = json!([row("2026-01-05T08", 2, 0), row("2026-01-05T12", 1, 1), row("2026-01-06T00", 0, 1)]);
    let check = |server: &TestServer| {
        let ask = |path: &str| {
            found(server, &format!("/api/audiences/{path}&since=2026-01-01&until=2026-02-01&wait_for={last}"))
        };
        assert_eq!(
            ask("vip/history?interval=day"),
            json!({"key": "vip", "interval": "day", "items": days, "through": last + 1})
        );
        assert_eq!(ask("vip/history?interval=hour")["items"], hours);
        assert_eq!(ask("a%2Fb%20c/history?interval=day")["items"], json!([row("2026-01-05T00", 1, 0)]));
        assert_eq!(ask("score/history?interval=day")["items"], json!([]), "a computed trait has no members that come");
        assert_eq!(ask("quiet/history?interval=day")["items"], json!([]), "nothing in this time");
    };
    check(&server);
    server.restart();
    check(&server);
    server.stop();
    let digests = [(); 2].map(|()| {
        let output = server.command(&["rebuild", "--json"]).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["digest"].clone()
    });
    assert_eq!(digests[0], digests[1]);
    server.spawn();
    check(&server);
}

#[test]
fn the_history_of_an_audience_has_limits() {
    let server = TestServer::start();
    let context = json!({"personas": {"computation_class": "audience", "computation_key": "vip"}});
    let call = json!({"type": "identify", "userId": "u", "traits": {"vip": true}, "context": context, "timestamp": "2001-01-01"});
    let last = send(&server, &[call]);
    let long = format!("/api/audiences/vip/history?since=2001-01-01&until=2001-01-03&wait_for={last}");
    let row = json!({"at": "2001-01-01T00:00:00.000Z", "entered": 1, "left": 0});
    assert_eq!(found(&server, &long)["items"], json!([row]));
    assert_eq!(found(&server, "/api/audiences/vip/history")["items"], json!([]), "long ago, and known");
    assert_eq!(read(&server, "/api/audiences/vip/history?since=2016-01-01&until=2026-01-08").status, 200, "3,660 days");
    refused(&server, "/api/audiences/vip/history?since=2016-01-01&until=2026-01-09", 400, "bad_parameter");
    refused(&server, "/api/audiences/vip/history?since=2026-01-02&until=2026-01-02", 400, "bad_parameter");
    refused(&server, "/api/audiences/vip/history?interval=week", 400, "bad_request");
    refused(&server, "/api/audiences/none/history", 404, "not_found");
    assert_eq!(server.get("/api/audiences/vip/history").status, 401);
}

#[test]
fn sources_tell_how_many_calls_came_and_when_also_after_a_restart() {
    let mut server = TestServer::start();
    let last = send(
        &server,
        &[
            json!({"type": "track", "userId": "u", "event": "E", "messageId": "m1"}),
            json!({"type": "track", "userId": "u", "event": "E", "messageId": "m2", "integrations": {"All": false}}),
        ],
    );
    // Neither a duplicate nor what is refused is a call that was stored.
    server.post("/v1/track", json!({"userId": "u", "event": "E", "messageId": "m1"}).to_string());
    server.post("/v1/track", json!({"userId": "u"}).to_string());
    let check = |server: &TestServer| {
        found(server, &format!("/api/feed?wait_for={last}"));
        let sources = server.get_as("admin-token", "/api/sources").json();
        assert_eq!(sources["through"], last + 1);
        let of = |name: &str| {
            let all = sources["items"].as_array().expect("items");
            all.iter().find(|one| one["name"] == name).expect("the source").clone()
        };
        let received = found(server, "/api/calls/m2")["received_at"].clone();
        assert_eq!((&of("api")["calls"], &of("api")["last_call_at"]), (&2.into(), &received));
        assert_eq!((&of("web")["calls"], &of("web")["last_call_at"]), (&0.into(), &Value::Null));
    };
    check(&server);
    server.restart();
    check(&server);
    let made = server.request("POST", "/api/sources", &[("Authorization", "Bearer admin-token")], r#"{"name":"new"}"#);
    assert_eq!((&made.json()["calls"], &made.json()["last_call_at"]), (&0.into(), &Value::Null));
    let blind = Setup::default().tables("[views]\nenabled = false").start();
    let sources = blind.get_as("admin-token", "/api/sources").json();
    assert_eq!(sources["items"][0]["calls"], Value::Null, "nobody counted");
}

#[test]
fn the_catalogue_comes_in_the_order_that_was_asked_for() {
    let server = TestServer::start();
    let call = |event: &str, time: &str| json!({"type": "track", "userId": "u", "event": event, "timestamp": time});
    let last = send(
        &server,
        &[call("b", "2026-01-03"), call("b", "2026-01-01"), call("A", "2026-01-02"), call("c", "2026-01-04")],
    );
    let ask = |query: &str| {
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = found(&server, &format!("/api/events?limit=2&wait_for={last}{query}{cursor}"));
            let items = page["items"].as_array().expect("items");
            names.extend(items.iter().map(|one| one["name"].as_str().expect("a name").to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return names.join(""),
            }
        }
    };
    for (query, names) in [
        ("", "bAc"),
        ("&sort=count&order=desc", "bAc"),
        ("&order=asc", "Acb"),
        ("&sort=last_seen", "cbA"),
        ("&sort=last_seen&order=asc", "Abc"),
        ("&sort=name", "Abc"),
        ("&sort=name&order=desc", "cbA"),
    ] {
        assert_eq!(ask(query), names, "{query}");
    }
    let next = found(&server, "/api/events?limit=1&sort=name")["next"].as_str().expect("more").to_owned();
    refused(&server, &format!("/api/events?limit=1&sort=last_seen&cursor={next}"), 400, "bad_cursor");
    refused(&server, "/api/events?sort=first_seen", 400, "bad_request");
}
