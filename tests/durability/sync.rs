//! A sync fails: nothing is acknowledged any more, the program ends with an error, and nothing acknowledged is lost.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::chance::{Chance, number};
use super::ledger::{Ledger, Parcel};
use super::load::{Load, settle};
use super::program::{Program, assert_verifies};
use super::tell::tell;
use crate::support::{Answer, Setup, TestServer, http};

/// The preloaded library, and the file that tells it what to do.
pub(super) struct Shim {
    folder: tempfile::TempDir,
}

impl Shim {
    pub(super) fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/failsync.c");
        let library = folder.path().join("failsync.so");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-lpthread"]);
        assert!(compiler.status().expect("cc runs").success(), "the shim does not compile");
        Self { folder }
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("control")
    }

    /// A server that runs with the shim whenever it is started.
    pub(super) fn around(&self, setup: Setup) -> Setup {
        let library = self.folder.path().join("failsync.so");
        setup.env("LD_PRELOAD", library.to_str().unwrap()).env("FAILSYNC_CONTROL", self.control().to_str().unwrap())
    }

    /// From the next start on.
    pub(super) fn say(&self, what: &str) {
        let _ = std::fs::remove_file(self.fired());
        std::fs::write(self.control(), what).unwrap();
    }

    pub(super) fn be_quiet(&self) {
        let _ = std::fs::remove_file(self.control());
    }

    fn fired(&self) -> PathBuf {
        self.folder.path().join("control.fired")
    }

    fn has_fired(&self) -> bool {
        self.fired().exists()
    }
}

/// What `/healthz` says; none when nobody listens any more.
fn health(port: u16) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let came = http::read_all(&mut stream, Duration::from_secs(5));
    Answer::parse(&came).map(|(answer, _)| answer.status)
}

/// Loads the server until its sync fails; it has to stop acknowledging, say so, and end by itself.
fn fail_under_load(ledger: &Ledger, chance: &mut Chance, mut program: Program, port: u16, at: u64) {
    let (enough, before) = (AtomicBool::new(false), ledger.refusals());
    let load = Load { ledger, port, senders: 6, batch_max: 20, enough: &enough };
    load.run(chance, || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !program.has_ended() && Instant::now() < deadline {
            if ledger.refusals() > before {
                assert_ne!(health(port), Some(200), "healthy after a failed sync");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        enough.store(true, Ordering::SeqCst);
    });
    let (refused, well) = (ledger.refusals() - before, health(port));
    let state = format!("{refused} refusals, health {well:?}");
    assert!(program.has_ended(), "sync {at} failed and it goes on, {state}: {}", program.stderr());
    let ended = program.wait(Duration::from_secs(10));
    assert!(!ended.status.success(), "status {:?} after sync {at} failed", ended.status);
    assert!(ended.is_readable(), "{}", ended.stderr);
    assert!(!ended.stderr.trim().is_empty(), "it has to say why");
    assert_eq!(ledger.take_acks_after_refusal(), 0, "acknowledged after sync {at} failed");
}

#[test]
fn nth_sync_fails_and_nothing_is_acknowledged_afterwards() {
    let mut chance = Chance::new("nth_sync_fails");
    let shim = Shim::build();
    let (mut server, ledger) = (shim.around(Setup::default()).start(), Ledger::default());
    // Each unclean stop closes a volume: now some wait to be merged, so that syncs of merging fail as well.
    for _ in 0..10 {
        ledger.note_broken(&Parcel::single(&format!("volume{}", ledger.acked())));
        settle(&ledger, server.port());
        server.kill();
        server.spawn();
    }
    assert!(server.stop().success());
    // Either one by name, or the first of all (they hit the start) and some of the commits', or every one.
    let chosen: Vec<u64> = match (number("ROUNDTOWER_SYNC"), number("ROUNDTOWER_SYNCS").unwrap_or(10)) {
        (Some(one), _) => vec![one],
        (None, rounds) if rounds > 100 => (1..=rounds).collect(),
        (None, rounds) => (1..=rounds).map(|round| if round <= 6 { round } else { 7 + chance.below(60) }).collect(),
    };
    let (mut at_start, mut under_load) = (0, 0);
    for at in chosen {
        // The views may fail and be made anew; what fails here is all the rest.
        shim.say(&format!("fail {at} but /views"));
        match Program::serve(&server) {
            Err(ended) => {
                at_start += 1;
                assert!(!ended.status.success() && ended.is_readable(), "sync {at}: {ended:?}");
                assert!(!ended.stderr.trim().is_empty(), "it has to say why");
            }
            Ok((program, port)) => {
                under_load += 1;
                fail_under_load(&ledger, &mut chance, program, port, at);
            }
        }
        assert!(shim.has_fired(), "sync {at} never happened: the server syncs less than that under load");
        shim.be_quiet();
        server.spawn();
        settle(&ledger, server.port());
        ledger.assert_holds(&server);
        assert!(server.stop().success());
    }
    tell(&format!("{at_start} failures at the start, {under_load} under load, {} calls acknowledged", ledger.acked()));
    assert!(number("ROUNDTOWER_SYNC").is_some() || under_load > 0 && ledger.acked() > 50, "the load did not work");
    assert_verifies(&server);
}

#[test]
fn failing_syncs_of_the_views_refuse_no_call_and_lose_nothing() {
    let shim = Shim::build();
    let setup = shim.around(Setup::default().tables("[views]\ncheckpoint_s = 1\n"));
    let (mut server, ledger, mut count) = (setup.start(), Ledger::default(), 0);
    let mut send = |server: &TestServer| {
        count += 1;
        ledger.note_broken(&Parcel::single(&format!("view{count}")));
        settle(&ledger, server.port());
    };
    for at in 1..=12 {
        send(&server);
        assert!(server.stop().success());
        shim.say(&format!("fail {at} only /views"));
        server.spawn();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !shim.has_fired() {
            assert!(Instant::now() < deadline, "sync {at} of the views never happened");
            send(&server);
            std::thread::sleep(Duration::from_millis(20));
        }
        send(&server);
        assert_eq!(health(server.port()), Some(200), "unhealthy after sync {at} of the views failed");
    }
    shim.be_quiet();
    ledger.assert_holds(&server);
    server.kill();
    server.spawn();
    ledger.assert_holds(&server);
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn every_ack_waits_for_a_sync() {
    let shim = Shim::build();
    let mut server: TestServer = shim.around(Setup::default()).start();
    assert!(server.stop().success());
    shim.say("slow 150");
    server.spawn();
    for number in 0..3 {
        let began = Instant::now();
        let answer =
            server.post("/v1/track", format!("{{\"userId\":\"u\",\"event\":\"e\",\"messageId\":\"m{number}\"}}"));
        assert_eq!(answer.status, 200);
        assert!(
            began.elapsed() >= Duration::from_millis(150),
            "acknowledged after {:?}: no sync in between",
            began.elapsed()
        );
    }
    shim.be_quiet();
    assert!(server.stop().success());
}

#[test]
fn duplicate_of_a_message_in_flight_waits_for_the_same_sync() {
    let shim = Shim::build();
    let mut server = shim.around(Setup::default()).start();
    assert!(server.stop().success());
    shim.say("slow 300");
    server.spawn();
    let body = "{\"userId\":\"u\",\"event\":\"e\",\"messageId\":\"same\"}";
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let began = Instant::now();
                    assert_eq!(server.post("/v1/track", body).status, 200);
                    began.elapsed()
                })
            })
            .collect();
        for sender in senders {
            let took = sender.join().unwrap();
            assert!(
                took >= Duration::from_millis(290),
                "a copy was acknowledged after {took:?}, before the first was durable"
            );
        }
    });
    assert_eq!(server.export().len(), 1);
}
