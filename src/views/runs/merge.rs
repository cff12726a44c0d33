//! Merging: adjacent runs of like size are written again as one, so that reading has few runs to look at.
//!
//! The new run is complete and synced before the manifest names it instead of the old ones, in one atomic replacement;
//! the old folders go when their last reader is done. A crash in between leaves a folder that no manifest names.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::manifest::{self, Listed};
use super::run::{Reading, Run};
use super::scan::Scan;
use super::shared::Shared;
use super::writer::RunWriter;
use super::{RunsError, Settings};
use crate::journal::{files, lower_priority};

/// How soon a merge that was given up is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How soon it is looked again whether somebody still reads a run that was merged.
const LINGER: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(3600);

/// How far merging stands back, as a nice value.
const PRIORITY: i32 = 10;

/// Runs until the runs are closed.
pub(super) fn run(shared: &Arc<Shared>, wake: &Receiver<()>) {
    lower_priority(PRIORITY);
    let mut leaving: Vec<Arc<Run>> = Vec::new();
    loop {
        let result = step(shared, &mut leaving);
        // Whoever lets go of a run last closes its store and removes its folder: never a reader.
        leaving.retain(|run| Arc::strong_count(run) > 1);
        let wait = match result {
            Ok(true) => Duration::ZERO,
            Ok(false) | Err(RunsError::Closing) if leaving.is_empty() => IDLE,
            Ok(false) | Err(RunsError::Closing) => LINGER,
            Err(error @ RunsError::Full(_)) => {
                tracing::warn!(%error, "runs of the views are not merged for now");
                RETRY
            }
            Err(error) => {
                tracing::error!(%error, "runs of the views could not be merged; they stay as they are");
                shared.note_damage(&error);
                RETRY
            }
        };
        match wake.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if shared.closing.load(Ordering::Acquire) {
            return;
        }
    }
}

/// Which runs, oldest first, are worth merging, by their bytes: as many of like size as the settings say, adjacent.
pub(super) fn choose(bytes: &[u64], settings: &Settings) -> Option<Range<usize>> {
    let fan_in = settings.merge_runs.max(2);
    let tier =
        |bytes: u64| (bytes / settings.small_run_bytes.max(1)).checked_ilog(fan_in as u64).map_or(0, |tier| tier + 1);
    let highest = bytes.iter().map(|bytes| tier(*bytes)).max()?;
    (0..=highest).find_map(|limit| {
        (0..bytes.len()).find_map(|start| {
            let like = bytes.iter().skip(start).take_while(|bytes| tier(**bytes) <= limit);
            let (range, is_full) = fitting(start, like, settings.run_bytes_max);
            let is_enough = range.len() >= fan_in || is_full && range.len() >= 2;
            (is_enough && is_worth_it(bytes.get(range.clone()).unwrap_or_default())).then_some(range)
        })
    })
}

/// A large run is not written again for a few small ones.
fn is_worth_it(bytes: &[u64]) -> bool {
    let largest = bytes.iter().max().copied().unwrap_or(0);
    bytes.iter().sum::<u64>() / 3 >= largest / 2
}

/// How many of these runs fit into one, and whether there were more.
fn fitting<'a>(start: usize, runs: impl Iterator<Item = &'a u64>, bytes_max: u64) -> (Range<usize>, bool) {
    let (mut bytes, mut end) = (0_u64, start);
    for run in runs {
        bytes = bytes.saturating_add(*run);
        if bytes > bytes_max {
            return (start..end, true);
        }
        end += 1;
    }
    (start..end, false)
}

/// Merges once if something is worth it. Returns whether it did.
pub(super) fn step(shared: &Shared, leaving: &mut Vec<Arc<Run>>) -> Result<bool, RunsError> {
    if shared.damage().is_some() {
        return Ok(false);
    }
    let runs = shared.runs();
    let bytes: Vec<u64> = runs.iter().map(|run| run.listed.bytes).collect();
    let Some(old) = choose(&bytes, &shared.settings).and_then(|range| runs.get(range)) else { return Ok(false) };
    let needed = old.iter().map(|run| run.listed.bytes).sum::<u64>() + shared.settings.disk_free_bytes_min;
    if files::disk_free(&shared.dir)? < needed {
        return Err(RunsError::Full(format!("{needed} bytes are needed to merge runs")));
    }
    let number = shared.new_number();
    let merged = rewrite(shared, old, number).and_then(|listed| shared.open_run(&listed));
    let merged = merged.inspect_err(|_| {
        // What stays is removed by the next start.
        let _ = std::fs::remove_dir_all(shared.dir.join(manifest::folder(number)));
    })?;
    shared.swap(old, merged)?;
    for run in old {
        run.retire();
        shared.cache.forget(|place| place.0 == run.listed.number);
        leaving.push(Arc::clone(run));
    }
    Ok(true)
}

fn rewrite(shared: &Shared, old: &[Arc<Run>], number: u64) -> Result<Listed, RunsError> {
    let looked_up = old.iter().map(|run| run.listed.looked_up).sum();
    let block_bytes = shared.settings.block_bytes;
    let rules = &*shared.rules;
    let mut writer = RunWriter::create(&*shared.engine, &shared.dir, number, rules, block_bytes, Some(looked_up))?;
    let newest_first = old.iter().rev().map(Arc::clone);
    let (rules, cache) = (Arc::clone(&shared.rules), Arc::clone(&shared.cache));
    for entry in Scan::new(newest_first, rules, cache, Reading::Once, (b"", b"")) {
        let (key, value) = entry?;
        writer.push(&key, &value)?;
        if shared.closing.load(Ordering::Acquire) {
            return Err(RunsError::Closing);
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_like_size_are_merged_and_the_limit_is_kept() {
        let settings = Settings { merge_runs: 4, small_run_bytes: 10, run_bytes_max: 10_000, ..Settings::default() };
        assert_eq!(choose(&[], &settings), None);
        assert_eq!(choose(&[5, 5, 5], &settings), None);
        assert_eq!(choose(&[5, 5, 5, 5], &settings), Some(0..4));
        assert_eq!(choose(&[900, 5, 1, 5, 9], &settings), Some(1..5), "a large one is left alone");
        assert_eq!(choose(&[5, 5, 900, 5, 5], &settings), None, "only neighbours");
        assert_eq!(choose(&[900, 30, 30, 30], &settings), None, "not for a few small ones");
        assert_eq!(choose(&[30, 30, 5, 30, 5], &settings), Some(0..5), "small ones between go with larger ones");
        assert_eq!(choose(&[4_000, 4_000, 4_000], &settings), Some(0..2), "two make a full one");
        assert_eq!(choose(&[9_000, 9_000, 9_000], &settings), None, "full ones stay");
    }
}
