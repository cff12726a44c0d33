//! What zstd learns from the first cards of a store, so that chunks of eight pack like large blocks.
//!
//! `cards.dictionary` is `version u8 = 1, crc32 u32 (little-endian), dictionary`. It is made once and kept for as long as
//! the store: each chunk says whether it needs it.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

use super::CardsError;
use crate::journal::files;

pub(super) const FILE: &str = "cards.dictionary";
const VERSION: u8 = 1;
const DICTIONARY_BYTES: usize = 96 * 1024;
/// Chunks without a dictionary say 0.
pub(super) const NONE: u8 = 0;
/// Chunks with the one dictionary there is say 1.
const FIRST: u8 = 1;
/// zstd's fastest setting.
const LEVEL: i32 = 1;
/// What the dictionary is made from: the first cards, until there are so many of them or so many bytes.
const SAMPLES: usize = 4_096;
const SAMPLE_BYTES: usize = 6 << 20;
/// Unpackers that are kept for the next reader.
const IDLE_MAX: usize = 8;

/// Reads the dictionary; `None` if there is none yet.
pub(super) fn read(dir: &Path) -> Result<Option<Vec<u8>>, CardsError> {
    let bytes = match std::fs::read(dir.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let sound = bytes.split_first().filter(|(version, _)| **version == VERSION).and_then(|(_, rest)| {
        let (checksum, dictionary) = rest.split_first_chunk::<4>()?;
        (crc32fast::hash(dictionary) == u32::from_le_bytes(*checksum)).then(|| dictionary.to_vec())
    });
    sound.map(Some).ok_or_else(|| CardsError::damaged(FILE, "its checksum does not match"))
}

fn write(dir: &Path, dictionary: &[u8]) -> io::Result<()> {
    let bytes = [&[VERSION][..], &crc32fast::hash(dictionary).to_le_bytes(), dictionary].concat();
    files::replace(&dir.join(FILE), &bytes)
}

/// Removes the dictionary.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Packs, and collects what a dictionary is made from as long as there is none.
pub(super) struct Packer {
    compressor: Compressor<'static>,
    dictionary: u8,
    samples: Vec<u8>,
    sizes: Vec<usize>,
}

impl Packer {
    pub(super) fn new(dictionary: Option<&[u8]>) -> io::Result<Self> {
        let number = if dictionary.is_some() { FIRST } else { NONE };
        let compressor = Compressor::with_dictionary(LEVEL, dictionary.unwrap_or_default())?;
        Ok(Self { compressor, dictionary: number, samples: Vec::new(), sizes: Vec::new() })
    }

    /// Packs into `out` after what is there. Returns the number of the dictionary.
    pub(super) fn pack(&mut self, raw: &[u8], out: &mut Vec<u8>) -> io::Result<u8> {
        let start = out.len();
        out.resize(start + zstd::zstd_safe::compress_bound(raw.len()), 0);
        let length = match out.get_mut(start..) {
            Some(place) => self.compressor.compress_to_buffer(raw, place)?,
            None => 0,
        };
        out.truncate(start + length);
        Ok(self.dictionary)
    }

    /// Looks at a card. When there were enough of them, a dictionary is made, stored and used from now on, and returned.
    pub(super) fn learn(&mut self, card: &[u8], dir: &Path) -> io::Result<Option<Vec<u8>>> {
        if self.dictionary != NONE {
            return Ok(None);
        }
        self.samples.extend_from_slice(card);
        self.sizes.push(card.len());
        if self.sizes.len() < SAMPLES && self.samples.len() < SAMPLE_BYTES {
            return Ok(None);
        }
        let (samples, sizes) = (std::mem::take(&mut self.samples), std::mem::take(&mut self.sizes));
        // Cards that are all alike teach nothing: zstd says so, and it is tried again with the next ones.
        let Ok(dictionary) = zstd::dict::from_continuous(&samples, &sizes, DICTIONARY_BYTES) else { return Ok(None) };
        write(dir, &dictionary)?;
        *self = Self::new(Some(&dictionary))?;
        Ok(Some(dictionary))
    }
}

/// Unpacks, for many readers at a time.
pub(super) struct Unpackers {
    dictionary: Option<Vec<u8>>,
    plain: Mutex<Vec<Decompressor<'static>>>,
    taught: Mutex<Vec<Decompressor<'static>>>,
}

impl Unpackers {
    pub(super) fn new(dictionary: Option<Vec<u8>>) -> Self {
        Self { dictionary, plain: Mutex::default(), taught: Mutex::default() }
    }

    /// Unpacks with the dictionary of this number; `None` if that cannot be.
    pub(super) fn unpack(&self, number: u8, packed: &[u8], raw_bytes: usize) -> Option<Vec<u8>> {
        let (idle, dictionary) = match number {
            NONE => (&self.plain, &[][..]),
            FIRST => (&self.taught, self.dictionary.as_deref()?),
            _ => return None,
        };
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut unpacker = kept.map_or_else(|| Decompressor::with_dictionary(dictionary), Ok).ok()?;
        let raw = unpacker.decompress(packed, raw_bytes).ok()?;
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(unpacker);
        }
        (raw.len() == raw_bytes).then_some(raw)
    }
}
