//! `roundtower demo`: what a newcomer sees is there, keeps moving, and leaves nothing behind.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Instant;

use roundtower::call::time::Time;
use roundtower::demo::{Live, Week};
use roundtower::ingest::import::Importer;
use roundtower::ingest::settings::Settings;
use roundtower::ingest::source::Merges;
use serde_json::Value;

use crate::support::{Answer, PATIENCE, http, program, run};

/// A running demo, whose temporary folder lies in a folder of the test.
struct Demo {
    child: Child,
    /// Read to the end by nobody else: a closed pipe must not disturb the demo.
    _out: BufReader<ChildStdout>,
    port: u16,
    admin: String,
    viewer: String,
}

impl Demo {
    /// Starts it and waits until it invites to look around.
    fn start(temporary: &Path, arguments: &[&str]) -> Self {
        let mut command = program();
        command.current_dir(temporary).env("TMPDIR", temporary).args(["demo", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).expect("text");
            assert!(!line.is_empty(), "it ended early");
            line.trim().to_owned()
        };
        let ready = line();
        let url = ready.strip_prefix("roundtower is ready on ").expect("the ready line").to_owned();
        let mut token = || loop {
            if let Some(token) = line().strip_prefix(&format!("{url}/login#")) {
                return token.to_owned();
            }
        };
        let (admin, viewer) = (token(), token());
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Self { child, _out: out, port, admin, viewer }
    }

    fn ask(&self, token: &str, path: &str) -> Answer {
        http::request(self.port, "GET", path, &[("Authorization", &format!("Bearer {token}"))], b"")
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.ask(&self.viewer, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    fn items(&self, path: &str) -> Vec<Value> {
        self.get(path)["items"].as_array().expect("a list").clone()
    }

    fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path);
            if is_so(&answer) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain at {path}: {answer}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Ends it as an operator does.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the signal is sent");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folders(temporary: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(temporary).expect("a folder").flatten().map(|entry| entry.path());
    all.filter(|path| path.is_dir()).collect()
}

#[test]
fn everything_a_newcomer_should_see_is_there() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = Demo::start(temporary.path(), &["--seed", "7"]);
    assert_eq!(folders(temporary.path()).len(), 1);
    people_and_groups(&demo);
    identities(&demo);
    events(&demo);
    relay(&demo);
    live(&demo);
    demo.stop();
    assert_eq!(folders(temporary.path()), Vec::<PathBuf>::new(), "nothing is left");
}

fn people_and_groups(demo: &Demo) {
    let known = demo.items("/api/people?limit=500");
    assert!(known.len() > 300, "{} people", known.len());
    let name =
        |is: fn(char) -> bool| known.iter().any(|one| one["name"].as_str().is_some_and(|name| name.contains(is)));
    assert!(name(|letter| ('\u{590}'..'\u{700}').contains(&letter)), "somebody is written from right to left");
    assert!(name(|letter| letter >= '\u{1f300}'), "somebody has an emoji");
    assert!(
        known.iter().any(|one| one["anonymous_ids"].as_array().is_some_and(|ids| ids.len() > 1)),
        "somebody has two devices"
    );
    assert!(demo.items("/api/people?limit=500&anonymous=only").len() > 100);
    let groups = demo.items("/api/groups?limit=500");
    assert!((30..=40).contains(&groups.len()) && groups.iter().any(|group| group["members"].as_u64() > Some(1)));
    let audiences = demo.items("/api/audiences");
    for class in ["audience", "computed_trait", "journey_step"] {
        assert!(audiences.iter().any(|one| one["class"] == class && one["members"].as_u64() > Some(0)), "{class}");
    }
    assert_eq!(demo.ask(&demo.viewer, "/api/sources").status, 403, "the second link may only read");
    let sources = demo.ask(&demo.admin, "/api/sources").json();
    let kinds: Vec<&Value> = sources["items"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert!(kinds.len() == 8 && kinds.contains(&&"server".into()) && kinds.contains(&&"browser".into()), "{sources}");
}

fn identities(demo: &Demo) {
    let of = |user: &str| demo.get(&format!("/api/people/user_id:{user}/identity"));
    assert_eq!(of("fam_basil")["refused"][0]["code"], "shared_device");
    assert_eq!(of("twin_3a")["possible_duplicates"][0]["by"], "email");
    assert_eq!(of("twin_1b")["id"], of("twin_1a")["id"], "merged");
    assert_eq!(of("twin_2a")["undone"][0]["rule"], "operator");
    assert_ne!(of("twin_2b")["id"], of("twin_2a")["id"], "and taken back");
    assert_eq!(demo.get("/api/people/user_id:legacy-70")["former_user_ids"][0], "legacy-70", "an alias");
    assert_eq!(demo.get("/api/people/user_id:fam_juno")["reserved_ids"][0], "legacy-99");
    let changed = |key: &str| {
        demo.items("/api/people?limit=500").iter().any(|person| {
            let traits = demo.items(&format!("/api/people/{}/traits", person["id"].as_str().expect("an id")));
            traits.iter().any(|one| one["key"] == key && one["former"].as_array().is_some_and(|all| !all.is_empty()))
        })
    };
    assert!(changed("plan") && changed("address"), "plans and cities have a history");
}

fn events(demo: &Demo) {
    let events = demo.items("/api/events?limit=500");
    let find = |name: &str| events.iter().find(|event| event["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    for name in [
        "Product Viewed",
        "Product Added",
        "Checkout Started",
        "Order Completed",
        "Signed Up",
        "Invited Teammate",
        "Trial Started",
        "Plan Upgraded",
        "Feature Used",
        "Video Content Playing",
        "Application Opened",
        "Email Opened",
    ] {
        assert!(find(name)["count"].as_u64() > Some(0), "{name}");
    }
    assert_eq!(find("Autosave Ticked")["hidden"], true);
    let refused = demo.items("/api/rejections");
    for code in ["event_not_defined", "no_user_anon_id", "unknown_type"] {
        assert!(refused.iter().any(|one| one["code"] == code), "{code}");
    }
    let stats = demo.get("/api/stats?interval=day");
    let days = stats["buckets"].as_array().expect("a list");
    let sum = |verdict: &str| days.iter().map(|day| day["verdicts"][verdict].as_u64().unwrap_or_default()).sum::<u64>();
    assert!(sum("appended") > 0 && sum("filtered") > 0 && sum("rejected") > 0, "{stats}");
    let busy = days.iter().filter(|day| day["active_people"].as_u64() > Some(50)).count();
    assert!(busy >= 6, "the week is spread over its days: {stats}");
}

fn relay(demo: &Demo) {
    demo.until("/api/relay/windsor", |one| one["counts"]["delivered"].as_u64() > Some(100));
    demo.until("/api/relay/newsletter", |one| {
        one["counts"]["dead"].as_u64() > Some(0)
            && one["last_failure"]["at"].is_string()
            && one["counts"]["delivered"].as_u64() > Some(0)
    });
    let late = demo.get("/api/relay/newsletter");
    assert!(late["counts"]["filtered"].as_u64() > Some(10_000), "it began late in the week: {late}");
    let windsor = demo.get("/api/relay/windsor");
    assert_eq!((&windsor["counts"]["dead"], &windsor["last_failure"]), (&0.into(), &Value::Null), "this one works");
}

/// Traffic arrives while somebody watches.
fn live(demo: &Demo) {
    let mut socket = TcpStream::connect(("127.0.0.1", demo.port)).expect("the server accepts");
    let (port, viewer) = (demo.port, &demo.viewer);
    let head = format!(
        "GET /api/feed/live?hidden=true HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {viewer}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("the request is sent");
    socket.set_read_timeout(Some(PATIENCE)).expect("an option is set");
    let (mut text, mut buffer) = (String::new(), vec![0; 64 * 1024]);
    while text.matches("\ndata: ").count() < 5 {
        let count = socket.read(&mut buffer).expect("more comes");
        assert!(count > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[test]
fn a_folder_that_is_kept_goes_on_with_the_same_people() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("kept");
    let data = data.to_str().unwrap();
    let demo = Demo::start(temporary.path(), &["--data", data, "--seed", "9"]);
    let undone = demo.get("/api/people/user_id:twin_2a/identity")["undone"].clone();
    let tail = demo.get("/status")["tail"].as_u64().expect("a number");
    demo.stop();
    let demo = Demo::start(temporary.path(), &["--data", data]);
    assert_eq!(demo.get("/api/people/user_id:twin_2a/identity")["undone"], undone, "orders are given once");
    let again = demo.get("/status")["tail"].as_u64().expect("a number");
    assert!((tail..tail + 5_000).contains(&again), "the week is there once: {tail}, then {again}");
    live(&demo);
    let (status, _, text) = run(temporary.path(), &["demo", "--data", data, "--listen", "127.0.0.1:0"], b"");
    assert_eq!(status, 1, "held: {text}");
    demo.stop();
    let (status, _, text) = run(temporary.path(), &["demo", "--data", data, "--seed", "10"], b"");
    assert!(status == 2 && text.contains("seed 9"), "{text}");
    let (status, _, text) = run(temporary.path(), &["demo", "--data", temporary.path().to_str().unwrap()], b"");
    assert!(status == 2 && text.contains("no demo's"), "{text}");
}

#[test]
fn what_a_kill_leaves_is_removed_by_the_next_demo_and_nothing_else_is() {
    let temporary = tempfile::tempdir().unwrap();
    let mut killed = Demo::start(temporary.path(), &[]);
    let left = folders(temporary.path());
    killed.child.kill().expect("it is killed");
    killed.child.wait().expect("it is gone");
    drop(killed);
    let foreign = temporary.path().join("roundtower-demo-1-notours");
    std::fs::create_dir(&foreign).unwrap();
    let linked = temporary.path().join("roundtower-demo-4194300-link");
    std::os::unix::fs::symlink(&foreign, &linked).unwrap();
    let running = Demo::start(temporary.path(), &[]);
    let other = Demo::start(temporary.path(), &[]);
    assert!(left.iter().all(|path| !path.exists()), "the leftover is gone");
    assert_eq!(running.get("/status")["views"]["stopped"], Value::Null, "a running one is not touched");
    running.stop();
    other.stop();
    assert!(foreign.exists() && linked.exists());
}

/// What is in a configuration file of the place does not count: it could name destinations that are real.
#[test]
fn no_configuration_file_is_read() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::write(temporary.path().join("config.toml"), "listen = \"nowhere\"\nno_such_key = 1\n").unwrap();
    let demo = Demo::start(temporary.path(), &[]);
    let names: Vec<Value> = demo.items("/api/relay").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["windsor", "newsletter"]);
    assert!(demo.items("/api/relay").iter().all(|one| one["url"].as_str().unwrap().starts_with("http://127.0.0.1:")));
    demo.stop();
}

#[test]
fn ingest_takes_every_call_but_those_that_are_to_be_refused() {
    let now = Time::parse("2026-11-23T12:00:00Z").unwrap();
    for seed in [1, 7] {
        let week = Week::play(seed, now);
        let mut importer = Importer::new(Arc::from("demo"), Merges::All, Settings::default());
        for (number, sent) in (1..).zip(&week.calls) {
            let line = sent.archived().to_string();
            let read = importer.read(line.as_bytes(), number, now).unwrap_or_else(|error| panic!("{error:?}: {line}"));
            assert_eq!(read.expect("a call").call.timestamp, sent.at);
        }
        for sent in &week.refused {
            assert!(importer.read(sent.live().to_string().as_bytes(), 1, now).is_err(), "{}", sent.live());
        }
        let mut live = Live::after(week, seed, now);
        let mut refused = 0;
        for second in (0..600).step_by(10) {
            let at = Time::from_millis(now.as_millis() + second * 1_000);
            refused += live
                .until(at)
                .iter()
                .filter(|sent| importer.read(sent.live().to_string().as_bytes(), 1, at).is_err())
                .count();
        }
        assert!((5..15).contains(&refused), "seed {seed}: {refused} a ten minutes");
    }
}
