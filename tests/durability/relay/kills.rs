//! `kill -9` while calls are delivered: nothing is lost, and only what was not yet written down comes again.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::accounts::{Account, verified};
use super::load::{Sent, is_owed};
use super::receiver::Receiver;
use super::scene::{QUICK, Scene, To};
use crate::durability::chance::{Chance, number};
use crate::durability::tell::tell;
use crate::support::windsor::Act;

const SENDERS: u64 = 3;

/// Says yes to most, and fails in many ways.
fn moody(mut chance: Chance) -> Receiver {
    Receiver::start(move |_| match chance.below(24) {
        0 | 1 => Act::Slow(Duration::from_millis(5 + chance.below(60)), Box::new(Act::Take)),
        2 => Act::status(500),
        3 => Act::later(429, if chance.below(2) == 0 { "0" } else { "1" }),
        4 => Act::ResetBefore,
        5 => Act::ResetAfter,
        6 => Act::HalfReset,
        7 => Act::Half(500),
        _ => Act::Take,
    })
}

fn scene(chance: &mut Chance) -> Scene {
    let mut to = |format: &'static str, more: &str| {
        To::new(format, format, &format!("{QUICK}{more}"), moody(Chance::seeded(chance.next())))
    };
    Scene::start(vec![to("windsor", ""), to("partner", ""), to("segment", "relay_screen = false\n")])
}

fn owed(name: &str, record: &serde_json::Value) -> bool {
    is_owed(record, name, name != "segment")
}

/// Sends and delivers for a moment, until the server is killed.
fn live(scene: &mut Scene, sent: &Sent, chance: &mut Chance) {
    let (enough, port, life) = (AtomicBool::new(false), scene.server.port(), scene.life);
    let moment = Duration::from_millis(20 + chance.below(280));
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (mut own, enough) = (Chance::seeded(chance.next()), &enough);
            scope.spawn(move || sent.send(port, &format!("l{life}s{sender}"), &mut own, enough));
        }
        std::thread::sleep(moment);
        scene.server.kill();
    });
}

/// What the ledger had written down when the server was killed, beside what each receiver had said yes to.
struct Written {
    life: u64,
    accepted: Vec<HashSet<String>>,
    accounts: Vec<Account>,
}

impl Written {
    fn look(scene: &Scene) -> Self {
        let accounts = verified(&scene.server);
        let accepted = scene.all.iter().map(|to| to.receiver.accepted()).collect();
        Self { life: scene.life + 1, accepted, accounts }
    }

    /// The life after it sent again what was accepted and not written down, at most.
    fn assert_kept(&self, scene: &Scene) {
        for ((to, accepted), account) in scene.all.iter().zip(&self.accepted).zip(&self.accounts) {
            let known = accepted.len() as u64;
            assert!(account.delivered <= known, "{}: {account:?}, but {known} were accepted", to.name);
            let again = to.receiver.sent_again(accepted, self.life) as u64;
            let unwritten = known - account.delivered;
            assert!(again <= unwritten, "{}: {again} came again, but only {unwritten} were not written", to.name);
        }
    }
}

#[test]
fn relay_kill_under_delivery() {
    let mut chance = Chance::new("relay_kill_under_delivery");
    let kills = number("ROUNDTOWER_RELAY_KILLS").unwrap_or(20);
    let (mut scene, sent) = (scene(&mut chance), Sent::default());
    let (mut before, mut left): (Option<Written>, u64) = (None, 0);
    for _ in 0..kills {
        live(&mut scene, &sent, &mut chance);
        if let Some(written) = before.take() {
            written.assert_kept(&scene);
        }
        // To look is to recover: in every other round that is left to the server.
        if chance.below(2) == 0 {
            let written = Written::look(&scene);
            left += written.accounts.iter().map(|account| account.pending).sum::<u64>();
            before = Some(written);
        }
        scene.next_life();
        scene.server.spawn();
        sent.settle(scene.server.port());
    }
    for to in &scene.all {
        to.receiver.plan(|_| Act::Take);
    }
    scene.settle();
    let doubles: Vec<_> = scene.all.iter().map(|to| (to.name.as_str(), to.receiver.doubles())).collect();
    let acked: BTreeSet<String> = sent.acked().into_iter().collect();
    tell(&format!("{kills} kills, {} calls acknowledged; came more than once: {doubles:?}", acked.len()));
    assert!(acked.len() > 100 && left > 0, "the load did not work: {} calls, {left} left by kills", acked.len());
    let journal = scene.server.export();
    let stored: BTreeSet<String> =
        journal.iter().map(|record| record["messageId"].as_str().unwrap().to_owned()).collect();
    assert_eq!((stored.len(), acked), (journal.len(), stored), "the journal has what was acknowledged, once");
    scene.assert_closes(owed, |_| 0);
}
