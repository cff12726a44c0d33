//! Power cuts, simulated: the filesystem under a server at work is shut down, so that only what was synced is left.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::chance::{Chance, number};
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::program::assert_verifies;
use super::tell::tell;
use crate::support::Setup;

/// A filesystem on a loop image; for root. Made, cut and brought back by `tests/faults/power-cut`.
struct Disk {
    home: tempfile::TempDir,
}

/// One step of the script, from the copy in `home`: it works to the end, whatever becomes of the source tree meanwhile.
fn step(name: &str, home: &Path, more: &[&str]) -> Output {
    Command::new(home.join("power-cut")).arg(name).arg(home).args(more).output().expect("the script runs")
}

impl Disk {
    fn make(kind: &str) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
        for file in ["power-cut", "shutdown.c"] {
            std::fs::copy(faults.join(file), home.path().join(file)).unwrap();
        }
        let made = step("make", home.path(), &[kind]);
        if made.status.code() == Some(77) {
            tell(&format!("power cuts on {kind} not run here: {}", String::from_utf8_lossy(&made.stderr).trim()));
            return None;
        }
        assert!(made.status.success(), "{made:?}");
        Some(Self { home })
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("disk")
    }

    fn cut(&self) {
        let cut = step("cut", self.home.path(), &[]);
        assert!(cut.status.success(), "{cut:?}");
    }

    fn back(&self) {
        let back = step("back", self.home.path(), &[]);
        assert!(back.status.success(), "{back:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let removed = step("remove", self.home.path(), &[]);
        if !removed.status.success() {
            tell(&format!("the loop image is still there: {removed:?}"));
        }
    }
}

fn cut_under_load(kind: &str) {
    let mut chance = Chance::new("power_cut");
    let Some(disk) = Disk::make(kind) else { return };
    let rounds = number("ROUNDTOWER_ROUNDS").unwrap_or(3);
    let data = disk.folder().join("data");
    let setup = Setup::default()
        .env("ROUNDTOWER_DATA", data.to_str().unwrap())
        .tables("[journal]\ndisk_free_bytes_min = 1048576\n");
    let (mut server, ledger) = (setup.start(), Ledger::default());
    for round in 0..rounds {
        let enough = AtomicBool::new(false);
        // The first cut comes early, while the folder itself is still young.
        let moment = Duration::from_millis(if round == 0 { 150 } else { 50 + chance.below(900) });
        let load = Load { ledger: &ledger, port: server.port(), senders: 6, batch_max: 40, enough: &enough };
        let status = load.run(&mut chance, || {
            std::thread::sleep(moment);
            disk.cut();
            let status = server.wait();
            enough.store(true, Ordering::SeqCst);
            status
        });
        assert!(!status.success(), "the disk is gone and it ended with {status:?}");
        assert_eq!(ledger.take_acks_after_refusal(), 0, "acknowledged after a refusal that only a restart may end");
        disk.back();
        server.spawn();
        settle(&ledger, server.port());
        ledger.assert_holds(&server);
    }
    tell(&format!("{rounds} power cuts on {kind}, {} calls acknowledged", ledger.acked()));
    assert!(ledger.acked() > 20, "the load did not work: {} calls", ledger.acked());
    assert!(server.stop().success());
    assert_verifies(&server);
    drop(server);
}

#[test]
fn power_cut_under_load_loses_nothing_on_ext4() {
    cut_under_load("ext4");
}

#[test]
fn power_cut_under_load_loses_nothing_on_xfs() {
    cut_under_load("xfs");
}

#[test]
fn the_power_cut_itself_loses_what_was_not_synced() {
    let Some(disk) = Disk::make("ext4") else { return };
    let (kept, lost) = (disk.folder().join("kept"), disk.folder().join("lost"));
    std::fs::write(&kept, "kept").unwrap();
    std::fs::File::open(&kept).unwrap().sync_all().unwrap();
    std::fs::File::open(disk.folder()).unwrap().sync_all().unwrap();
    std::fs::write(&lost, "lost").unwrap();
    disk.cut();
    assert!(std::fs::write(disk.folder().join("more"), "x").is_err(), "the filesystem is still up");
    disk.back();
    assert_eq!(std::fs::read(&kept).unwrap(), b"kept");
    assert_ne!(std::fs::read(&lost).unwrap_or_default(), b"lost", "an unsynced file survived: the cut is no cut");
}
