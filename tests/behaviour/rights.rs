//! Deny by default: every route of the table, asked with every kind of key.

use roundtower::access::token::Scope;
use roundtower::http::routes::{Action, Offer, ROUTES, Right, Route, Surface};

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

fn ask(server: &TestServer, route: &Route, offer: Offer, authorization: Option<&str>) -> Answer {
    // A stream that is allowed has no end; its head tells as much.
    let verb = if offer.action == Action::Live { "HEAD" } else { offer.verb.as_str() };
    let headers: Vec<(&str, &str)> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
    server.request(verb, &path(route), &headers, "")
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
            let status = |authorization: Option<&str>| ask(&server, route, *offer, authorization).status;
            let needs = match offer.right {
                Right::Open => None,
                Right::Token(scope) => Some(scope),
                Right::Metrics | Right::Profile => Some(Scope::Read),
            };
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
                assert!([200, 404].contains(&status(None)), "{name} is open");
            }
            let as_user = status(Some(&read_as_user));
            assert_eq!(as_user != 401, offer.right == Right::Profile, "{name} with a token as user name: {as_user}");
            asked += 1;
        }
    }
    assert!(asked > 45, "{asked} methods were asked");
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
