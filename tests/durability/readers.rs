//! Reading while senders are at work: what was seen once stays, in its place, and nothing ever appears in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::chance::Chance;
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::program::run;
use crate::support::{Setup, TestServer};

/// Exports again and again; each has to begin with the one before.
fn read_on(server: &TestServer, seen: &mut Vec<Value>) {
    let now = server.export();
    assert!(now.len() >= seen.len(), "{} records were there, {} are now", seen.len(), now.len());
    assert!(now.starts_with(seen), "what was read before has changed");
    let is_gapless = now.iter().zip(1_u64..).all(|(record, sequence)| record["sequence"] == sequence);
    assert!(is_gapless, "a gap, which something would fill later");
    *seen = now;
}

#[test]
fn readers_under_load_and_across_kills_see_one_order() {
    let mut chance = Chance::new("readers_under_load");
    let small = "[journal]\nopen_volume_bytes_max = 1048576\nvolume_bytes_max = 4194304\n";
    let (mut server, ledger, mut seen) = (Setup::default().tables(small).start(), Ledger::default(), Vec::new());
    for _ in 0..3 {
        let enough = AtomicBool::new(false);
        let load = Load { ledger: &ledger, port: server.port(), senders: 4, batch_max: 20, enough: &enough };
        load.run(&mut chance, || {
            let end = Instant::now() + Duration::from_millis(700);
            while Instant::now() < end {
                read_on(&server, &mut seen);
            }
            enough.store(true, Ordering::SeqCst);
            server.kill();
        });
        server.spawn();
        settle(&ledger, server.port());
        read_on(&server, &mut seen);
    }
    ledger.assert_holds(&server);
}

#[test]
fn verify_beside_a_server_at_work_finds_nothing() {
    let mut chance = Chance::new("verify_beside_a_server");
    let (server, ledger, enough) = (TestServer::start(), Ledger::default(), AtomicBool::new(false));
    let load = Load { ledger: &ledger, port: server.port(), senders: 4, batch_max: 20, enough: &enough };
    load.run(&mut chance, || {
        for _ in 0..3 {
            let verified = run(server.command(&["verify"]));
            let told = format!("{}{}", verified.stdout, verified.stderr);
            enough.store(!verified.status.success(), Ordering::SeqCst);
            assert!(verified.status.success(), "{:?}: {told}", verified.status);
        }
        enough.store(true, Ordering::SeqCst);
    });
    settle(&ledger, server.port());
    ledger.assert_holds(&server);
}
