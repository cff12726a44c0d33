//! SIGTERM under load: it finishes or refuses what it has, syncs, and ends with status 0 within ten seconds.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::chance::{Chance, number};
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::program::assert_verifies;
use crate::support::TestServer;

#[test]
fn stop_under_load_is_clean_and_quick() {
    let mut chance = Chance::new("stop_under_load");
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    for _ in 0..number("ROUNDTOWER_CYCLES").unwrap_or(20).div_ceil(4) {
        let enough = AtomicBool::new(false);
        let moment = Duration::from_millis(30 + chance.below(300));
        let load = Load { ledger: &ledger, port: server.port(), senders: 8, batch_max: 60, enough: &enough };
        let (status, took) = load.run(&mut chance, || {
            std::thread::sleep(moment);
            let began = Instant::now();
            (server.stop(), began.elapsed())
        });
        assert_eq!(status.code(), Some(0), "{status:?}");
        assert!(took < Duration::from_secs(10), "it took {took:?}");
        server.spawn();
        settle(&ledger, server.port());
        ledger.assert_holds(&server);
    }
    assert!(ledger.acked() > 100, "the load did not work: {} calls", ledger.acked());
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn stop_with_silent_connections_is_quick() {
    let mut server = TestServer::start();
    let silent: Vec<_> = (0..50).map(|_| std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap()).collect();
    let began = Instant::now();
    assert_eq!(server.stop().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    drop(silent);
}
