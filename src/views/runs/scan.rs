//! Reading a range of keys: one cursor a run, joined entry by entry. Only blocks that are reached are read.

use std::sync::Arc;

use super::Blocks;
use super::block::Block;
use super::run::{Reading, Run};
use super::{Entry, Rules, RunsError};

/// Entries of a range in the order of their keys, joined over all runs there were when it began.
///
/// It holds on to those runs: commits and merges meanwhile do not change what it yields. It ends after an error.
pub struct Scan {
    rules: Arc<dyn Rules>,
    cache: Arc<Blocks>,
    reading: Reading,
    /// Newest first. Without the runs that have nothing in the range.
    cursors: Vec<Cursor>,
    from: Vec<u8>,
    /// Not included; empty when there is no end.
    to: Vec<u8>,
    is_begun: bool,
}

struct Cursor {
    run: Arc<Run>,
    number: usize,
    block: Arc<Block>,
    at: usize,
}

impl Cursor {
    /// At the first entry of a run from `from` on; none if that is not before `to`.
    fn seek(run: &Arc<Run>, scan: &Scan) -> Result<Option<Self>, RunsError> {
        let index = run.index();
        let is_before = index.first_key(0).is_none_or(|first| !scan.to.is_empty() && first >= scan.to.as_slice());
        if is_before || index.last_key() < scan.from.as_slice() {
            return Ok(None);
        }
        let number = index.find(&scan.from).unwrap_or(0);
        let block = run.block(&scan.cache, number, scan.reading)?;
        let at = block.position(&scan.from);
        let mut cursor = Self { run: Arc::clone(run), number, block, at };
        Ok(cursor.settle(scan)?.then_some(cursor))
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.block.entry(self.at)
    }

    fn key(&self) -> &[u8] {
        self.entry().map(|(key, _)| key).unwrap_or_default()
    }

    /// Goes on to the next block if this one is at its end. False when there is nothing more in the range.
    fn settle(&mut self, scan: &Scan) -> Result<bool, RunsError> {
        let is_within = |key: &[u8]| scan.to.is_empty() || key < scan.to.as_slice();
        loop {
            if let Some((key, _)) = self.entry() {
                return Ok(is_within(key));
            }
            self.number += 1;
            if !self.run.index().first_key(self.number).is_some_and(is_within) {
                return Ok(false);
            }
            self.block = self.run.block(&scan.cache, self.number, scan.reading)?;
            self.at = 0;
        }
    }
}

impl Scan {
    pub(super) fn new(
        runs: impl Iterator<Item = Arc<Run>>,
        rules: Arc<dyn Rules>,
        cache: Arc<Blocks>,
        reading: Reading,
        range: (&[u8], &[u8]),
    ) -> Self {
        let (from, to) = (range.0.to_vec(), range.1.to_vec());
        let cursors = runs.map(|run| Cursor { run, number: 0, block: Arc::new(Block::empty()), at: 0 }).collect();
        Self { rules, cache, reading, cursors, from, to, is_begun: false }
    }

    fn begin(&mut self) -> Result<(), RunsError> {
        self.is_begun = true;
        for unread in std::mem::take(&mut self.cursors) {
            let cursor = Cursor::seek(&unread.run, self)?;
            self.cursors.extend(cursor);
        }
        Ok(())
    }

    /// Moves the cursor with this index on. True if it is still there.
    fn advance(&mut self, index: usize) -> Result<bool, RunsError> {
        if index >= self.cursors.len() {
            return Ok(false);
        }
        let mut cursor = self.cursors.remove(index);
        cursor.at += 1;
        let stays = cursor.settle(self)?;
        if stays {
            self.cursors.insert(index, cursor);
        }
        Ok(stays)
    }

    fn step(&mut self) -> Result<Option<Entry>, RunsError> {
        if !self.is_begun {
            self.begin()?;
        }
        let Some(newest) = self.least() else { return Ok(None) };
        let Some((key, value)) = self.cursors.get(newest).and_then(Cursor::entry) else { return Ok(None) };
        let (key, mut value, mut joined) = (key.to_vec(), value.to_vec(), Vec::new());
        // Those after it are older; those before it have greater keys.
        let mut index = newest + usize::from(self.advance(newest)?);
        while let Some(cursor) = self.cursors.get(index) {
            if cursor.key() != key {
                index += 1;
                continue;
            }
            if let Some((_, older)) = cursor.entry() {
                joined.clear();
                self.rules.join(&key, &value, older, &mut joined);
                std::mem::swap(&mut value, &mut joined);
            }
            index += usize::from(self.advance(index)?);
        }
        Ok(Some((key, value)))
    }

    /// The index of the newest cursor among those with the least key.
    fn least(&self) -> Option<usize> {
        let keys = self.cursors.iter().map(Cursor::key).enumerate();
        keys.reduce(|least, other| if other.1 < least.1 { other } else { least }).map(|(index, _)| index)
    }
}

impl Iterator for Scan {
    type Item = Result<Entry, RunsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.is_begun = true;
            self.cursors.clear();
        }
        step.transpose()
    }
}
