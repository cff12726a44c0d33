//! The high-water mark: a small file beside the volumes that says how far the journal got.
//!
//! sled may lose its newest writes without an error when its files are damaged. The mark is written after every
//! commit and before its ack, so a journal that is shorter than its mark has lost something, and says so.
//! Two slots are written in turn: a write that is cut leaves the other. The mark reaches the disk itself at the latest
//! [`SYNC_EVERY`] after a commit, so a power cut may take the mark back by that much, never the records.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Sequence;
use super::block::Chain;

const SLOT_BYTES: usize = 512;
const BODY_BYTES: usize = 4 + 16 + 8 * 4 + 32 + 8 * 2 + 1;
const VERSION: u32 = 1;
/// How often the mark itself is synced while commits go on.
pub(super) const SYNC_EVERY: Duration = Duration::from_millis(200);

/// How far the journal got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) instance: [u8; 16],
    /// The open volume's number, and how many blocks it holds.
    pub(super) volume: u64,
    pub(super) blocks: u64,
    /// The durable tail, and the chain of the last block.
    pub(super) next: Sequence,
    pub(super) chain: Chain,
    /// Totals for the accounts.
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
    /// The last stop was clean: nothing was written after this.
    pub(super) clean: bool,
}

/// What the mark file said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No mark was ever written.
    Nothing,
    /// The newest mark; `whole` is false when the other slot is unreadable, so a newer one may have been lost.
    Mark { mark: Mark, whole: bool },
    /// Neither slot can be read.
    Damaged,
}

/// The open mark file.
#[derive(Debug)]
pub(super) struct MarkFile {
    file: File,
    turn: u64,
    dirty: bool,
    synced_at: Instant,
}

impl MarkFile {
    /// Opens or makes the file; reads the newest mark.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Found)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        let slots = [read_slot(&file, 0), read_slot(&file, 1)];
        let newest = slots.iter().flatten().max_by_key(|(turn, _)| *turn);
        let found = match newest {
            _ if length == 0 => Found::Nothing,
            None => Found::Damaged,
            Some((turn, mark)) => Found::Mark { mark: *mark, whole: *turn == 1 || slots.iter().all(Option::is_some) },
        };
        let turn = newest.map_or(0, |(turn, _)| *turn);
        Ok((Self { file, turn, dirty: false, synced_at: Instant::now() }, found))
    }

    /// Writes a mark into the slot that does not hold the newest one.
    pub(super) fn write(&mut self, mark: &Mark) -> io::Result<()> {
        self.turn += 1;
        let mut slot = [0u8; SLOT_BYTES];
        let body = encode(self.turn, mark);
        let checksum = crc32fast::hash(&body).to_le_bytes();
        for (place, byte) in slot.iter_mut().zip(body.iter().chain(&checksum)) {
            *place = *byte;
        }
        let offset = (self.turn % 2) * SLOT_BYTES as u64;
        self.file.write_all_at(&slot, offset)?;
        self.dirty = true;
        Ok(())
    }

    /// Makes the newest mark durable, unless that was done less than [`SYNC_EVERY`] ago.
    pub(super) fn sync_if_due(&mut self) -> io::Result<()> {
        if self.dirty && self.synced_at.elapsed() >= SYNC_EVERY { self.sync() } else { Ok(()) }
    }

    /// Makes the newest mark durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.dirty = false;
        self.synced_at = Instant::now();
        Ok(())
    }
}

fn encode(turn: u64, mark: &Mark) -> Vec<u8> {
    let mut body = Vec::with_capacity(BODY_BYTES);
    body.extend_from_slice(&VERSION.to_le_bytes());
    body.extend_from_slice(&mark.instance);
    for number in [turn, mark.volume, mark.blocks, mark.next.get()] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    body.extend_from_slice(&mark.chain);
    body.extend_from_slice(&mark.duplicate.to_le_bytes());
    body.extend_from_slice(&mark.rejected.to_le_bytes());
    body.push(u8::from(mark.clean));
    body
}

fn read_slot(file: &File, index: u64) -> Option<(u64, Mark)> {
    let mut slot = [0u8; SLOT_BYTES];
    file.read_exact_at(&mut slot, index * SLOT_BYTES as u64).ok().or_else(|| {
        // The second slot of a young file may be shorter than a slot.
        file.read_exact_at(slot.get_mut(..BODY_BYTES + 4)?, index * SLOT_BYTES as u64).ok()
    })?;
    let (body, rest) = slot.split_at_checked(BODY_BYTES)?;
    if crc32fast::hash(body).to_le_bytes() != *rest.first_chunk::<4>()? {
        return None;
    }
    let mut rest = body;
    let mut take = |count: usize| -> Option<&[u8]> {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken)
    };
    let version = u32::from_le_bytes(take(4)?.try_into().ok()?);
    if version != VERSION {
        return None;
    }
    let instance = take(16)?.try_into().ok()?;
    let mut number = || Some(u64::from_le_bytes(take(8)?.try_into().ok()?));
    let (turn, volume, blocks, next) = (number()?, number()?, number()?, number()?);
    let chain = take(32)?.try_into().ok()?;
    let mut number = || Some(u64::from_le_bytes(take(8)?.try_into().ok()?));
    let (duplicate, rejected) = (number()?, number()?);
    let clean = take(1)? == [1];
    Some((turn, Mark { instance, volume, blocks, next: Sequence::new(next), chain, duplicate, rejected, clean }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(next: u64) -> Mark {
        Mark {
            instance: [1; 16],
            volume: 3,
            blocks: next,
            next: Sequence::new(next),
            chain: [4; 32],
            duplicate: 5,
            rejected: 6,
            clean: false,
        }
    }

    #[test]
    fn the_newest_mark_comes_back_and_a_cut_one_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        let (mut file, found) = MarkFile::open(&path).unwrap();
        assert_eq!(found, Found::Nothing);
        for next in 1..=5 {
            file.write(&mark(next)).unwrap();
            let (_, found) = MarkFile::open(&path).unwrap();
            assert_eq!(found, Found::Mark { mark: mark(next), whole: true }, "after {next}");
        }
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[SLOT_BYTES + 40] ^= 1; // turn 5 is in the second slot
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().1, Found::Mark { mark: mark(4), whole: false });
        bytes[40] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().1, Found::Damaged);
    }
}
