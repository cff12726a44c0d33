//! One server and its receivers: how destinations are configured, asked and ordered about.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::support::{PATIENCE, Setup, TestServer, http};

/// Short pauses, so that what is tried again is tried again soon, and a time limit that no living receiver meets.
pub(super) const QUICK: &str = "retry_initial_ms = 20\nretry_max_ms = 200\ntimeout_ms = 30000\n";

/// A destination and where it leads.
pub(super) struct To {
    pub(super) name: String,
    pub(super) format: &'static str,
    /// More lines of its configuration.
    pub(super) more: String,
    pub(super) receiver: Receiver,
}

impl To {
    pub(super) fn new(name: &str, format: &'static str, more: &str, receiver: Receiver) -> Self {
        Self { name: name.to_owned(), format, more: more.to_owned(), receiver }
    }
}

/// A server with destinations.
pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) all: Vec<To>,
    pub(super) life: u64,
    /// Calls sent by [`Scene::send`].
    sent: u64,
}

impl Scene {
    pub(super) fn start(all: Vec<To>) -> Self {
        Self::start_with(Setup::default(), all)
    }

    pub(super) fn start_with(setup: Setup, all: Vec<To>) -> Self {
        let mut tables = String::new();
        for to in &all {
            let (name, format, url) = (&to.name, to.format, to.receiver.windsor.url("/life-1"));
            write!(tables, "[[destinations]]\nname = \"{name}\"\nformat = \"{format}\"\nurl = \"{url}\"\n").unwrap();
            write!(tables, "api_key = \"the-key\"\nfrom = \"start\"\n{}\n", to.more).unwrap();
        }
        Self { server: setup.tables(&tables).start(), all, life: 1, sent: 0 }
    }

    pub(super) fn to(&self, name: &str) -> &To {
        self.all.iter().find(|to| to.name == name).unwrap()
    }

    /// Changes the configuration of the server, which has to be down.
    pub(super) fn configure(&self, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.server.config()).unwrap();
        assert!(text.contains(old), "{old} is not in the configuration");
        std::fs::write(self.server.config(), text.replace(old, new)).unwrap();
    }

    /// From the next start on, every request says that it comes from that one.
    pub(super) fn next_life(&mut self) {
        self.configure(&format!("/life-{}\"", self.life), &format!("/life-{}\"", self.life + 1));
        self.life += 1;
    }

    /// Sends so many calls of a few people in one batch; they have to be taken.
    pub(super) fn send(&mut self, count: u64) {
        let calls: Vec<Value> = (self.sent..self.sent + count)
            .map(|number| {
                let (id, person) = (format!("c{number}"), format!("p{}", number % 7));
                json!({"type": "track", "event": "Sent", "userId": person, "messageId": id})
            })
            .collect();
        self.sent += count;
        self.post(&calls);
    }

    /// Sends these calls in one batch; they have to be taken.
    pub(super) fn post(&self, calls: &[Value]) {
        let answer = self.server.post("/v1/batch", json!({"batch": calls}).to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// How a destination stands.
    pub(super) fn ask(&self, name: &str) -> Value {
        let answer = self.server.get_as("read-token", &format!("/api/relay/{name}"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        answer.json()
    }

    /// An order of the operator.
    pub(super) fn order(&self, path: &str) {
        let port = self.server.port();
        let answer = http::request(port, "POST", path, &[("Authorization", "Bearer admin-token")], b"{}");
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    }

    /// Waits until a destination is like this.
    pub(super) fn until(&self, name: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let found = self.ask(name);
            if is_so(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {found}\n{}", tail(&self.server.log()));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nothing is pending anywhere and no order is open.
    pub(super) fn settle(&self) {
        for to in &self.all {
            self.settle_one(&to.name);
        }
    }

    pub(super) fn settle_one(&self, name: &str) {
        self.until(name, "nothing to be pending", |found| {
            found["counts"]["pending"] == 0 && found["redelivering"] == 0 && found["in_flight"] == 0
        });
    }

    /// The message ids of the dead letters of a destination with their codes, sorted.
    pub(super) fn dead(&self, name: &str) -> Vec<(String, String)> {
        let path = format!("/api/relay/{name}/deliveries?state=dead&limit=200");
        let answer = self.server.get_as("read-token", &path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let list = answer.json();
        assert!(list["next"].is_null(), "more dead letters than this test can see: {list}");
        let text = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().unwrap().iter();
        let mut dead: Vec<_> = items.map(|one| (text(one, "message_id"), text(one, "code"))).collect();
        dead.sort();
        dead
    }
}

/// The end of a log.
pub(super) fn tail(log: &str) -> &str {
    let start = log.char_indices().rev().filter(|(_, letter)| *letter == '\n').nth(20);
    start.map_or(log, |(at, _)| &log[at + 1..])
}
