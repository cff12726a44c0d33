//! No room for the ledger: ingest does not notice, nothing is sent that could not be written down, and it goes on alone.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Instant;

use super::receiver::Receiver;
use super::scene::{QUICK, Scene, To};
use crate::durability::disk::SmallDisk;
use crate::support::PATIENCE;
use crate::support::windsor::Act;

/// Moves the ledger of a stopped server to another disk.
fn move_ledger(scene: &Scene, disk: &SmallDisk) {
    let (here, there) = (scene.server.data().join("relay"), disk.folder().join("relay"));
    assert!(Command::new("cp").arg("-a").args([&here, &there]).status().unwrap().success());
    std::fs::remove_dir_all(&here).unwrap();
    symlink(&there, &here).unwrap();
}

#[test]
fn relay_ledger_on_a_full_disk_stops_sending_and_not_ingest() {
    let Some(disk) = SmallDisk::mount(48) else { return };
    let mut scene = Scene::start(vec![To::new("vendor", "segment", QUICK, Receiver::start(|_| Act::Take))]);
    assert!(scene.server.stop().success());
    move_ledger(&scene, &disk);
    scene.server.spawn();
    scene.send(200);
    scene.settle();
    let ballast = disk.ballast("ballast", 48);
    // What is under way is still settled in memory; who has something to send notices after that.
    let is_waiting = |found: &serde_json::Value| found["reason"].as_str().is_some_and(|why| why.contains("disk"));
    let deadline = Instant::now() + PATIENCE;
    while !is_waiting(&scene.ask("vendor")) {
        scene.send(10);
        assert!(Instant::now() < deadline, "the full disk is not noticed: {}", scene.ask("vendor"));
    }
    let found = scene.until("vendor", "the last answer", |found| is_waiting(found) && found["in_flight"] == 0);
    assert_eq!(found["state"], "running", "{found}");
    let asked = scene.to("vendor").receiver.asked();
    for _ in 0..10 {
        scene.send(100);
    }
    let found = scene.ask("vendor");
    assert!(is_waiting(&found) && found["counts"]["pending"].as_u64().unwrap() >= 1_000, "{found}");
    assert_eq!(scene.to("vendor").receiver.asked(), asked, "sent what could not be written down");
    assert_eq!(scene.server.get("/healthz").status, 200);
    std::fs::remove_file(ballast).unwrap();
    scene.settle();
    scene.assert_closes(|_, _| true, |_| 0);
    // The disk can only go when nobody uses it.
    drop(scene);
}
