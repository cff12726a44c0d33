//! Receivers that refuse: only what they will never take is given up, with its reason, and can be delivered again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::receiver::Receiver;
use super::scene::{QUICK, Scene, To};
use crate::support::windsor::{Act, Request};

/// Refuses requests with a call for which this is true.
fn picky(status: u16, is_bad: impl Fn(&Value) -> bool + Send + 'static) -> Receiver {
    Receiver::start(
        move |request| {
            if request.calls.iter().any(|call| is_bad(&call.json)) { Act::status(status) } else { Act::Take }
        },
    )
}

fn is_named(call: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| call["messageId"] == *name)
}

/// The dead letters, all with this code.
fn letters(ids: &[&str], code: &str) -> Vec<(String, String)> {
    ids.iter().map(|id| ((*id).to_owned(), code.to_owned())).collect()
}

#[test]
fn relay_gives_up_only_what_is_refused() {
    const BAD: [&str; 3] = ["c0", "c17", "c58"];
    const USELESS: [&str; 5] = ["gone", "moved", "moved-whole", "moved-nowhere", "never"];
    let accepts = Arc::new(AtomicBool::new(false));
    let repaired = Arc::clone(&accepts);
    let refusing = picky(400, move |call| !repaired.load(Ordering::SeqCst) && is_named(call, &BAD));
    let small = Receiver::start(|request: &Request| match request.calls.len() {
        0..=4 => Act::Take,
        _ => Act::status(413),
    });
    let never_large = picky(413, |call| is_named(call, &["c30"]));
    let no_screens = picky(501, |call| call["type"] == "screen");
    let gone = Receiver::start(|_| Act::status(404));
    let stranger = Receiver::start(|_| Act::Take);
    let elsewhere = stranger.windsor.url("/there").replace("127.0.0.1", "localhost");
    let beyond = elsewhere.clone();
    let moved = Receiver::start(move |_| Act::redirect(302, &elsewhere));
    let moved_whole = Receiver::start(move |_| Act::redirect(307, &beyond));
    let moved_nowhere = Receiver::start(|_| Act::redirect(308, "http://"));
    let never = Receiver::start(|_| Act::status(500));
    let brief = format!("{QUICK}expire_after_s = 1\n");
    let mut scene = Scene::start(vec![
        To::new("refusing", "segment", QUICK, refusing),
        To::new("small", "segment", QUICK, small),
        To::new("never-large", "segment", QUICK, never_large),
        To::new("no-screens", "segment", QUICK, no_screens),
        To::new("gone", "segment", QUICK, gone),
        To::new("moved", "segment", QUICK, moved),
        To::new("moved-whole", "segment", QUICK, moved_whole),
        To::new("moved-nowhere", "segment", QUICK, moved_nowhere),
        To::new("never", "segment", &brief, never),
    ]);
    scene.send(60);
    scene.post(&[json!({"type": "screen", "name": "S", "userId": "p1", "messageId": "s"})]);
    scene.settle();
    assert_eq!(scene.dead("refusing"), letters(&BAD, "REFUSED"));
    assert_eq!(scene.dead("small"), []);
    assert_eq!(scene.dead("never-large"), letters(&["c30"], "TOO_LARGE"));
    assert_eq!(scene.dead("no-screens"), letters(&["s"], "UNSUPPORTED_EVENT_TYPE"));
    for name in USELESS {
        let (dead, code) = (scene.dead(name), if name == "never" { "EXPIRED" } else { "REFUSED" });
        assert_eq!(dead.len(), 61, "{name}");
        assert!(dead.iter().all(|(_, other)| other == code), "{name}: {dead:?}");
    }
    assert_eq!(stranger.windsor.requests().len(), 0, "a redirect to another host was followed");
    // What was repaired gets what it missed.
    accepts.store(true, Ordering::SeqCst);
    for name in USELESS {
        scene.to(name).receiver.plan(|_| Act::Take);
    }
    for name in USELESS.into_iter().chain(["refusing"]) {
        scene.order(&format!("/api/relay/{name}/redeliver"));
        scene.settle_one(name);
        assert_eq!(scene.dead(name), [], "{name}");
    }
    assert_closes(&mut scene, &BAD);
}

/// As [`Scene::assert_closes`], where `late` are calls that came after later ones of the same person, because they were
/// delivered again by an order.
fn assert_closes(scene: &mut Scene, late: &[&str]) {
    let journal = scene.server.export();
    let refusing = &scene.to("refusing").receiver;
    let others: Vec<Value> = journal.iter().filter(|record| !is_named(record, late)).cloned().collect();
    let faults = refusing.faults(&others, |_| true);
    assert_eq!(faults.len(), late.len(), "{faults:?}");
    assert!(late.iter().all(|id| faults.contains(&format!("{id} arrived and is not in the journal"))), "{faults:?}");
    let at = scene.all.iter().position(|to| to.name == "refusing").unwrap();
    scene.all[at].receiver = Receiver::start(|_| Act::Take);
    assert!(scene.server.stop().success());
    let of: Vec<_> = super::accounts::verified(&scene.server);
    for (to, account) in scene.all.iter().zip(of) {
        let dead = u64::from(matches!(to.name.as_str(), "never-large" | "no-screens"));
        assert_eq!((account.delivered, account.pending, account.dead), (61 - dead, 0, dead), "{}", to.name);
        if to.name != "refusing" {
            to.receiver.assert_has(&to.name, &journal, |record| {
                let bad = match to.name.as_str() {
                    "never-large" => "c30",
                    "no-screens" => "s",
                    _ => "",
                };
                record["messageId"] != bad
            });
        }
    }
}

#[test]
fn relay_waits_for_the_right_key() {
    let key = |request: &Request, wanted: &str| {
        request.header("authorization").is_some_and(|sent| sent == crate::support::http::basic(wanted))
    };
    for status in [401, 403] {
        let guarded =
            Receiver::start(move |request| if key(request, "the-new-key") { Act::Take } else { Act::status(status) });
        let mut scene = Scene::start(vec![To::new("vendor", "segment", QUICK, guarded)]);
        for _ in 0..10 {
            scene.send(50);
        }
        let alarmed = scene.until("vendor", "the alarm", |found| found["state"] == "alarm" && found["in_flight"] == 0);
        assert_eq!((&alarmed["counts"]["dead"], &alarmed["counts"]["pending"]), (&json!(0), &json!(500)), "{alarmed}");
        scene.send(50);
        assert!(scene.server.stop().success());
        scene.configure("\"the-key\"", "\"the-new-key\"");
        scene.next_life();
        scene.server.spawn();
        let asked = scene.to("vendor").receiver.asked();
        let still = scene.ask("vendor");
        assert_eq!((&still["state"], &still["counts"]["pending"]), (&json!("alarm"), &json!(550)), "{still}");
        assert_eq!(scene.to("vendor").receiver.asked(), asked, "sent in spite of the alarm");
        scene.order("/api/relay/vendor/resume");
        scene.settle();
        assert_eq!(scene.dead("vendor"), []);
        scene.assert_closes(|_, _| true, |_| 0);
    }
}
