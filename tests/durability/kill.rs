//! `kill -9` under load: what was acknowledged is there exactly once, and nothing else than what was sent.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::chance::{Chance, number};
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::program::assert_verifies;
use super::tell::tell;
use crate::support::{Setup, TestServer};

const SENDERS: u64 = 8;
const COMPARE_EVERY: u64 = 10;

fn cycle(server: &mut TestServer, ledger: &Ledger, chance: &mut Chance) {
    let enough = AtomicBool::new(false);
    let moment = Duration::from_millis(20 + chance.below(280));
    let load = Load { ledger, port: server.port(), senders: SENDERS, batch_max: 40, enough: &enough };
    load.run(chance, || {
        std::thread::sleep(moment);
        server.kill();
    });
    server.spawn();
    settle(ledger, server.port());
}

fn assert_accounts_close(server: &TestServer) {
    let status = server.get_as("admin-token", "/status").json();
    let count = |name: &str| status["accounts"][name].as_u64().unwrap_or_else(|| panic!("no account {name}: {status}"));
    assert_eq!(count("received"), count("appended") + count("duplicate") + count("rejected"), "{status}");
    assert_eq!(count("appended"), server.export().len() as u64, "{status}");
    assert_eq!(count("rejected"), 0, "{status}");
}

#[test]
fn kill_under_load_loses_nothing_and_doubles_nothing() {
    let mut chance = Chance::new("kill_under_load");
    let cycles = number("ROUNDTOWER_CYCLES").unwrap_or(20);
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    for done in 1..=cycles {
        cycle(&mut server, &ledger, &mut chance);
        if done % COMPARE_EVERY == 0 || done == cycles {
            ledger.assert_holds(&server);
            assert_accounts_close(&server);
        }
    }
    tell(&format!("{cycles} kills, {} calls acknowledged", ledger.acked()));
    assert!(ledger.acked() > 100, "the load did not work: {} calls", ledger.acked());
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn kill_while_volumes_change() {
    let mut chance = Chance::new("kill_while_volumes_change");
    let small = "[journal]\nopen_volume_bytes_max = 1048576\nvolume_bytes_max = 4194304\n";
    let (mut server, ledger) = (Setup::default().tables(small).start(), Ledger::default());
    let cycles = number("ROUNDTOWER_CYCLES").unwrap_or(20).div_ceil(4);
    for _ in 0..cycles {
        cycle(&mut server, &ledger, &mut chance);
    }
    ledger.assert_holds(&server);
    assert_accounts_close(&server);
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn kill_again_while_it_still_starts() {
    let mut chance = Chance::new("kill_again_while_it_still_starts");
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    cycle(&mut server, &ledger, &mut chance);
    for _ in 0..number("ROUNDTOWER_CYCLES").unwrap_or(20).div_ceil(2) {
        server.kill();
        let starting = super::program::Program::spawn(server.command(&["serve"]));
        std::thread::sleep(Duration::from_millis(chance.below(120)));
        starting.kill();
        server.spawn();
    }
    ledger.assert_holds(&server);
    cycle(&mut server, &ledger, &mut chance);
    ledger.assert_holds(&server);
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn the_ledger_notices_loss_doubles_and_disorder() {
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    let mut chance = Chance::seeded(1);
    cycle(&mut server, &ledger, &mut chance);
    let records = server.export();
    assert!(ledger.faults(&records).is_empty());
    let acked = records.len() / 2;
    let without = [&records[..acked], &records[acked + 1..]].concat();
    assert!(ledger.faults(&without).iter().any(|fault| fault.contains("lost")), "a missing record");
    let twice = [&records[..], &records[acked..=acked]].concat();
    assert!(ledger.faults(&twice).iter().any(|fault| fault.contains("twice")), "a doubled record");
    let mut swapped = records.clone();
    swapped.swap(0, 1);
    assert!(!ledger.faults(&swapped).is_empty(), "two records swapped");
    let mut changed = records;
    changed[acked]["properties"]["of"] = "x".into();
    assert!(ledger.faults(&changed).iter().any(|fault| fault.contains("content")), "a changed record");
}
