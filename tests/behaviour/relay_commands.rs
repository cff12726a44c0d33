//! The `relay` commands and the relay's part of `verify`: through a running server, and on the folder of a stopped one.

use serde_json::{Value, json};

use super::relay_api::{picky, read, send, settled, until, vendor};
use crate::support::TestServer;
use crate::support::windsor::Windsor;

/// Runs a command; its status, and what it printed on both.
fn run(server: &TestServer, arguments: &[&str]) -> (i32, String, String) {
    let output = server.command(arguments).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The JSON that a command prints.
fn result(server: &TestServer, arguments: &[&str]) -> Value {
    let (status, out, error) = run(server, &[&["--json"], arguments].concat());
    assert_eq!(status, 0, "{arguments:?}: {error}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn through_a_running_server() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "bad-2", "bad-3"]);
    let shown = settled(&server, 1, 0, 3);
    let all = result(&server, &["relay", "status"]);
    assert_eq!((&all[0]["name"], &all[0]["counts"]), (&json!("vendor"), &shown["counts"]));
    assert_eq!(result(&server, &["relay", "status", "vendor"])["counts"], shown["counts"]);
    let (_, text, _) = run(&server, &["relay", "status"]);
    assert!(text.contains("0 pending, 1 delivered, 0 filtered, 3 dead"), "{text}");
    assert!(!text.contains("No server"), "{text}");
    let (_, text, _) = run(&server, &["relay", "status", "vendor"]);
    assert!(text.contains("last failure") && text.contains("breaker closed"), "{text}");

    let (status, text, _) = run(&server, &["relay", "pause", "vendor"]);
    assert_eq!((status, read(&server, "/api/relay/vendor")["state"].as_str()), (0, Some("paused")), "{text}");
    let (status, text, _) = run(&server, &["relay", "status"]);
    assert!(status == 0 && text.contains("an operator paused it"), "{text}");
    assert_eq!(result(&server, &["relay", "resume", "vendor"])["state"], "running");

    windsor.refuse(|_| None);
    let one = result(&server, &["relay", "redeliver", "vendor", "--message-id", "bad-1"]);
    assert_eq!((&one["from"], &one["records"]), (&json!(2), &json!(1)));
    settled(&server, 2, 0, 2);
    result(&server, &["relay", "redeliver", "vendor", "--from", "3", "--to", "4", "--type", "track"]);
    settled(&server, 3, 0, 1);
    let (status, text, _) = run(&server, &["relay", "redeliver", "vendor", "--all-dead"]);
    assert!(status == 0 && text.contains("dead letters among 4 records"), "{text}");
    settled(&server, 4, 0, 0);
    assert_eq!(windsor.ids(), ["a", "bad-1", "bad-2", "bad-3"]);

    for (arguments, expected, words) in [
        (&["relay", "status", "none"][..], 1, "there is no destination `none`; the configuration has: vendor"),
        (&["relay", "redeliver", "vendor", "--message-id", "none"], 1, "no call with this `message_id`"),
        (&["relay", "redeliver", "vendor", "--state", "all"], 1, "needs `from`"),
        (&["relay", "redeliver", "vendor", "--all-dead", "--sequence", "1"], 2, "cannot be used with"),
        (&["relay", "redeliver"], 2, "required"),
    ] {
        let (status, _, error) = run(&server, arguments);
        assert_eq!(status, expected, "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn on_the_folder_of_a_stopped_server() {
    let windsor = Windsor::start();
    picky(&windsor);
    let mut server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "bad-2"]);
    settled(&server, 1, 0, 2);
    assert!(server.stop().success());
    let sent = windsor.requests().len();
    let counts = json!({"pending": 0, "delivered": 1, "filtered": 0, "dead": 2});
    assert_eq!(result(&server, &["relay", "status", "vendor"])["counts"], counts);
    let (_, text, _) = run(&server, &["relay", "status"]);
    assert!(text.contains("No server runs on this folder"), "{text}");
    assert_eq!(result(&server, &["relay", "pause", "vendor"])["state"], "paused");
    let order = result(&server, &["relay", "redeliver", "vendor", "--message-id", "bad-2"]);
    assert_eq!(order["from"], 3);
    let (status, _, error) = run(&server, &["relay", "redeliver", "vendor", "--sequence", "9"]);
    assert!(status == 1 && error.contains("no record 9"), "{error}");
    let (status, _, error) = run(&server, &["relay", "pause", "none"]);
    assert!(status == 1 && error.contains("there is no destination `none`"), "{error}");

    windsor.refuse(|_| None);
    server.spawn();
    until(&server, "the order and the pause", |vendor| vendor["state"] == "paused" && vendor["redelivering"] == 1);
    assert_eq!(windsor.requests().len(), sent, "nothing is sent to a paused destination");
    assert!(server.stop().success());
    assert_eq!(result(&server, &["relay", "resume", "vendor"])["state"], "running");
    server.spawn();
    settled(&server, 2, 0, 1);
    assert_eq!(windsor.ids(), ["a", "bad-2"]);
}

#[test]
fn verify_counts_what_the_relay_says() {
    let windsor = Windsor::start();
    picky(&windsor);
    let mut server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "b"]);
    settled(&server, 2, 0, 1);
    let line = "relay to `vendor`: 3 appended = 2 delivered + 0 filtered + 0 pending + 1 dead";
    let (status, text, _) = run(&server, &["verify"]);
    assert!(status == 0 && text.contains(line), "{text}");
    assert!(server.stop().success());
    let (status, text, _) = run(&server, &["verify"]);
    assert!(status == 0 && text.contains(line), "{text}");
    let account = json!([{"destination": "vendor", "appended": 3, "delivered": 2, "filtered": 0, "pending": 0, "dead": 1, "equal": true}]);
    assert_eq!(result(&server, &["verify"])["relay"], account);

    // A ledger that is no ledger any more is damage, and the journal is read all the same.
    for entry in std::fs::read_dir(server.data().join("relay/state")).expect("the ledger's folder").flatten() {
        if entry.file_type().expect("a file").is_file() {
            let length = entry.metadata().expect("a size").len();
            std::fs::write(entry.path(), vec![0xA5; length.try_into().expect("small")]).expect("it is written");
        }
    }
    let (status, text, error) = run(&server, &["verify"]);
    assert_eq!(status, 3, "{text}{error}");
    assert!(text.contains("damage: the relay's ledger in ") && text.contains("3 calls in "), "{text}");
}

#[test]
fn without_destinations_there_is_nothing_to_say() {
    let mut server = TestServer::start();
    send(&server, &["a"]);
    assert_eq!(result(&server, &["relay", "status"]), json!([]));
    assert!(server.stop().success());
    let (status, text, _) = run(&server, &["relay", "status"]);
    assert!(status == 0 && text.contains("no destinations"), "{text}");
    assert!(!server.data().join("relay").exists(), "nothing is made for nothing");
    assert_eq!(result(&server, &["verify"])["relay"], Value::Null);
}
