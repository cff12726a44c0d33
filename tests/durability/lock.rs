//! One program per data folder; the lock of a dead one is harmless.

use super::ledger::{Ledger, Parcel};
use super::load::settle;
use super::program::{Program, run};
use crate::support::TestServer;

#[test]
fn second_process_on_one_folder_is_refused_and_the_first_goes_on() {
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    for number in 0..3 {
        let second = run(server.command(&["serve"]));
        assert!(!second.status.success(), "two servers on one folder");
        assert_ne!(second.status.code(), Some(3), "the folder is in use, not damaged: {}", second.stderr);
        assert!(second.is_readable() && !second.stderr.trim().is_empty(), "{}", second.stderr);
        let parcel = Parcel::single(&format!("kept{number}"));
        ledger.note_sent(&parcel);
        ledger.note_broken(&parcel);
        settle(&ledger, server.port());
    }
    ledger.assert_holds(&server);
    assert!(server.stop().success());
}

#[test]
fn two_processes_started_at_once_leave_one() {
    let mut server = TestServer::start();
    assert!(server.stop().success());
    for _ in 0..5 {
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| Program::serve(&server));
            let second = scope.spawn(|| Program::serve(&server));
            (first.join().unwrap(), second.join().unwrap())
        });
        assert!(first.is_ok() != second.is_ok(), "exactly one of them may serve");
        let refused = [&first, &second].into_iter().find_map(|side| side.as_ref().err()).unwrap();
        assert!(!refused.status.success() && refused.is_readable(), "{refused:?}");
        for (program, _) in [first, second].into_iter().flatten() {
            program.kill();
        }
    }
}

#[test]
fn lock_of_a_killed_process_is_harmless() {
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    for number in 0..3 {
        let parcel = Parcel::batch((0..10).map(|item| format!("b{number}i{item}")).collect());
        ledger.note_sent(&parcel);
        ledger.note_broken(&parcel);
        settle(&ledger, server.port());
        server.kill();
        server.spawn();
        ledger.assert_holds(&server);
    }
}
