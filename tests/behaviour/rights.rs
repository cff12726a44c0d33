//! Deny by default: every route of the table, asked with every kind of key.

use roundtower::access::token::Scope;
use roundtower::http::routes::{Action, Offer, ROUTES, Right, Route, Surface, Verb};

use super::dashboard::log_in;
use crate::support::{Answer, Setup, TestServer, http};

/// A path of this route: its parameters name what is not there.
fn path(route: &Route) -> String {
    let mut pieces = route.path.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |path, piece| {
        let (name, rest) = piece.split_once('}').expect("a closed brace");
        let value = match name.split(':').next().unwrap_or_default() {
            "person" | "profile" => "user_id:nobody",
            "sequence" => "999999",
            "file" => "index.css",
            _ => "nothing",
        };
        path + value + rest
    })
}

fn ask(server: &TestServer, route: &Route, offer: Offer, headers: &[(&str, &str)]) -> Answer {
    // A stream that is allowed has no end; its head tells as much.
    let verb = if offer.action.is_stream() { "HEAD" } else { offer.verb.as_str() };
    server.request(verb, &path(route), headers, "")
}

/// What a route needs at least.
fn needed(offer: Offer) -> Option<Scope> {
    match offer.right {
        Right::Open => None,
        Right::Token(scope) => Some(scope),
        Right::Metrics | Right::Profile => Some(Scope::Read),
    }
}

#[test]
fn every_route_asks_for_its_right_and_nothing_less() {
    let server = Setup::default().tables("[http]\nunknown_key_answers_per_minute = 0").start();
    let write_key = http::basic("server-key");
    let (read_as_user, wrong_as_user) = (http::basic("read-token"), http::basic("wrong"));
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| route.surface == Surface::Control) {
        for offer in route.offers {
            let name = format!("{} {}", offer.verb.as_str(), route.path);
            let status = |authorization: Option<&str>| {
                let headers: Vec<(&str, &str)> =
                    authorization.map(|value| ("Authorization", value)).into_iter().collect();
                ask(&server, route, *offer, &headers).status
            };
            let needs = needed(*offer);
            assert_eq!(status(None) == 401, needs.is_some(), "{name} without any key");
            // Who shows a key shows a good one, also where none is needed.
            for wrong in ["Bearer wrong", "Bearer server-key", "Bearer test-key", &write_key, &wrong_as_user, "x"] {
                assert_eq!(status(Some(wrong)), 401, "{name} with {wrong}");
            }
            let read = status(Some("Bearer read-token"));
            assert_eq!(read == 403, needs == Some(Scope::Admin), "{name} with a read token: {read}");
            assert_ne!(read, 401, "{name} with a read token");
            let admin = status(Some("Bearer admin-token"));
            assert!(![401, 403, 405, 500, 0].contains(&admin), "{name} with an admin token: {admin}");
            if needs.is_none() {
                // Logging in is open, and needs a token in the body.
                let expected = if offer.action == Action::BeginSession { [400, 400, 400] } else { [200, 204, 404] };
                assert!(expected.contains(&status(None)), "{name} is open: {}", status(None));
            }
            let as_user = status(Some(&read_as_user));
            assert_eq!(as_user != 401, offer.right == Right::Profile, "{name} with a token as user name: {as_user}");
            asked += 1;
        }
    }
    assert!(asked > 45, "{asked} methods were asked");
}

#[test]
fn a_session_may_do_what_its_token_may_do_on_every_route() {
    let server = TestServer::start();
    let own = server.url("");
    let mut changes = 0;
    for (token, scope) in [("read-token", Scope::Read), ("admin-token", Scope::Admin)] {
        let mut cookie = log_in(&server, token);
        for (route, offer) in ROUTES.iter().flat_map(|route| route.offers.iter().map(move |offer| (route, *offer))) {
            if route.surface != Surface::Control {
                continue;
            }
            let name = format!("{} {} with a session of scope {scope:?}", offer.verb.as_str(), route.path);
            let with = |more: &[(&str, &str)]| {
                let headers: Vec<_> = [("Cookie", cookie.as_str())].iter().chain(more).copied().collect();
                ask(&server, route, offer, &headers)
            };
            // What a page of a stranger makes a browser send.
            let strangers: [&[(&str, &str)]; 4] = [
                &[],
                &[("Origin", "https://evil.example")],
                &[("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
                &[("Origin", &own), ("Sec-Fetch-Site", "same-site")],
            ];
            let expected = if needed(offer) > Some(scope) { 403 } else { 200 };
            for stranger in strangers {
                let answer = with(stranger);
                if offer.verb != Verb::Get {
                    assert_eq!((answer.status, answer.code().as_str()), (403, "cross_origin"), "{name}: {stranger:?}");
                    changes += 1;
                } else if answer.status != 404 && answer.status != 400 {
                    assert_eq!(answer.status, expected, "{name}: {stranger:?}");
                    assert_eq!(answer.header("access-control-allow-origin"), None, "{name}");
                }
            }
            for ours in [&[("Origin", own.as_str())][..], &[("Sec-Fetch-Site", "same-origin")]] {
                let answer = with(ours);
                assert_eq!(answer.status == 403, expected == 403, "{name}: {ours:?}, {}", answer.text());
                assert!(![401, 405, 500, 0].contains(&answer.status), "{name}: {}", answer.status);
                if answer.status == 403 {
                    assert_eq!(answer.code(), "forbidden", "{name}");
                }
            }
            let both = with(&[("Authorization", "Bearer wrong"), ("Origin", &own)]);
            assert_eq!(both.status, 401, "{name}: the head wins over the cookie");
            if offer.action == Action::EndSession {
                assert_eq!(server.request("GET", "/api/session", &[("Cookie", &cookie)], "").status, 401, "{name}");
                cookie = log_in(&server, token);
            }
        }
    }
    assert!(changes > 100, "{changes} changes were tried");
}

#[test]
fn a_token_in_the_head_needs_no_origin_whatever_the_cookie() {
    let server = TestServer::start();
    let cookie = log_in(&server, "read-token");
    let headers =
        [("Authorization", "Bearer admin-token"), ("Cookie", cookie.as_str()), ("Origin", "https://evil.example")];
    let made = server.request("POST", "/api/tokens", &headers, r#"{"name":"one","scope":"read"}"#);
    assert_eq!(made.status, 201, "{}", made.text());
}

#[test]
fn what_is_not_in_the_table_is_not_there_whatever_the_key() {
    let server = TestServer::start();
    let admin = [("Authorization", "Bearer admin-token")];
    for path in
        ["/api", "/api/", "/api/people/", "/api/people/x/y", "/api/peoples", "/api/merges/1", "/docs/../api/people"]
    {
        let answer = server.request("GET", path, &admin, "");
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.status);
    }
    for (verb, path) in
        [("DELETE", "/api/feed"), ("GET", "/api/merges"), ("POST", "/api/people"), ("PUT", "/api/events")]
    {
        let answer = server.request(verb, path, &admin, "");
        assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{verb} {path}");
        assert!(answer.header("allow").is_some(), "{verb} {path}");
    }
}
