//! Which message ids were appended: finds the sequences of earlier records that may be the same message.
//!
//! Life of an id: the newest are in a map in memory; full maps are frozen, written as sorted runs by a thread of their
//! own, and merged into larger runs. Runs form generations of [`GENERATION_IDS`] ids, each with a filter in memory, so
//! that a new id costs no disk read. The oldest generation goes when what stays holds both the hours and the number of
//! ids that the settings ask for. Nothing here is truth: runs that are missing or damaged are made again from the
//! journal when it opens, and a digest only finds candidates; the record itself decides ([`super::writer`]).
//!
//! Memory: 16 MiB of maps, 1.5 bytes an id of filters, at most [`FILTERS_MAX`] generations of them; older generations
//! are read from disk.

mod filter;
mod recent;
mod run;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::codec::MessageDigest;
use super::files;
use super::settings::Settings;
use crate::call::time::Time;
use filter::Filter;
use recent::Recent;
use run::{Entry, Run, Span, merge_runs, run_files};

/// Ids in a map before it is frozen.
const FROZEN_IDS: usize = 128 * 1024;
/// Ids in one generation.
const GENERATION_IDS: u64 = 8 << 20;
/// Runs of like size that are merged into one.
const MERGE_RUNS: usize = 8;
/// Generations that keep a filter in memory: 12 MiB each.
const FILTERS_MAX: usize = 10;

/// Runs that share a filter and leave together.
#[derive(Clone, Debug)]
struct Generation {
    filter: Option<Arc<Filter>>,
    runs: Vec<Arc<Run>>,
}

impl Generation {
    fn new() -> Self {
        Self { filter: Some(Arc::new(Filter::for_ids(GENERATION_IDS))), runs: Vec::new() }
    }

    fn ids(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }
}

/// What is no longer changed by the writer; replaced as a whole.
#[derive(Clone, Debug, Default)]
struct View {
    frozen: Vec<Arc<Recent>>,
    generations: Vec<Generation>,
}

/// The index of message ids.
#[derive(Debug)]
pub(super) struct Dedup {
    folder: PathBuf,
    hours_min: u32,
    ids_min: u64,
    recent: Mutex<Recent>,
    view: ArcSwap<View>,
    frozen_waits: (Mutex<bool>, Condvar),
}

/// The writer's hold on the index while it builds a group.
pub(super) struct Hold<'a> {
    recent: MutexGuard<'a, Recent>,
    view: Arc<View>,
}

impl Hold<'_> {
    /// Collects the sequences of earlier records with this digest.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub(super) fn find(&self, digest: MessageDigest, found: &mut Vec<u64>) -> io::Result<()> {
        found.clear();
        self.recent.find(digest, found);
        for frozen in &self.view.frozen {
            frozen.find(digest, found);
        }
        for generation in self.view.generations.iter().rev() {
            if generation.filter.as_ref().is_none_or(|filter| filter.may_hold(digest)) {
                for run in &generation.runs {
                    run.find(digest, found)?;
                }
            }
        }
        Ok(())
    }

    /// Remembers a record that is about to be written.
    pub(super) fn insert(&mut self, digest: MessageDigest, sequence: u64, at: Time) {
        self.recent.insert(digest, sequence, at.as_millis());
    }
}

impl Dedup {
    /// Opens the runs in `folder`. Returns also the spans of sequences in `[first, next)` that they do not cover, which
    /// have to be inserted from the journal before the first append.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn open(
        folder: &Path,
        settings: &Settings,
        first: u64,
        next: u64,
    ) -> io::Result<(Self, Vec<(u64, u64)>)> {
        files::make_dir(folder)?;
        let mut view = View::default();
        let (mut gaps, mut covered) = (Vec::new(), first.max(next.saturating_sub(settings.dedup_ids_min)));
        for (from, to, path) in run_files(folder)? {
            // A run from beyond the tail belongs to records that are not there; one inside another was merged.
            if to > next || to <= covered && view.generations.iter().any(|generation| generation.covers(from, to)) {
                std::fs::remove_file(&path)?;
                continue;
            }
            if view.generations.last().is_none_or(|last| last.ids() >= GENERATION_IDS) {
                view.generations.push(Generation::new());
            }
            let Some(generation) = view.generations.last_mut() else { continue };
            let filter = generation.filter.clone();
            let mut visit = |entry: Entry| {
                if let Some(filter) = &filter {
                    filter.insert(entry.message());
                }
            };
            match Run::open(&path, &mut visit)? {
                Some(run) if run.span.from == from && run.span.next == to => generation.runs.push(Arc::new(run)),
                _ => {
                    tracing::warn!(file = %path.display(), "a list of message ids is damaged; it is made again");
                    std::fs::remove_file(&path)?;
                    continue;
                }
            }
            if from > covered {
                gaps.push((covered, from));
            }
            covered = covered.max(to);
        }
        if covered < next {
            gaps.push((covered, next));
        }
        let dedup = Self {
            folder: folder.to_path_buf(),
            hours_min: settings.dedup_hours_min,
            ids_min: settings.dedup_ids_min,
            recent: Mutex::default(),
            view: ArcSwap::from_pointee(view),
            frozen_waits: (Mutex::new(false), Condvar::new()),
        };
        Ok((dedup, gaps))
    }

    /// Takes hold of the index to look up and insert.
    pub(super) fn hold(&self) -> Hold<'_> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        Hold { recent, view: self.view.load_full() }
    }

    /// Freezes the map in memory when it is full, or `now` if asked; to be called when all of it is durable.
    pub(super) fn settle(&self, now: bool) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= FROZEN_IDS || now && recent.len() > 0 {
            let frozen = Arc::new(std::mem::replace(&mut *recent, Recent::with_room(FROZEN_IDS)));
            self.change(|view| view.frozen.push(Arc::clone(&frozen)));
            drop(recent);
            *self.frozen_waits.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.frozen_waits.1.notify_one();
        }
    }

    /// How many ids are known.
    pub(super) fn ids(&self) -> u64 {
        let view = self.view.load();
        let frozen: usize = view.frozen.iter().map(|frozen| frozen.len()).sum();
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).len();
        view.generations.iter().map(Generation::ids).sum::<u64>() + (frozen + recent) as u64
    }

    fn change(&self, change: impl Fn(&mut View)) {
        self.view.rcu(|view| {
            let mut view = View::clone(view);
            change(&mut view);
            view
        });
    }

    /// Waits up to `limit` for a frozen map. Only the thread that calls [`Dedup::tidy`] waits.
    pub(super) fn wait(&self, limit: std::time::Duration) {
        let waits = self.frozen_waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.frozen_waits.1.wait_timeout_while(waits, limit, |waits| !*waits);
        if let Ok((mut waits, _)) = woken {
            *waits = false;
        }
    }

    /// Ends a wait at once.
    pub(super) fn wake(&self) {
        *self.frozen_waits.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.frozen_waits.1.notify_one();
    }

    /// Writes frozen maps as runs, merges runs, lets old generations go. One thread calls this.
    ///
    /// # Errors
    /// When a file cannot be written or read; what was frozen stays in memory, so calling again is safe.
    pub(super) fn tidy(&self, now: Time) -> io::Result<()> {
        while let Some(frozen) = self.view.load().frozen.first().cloned() {
            self.write_frozen(&frozen)?;
            self.merge_newest()?;
        }
        self.drop_oldest(now);
        Ok(())
    }

    fn write_frozen(&self, frozen: &Arc<Recent>) -> io::Result<()> {
        let Some(span) = frozen.span else { return Ok(()) };
        let entries = frozen.sorted();
        let run = Arc::new(Run::write(&self.folder, span, entries.iter().copied())?);
        let full = self.view.load().generations.last().is_none_or(|last| last.ids() >= GENERATION_IDS);
        if full {
            self.close_generation()?;
        }
        // The filter has to know the ids before the frozen map, which knows them now, goes.
        if let Some(filter) = self.view.load().generations.last().and_then(|last| last.filter.clone()) {
            for entry in &entries {
                filter.insert(entry.message());
            }
        }
        self.change(|view| {
            view.frozen.retain(|other| !Arc::ptr_eq(other, frozen));
            if let Some(last) = view.generations.last_mut() {
                last.runs.push(Arc::clone(&run));
            }
        });
        Ok(())
    }

    /// Merges what the newest generation has into one run and begins another.
    fn close_generation(&self) -> io::Result<()> {
        if let Some(last) = self.view.load().generations.last()
            && last.runs.len() > 1
        {
            self.merge(&last.runs)?;
        }
        let fresh = Generation::new();
        self.change(|view| {
            view.generations.push(fresh.clone());
            let unfiltered = view.generations.len().saturating_sub(FILTERS_MAX);
            view.generations.iter_mut().take(unfiltered).for_each(|generation| generation.filter = None);
        });
        Ok(())
    }

    /// Merges the newest runs of the newest generation when enough of like size have come together.
    fn merge_newest(&self) -> io::Result<()> {
        let view = self.view.load_full();
        let Some(last) = view.generations.last() else { return Ok(()) };
        for tier in 0..2u32 {
            let limit = FROZEN_IDS as u64 * (MERGE_RUNS as u64).pow(tier) * 2;
            let small = last.runs.iter().rev().take_while(|run| run.count < limit).count();
            if small >= MERGE_RUNS {
                return self.merge(last.runs.get(last.runs.len() - small..).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Replaces consecutive runs of the newest generation by one.
    fn merge(&self, runs: &[Arc<Run>]) -> io::Result<()> {
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(()) };
        let newest_at = runs.iter().map(|run| run.span.newest_at).max().unwrap_or_default();
        let span = Span { from: first.span.from, next: last.span.next, newest_at };
        let merged = Arc::new(merge_runs(&self.folder, span, runs)?);
        self.change(|view| {
            let Some(generation) = view.generations.last_mut() else { return };
            generation.runs.retain(|run| !runs.iter().any(|old| Arc::ptr_eq(run, old)));
            let at = generation.runs.partition_point(|run| run.span.from < span.from);
            generation.runs.insert(at, Arc::clone(&merged));
        });
        for run in runs {
            run.remove();
        }
        Ok(())
    }

    fn drop_oldest(&self, now: Time) {
        loop {
            let view = self.view.load_full();
            let Some((oldest, rest)) = view.generations.split_first() else { return };
            let kept: u64 = rest.iter().map(Generation::ids).sum();
            let newest_at = oldest.runs.iter().map(|run| run.span.newest_at).max().unwrap_or(i64::MAX);
            let age_ms = now.as_millis().saturating_sub(newest_at);
            if kept < self.ids_min || age_ms < i64::from(self.hours_min) * 3_600_000 {
                return;
            }
            self.change(|view| {
                view.generations.remove(0);
            });
            for run in &oldest.runs {
                run.remove();
            }
        }
    }
}

impl Generation {
    fn covers(&self, from: u64, next: u64) -> bool {
        self.runs.iter().any(|run| run.span.from <= from && run.span.next >= next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: u64 = 3 * FROZEN_IDS as u64 + 1000;

    fn digest(number: u64) -> MessageDigest {
        MessageDigest::of("source", &format!("message {number}"))
    }

    fn insert(dedup: &Dedup, numbers: std::ops::Range<u64>) {
        for number in numbers {
            dedup.hold().insert(digest(number), number, Time::from_millis(1000));
            dedup.settle(false);
        }
    }

    fn found(dedup: &Dedup, number: u64) -> Vec<u64> {
        let mut found = Vec::new();
        dedup.hold().find(digest(number), &mut found).unwrap();
        found
    }

    /// Every id at its sequence, in memory, frozen, in runs, and after reopening with what the journal adds.
    #[test]
    fn ids_are_found_wherever_they_are_and_damaged_runs_are_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let (dedup, gaps) = Dedup::open(folder.path(), &Settings::default(), 1, 1).unwrap();
        assert!(gaps.is_empty());
        insert(&dedup, 1..IDS);
        let all = |dedup: &Dedup| (1..IDS).step_by(97).all(|number| found(dedup, number) == [number]);
        assert!(all(&dedup), "frozen");
        dedup.tidy(Time::from_millis(0)).unwrap();
        assert!(all(&dedup), "in runs");
        assert_eq!(dedup.ids(), IDS - 1);
        assert!((IDS..IDS + 5000).all(|number| found(&dedup, number).is_empty()));
        drop(dedup);

        let (dedup, gaps) = Dedup::open(folder.path(), &Settings::default(), 1, IDS).unwrap();
        let runs = 3 * FROZEN_IDS as u64;
        assert_eq!(gaps, [(runs + 1, IDS)], "what was only in memory");
        insert(&dedup, runs + 1..IDS);
        assert!(all(&dedup), "reopened");
        drop(dedup);

        let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut bytes = std::fs::read(&files[1]).unwrap();
        bytes[5000] ^= 1;
        std::fs::write(&files[1], bytes).unwrap();
        let (_, gaps) = Dedup::open(folder.path(), &Settings::default(), 1, IDS).unwrap();
        let one = FROZEN_IDS as u64;
        assert_eq!(gaps, [(one + 1, 2 * one + 1), (runs + 1, IDS)]);
        let (_, gaps) = Dedup::open(folder.path(), &Settings::default(), 1, one).unwrap();
        assert_eq!(gaps, [(1, one)], "a run from beyond the tail is not believed");
    }

    #[test]
    fn eight_runs_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let (dedup, _) = Dedup::open(folder.path(), &Settings::default(), 1, 1).unwrap();
        for start in 0..9 {
            for number in start * 100..(start + 1) * 100 {
                dedup.hold().insert(digest(number + 1), number + 1, Time::from_millis(1000));
            }
            dedup.settle(true);
            dedup.tidy(Time::from_millis(0)).unwrap();
        }
        assert_eq!(run_files(folder.path()).unwrap().len(), 2);
        assert!((1..=900).all(|number| found(&dedup, number) == [number]));
    }

    #[test]
    fn the_oldest_ids_go_only_when_both_window_rules_allow_it() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { dedup_ids_min: 10, dedup_hours_min: 24, ..Settings::default() };
        let (dedup, _) = Dedup::open(folder.path(), &settings, 1, 1).unwrap();
        insert(&dedup, 1..51);
        dedup.settle(true);
        dedup.tidy(Time::from_millis(1000)).unwrap();
        dedup.close_generation().unwrap();
        insert(&dedup, 51..56);
        dedup.settle(true);
        let day = 24 * 3_600_000;
        dedup.tidy(Time::from_millis(2 * day)).unwrap();
        assert_eq!(dedup.ids(), 55, "only five ids would stay");
        insert(&dedup, 56..71);
        dedup.settle(true);
        dedup.tidy(Time::from_millis(day - 1)).unwrap();
        assert_eq!(dedup.ids(), 70, "the oldest are not a day old");
        dedup.tidy(Time::from_millis(2 * day)).unwrap();
        assert_eq!(dedup.ids(), 20);
        assert!(found(&dedup, 7).is_empty() && found(&dedup, 60) == [60]);
    }
}
