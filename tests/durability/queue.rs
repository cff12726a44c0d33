//! The queue to the writer is full: senders are told to come back, nothing grows, and all goes on by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::sync::Shim;
use crate::support::Setup;

#[test]
fn full_queue_is_refused_with_retry_after_and_recovers() {
    let mut chance = Chance::new("full_queue");
    let shim = Shim::build();
    let small = Setup::default().tables("[journal]\nqueue_bytes_max = 1048576\n");
    let (mut server, ledger) = (shim.around(small).start(), Ledger::default());
    assert!(server.stop().success());
    shim.say("slow 100");
    server.spawn();
    let enough = AtomicBool::new(false);
    let load = Load { ledger: &ledger, port: server.port(), senders: 40, batch_max: 400, enough: &enough };
    load.run(&mut chance, || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while (ledger.refusals() < 20 || ledger.acked() < 20) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let reads = server.get_as("admin-token", "/status");
        assert_eq!(reads.status, 200, "reads go on while the queue is full");
        enough.store(true, Ordering::SeqCst);
    });
    assert!(ledger.refusals() >= 20, "40 senders never filled 1 MiB: {} refusals", ledger.refusals());
    assert!(ledger.acked() >= 20, "a full queue may not stop everybody: {} acknowledged", ledger.acked());
    settle(&ledger, server.port());
    ledger.assert_holds(&server);
    assert!(server.stop().success());
}
