//! Cut, flipped, zeroed and missing bytes below a stopped server: said loudly, or harmless; never silent, never a hang.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::Value;

use super::chance::{Chance, number};
use super::ledger::Ledger;
use super::load::{Load, settle};
use super::program::{Ended, LIMIT, Program, run};
use super::tell::tell;
use crate::support::{Setup, TestServer};

/// A folder with some thousand acknowledged calls in several volumes; nothing is unacknowledged.
struct Original {
    server: TestServer,
    ledger: Ledger,
}

impl Original {
    fn make(chance: &mut Chance, kill: bool) -> Self {
        let small = "[journal]\nopen_volume_bytes_max = 1048576\nvolume_bytes_max = 4194304\n";
        let (mut server, ledger) = (Setup::default().tables(small).start(), Ledger::default());
        for _ in 0..3 {
            let enough = AtomicBool::new(false);
            let load = Load { ledger: &ledger, port: server.port(), senders: 4, batch_max: 40, enough: &enough };
            load.run(chance, || {
                std::thread::sleep(Duration::from_millis(250));
                server.kill();
            });
            server.spawn();
            settle(&ledger, server.port());
        }
        if kill {
            server.kill();
        } else {
            assert!(server.stop().success());
        }
        Self { server, ledger }
    }

    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(self.server.data(), copy.path());
        copy
    }

    fn run(&self, data: &Path, arguments: &[&str]) -> Ended {
        let all = [&["--data", data.to_str().unwrap()], arguments].concat();
        run(self.server.command(&all))
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Damages one file below `journal`; what was done, in words.
fn damage(journal: &Path, chance: &mut Chance) -> String {
    let mut found = Vec::new();
    files(journal, &mut found);
    let path = &found[usize::try_from(chance.below(found.len() as u64)).unwrap()];
    let name = path.strip_prefix(journal).unwrap().display().to_string();
    let mut bytes = std::fs::read(path).unwrap();
    let length = bytes.len() as u64;
    // Much of a preallocated file may be zeros: most of the damage goes to where something is written.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(length, |last| last as u64 + 1);
    let at = usize::try_from(chance.below(used)).unwrap();
    let what = match chance.below(10) {
        0..=4 if length > 0 => {
            bytes[at] ^= 1 << chance.below(8);
            format!("flipped a bit at {at}")
        }
        5 | 6 if length > 0 => {
            let end = (at / 512 * 512 + 512).min(bytes.len());
            bytes[at / 512 * 512..end].fill(0);
            format!("zeroed the 512 bytes around {at}")
        }
        7 | 8 => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        _ => {
            std::fs::remove_file(path).unwrap();
            return format!("{name} ({length} bytes): removed");
        }
    };
    std::fs::write(path, bytes).unwrap();
    format!("{name} ({length} bytes, {used} used): {what}")
}

/// What came of one damage.
#[derive(PartialEq, Eq)]
enum Verdict {
    Loud,
    Harmless,
    Wrong(String),
}

/// Exports a folder: refused aloud, or exactly what was acknowledged.
fn judge_export(original: &Original, data: &Path) -> Verdict {
    let ended = original.run(data, &["export", "calls"]);
    if !ended.is_readable() {
        return Verdict::Wrong(format!("a raw panic: {}", ended.stderr));
    }
    if !ended.status.success() {
        return if ended.stderr.trim().is_empty() {
            Verdict::Wrong("failed without a word".to_owned())
        } else {
            Verdict::Loud
        };
    }
    let records: Result<Vec<Value>, _> = ended.stdout.lines().map(serde_json::from_str).collect();
    match records.map(|records| original.ledger.faults(&records)) {
        Ok(faults) if faults.is_empty() => Verdict::Harmless,
        Ok(faults) => {
            Verdict::Wrong(format!("silent: export answers {} faults, the first {}", faults.len(), faults[0]))
        }
        Err(error) => Verdict::Wrong(format!("export wrote no JSON: {error}")),
    }
}

/// `verify`: findings and a status other than 0, or all is well and an export shows it.
fn judge_verify(original: &Original, data: &Path) -> Verdict {
    let ended = original.run(data, &["verify"]);
    if !ended.is_readable() {
        return Verdict::Wrong(format!("a raw panic: {}", ended.stderr));
    }
    if !ended.status.success() {
        let is_told = !ended.stderr.trim().is_empty() || !ended.stdout.trim().is_empty();
        return if is_told { Verdict::Loud } else { Verdict::Wrong("verify failed without a word".to_owned()) };
    }
    match judge_export(original, data) {
        Verdict::Loud => Verdict::Wrong("verify found nothing, the export failed".to_owned()),
        other => other,
    }
}

/// The server itself: refuses to start, or serves everything.
fn judge_serve(original: &Original, data: &Path) -> Verdict {
    let command = original.server.command(&["--data", data.to_str().unwrap(), "serve"]);
    match Program::serve_by(command) {
        Err(ended) if !ended.is_readable() => Verdict::Wrong(format!("a raw panic: {}", ended.stderr)),
        Err(ended) if ended.status.code() != Some(3) => {
            Verdict::Wrong(format!("damage ends with status 3, not {:?}: {}", ended.status, ended.stderr))
        }
        Err(_) => Verdict::Loud,
        Ok((program, _)) => {
            let verdict = judge_export(original, data);
            let ended = program.stop(LIMIT);
            if ended.is_readable() { verdict } else { Verdict::Wrong(format!("a raw panic: {}", ended.stderr)) }
        }
    }
}

fn damage_many_times(test: &str, kill: bool) {
    let mut chance = Chance::new(test);
    let original = Original::make(&mut chance, kill);
    let acked = original.ledger.acked();
    assert!(acked > 200, "the load did not work: {acked} calls");
    let untouched = original.copy();
    assert!(judge_verify(&original, untouched.path()) == Verdict::Harmless, "an undamaged folder has to be whole");
    let (mut loud, mut harmless, mut wrong) = (0, 0, Vec::new());
    let tries = number("ROUNDTOWER_FLIPS").unwrap_or(40).div_ceil(2);
    for number in 0..tries {
        let copy = original.copy();
        let what = damage(&copy.path().join("journal"), &mut chance);
        let (by, verdict) = match number % 3 {
            0 => ("verify", judge_verify(&original, copy.path())),
            1 => ("export", judge_export(&original, copy.path())),
            _ => ("serve", judge_serve(&original, copy.path())),
        };
        match verdict {
            Verdict::Loud => loud += 1,
            Verdict::Harmless => harmless += 1,
            Verdict::Wrong(why) => wrong.push(format!("{what}; {by}: {why}")),
        }
    }
    tell(&format!(
        "{test}: {acked} calls, {tries} times damaged: {loud} loud, {harmless} harmless, {} wrong",
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(loud > 0, "no damage was noticed in {tries} tries");
}

#[test]
fn damage_after_a_clean_stop_is_loud_or_harmless() {
    damage_many_times("damage_after_a_clean_stop", false);
}

#[test]
fn damage_after_a_kill_is_loud_or_harmless() {
    damage_many_times("damage_after_a_kill", true);
}

#[test]
fn a_missing_journal_folder_is_not_taken_for_an_empty_one() {
    let mut chance = Chance::new("missing_journal");
    let original = Original::make(&mut chance, false);
    let copy = original.copy();
    std::fs::remove_dir_all(copy.path().join("journal")).unwrap();
    for (by, judge) in
        [("verify", judge_verify as fn(&Original, &Path) -> Verdict), ("export", judge_export), ("serve", judge_serve)]
    {
        match judge(&original, copy.path()) {
            Verdict::Loud => {}
            Verdict::Harmless => panic!("{by}: nothing is left of the journal"),
            Verdict::Wrong(why) => panic!("{by}: {why}"),
        }
    }
}
