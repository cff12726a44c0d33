//! Records on their way in ([`Batch`]) and out ([`Block`], [`Slice`], [`Record`]).

use std::sync::Arc;

use super::codec::{self, MessageDigest};
use super::{ReadError, Sequence};
use crate::call::limits::RECORD_BYTES_MAX;
use crate::call::time::Time;
use crate::call::{Call, Marks};

/// A call with its source, the time it was received, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the journal.
    pub sequence: Sequence,
    /// The name of the source that sent it.
    pub source: &'a str,
    /// When the request reached this server.
    pub received_at: Time,
    /// The call.
    pub call: Call<'a>,
}

impl Record<'_> {
    /// Whether only its place is left: what it said belonged to a person who was erased.
    pub fn is_erased(&self) -> bool {
        self.call.marks.has(Marks::ERASED)
    }

    /// What duplicates of it are found by; an erased record keeps nothing else of its message id.
    pub(super) fn digest(&self) -> MessageDigest {
        codec::digest(self.source, self.call.message_id.as_str(), self.call.marks)
    }
}

/// A record of more than [`RECORD_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message needs {bytes} bytes, the limit is {RECORD_BYTES_MAX}")]
pub struct TooLarge {
    /// Bytes it would need.
    pub bytes: usize,
}

/// One entry of a batch: where its bytes end, and what duplicates are known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) end: usize,
    pub(super) digest: MessageDigest,
}

/// Calls of one source that were received together, already in stored form.
#[derive(Clone, Debug)]
pub struct Batch {
    source: Arc<str>,
    received_at: Time,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Batch {
    /// An empty batch. `bytes_hint` is about how large it will get.
    pub fn new(source: Arc<str>, received_at: Time, bytes_hint: usize) -> Self {
        Self { source, received_at, bytes: Vec::with_capacity(bytes_hint), entries: Vec::new() }
    }

    /// Adds a call in stored form.
    ///
    /// # Errors
    /// When the record would be too large; the batch is then as before.
    pub fn push(&mut self, call: &Call<'_>) -> Result<(), TooLarge> {
        let start = self.bytes.len();
        codec::encode_record(&self.source, self.received_at, call, &mut self.bytes);
        let bytes = self.bytes.len() - start;
        if bytes > RECORD_BYTES_MAX {
            self.bytes.truncate(start);
            return Err(TooLarge { bytes });
        }
        let digest = MessageDigest::of(&self.source, call.message_id.as_str());
        self.entries.push(Entry { end: self.bytes.len(), digest });
        Ok(())
    }

    /// When its request was received.
    pub fn received_at(&self) -> Time {
        self.received_at
    }

    /// How many calls it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Size in stored form, before compression.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Each record's digest and stored bytes, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (MessageDigest, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = self.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            (entry.digest, bytes)
        })
    }
}

/// Consecutive records, decompressed.
#[derive(Debug)]
pub struct Block {
    first: Sequence,
    count: u32,
    payload: Vec<u8>,
    place: String,
}

impl Block {
    pub(super) fn new(first: Sequence, count: u32, payload: Vec<u8>, place: String) -> Self {
        Self { first, count, payload, place }
    }

    /// The first record's sequence.
    pub fn first(&self) -> Sequence {
        self.first
    }

    /// The sequence after the last record.
    pub fn next(&self) -> Sequence {
        self.first.plus(u64::from(self.count))
    }

    /// Bytes, decompressed.
    pub fn bytes_len(&self) -> usize {
        self.payload.len()
    }

    /// The stored bytes of its records, one after another.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Its records in order.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'_>, ReadError>> {
        codec::decode_records(self.first, self.count, &self.payload, &self.place)
    }
}

/// Consecutive records as read: `next` is where to go on.
#[derive(Debug)]
pub struct Slice {
    /// The next sequence to read.
    pub next: Sequence,
    from: Sequence,
    blocks: Vec<Arc<Block>>,
}

impl Slice {
    pub(super) fn new(from: Sequence, next: Sequence, blocks: Vec<Arc<Block>>) -> Self {
        Self { next, from, blocks }
    }

    /// Whether there was nothing to read.
    pub fn is_empty(&self) -> bool {
        self.next <= self.from
    }

    /// The stored bytes of one record.
    pub(super) fn stored(&self, sequence: Sequence) -> Option<&[u8]> {
        let block = self.blocks.iter().find(|block| block.first <= sequence && sequence < block.next())?;
        codec::nth_record(&block.payload, sequence.since(block.first))
    }

    /// One of the records, without decoding the others.
    pub fn record(&self, sequence: Sequence) -> Option<Result<Record<'_>, ReadError>> {
        let block = self.blocks.iter().find(|block| block.first <= sequence && sequence < block.next())?;
        let bytes = codec::nth_record(&block.payload, sequence.since(block.first))?;
        codec::decode_records(sequence, 1, bytes, &block.place).next()
    }

    /// Bytes, decompressed.
    pub fn bytes_len(&self) -> usize {
        self.blocks.iter().map(|block| block.bytes_len()).sum()
    }

    /// The records in order.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'_>, ReadError>> {
        let (from, next) = (self.from, self.next);
        self.blocks.iter().flat_map(|block| block.records()).filter(move |record| {
            record.as_ref().map_or(true, |record| record.sequence >= from && record.sequence < next)
        })
    }
}
