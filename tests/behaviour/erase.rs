//! Erasing a person: nothing of it is anywhere afterwards, everybody else is as before, and it stays so.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roundtower::clock::Clock;
use roundtower::journal::embedded::{InstanceId, Journal};
use roundtower::journal::{Reader as _, settings};
use serde_json::{Value, json};

use super::relay_api::{read, settled, until, vendor};
use crate::support::windsor::{Act, Reply, Windsor};
use crate::support::{Answer, PATIENCE, Setup, TestServer};

/// Part of everything that is hers: ids, traits, properties, message ids.
const CANARY: &str = "zqcanary81";

fn delete(server: &TestServer, person: &str, query: &str) -> Answer {
    server.request("DELETE", &format!("/api/people/{person}{query}"), &[("Authorization", "Bearer admin-token")], b"")
}

/// Waits until every erasure is done; answers them, the newest first.
fn erased(server: &TestServer) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.get_as("admin-token", "/api/erasures");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let items = answer.json()["items"].as_array().expect("a list").clone();
        if items.iter().all(|one| one["state"] == "done") {
            return items;
        }
        assert!(Instant::now() < deadline, "{items:?}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// No file has it, nor any record of the journal, unpacked. The server has to be stopped.
fn assert_nowhere(server: &TestServer) {
    for file in files(server.data()) {
        let bytes = std::fs::read(&file).expect("a file");
        assert!(memchr::memmem::find(&bytes, CANARY.as_bytes()).is_none(), "{}", file.display());
    }
    assert!(!server.log().contains(CANARY), "{}", server.log());
    let text = std::fs::read_to_string(server.data().join("instance.toml")).expect("an instance");
    let id = text.split('"').nth(1).expect("an id").replace('-', "");
    let id = InstanceId(u128::from_str_radix(&id, 16).expect("hexadecimal").to_be_bytes());
    let clock = Clock::System;
    let (journal, _) =
        Journal::open(&server.data().join("journal"), id, &settings::Settings::default(), &clock).expect("a journal");
    let (mut at, mut records) = (journal.first(), 0);
    while at < journal.tail().next() {
        let slice = journal.read(at, 1 << 20).expect("a slice");
        for record in slice.records() {
            let record = format!("{:?}", record.expect("a record"));
            assert!(!record.contains(CANARY), "{record}");
            records += 1;
        }
        at = slice.next;
    }
    assert!(records > 0);
    assert_eq!(journal.verify(&mut |_, _| {}).findings, []);
    journal.close();
}

fn call(kind: &str, number: u32, more: Value) -> Value {
    let mut call = json!({"type": kind, "messageId": format!("m{number}"), "timestamp": "2026-11-01T00:00:00Z"});
    if let (Value::Object(call), Value::Object(more)) = (&mut call, more) {
        call.extend(more);
    }
    call
}

fn send(server: &TestServer, calls: &[Value]) {
    for calls in calls.chunks(20) {
        assert_eq!(server.post("/v1/batch", json!({"batch": calls}).to_string()).status, 200);
    }
}

/// Her calls, on two devices, under a former id and an alias; and those of others, one of them on her device.
fn story() -> (Vec<Value>, Vec<Value>) {
    let her = |name: &str| format!("{name}-{CANARY}");
    let (user, former, device) = (her("user"), her("former"), her("device"));
    let hers = vec![
        call("page", 1, json!({"anonymousId": device, "name": her("page")})),
        call("identify", 2, json!({"userId": former, "anonymousId": device, "traits": {"email": her("mail")}})),
        call("alias", 3, json!({"previousId": former, "userId": user})),
        call(
            "track",
            4,
            json!({"userId": user, "event": "Paid", "messageId": her("id"), "properties": {"note": CANARY}}),
        ),
        call("group", 5, json!({"userId": user, "groupId": "g1", "traits": {"plan": her("plan")}})),
        call("alias", 6, json!({"previousId": her("reserved"), "userId": user})),
        call(
            "track",
            7,
            json!({"userId": user, "event": "E", "integrations": {"All": false}, "properties": {"x": CANARY}}),
        ),
    ];
    let mut others = vec![
        call("identify", 11, json!({"userId": "other", "traits": {"email": "other@example.com", "plan": "free"}})),
        call("group", 12, json!({"userId": "other", "groupId": "g1", "traits": {"city": "Here"}})),
        // On her device: it is other's all the same, and keeps nothing of the device.
        call("track", 13, json!({"userId": "other", "anonymousId": device, "event": "Paid", "properties": {"n": 1}})),
        call("track", 14, json!({"anonymousId": "visitor", "event": "Seen"})),
    ];
    others.extend((0..200).map(|number| {
        let more =
            json!({"userId": format!("u{}", number % 7), "event": "Paid", "properties": {"filler": "x".repeat(300)}});
        call("track", 100 + number, more)
    }));
    (hers, others)
}

/// What others are, without what their sequences and ids say of the journal.
fn others(server: &TestServer) -> Vec<Value> {
    let mut found = vec![read(server, "/api/people?anonymous=true&limit=100")["items"].clone()];
    for path in ["/api/people/user_id:other", "/api/people/anonymous_id:visitor", "/api/groups", "/api/audiences"] {
        let mut answer = read(server, path);
        if let Value::Object(answer) = &mut answer {
            answer.remove("through");
        }
        found.push(answer);
    }
    for path in ["/api/people/user_id:other/timeline", "/api/people/user_id:u3/timeline?limit=100", "/api/feed"] {
        let mut items = read(server, path)["items"].clone();
        for item in items.as_array_mut().expect("a list") {
            for name in ["sequence", "received_at"] {
                item.as_object_mut().expect("an object").remove(name);
            }
        }
        found.push(items);
    }
    found
}

fn visible(server: &TestServer) {
    let through = read(server, "/api/rejections")["through"].as_u64().expect("a sequence");
    read(server, &format!("/api/people?search=other&wait_for={}", through - 1));
}

/// A server that was told all of it, and a receiver that says what it did not like of her.
fn told(hers: &[Value], all_others: &[Value]) -> (Windsor, TestServer) {
    let windsor = Windsor::start();
    windsor.rule(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        // Says what it did not like, and it is said again in the ledger.
        if body.contains(CANARY) { Act::Answer(Reply::new(400).body(body.as_str())) } else { Act::Take }
    });
    let server = vendor(&windsor, "").start();
    send(&server, &hers[..4]);
    send(&server, &all_others[..2]);
    send(&server, &hers[4..]);
    send(&server, &all_others[2..]);
    let bad = json!({"type": "track", "userId": format!("user-{CANARY}"), "messageId": "bad"});
    send(&server, &[bad]);
    visible(&server);
    until(&server, "everything to be tried", |vendor| vendor["counts"]["pending"] == 0);
    assert!(read(&server, "/api/relay/vendor/deliveries?state=dead").to_string().contains(CANARY), "it was told");
    assert!(read(&server, "/api/rejections").to_string().contains(CANARY));
    (windsor, server)
}

/// She is not there for anybody who asks.
fn gone(server: &TestServer) {
    for name in ["user_id:user", "user_id:former", "anonymous_id:device", "email:mail"] {
        let path = format!("/api/people/{name}-{CANARY}");
        assert_eq!(server.get_as("read-token", &path).status, 404, "{path}");
    }
    for path in
        ["/api/people?anonymous=true&limit=100", "/api/feed?hidden=true", "/api/rejections", "/api/groups/g1/people"]
    {
        assert!(!read(server, path).to_string().contains(CANARY), "{path}");
    }
    assert_eq!(delete(server, &format!("user_id:user-{CANARY}"), "").status, 404);
}

/// Stops it: what it is made of says the same.
fn rebuilds_the_same(server: &mut TestServer, digest: &Value) {
    assert!(server.stop().success());
    let output = server.command(&["verify"]).output().expect("verify runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = server.command(&["--json", "rebuild"]).output().expect("rebuild runs");
    let rebuilt: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(rebuilt["digest"], *digest, "made anew from the same journal");
}

#[test]
fn an_erased_person_is_nowhere_and_everybody_else_is_as_if_it_had_never_been() {
    let never = TestServer::start();
    let (hers, all_others) = story();
    let mut without = all_others.clone();
    without[2].as_object_mut().expect("a call").remove("anonymousId");
    send(&never, &without);
    visible(&never);

    let (_windsor, mut server) = told(&hers, &all_others);
    let before = read(&server, "/api/relay/vendor")["counts"].clone();

    assert_eq!(
        server.request("DELETE", "/api/people/user_id:u1", &[("Authorization", "Bearer read-token")], b"").status,
        403
    );
    assert_eq!(delete(&server, "user_id:nobody", "").status, 404);
    let answer = delete(&server, &format!("user_id:former-{CANARY}"), "");
    assert_eq!(answer.status, 202, "{}", answer.text());
    let ordered = answer.json();
    assert!(ordered["erasure"].is_string() && ordered["calls"] == 6, "{ordered}");
    // At once, and for ever.
    gone(&server);
    let done = erased(&server);
    assert_eq!((done.len(), &done[0]["calls"], &done[0]["by"]), (1, &json!(7), &json!("test-admin")), "{done:?}");
    assert!(!done[0].to_string().contains(CANARY) && done[0]["done_at"].is_string());
    gone(&server);
    assert_eq!(others(&server), others(&never));

    // What was told of her is gone, the accounts are not: nothing was delivered or given up since.
    let deliveries = read(&server, "/api/relay/vendor/deliveries?limit=500").to_string();
    assert!(!deliveries.contains(CANARY));
    let now = until(&server, "the order of the operator to be passed", |vendor| vendor["counts"]["pending"] == 0);
    assert_eq!((&now["counts"]["delivered"], &now["counts"]["dead"]), (&before["delivered"], &before["dead"]));
    let verified = server.request("POST", "/api/verify", &[("Authorization", "Bearer admin-token")], b"").json();
    assert_eq!(verified["findings"], json!([]), "{verified}");

    // A late copy stays a duplicate, a redelivery of dead letters sends nothing of her.
    send(&server, &hers);
    let answer =
        server.request("POST", "/api/relay/vendor/redeliver", &[("Authorization", "Bearer admin-token")], "{}");
    assert_eq!(answer.status, 202, "{}", answer.text());
    until(&server, "the redelivery", |vendor| vendor["redelivering"] == 0 && vendor["counts"]["pending"] == 0);
    visible(&server);
    gone(&server);
    let exported = server.export();
    assert!(!format!("{exported:?}").contains(CANARY));
    assert_eq!(exported.len(), all_others.len() + 1, "others, and the order");
    rebuilds_the_same(&mut server, &verified["views"]["digest"]);
    assert_nowhere(&server);
    server.spawn();
    visible(&server);
    gone(&server);
    assert_eq!(others(&server), others(&never));
}

#[test]
fn without_suppression_a_later_call_is_of_a_new_person_with_it_nobody_comes_back() {
    let mut server = TestServer::start();
    let (hers, _) = story();
    send(&server, &hers);
    visible_plain(&server);
    assert_eq!(delete(&server, &format!("user_id:user-{CANARY}"), "").status, 202);
    erased(&server);
    let again = call("identify", 50, json!({"userId": format!("user-{CANARY}"), "traits": {"n": 1}}));
    send(&server, &[again]);
    visible_plain(&server);
    let person = read(&server, &format!("/api/people/user_id:user-{CANARY}"));
    assert_eq!((&person["former_user_ids"], &person["traits"]), (&json!([]), &json!({"n": 1})));

    let answer = delete(&server, &format!("user_id:user-{CANARY}"), "?suppress=true");
    assert_eq!(answer.status, 202, "{}", answer.text());
    for restarted in [false, true] {
        if restarted {
            erased(&server);
            server.restart();
        }
        let late = [
            call("track", 60, json!({"userId": format!("user-{CANARY}"), "event": "E", "properties": {"x": CANARY}})),
            call("alias", 61, json!({"userId": "fine", "previousId": format!("user-{CANARY}")})),
            call("track", 62, json!({"userId": "fine", "event": "E"})),
        ];
        let headers = [("Authorization", &*crate::support::http::basic("server-key")), ("X-Roundtower-Receipt", "1")];
        let answer = server.request("POST", "/v1/batch", &headers, json!({"batch": late}).to_string());
        assert_eq!(answer.status, 200);
        let receipts = answer.json()["receipts"].clone();
        for at in [0, 1] {
            assert_eq!((&receipts[at]["status"], &receipts[at]["code"]), (&json!("rejected"), &json!("suppressed")));
        }
        assert_eq!(receipts[2]["code"], Value::Null);
        let rejections = read(&server, "/api/rejections?code=suppressed");
        assert_eq!(rejections["items"].as_array().map(Vec::len), Some(2), "{rejections}");
        assert!(!rejections.to_string().contains(CANARY), "{rejections}");
    }
    let line =
        json!({"type": "track", "userId": format!("user-{CANARY}"), "event": "E", "messageId": "late"}).to_string();
    let answer = server.request("POST", "/api/import?source=api", &[("Authorization", "Bearer admin-token")], line);
    assert_eq!(answer.json()["bad_lines"][0]["code"], "suppressed", "{}", answer.text());
    assert_eq!(erased(&server).len(), 2);
    assert_eq!(server.get_as("read-token", &format!("/api/people/user_id:user-{CANARY}")).status, 404);
    assert!(server.stop().success());
    assert_nowhere(&server);
}

fn visible_plain(server: &TestServer) {
    let through = read(server, "/api/rejections")["through"].as_u64().expect("a sequence");
    read(server, &format!("/api/people?search=x&wait_for={}", through - 1));
}

#[test]
fn merges_by_an_operator_are_erased_with_the_person() {
    let mut server = TestServer::start();
    send(
        &server,
        &[
            call("identify", 1, json!({"userId": format!("a-{CANARY}"), "traits": {"x": CANARY}})),
            call("identify", 2, json!({"userId": "b", "traits": {"y": 2}})),
            call("identify", 3, json!({"userId": format!("c-{CANARY}"), "traits": {"z": CANARY}})),
        ],
    );
    visible_plain(&server);
    let merge = |from: &str, into: &str| {
        let body = json!({"from": from, "into": into}).to_string();
        let answer = server.request("POST", "/api/merges", &[("Authorization", "Bearer admin-token")], body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["sequence"].as_u64().expect("a sequence")
    };
    merge(&format!("user_id:a-{CANARY}"), &format!("user_id:c-{CANARY}"));
    let with_b = merge("user_id:b", &format!("user_id:c-{CANARY}"));
    let undo = format!("/api/merges/{with_b}/undo");
    assert_eq!(server.request("POST", &undo, &[("Authorization", "Bearer admin-token")], b"").status, 200);
    assert_eq!(delete(&server, &format!("user_id:a-{CANARY}"), "").status, 202);
    assert_eq!(erased(&server)[0]["calls"], 4, "two of each call, and two merges");
    let b = read(&server, "/api/people/user_id:b");
    assert_eq!((&b["traits"], &b["former_user_ids"]), (&json!({"y": 2}), &json!([])));
    assert_eq!(server.get_as("read-token", &format!("/api/people/user_id:c-{CANARY}")).status, 404);
    assert!(server.stop().success());
    assert_nowhere(&server);
}

#[test]
fn the_command_works_through_the_server_and_on_the_folder_of_a_stopped_one() {
    let windsor = Windsor::start();
    let mut server = vendor(&windsor, "").start();
    let (hers, _) = story();
    let second = call("identify", 90, json!({"userId": format!("second-{CANARY}"), "traits": {"x": CANARY}}));
    send(&server, &[hers, vec![second], vec![call("track", 91, json!({"userId": "stays", "event": "E"}))]].concat());
    visible_plain(&server);
    settled(&server, 8, 1, 0);
    let run = |server: &TestServer, arguments: &[&str]| {
        let output = server.command(arguments).output().expect("it runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (status, text) = run(&server, &["erase", &format!("user_id:user-{CANARY}")]);
    assert!(status == Some(0) && text.contains("7 calls") && text.contains("backups"), "{text}");
    assert!(server.stop().success());
    let (status, text) = run(&server, &["erase", &format!("user_id:second-{CANARY}"), "--suppress", "--json"]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = run(&server, &["erase", &format!("user_id:second-{CANARY}")]);
    assert!(status == Some(1) && text.contains("no such person"), "{text}");
    assert_nowhere(&server);
    server.spawn();
    assert_eq!(erased(&server).len(), 2);
    read(&server, "/api/people/user_id:stays");
    assert_eq!(server.get_as("read-token", &format!("/api/people/user_id:second-{CANARY}")).status, 404);
}

#[test]
fn a_webhook_erases_only_when_its_source_may() {
    let more = "[[sources]]\nname = \"deleting\"\nwrite_key = \"deleting-key\"\ndeletes = true";
    let server = Setup::default().tables(more).start();
    send(&server, &[call("identify", 1, json!({"userId": "gone", "traits": {"x": 1}}))]);
    visible_plain(&server);
    let wish = json!({"type": "delete", "userId": "gone", "timestamp": "2026-11-01T00:00:00Z"}).to_string();
    assert_eq!(server.post_as("server-key", "/v1/webhook", &wish).status, 200);
    assert_eq!(read(&server, "/api/rejections")["items"][0]["code"], "delete_not_allowed");
    read(&server, "/api/people/user_id:gone");
    let wishes = json!([
        {"type": "delete", "userId": "gone"}, {"type": "delete", "userId": "never was"}, {"type": "delete"},
        {"type": "track", "userId": "fine", "event": "E"}
    ]);
    let headers = [("Authorization", &*crate::support::http::basic("deleting-key")), ("X-Roundtower-Receipt", "1")];
    let answer = server.request("POST", "/v1/webhook", &headers, wishes.to_string());
    let statuses: Vec<_> = (0..4).map(|at| answer.json()["receipts"][at]["status"].clone()).collect();
    assert_eq!(statuses, ["erased", "erased", "rejected", "appended"], "{}", answer.text());
    assert_eq!(server.get_as("read-token", "/api/people/user_id:gone").status, 404);
    let done = erased(&server);
    assert_eq!((done.len(), &done[0]["by"]), (1, &json!("webhook")));
}
