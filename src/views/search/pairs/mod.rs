//! Who has which two bytes in a row in what a search compares: a file of bits for each segment, beside its texts.
//!
//! Most words of one or two letters are answered by these bits alone. Of a longer word the pairs leave few people, and
//! the text tells which of them have it. Bits instead of terms of the index: a person has a hundred pairs, ids bring
//! new ones to everybody, and a bit is set and merged in the time in which a term is looked up.
//!
//! A pair of letters, digits and the most common signs has a row of its own; so has a letter that ends a value or that
//! comes before any other byte, so that the rows of one letter together are all people who have it. All other pairs
//! share some rows.
//!
//! The file: people in blocks of 4,096, in their order. A block begins with where each of its rows ends, four bytes each
//! and counted from the end of these; then come the rows: a bit for each person, in eights of bytes, or, where that is
//! shorter, two bytes for the place of each person who has the bit.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::ops::Range;

pub(super) use self::reader::Pairs;
pub(super) use self::writer::Writer;
use super::texts::VALUE_END;

/// Bytes that have rows of their own: what folded names, emails and ids are made of.
const OWN: &[u8; 42] = b"abcdefghijklmnopqrstuvwxyz0123456789@.-_+|";
/// The kind of byte that closes a value, after those of [`OWN`].
const END: usize = OWN.len();
/// The kind of all other bytes.
const OTHER: usize = END + 1;
/// How many kinds of bytes there are.
const KINDS: usize = OTHER + 1;
/// Rows of pairs of [`OWN`] with any kind.
const OWN_ROWS: usize = OWN.len() * KINDS;
/// Rows of a block. Those after [`OWN_ROWS`] are shared.
const ROWS: usize = 2_048;
/// People of a block.
const PEOPLE: usize = 4_096;
/// Bytes of a row of a whole block.
const ROW_BYTES: usize = PEOPLE / 8;
const WORD_BYTES: usize = size_of::<u64>();
const WORD_BITS: usize = 8 * WORD_BYTES;
/// Bytes of where a row ends.
const END_BYTES: usize = size_of::<u32>();
/// Bytes of where all rows of a block end.
const ENDS_BYTES: usize = ROWS * END_BYTES;
/// Bytes of the place of a person in a block.
const PLACE_BYTES: usize = size_of::<u16>();

const KIND: [u8; 256] = kinds();

#[expect(clippy::indexing_slicing, reason = "at compile time, where there is no other way and a panic is an error")]
#[expect(clippy::cast_possible_truncation, reason = "there are few kinds")]
const fn kinds() -> [u8; 256] {
    let mut kinds = [OTHER as u8; 256];
    kinds[VALUE_END as usize] = END as u8;
    let mut at = 0;
    while at < OWN.len() {
        kinds[OWN[at] as usize] = at as u8;
        at += 1;
    }
    kinds
}

fn kind(byte: u8) -> usize {
    KIND.get(usize::from(byte)).copied().unwrap_or_default().into()
}

/// The row of a byte of a kind of its own and what follows it.
fn own(first: usize, second: usize) -> usize {
    first * KINDS + second
}

fn shared(first: u8, second: u8) -> usize {
    let mixed = u32::from_be_bytes([0, 0, first, second]).wrapping_mul(0x9E37_79B1) >> 16;
    OWN_ROWS + usize::try_from(mixed).unwrap_or_default() % (ROWS - OWN_ROWS)
}

/// What people who have a word have bits in: at least one in each of these ranges of rows.
pub(super) fn rows(word: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let pairs = word.iter().zip(word.iter().skip(1)).map(|(first, second)| {
        let row = match (kind(*first), kind(*second)) {
            (one, other) if one < END && other < END => own(one, other),
            _ => shared(*first, *second),
        };
        row..row + 1
    });
    let single = match word {
        [letter] if kind(*letter) < END => Some(own(kind(*letter), 0)..own(kind(*letter) + 1, 0)),
        _ => None,
    };
    pairs.chain(single)
}

/// Whether all people who have the bits have the word, too.
pub(super) fn decide(word: &[u8]) -> bool {
    word.len() <= 2 && word.iter().all(|byte| kind(*byte) < END)
}

/// Bytes of a row for so many people of one block, a bit for each.
const fn row_bytes(people: usize) -> usize {
    people.div_ceil(WORD_BITS) * WORD_BYTES
}
