//! Sets the bits of people, block by block.

use std::io::{self, Write};

use tantivy::directory::{TerminatingWrite, WritePtr};

use super::{END, ENDS_BYTES, OTHER, PEOPLE, PLACE_BYTES, ROW_BYTES, ROWS, WORD_BITS, kind, own, row_bytes, shared};

/// Writes the file of a segment.
pub(in super::super) struct Writer {
    file: WritePtr,
    /// The rows of the block that is being filled.
    block: Vec<u8>,
    /// People in this block.
    people: usize,
}

impl Writer {
    pub fn new(file: WritePtr) -> Self {
        Self { file, block: vec![0; ROWS * ROW_BYTES], people: 0 }
    }

    /// The values of the next person, each with its end.
    pub fn push(&mut self, text: &[u8]) -> io::Result<()> {
        if self.people == PEOPLE {
            self.write()?;
            self.block.fill(0);
            self.people = 0;
        }
        for (first, second) in text.iter().zip(text.iter().skip(1)) {
            let (one, other) = (kind(*first), kind(*second));
            if one < END {
                self.set(own(one, other));
            }
            if one != END && other != END && (one == OTHER || other == OTHER) {
                self.set(shared(*first, *second));
            }
        }
        self.people += 1;
        Ok(())
    }

    fn set(&mut self, row: usize) {
        if let Some(byte) = self.block.get_mut(row * ROW_BYTES + self.people / 8) {
            *byte |= 1 << (self.people % 8);
        }
    }

    pub fn close(mut self) -> io::Result<()> {
        if self.people > 0 {
            self.write()?;
        }
        self.file.terminate()
    }

    fn write(&mut self) -> io::Result<()> {
        let bytes = row_bytes(self.people);
        let (mut ends, mut rows) = (Vec::with_capacity(ENDS_BYTES), Vec::new());
        for row in self.block.chunks_exact(ROW_BYTES) {
            let row = row.get(..bytes).unwrap_or(row);
            let words = || row.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            let count: usize = words().map(|word| word.count_ones() as usize).sum();
            if count * PLACE_BYTES < bytes {
                for (at, mut word) in (0u16..).step_by(WORD_BITS).zip(words()) {
                    while word != 0 {
                        let place = at | u16::try_from(word.trailing_zeros()).unwrap_or_default();
                        rows.extend(place.to_le_bytes());
                        word &= word - 1;
                    }
                }
            } else {
                rows.extend(row);
            }
            ends.extend(u32::try_from(rows.len()).map_err(io::Error::other)?.to_le_bytes());
        }
        self.file.write_all(&ends)?;
        self.file.write_all(&rows)
    }
}
