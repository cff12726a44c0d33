//! Erasing: records of one person are replaced by what has to stay of them, in every file of the journal.
//!
//! What stays of a record is its place, its source, when it was received, and the digest by which a late copy is recognised
//! ([`Record::is_erased`]). Since the store keeps deleted bytes, a volume that holds such a record is written again as a
//! new one beside it, which then takes its place as a merged volume does (see `rewrite`); the old folder is gone
//! when [`Journal::erase`] returns `Ok`. A crash in between leaves some volumes done and some not: erasing again does the
//! rest, and changes nothing in those that are done.
//!
//! Senders wait for the closing of one volume at most; everything else happens beside them, at low priority.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::embedded::Journal;
use super::manifest::Closed;
use super::record::{Batch, Block, Record};
use super::rewrite::{self, MergeError};
use super::shared::Shared;
use super::{Appender as _, ReadError, Reader as _, Sequence, codec};
use crate::call::{Call, Marks};

/// How often it looks whether the open volume is closed, and whether the old volumes are gone.
const LOOK: Duration = Duration::from_millis(20);
/// How long it waits for either. Readers of an old volume are done much sooner; a check of the whole journal may not be.
const LOOK_FOR: Duration = Duration::from_secs(30);

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays as it is.
    Keep,
    /// Nothing of what it says stays. The text, which names the erasure, does.
    Erase(String),
    /// Its anonymousId is taken out.
    Unname,
}

/// What was done, also by earlier erasures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many records each erasure has erased.
    pub calls: BTreeMap<String, u64>,
    /// Every record that is not what it was, in order.
    pub touched: Vec<Sequence>,
}

/// Why it could not be finished. What was done stays done; erase again to do the rest.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is not enough room to write a volume again.
    #[error("there is no room to write the journal again ({0}); make room on the disk")]
    NoRoom(String),
    /// Somebody reads what was erased.
    #[error("{0} replaced volumes of the journal are still being read")]
    InUse(usize),
    /// The journal is closing, or has failed.
    #[error("the journal is closing or has failed")]
    Closing,
    /// The disk.
    #[error("the journal could not be written again: {0}")]
    Failed(String),
}

impl From<MergeError> for EraseError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Read(error) => Self::Read(error),
            MergeError::Closing => Self::Closing,
            MergeError::NoRoom { .. } | MergeError::Store(crate::store::StoreError::Full(_)) => {
                Self::NoRoom(error.to_string())
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

impl Journal {
    /// Does to each record below `before` what `fate` says. `fate` has to say the same of a record every time it is asked;
    /// records that are erased already it is not asked about. `goes_on` is asked now and then. Blocks for as long as it takes to read all of the journal and
    /// to write some of it again; senders and readers go on.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub fn erase(
        &self,
        before: Sequence,
        fate: &dyn Fn(&Record<'_>) -> Fate,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Erased, EraseError> {
        let shared = self.shared();
        let goes_on = &|| goes_on() && !shared.closing.load(Ordering::Acquire) && !shared.is_poisoned();
        self.close_volume(before, goes_on)?;
        let (mut erased, mut at) = (Erased::default(), shared.shelf.first());
        while at < before {
            let _turn = shared.rewriting();
            let Some(closed) = volume_after(shared, at) else { break };
            if look(shared, &closed, (before, fate, goes_on), &mut erased)? {
                let edit = |block: &Block| if goes_on() { edit(block, before, fate) } else { Err(MergeError::Closing) };
                let replaced = rewrite::replace(shared, std::slice::from_ref(&closed), Some(&edit));
                replaced.inspect_err(|error| {
                    if error.is_of_the_disk() {
                        shared.poison(&format!("writing a volume again: {error}"));
                    }
                })?;
                shared.erased.fetch_add(1, Ordering::AcqRel);
                shared.shelf.forget_recent(Sequence::new(closed.next));
            }
            at = Sequence::new(closed.next);
        }
        self.remove_old(goes_on)?;
        Ok(erased)
    }

    /// How many volumes were written again by [`Journal::erase`] since the journal was opened.
    pub fn erased_volumes(&self) -> u64 {
        self.shared().erased.load(Ordering::Acquire)
    }

    /// Has the open volume closed if it holds a record below `before`.
    fn close_volume(&self, before: Sequence, goes_on: &dyn Fn() -> bool) -> Result<(), EraseError> {
        let shared = self.shared();
        let before = before.min(self.tail().next());
        let is_open = || shared.shelf.manifest().open_first < before.get();
        let until = Instant::now() + LOOK_FOR;
        while is_open() {
            if !goes_on() {
                return Err(EraseError::Closing);
            }
            if Instant::now() > until {
                return Err(EraseError::NoRoom("the open volume cannot be closed".to_owned()));
            }
            shared.roll.store(true, Ordering::Release);
            // The writer looks after every group, an empty one included. What keeps it from writing passes or is final.
            let nothing = Batch::new("".into(), shared.clock.now(), 0);
            if let Ok(ack) = self.append(nothing) {
                let _ = ack.wait();
            }
            if is_open() {
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// Waits until the folders of all volumes that were replaced are gone, and removes copies of a volume that a former
    /// start has left.
    fn remove_old(&self, goes_on: &dyn Fn() -> bool) -> Result<(), EraseError> {
        let shared = self.shared();
        let failed = |error: std::io::Error| EraseError::Failed(error.to_string());
        for entry in std::fs::read_dir(&shared.shelf.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("copy-of-") || name == "copy.new" {
                tracing::warn!(folder = %path.display(), "a copy of a volume as it was found damaged is removed");
                std::fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        let until = Instant::now() + LOOK_FOR;
        loop {
            let left = shared.remove_retired().map_err(failed)?;
            if left == 0 {
                return Ok(());
            }
            if !goes_on() {
                return Err(EraseError::Closing);
            }
            if Instant::now() > until {
                return Err(EraseError::InUse(left));
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Up to where, what, and whether still.
type Wish<'a> = (Sequence, &'a dyn Fn(&Record<'_>) -> Fate, &'a dyn Fn() -> bool);

/// The first closed volume that holds `at` or something after it.
fn volume_after(shared: &Shared, at: Sequence) -> Option<Closed> {
    let manifest = shared.shelf.manifest();
    manifest.closed.iter().find(|closed| closed.next > at.get()).cloned()
}

/// Reads a volume. Returns whether something in it is to be changed.
fn look(
    shared: &Shared,
    closed: &Closed,
    (before, fate, goes_on): Wish<'_>,
    erased: &mut Erased,
) -> Result<bool, EraseError> {
    let volumes = shared.shelf.volumes();
    let placed = volumes.iter().find(|placed| placed.volume.number == closed.number).ok_or(EraseError::Closing)?;
    let (mut changes, mut number) = (false, 0);
    while let Some(block) = placed.volume.block(number)? {
        if !goes_on() {
            return Err(EraseError::Closing);
        }
        for record in block.records() {
            let record = record?;
            let (fate, is_new) = match earlier(&record) {
                Some(erasure) => (Fate::Erase(erasure), false),
                None if record.sequence < before => (fate(&record), true),
                None => (Fate::Keep, false),
            };
            changes |= is_new && fate != Fate::Keep;
            match fate {
                Fate::Keep if !record.call.marks.has(Marks::UNNAMED) => continue,
                Fate::Erase(erasure) => *erased.calls.entry(erasure).or_default() += 1,
                Fate::Keep | Fate::Unname => {}
            }
            erased.touched.push(record.sequence);
        }
        number += 1;
    }
    shared.shelf.rest(&placed.volume);
    Ok(changes)
}

/// Which erasure has erased a record already.
fn earlier(record: &Record<'_>) -> Option<String> {
    record.is_erased().then(|| record.call.category.as_deref().unwrap_or_default().to_owned())
}

/// The records of a block after the erasure, as stored; none if they stay as they are.
fn edit(block: &Block, before: Sequence, fate: &dyn Fn(&Record<'_>) -> Fate) -> Result<Option<Vec<u8>>, MergeError> {
    let (mut edited, mut changed) = (Vec::with_capacity(block.bytes_len()), false);
    let mut from = 0;
    for record in block.records() {
        let record = record?;
        let to = from + codec::offset_of(block.payload().get(from..).unwrap_or_default(), 1);
        let fate = if record.is_erased() || record.sequence >= before { Fate::Keep } else { fate(&record) };
        changed |= fate != Fate::Keep;
        match fate {
            Fate::Keep => edited.extend_from_slice(block.payload().get(from..to).unwrap_or_default()),
            Fate::Erase(erasure) => codec::encode_erased(&record, &erasure, &mut edited),
            Fate::Unname => {
                let marks = record.call.marks.with(Marks::UNNAMED);
                let call = Call { anonymous_id: None, marks, ..record.call };
                codec::encode_record(record.source, record.received_at, &call, &mut edited);
            }
        }
        from = to;
    }
    Ok(changed.then_some(edited))
}
