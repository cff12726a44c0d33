//! Finds people by their bits.

use std::ops::Range;

use tantivy::directory::OwnedBytes;

use super::{END_BYTES, ENDS_BYTES, PEOPLE, WORD_BITS, row_bytes};
use crate::views::search::bits::Bits;

/// The bits of one segment.
pub(in super::super) struct Pairs {
    bytes: OwnedBytes,
    people: usize,
}

impl Pairs {
    /// Of a file; none when it is not one of so many people.
    pub fn of(bytes: OwnedBytes, people: u32) -> Option<Self> {
        let pairs = Self { bytes, people: usize::try_from(people).ok()? };
        let (mut length, mut counted) = (0, 0);
        for block in pairs.blocks() {
            length += ENDS_BYTES + block.rows.len();
            counted += block.people;
        }
        (length == pairs.bytes.len() && counted == pairs.people).then_some(pairs)
    }

    /// The file.
    #[cfg(test)]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let mut rest = self.bytes.as_slice();
        (0..self.people).step_by(PEOPLE).map_while(move |before| {
            let (ends, rows) = rest.split_at_checked(ENDS_BYTES)?;
            let ends = ends.as_chunks().0;
            let (rows, next) = rows.split_at_checked(number(*ends.last()?))?;
            rest = next;
            Some(Block { ends, rows, people: (self.people - before).min(PEOPLE) })
        })
    }

    /// Everybody who has a bit in each of these ranges of rows.
    pub fn having(&self, rows: &[Range<usize>]) -> Bits {
        let mut words = Vec::with_capacity(self.people.div_ceil(WORD_BITS));
        for block in self.blocks() {
            let mut found = [u64::MAX; PEOPLE / WORD_BITS];
            let Some(found) = found.get_mut(..block.people.div_ceil(WORD_BITS)) else { continue };
            if let (Some(last), rest @ 1..) = (found.last_mut(), block.people % WORD_BITS) {
                *last = (1 << rest) - 1;
            }
            for range in rows {
                let any = block.any(range);
                found.iter_mut().zip(any).for_each(|(word, any)| *word &= any);
                if found.iter().all(|word| *word == 0) {
                    break;
                }
            }
            words.extend_from_slice(found);
        }
        Bits::of(words)
    }
}

struct Block<'a> {
    ends: &'a [[u8; END_BYTES]],
    rows: &'a [u8],
    people: usize,
}

impl Block<'_> {
    /// Those who have a bit in one of these rows.
    fn any(&self, rows: &Range<usize>) -> [u64; PEOPLE / WORD_BITS] {
        let mut any = [0; PEOPLE / WORD_BITS];
        let mut begin =
            rows.start.checked_sub(1).and_then(|former| self.ends.get(former)).map_or(0, |end| number(*end));
        for end in self.ends.get(rows.clone()).unwrap_or_default() {
            let end = number(*end);
            let row = self.rows.get(begin..end).unwrap_or_default();
            begin = end;
            if row.len() == row_bytes(self.people) {
                for (word, bytes) in any.iter_mut().zip(row.as_chunks().0) {
                    *word |= u64::from_le_bytes(*bytes);
                }
            } else {
                for place in row.as_chunks().0 {
                    let place = usize::from(u16::from_le_bytes(*place));
                    if let Some(word) = any.get_mut(place / WORD_BITS) {
                        *word |= 1 << (place % WORD_BITS);
                    }
                }
            }
        }
        any
    }
}

fn number(bytes: [u8; END_BYTES]) -> usize {
    usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
}
