//! A group while it is built: records in order, cut into blocks.

use super::block::{BLOCK_BYTES, Chain, Header};
use super::{Sequence, codec};

/// A group while it is built.
pub(super) struct Group {
    pub(super) next: Sequence,
    /// Blocks that are full, and the one being filled.
    pub(super) full: Vec<Filling>,
    pub(super) filling: Filling,
    pub(super) duplicates: u64,
}

#[derive(Default)]
pub(super) struct Filling {
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) payload: Vec<u8>,
}

impl Group {
    /// An empty group whose first record gets the sequence `next`.
    pub(super) fn new(next: Sequence) -> Self {
        Self { next, full: Vec::new(), filling: Filling::default(), duplicates: 0 }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.filling.count > 0 && self.filling.payload.len() + bytes.len() > BLOCK_BYTES {
            self.full.push(std::mem::take(&mut self.filling));
        }
        if self.filling.count == 0 {
            self.filling.first = self.next.get();
        }
        self.filling.payload.extend_from_slice(bytes);
        self.filling.count += 1;
        self.next = self.next.plus(1);
    }

    /// The stored bytes of a record of this group.
    pub(super) fn find(&self, sequence: Sequence) -> Option<&[u8]> {
        let filling = std::iter::once(&self.filling).chain(self.full.iter().rev()).find(|filling| {
            filling.count > 0
                && filling.first <= sequence.get()
                && sequence.get() < filling.first + u64::from(filling.count)
        })?;
        codec::nth_record(&filling.payload, sequence.get() - filling.first)
    }
}

impl Filling {
    pub(super) fn header(&self, previous: Chain, duplicate: u64, rejected: u64) -> Header {
        let payload_bytes = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        Header { first: self.first, count: self.count, payload_bytes, duplicate, rejected, previous }
    }

    /// Two halves, for what does not compress enough.
    pub(super) fn cut(mut self) -> (Self, Self) {
        let left = self.count / 2;
        let at = codec::offset_of(&self.payload, u64::from(left));
        let payload = self.payload.split_off(at);
        let right = Self { first: self.first + u64::from(left), count: self.count - left, payload };
        self.count = left;
        (self, right)
    }
}
