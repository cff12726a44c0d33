//! When what was entered is written.

use std::time::Duration;

use super::faulty::Faulty;
use super::*;

/// Entries that come one after the other, each soon after the one before, must not put off the first of them for ever: what
/// is not written is sent again after a kill.
#[test]
fn entries_without_a_pause_between_are_written_all_the_same() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    let before = faulty.puts();
    // Together far fewer bytes than are written at once, and far longer than anything may wait.
    let written = (1..5_000).any(|number| {
        to.enter(delivered([number]));
        std::thread::sleep(Duration::from_millis(1));
        faulty.puts() > before
    });
    assert!(written, "nothing was written in all that time");
    ledger.halt();
}
