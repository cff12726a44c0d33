//! The frame of every stored value, and the numbers and texts inside.
//!
//! `version u8 = 1, crc32 u32 (little-endian, over the key and all that follows), packing u8, payload`: packing 0 is as
//! it is, 1 is zstd after its unpacked length (u32, little-endian). The key is part of the checksum, so that a value in
//! the place of another is noticed.

use std::path::Path;
use std::time::Duration;

use crate::call::time::Time;
use crate::journal::Sequence;
use crate::relay::ledger::Again;
use crate::relay::outbox::Tried;
use crate::relay::policy::{Answer, Failure};
use crate::store::StoreError;

/// The version of every value, and of the whole format.
pub(super) const VERSION: u8 = 1;
const PREFIX_BYTES: usize = 6;
/// Framing makes a value this much longer at most.
#[cfg(test)]
pub(super) const FRAME_BYTES: usize = 16;
/// No honest value is larger, unpacked.
const UNPACKED_BYTES_MAX: usize = 1 << 20;
/// zstd's fastest setting.
const LEVEL: i32 = 1;
/// Bytes of an answer's text that are kept.
pub(super) const TEXT_BYTES_MAX: usize = 1024;

/// Why bytes are not the value they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it is missing")]
    Missing,
    #[error("it is cut")]
    Cut,
    #[error("it has version {0}, which this program does not know; start the newer program that wrote it")]
    Version(u8),
    #[error("its checksum does not match")]
    Checksum,
    #[error("it does not unpack")]
    Payload,
    #[error("it does not decode")]
    Meaning,
    #[error("it does not agree with its totals")]
    Totals,
    #[error("blocks before it are missing")]
    Gap,
}

/// The error that names the folder, what is wrong in it, and what to do.
pub(super) fn damaged(dir: &Path, what: &str, fault: Fault) -> StoreError {
    if let Fault::Version(_) = fault {
        return StoreError::Failed(format!("the relay's ledger in {}: {what}: {fault}", dir.display()));
    }
    StoreError::Damaged(format!(
        "the relay's ledger in {} is damaged: {what}: {fault}. Restore the folder `relay` from a backup; or move it away, \
         and each destination begins anew where its `from` says",
        dir.display()
    ))
}

/// Frames values. Keeps zstd's working memory between them.
pub(super) struct Sealer(zstd::bulk::Compressor<'static>);

impl Sealer {
    pub(super) fn new() -> Result<Self, StoreError> {
        let compressor = zstd::bulk::Compressor::new(LEVEL);
        compressor.map(Self).map_err(|error| StoreError::Failed(error.to_string()))
    }

    /// The stored bytes of a value.
    pub(super) fn seal(&mut self, key: &[u8], payload: &[u8]) -> Vec<u8> {
        let packed = self.0.compress(payload).ok().filter(|packed| packed.len() + 4 < payload.len());
        let length = u32::try_from(payload.len()).ok();
        let mut bytes = vec![VERSION, 0, 0, 0, 0];
        if let (Some(packed), Some(length)) = (packed, length) {
            bytes.push(1);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&packed);
        } else {
            bytes.push(0);
            bytes.extend_from_slice(payload);
        }
        let sum = checksum(key, bytes.get(5..).unwrap_or_default());
        if let Some(place) = bytes.get_mut(1..5) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        bytes
    }
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

/// What [`Sealer::seal`] was given.
pub(super) fn unseal(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let (version, rest) = bytes.split_first().ok_or(Fault::Cut)?;
    if *version != VERSION {
        return Err(Fault::Version(*version));
    }
    let (sum, rest) = rest.split_first_chunk::<4>().ok_or(Fault::Cut)?;
    if bytes.len() < PREFIX_BYTES || checksum(key, rest) != u32::from_le_bytes(*sum) {
        return Err(Fault::Checksum);
    }
    let (packing, payload) = rest.split_first().ok_or(Fault::Cut)?;
    if *packing == 0 {
        return Ok(payload.to_vec());
    }
    let (length, packed) = payload.split_first_chunk::<4>().ok_or(Fault::Cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if *packing != 1 || length > UNPACKED_BYTES_MAX {
        return Err(Fault::Payload);
    }
    let payload = zstd::bulk::decompress(packed, length).map_err(|_| Fault::Payload)?;
    if payload.len() == length { Ok(payload) } else { Err(Fault::Payload) }
}

/// Appends a number: seven bits a byte, the low ones first.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Takes a number off the front.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes a byte off the front.
pub(super) fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

/// Folds the sign into the lowest bit, so that small numbers of both signs are short.
pub(super) const fn fold_sign(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// Undoes [`fold_sign`].
pub(super) const fn unfold_sign(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Appends a number of either sign.
pub(super) fn put_signed(number: i64, out: &mut Vec<u8>) {
    put(fold_sign(number), out);
}

/// Takes a number of either sign off the front.
pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(unfold_sign)
}

/// Appends bytes, their length first.
pub(super) fn put_bytes(text: &[u8], out: &mut Vec<u8>) {
    put(text.len() as u64, out);
    out.extend_from_slice(text);
}

/// Takes bytes off the front.
pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

/// Takes a text off the front.
pub(super) fn take_text(bytes: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(bytes)?.to_vec()).ok()
}

/// At most [`TEXT_BYTES_MAX`] bytes of a text, cut between letters.
pub(super) fn capped(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Appends what was tried.
pub(super) fn put_tried(tried: &Tried, out: &mut Vec<u8>) {
    put(u64::from(tried.attempts), out);
    put_signed(tried.first_at.as_millis(), out);
    put_signed(tried.due.as_millis().wrapping_sub(tried.first_at.as_millis()), out);
}

/// Takes what was tried off the front.
pub(super) fn take_tried(bytes: &mut &[u8]) -> Option<Tried> {
    let attempts = u32::try_from(take(bytes)?).ok()?;
    let first_at = take_signed(bytes)?;
    let due = first_at.wrapping_add(take_signed(bytes)?);
    Some(Tried { attempts, first_at: Time::from_millis(first_at), due: Time::from_millis(due) })
}

const FAILURES: [Failure; 7] = [
    Failure::Dns,
    Failure::Connect,
    Failure::Tls,
    Failure::Timeout,
    Failure::Reset,
    Failure::Denied,
    Failure::Protocol,
];

/// Appends an answer, its text capped. A success keeps no text.
pub(super) fn put_answer(answer: &Answer, out: &mut Vec<u8>) {
    match answer {
        Answer::Status { status, retry_after, text } => {
            out.push(0);
            put(u64::from(*status), out);
            let after = retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).saturating_add(1));
            put(after.unwrap_or(0), out);
            let text = if (200..300).contains(status) { "" } else { capped(text) };
            put_bytes(text.as_bytes(), out);
        }
        Answer::Failed { failure, text } => {
            let number = FAILURES.iter().zip(1..).find(|(known, _)| *known == failure).map_or(7, |(_, number)| number);
            out.push(number);
            put_bytes(capped(text).as_bytes(), out);
        }
    }
}

/// Takes an answer off the front.
pub(super) fn take_answer(bytes: &mut &[u8]) -> Option<Answer> {
    let kind = take_byte(bytes)?;
    if kind == 0 {
        let status = u16::try_from(take(bytes)?).ok()?;
        let retry_after = take(bytes)?.checked_sub(1).map(Duration::from_millis);
        return Some(Answer::Status { status, retry_after, text: take_text(bytes)? });
    }
    let failure = *FAILURES.get(usize::from(kind) - 1)?;
    Some(Answer::Failed { failure, text: take_text(bytes)? })
}

fn put_optional(text: Option<&str>, out: &mut Vec<u8>) {
    out.push(u8::from(text.is_some()));
    put_bytes(text.unwrap_or_default().as_bytes(), out);
}

#[expect(clippy::option_option, reason = "no text, and no decodable text")]
fn take_optional(bytes: &mut &[u8]) -> Option<Option<String>> {
    let is_some = take_byte(bytes)? == 1;
    let text = take_text(bytes)?;
    Some(is_some.then_some(text))
}

/// Appends an order to deliver again.
pub(super) fn put_again(again: &Again, out: &mut Vec<u8>) {
    put(again.next.get(), out);
    put(again.end.get(), out);
    out.push(u8::from(again.dead_only));
    put_optional(again.kind.as_deref(), out);
    put_optional(again.event.as_deref(), out);
}

/// Takes an order to deliver again off the front.
pub(super) fn take_again(bytes: &mut &[u8]) -> Option<Again> {
    let (next, end) = (Sequence::new(take(bytes)?), Sequence::new(take(bytes)?));
    let dead_only = take_byte(bytes)? == 1;
    Some(Again { next, end, dead_only, kind: take_optional(bytes)?, event: take_optional(bytes)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            put_signed(signed, &mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!((take(&mut rest), take_signed(&mut rest), rest.len()), (Some(number), Some(signed), 0));
        }

        #[test]
        fn answers_come_back(status in 300_u16..600, after: Option<u32>, kind in 0_usize..7, text in ".{0,40}") {
            let retry_after = after.map(|after| Duration::from_millis(u64::from(after)));
            let failed = Answer::Failed { failure: FAILURES[kind], text: text.clone() };
            for answer in [Answer::Status { status, retry_after, text }, failed] {
                let mut bytes = Vec::new();
                put_answer(&answer, &mut bytes);
                prop_assert_eq!(take_answer(&mut bytes.as_slice()), Some(answer));
                prop_assert_eq!(take_answer(&mut &bytes[..bytes.len() - 1]), None);
            }
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_a_success_keeps_none() {
        let text = "ä".repeat(600) + "x";
        assert_eq!(capped(&text).len(), 1024);
        assert_eq!(capped(&format!("a{text}")).len(), 1023);
        let mut bytes = Vec::new();
        put_answer(&Answer::Status { status: 200, retry_after: None, text }, &mut bytes);
        assert!(bytes.len() < 8);
    }

    #[test]
    fn a_value_comes_back_and_every_changed_byte_or_key_is_noticed() {
        let mut sealer = Sealer::new().unwrap();
        for payload in [b"short".to_vec(), vec![7; 5_000]] {
            let bytes = sealer.seal(b"key", &payload);
            assert_eq!(unseal(b"key", &bytes).unwrap(), payload);
            assert_eq!(unseal(b"kez", &bytes), Err(Fault::Checksum));
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1;
                assert!(unseal(b"key", &bad).is_err(), "byte {at}");
                assert!(unseal(b"key", &bytes[..at]).is_err(), "cut at {at}");
            }
        }
    }
}
