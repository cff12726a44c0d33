//! The disk is low or full: 503 and Retry-After, reads go on, and when there is room again it recovers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::ledger::{Ledger, Parcel};
use super::load::{Load, settle};
use super::program::{assert_verifies, run};
use super::tell::tell;
use crate::support::{Setup, TestServer};

/// A small filesystem in memory; for root.
pub(super) struct SmallDisk {
    folder: PathBuf,
    _home: tempfile::TempDir,
}

impl SmallDisk {
    pub(super) fn mount(size_mib: usize) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("disk");
        std::fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size_mib}m"), "roundtower-test"]).arg(&folder);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self { folder, _home: home }),
            other => {
                tell(&format!("not run here: a small disk cannot be mounted ({other:?}); it needs root"));
                None
            }
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes room away, as another program would; what does not fit is left out.
    pub(super) fn ballast(&self, name: &str, mib: usize) -> PathBuf {
        use std::io::Write as _;
        let path = self.folder.join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        let piece = vec![0x5a; 64 * 1024];
        for _ in 0..mib * 16 {
            if file.write_all(&piece).is_err() {
                break;
            }
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        for _ in 0..100 {
            match Command::new("umount").arg(&self.folder).output() {
                Ok(output) if output.status.success() => return,
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        tell(&format!("{} is still mounted", self.folder.display()));
    }
}

fn on(disk: &Path, setup: Setup) -> TestServer {
    setup.env("ROUNDTOWER_DATA", disk.join("data").to_str().unwrap()).start()
}

/// Sends until `done`, at most 60 seconds.
fn load_until(server: &TestServer, ledger: &Ledger, chance: &mut Chance, done: impl Fn() -> bool) {
    let enough = AtomicBool::new(false);
    let load = Load { ledger, port: server.port(), senders: 6, batch_max: 300, enough: &enough };
    load.run(chance, || {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        enough.store(true, Ordering::SeqCst);
    });
}

/// Tries a call until it is taken again, at most 30 seconds.
fn wait_until_taken(server: &TestServer, ledger: &Ledger, id: &str) {
    let parcel = Parcel::single(id);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        ledger.note_sent(&parcel);
        let sent_at = Instant::now();
        let answer = server.request(
            "POST",
            parcel.path,
            &[("Authorization", &crate::support::http::basic("server-key")), ("X-Roundtower-Receipt", "1")],
            &parcel.body,
        );
        let is_taken = answer.status == 200;
        ledger.note_answer(&parcel, sent_at, &answer);
        if is_taken {
            return;
        }
        assert!(Instant::now() < deadline, "it did not recover: {} {}", answer.status, answer.text());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether it lives and says that it is well.
fn is_healthy(server: &TestServer) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", server.port())).is_ok() && server.get("/healthz").status == 200
}

#[test]
fn low_disk_is_refused_reads_go_on_and_it_recovers_alone() {
    let mut chance = Chance::new("low_disk");
    let Some(disk) = SmallDisk::mount(40) else { return };
    let ballast = disk.ballast("ballast", 12);
    let (server, ledger) =
        (on(&disk.folder, Setup::default().tables("[journal]\ndisk_free_bytes_min = 12582912\n")), Ledger::default());
    let mut server = server;
    load_until(&server, &ledger, &mut chance, || ledger.refusals() > 20);
    assert!(ledger.refusals() > 20, "40 MiB never filled up: {} calls acknowledged", ledger.acked());
    assert_eq!(server.get("/healthz").status, 200, "a low disk is no reason to be restarted");
    ledger.assert_holds(&server);
    let refused = server.post("/v1/track", "{\"userId\":\"u\",\"event\":\"e\"}");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let seconds: u64 = refused.header("retry-after").expect("Retry-After").parse().expect("whole seconds");
    assert!((1..=300).contains(&seconds));
    std::fs::remove_file(ballast).unwrap();
    wait_until_taken(&server, &ledger, "after-the-room-came-back");
    settle(&ledger, server.port());
    ledger.assert_holds(&server);
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn disk_filled_to_the_last_byte_by_others_loses_nothing() {
    let mut chance = Chance::new("full_disk");
    let Some(disk) = SmallDisk::mount(64) else { return };
    let (mut server, ledger) =
        (on(&disk.folder, Setup::default().tables("[journal]\ndisk_free_bytes_min = 4194304\n")), Ledger::default());
    load_until(&server, &ledger, &mut chance, || ledger.acked() > 1_000);
    let enough = AtomicBool::new(false);
    let load = Load { ledger: &ledger, port: server.port(), senders: 6, batch_max: 300, enough: &enough };
    let ballast = load.run(&mut chance, || {
        let ballast = disk.ballast("ballast", 64);
        let deadline = Instant::now() + Duration::from_secs(10);
        while ledger.refusals() < 20 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        enough.store(true, Ordering::SeqCst);
        ballast
    });
    std::fs::remove_file(ballast).unwrap();
    // A write that hit the end may have stopped it for good: then it has to have ended with an error.
    if !is_healthy(&server) {
        let status = server.wait();
        assert!(!status.success(), "{status:?}");
        server.spawn();
    }
    wait_until_taken(&server, &ledger, "after-the-room-came-back");
    settle(&ledger, server.port());
    ledger.assert_holds(&server);
    assert!(server.stop().success());
    assert_verifies(&server);
}

#[test]
fn limit_above_the_free_space_refuses_and_a_lower_one_takes_again() {
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    wait_until_taken(&server, &ledger, "before");
    assert!(server.stop().success());
    let text = std::fs::read_to_string(server.config()).unwrap();
    let greedy = format!("{text}\n[journal]\ndisk_free_bytes_min = {}\n", 1_u64 << 60);
    std::fs::write(server.config(), greedy).unwrap();
    server.spawn();
    for _ in 0..3 {
        let refused = server.post("/v1/track", "{\"userId\":\"u\",\"event\":\"e\"}");
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    }
    ledger.assert_holds(&server);
    assert!(server.stop().success());
    std::fs::write(server.config(), text).unwrap();
    server.spawn();
    wait_until_taken(&server, &ledger, "after");
    ledger.assert_holds(&server);
}

#[test]
fn commands_on_a_full_disk_say_what_is_wrong() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let mut server = on(&disk.folder, Setup::default().tables("[journal]\ndisk_free_bytes_min = 1048576\n"));
    assert_eq!(server.post("/v1/track", "{\"userId\":\"u\",\"event\":\"e\"}").status, 200);
    assert!(server.stop().success());
    disk.ballast("ballast", 16);
    for arguments in [&["verify"][..], &["export", "calls"]] {
        let ended = run(server.command(arguments));
        assert!(ended.is_readable(), "{arguments:?}: {}", ended.stderr);
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.status.success() || !told.trim().is_empty(), "{arguments:?} says nothing: {:?}", ended.status);
        assert_ne!(ended.status.code(), Some(3), "a full disk is no damage: {told}");
    }
}
