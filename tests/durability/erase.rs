//! `kill -9` while somebody is erased: the order that was answered is carried out, others lose nothing, and nothing of the
//! person is left.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::chance::{Chance, number};
use super::program::assert_verifies;
use super::tell::tell;
use crate::support::{PATIENCE, Setup, TestServer};

const CANARY: &str = "qzcanary";
/// Calls of others and of the person in each cycle, in turns.
const CALLS: u64 = 150;

fn send(server: &TestServer, person: &str, cycle: u64) {
    let calls = (0..CALLS).flat_map(|number| {
        let id = format!("{cycle}-{number}");
        let filler = "x".repeat(400);
        [
            json!({"type": "track", "userId": format!("u{}", number % 11), "event": "E", "messageId": id, "properties": {"f": filler}}),
            json!({"type": "track", "userId": person, "event": "E", "messageId": format!("{person}-{number}"), "properties": {"c": CANARY}}),
        ]
    });
    for batch in calls.collect::<Vec<_>>().chunks(100) {
        assert_eq!(server.post("/v1/batch", json!({"batch": batch}).to_string()).status, 200);
    }
}

/// Others' calls, without what they were given here.
fn others(server: &TestServer) -> Vec<Value> {
    let all =
        server.export().into_iter().filter(|record| record["userId"].as_str().is_some_and(|id| !id.contains(CANARY)));
    all.collect()
}

fn holds(folder: &Path) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = if path.is_dir() {
            holds(&path)
        } else {
            let bytes = std::fs::read(&path).unwrap();
            memchr::memmem::find(&bytes, CANARY.as_bytes()).map(|_| path.display().to_string())
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn wait_done(server: &TestServer) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let items =
            server.get_as("admin-token", "/api/erasures").json()["items"].as_array().cloned().unwrap_or_default();
        if items.iter().all(|one| one["state"] == "done") {
            return items;
        }
        assert!(Instant::now() < deadline, "{items:?}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn kill_while_somebody_is_erased() {
    let mut chance = Chance::new("kill_while_somebody_is_erased");
    let small = "[journal]\nopen_volume_bytes_max = 1048576\nvolume_bytes_max = 4194304\n";
    let mut server = Setup::default().tables(small).start();
    let cycles = number("ROUNDTOWER_CYCLES").unwrap_or(5);
    let mut kills = 0;
    for cycle in 0..cycles {
        let person = format!("{CANARY}-{cycle}");
        send(&server, &person, cycle);
        let before = others(&server);
        let through = server.get_as("read-token", "/api/rejections").json()["through"].as_u64().unwrap();
        let path = format!("/api/people/user_id:{person}?wait_for={}", through - 1);
        assert_eq!(server.get_as("read-token", &path).status, 200);
        let path = format!("/api/people/user_id:{person}");
        let answer = server.request("DELETE", &path, &[("Authorization", "Bearer admin-token")], b"");
        assert_eq!(answer.status, 202, "{}", answer.text());
        // Once while it is carried out, and now and then again while that goes on after the start.
        for _ in 0..=chance.below(3) {
            std::thread::sleep(Duration::from_millis(chance.below(250)));
            server.kill();
            kills += 1;
            server.spawn();
            assert_eq!(server.get_as("read-token", &path).status, 404, "at once, after every start");
        }
        let done = wait_done(&server);
        assert_eq!((done.len() as u64, &done[0]["calls"]), (cycle + 1, &json!(CALLS)), "cycle {cycle}");
        assert_eq!(server.get_as("read-token", &path).status, 404);
        assert_eq!(others(&server), before, "cycle {cycle}");
        assert_eq!(server.export().len(), before.len() + done.len(), "others, and the orders");
    }
    tell(&format!("{kills} kills, {cycles} people erased"));
    assert!(server.stop().success());
    assert_eq!(holds(server.data()), None);
    assert_verifies(&server);
}
