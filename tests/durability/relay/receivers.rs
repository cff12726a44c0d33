//! Receivers that fail for a while in every way there is: everything arrives, in order, and the server stays well.

use std::time::Duration;

use serde_json::Value;

use super::receiver::Receiver;
use super::scene::{Scene, To};
use crate::support::PATIENCE;
use crate::support::windsor::{Act, Reply};

/// A time limit that tests meet on purpose.
const HASTY: &str = "retry_initial_ms = 10\nretry_max_ms = 100\ntimeout_ms = 400\n";
/// Calls of each sending.
const CALLS: u64 = 40;

/// What goes wrong at first, by name.
fn troubles() -> Vec<(&'static str, Vec<Act>)> {
    let yes = || Reply::new(200);
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    let future = "Fri, 31 Dec 2099 23:59:59 GMT";
    let later = |after: &str| vec![Act::later(429, after); 2];
    vec![
        ("hang", vec![Act::Hang; 2]),
        ("hang-after", vec![Act::HangAfter, Act::Take, Act::HangAfter]),
        ("reset-before", vec![Act::ResetBefore; 4]),
        ("reset-after", vec![Act::ResetAfter; 4]),
        ("half-reset", vec![Act::HalfReset; 4]),
        ("half-500", vec![Act::Half(500); 4]),
        ("later-seconds", later("1")),
        ("later-past", later(past)),
        ("later-future", later(future)),
        ("later-junk", later("soon, maybe")),
        ("later-huge", later("99999999999999999999999999")),
        ("500-for-a-while", vec![Act::status(500); 12]),
        ("503-later", vec![Act::later(503, "0"); 7]),
        ("408", vec![Act::status(408); 2]),
        ("status-that-means-nothing", vec![Act::status(999), Act::status(600)]),
        ("slow", vec![Act::Slow(Duration::from_millis(80), Box::new(Act::Take)); 3]),
        ("slow-500", vec![Act::Slow(Duration::from_millis(80), Box::new(Act::status(500))); 3]),
        ("close", vec![Act::Close(yes()), Act::Close(Reply::new(500)), Act::Close(yes())]),
        ("cut-off", vec![Act::CutOff(yes()); 3]),
        ("stall", vec![Act::Stall(yes()); 2]),
        ("garbage", vec![Act::Garbage; 6]),
        ("endless-head", vec![Act::EndlessHead; 2]),
        ("endless-body", vec![Act::EndlessBody(500); 2]),
        ("bomb", vec![Act::Bomb(500); 2]),
        ("redirect-in-circles", vec![Act::redirect(308, "again"); 13]),
        ("page", vec![Act::page(502, "<html><title>Bad Gateway</title>no upstream</html>"); 2]),
    ]
}

fn everything_arrives(format: &'static str) {
    let troubles = troubles();
    let to = |(name, acts): &(&'static str, Vec<Act>)| To::new(name, format, HASTY, Receiver::acts(acts.clone()));
    let mut scene = Scene::start(troubles.iter().map(to).collect());
    let is_met =
        |scene: &Scene| scene.all.iter().zip(&troubles).all(|(to, (_, acts))| to.receiver.asked() > acts.len());
    // Until each of them went through all of its trouble: some come to their end by one request, others by many.
    for _ in 0..20 {
        scene.send(CALLS / 2);
        scene.send(CALLS / 2);
        scene.settle();
        if is_met(&scene) {
            break;
        }
    }
    assert!(is_met(&scene), "some trouble was not met");
    scene.assert_closes(|_, _| true, |_| 0);
}

#[test]
fn relay_segment_arrives_after_every_trouble() {
    everything_arrives("segment");
}

#[test]
fn relay_windsor_arrives_after_every_trouble() {
    everything_arrives("windsor");
}

#[test]
fn relay_partner_arrives_after_every_trouble() {
    everything_arrives("partner");
}

#[test]
fn relay_living_destination_gets_everything_beside_dead_ones() {
    let patient = "timeout_ms = 600000\nretry_initial_ms = 10\nretry_max_ms = 50\n";
    let mut all: Vec<To> = (0..9)
        .map(|number| To::new(&format!("dead{number}"), "partner", patient, Receiver::start(|_| Act::Hang)))
        .collect();
    all.push(To::new("living", "segment", patient, Receiver::start(|_| Act::Take)));
    let mut scene = Scene::start(all);
    for _ in 0..20 {
        scene.send(100);
    }
    scene.settle_one("living");
    for to in &scene.all {
        let counts = scene.ask(&to.name)["counts"].clone();
        let (delivered, pending) = if to.name == "living" { (2_000, 0) } else { (0, 2_000) };
        assert_eq!((&counts["delivered"], &counts["pending"]), (&delivered.into(), &pending.into()), "{}", to.name);
    }
    // The dead ones come back to life.
    for to in scene.all.iter().filter(|to| to.name != "living") {
        to.receiver.plan(|_| Act::Take);
        to.receiver.windsor.down();
        to.receiver.windsor.up();
    }
    scene.settle();
    scene.assert_closes(|_, _| true, |_| 0);
}

#[test]
fn relay_redirect_to_the_same_host_is_followed() {
    let there = Receiver::start(|request| match request.path.as_str() {
        "/there" => Act::Take,
        _ => Act::redirect(307, "/there"),
    });
    let mut scene = Scene::start(vec![To::new("vendor", "segment", HASTY, there)]);
    scene.send(CALLS);
    scene.settle();
    let journal = scene.server.export();
    scene.to("vendor").receiver.assert_has("vendor", &journal, |_: &Value| true);
    assert_eq!(scene.dead("vendor"), []);
    assert!(scene.server.stop().success());
    assert_eq!(super::accounts::verified(&scene.server)[0].delivered, CALLS);
}

#[test]
fn relay_stops_in_time_beside_receivers_that_hang() {
    let patient = "timeout_ms = 600000\n";
    let hung = Receiver::start(|_| Act::Hang);
    let mut scene = Scene::start(vec![To::new("hung", "partner", patient, hung)]);
    scene.send(CALLS);
    scene.to("hung").receiver.windsor.wait("a request", |state| state.busy > 0);
    let begun = std::time::Instant::now();
    assert!(scene.server.stop().success());
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(super::accounts::verified(&scene.server)[0].pending, CALLS);
    scene.to("hung").receiver.plan(|_| Act::Take);
    scene.server.spawn();
    scene.settle();
    scene.assert_closes(|_, _| true, |_| 0);
}
