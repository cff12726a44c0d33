//! The bytes of records and blocks. The only file of the journal that names bincode.
//!
//! A record is `u32 length (little-endian), bincode StoredRecord`. A block is `version, checksum, header, payload`
//! (see `block`); its payload is the records one after another, compressed with zstd.
//! Old bytes stay readable for ever: a changed shape gets a new version and joins the golden bytes in `tests/golden`.

use std::borrow::Cow;

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{BorrowDecode, Encode};

use super::{ReadError, Record, Sequence};
use crate::call::ids::{AnonymousId, GroupId, MessageId, UserId};
use crate::call::limits::RECORD_BYTES_MAX;
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target};

/// Nothing that bincode reads may claim to be larger than this.
const DECODE_BYTES_MAX: usize = 4 * RECORD_BYTES_MAX;
const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<DECODE_BYTES_MAX>();

/// A record as stored, version 1.
#[derive(Encode, BorrowDecode)]
struct StoredRecord<'a> {
    kind: u8,
    marks: u16,
    received_at: i64,
    timestamp: i64,
    original_timestamp: i64,
    sent_at: Option<i64>,
    source: &'a str,
    message_id: &'a str,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    target: Option<&'a str>,
    name: Option<&'a str>,
    category: Option<&'a str>,
    channel: &'a str,
    payload: &'a str,
    context: &'a str,
    integrations: Option<&'a str>,
    extra: &'a str,
}

/// What duplicates are found by: 80 bits of BLAKE3 over source and message id, in the low bits.
///
/// It only finds candidates; the record itself decides, so a collision costs a read and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageDigest(u128);

impl MessageDigest {
    /// Bits of the digest.
    pub const BITS: u32 = 80;

    /// The digest of one message of one source.
    pub fn of(source: &str, message_id: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&u64::try_from(source.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(source.as_bytes());
        hasher.update(message_id.as_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(u128::from_le_bytes(bytes) >> (128 - Self::BITS))
    }

    /// The digest with these 80 bits.
    pub(super) const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// As a number below 2^80.
    pub const fn get(self) -> u128 {
        self.0
    }
}

/// Appends one record in stored form.
pub(super) fn encode_record(source: &str, received_at: Time, call: &Call<'_>, out: &mut Vec<u8>) {
    let stored = StoredRecord {
        kind: kind_number(call.kind),
        marks: call.marks.0,
        received_at: received_at.as_millis(),
        timestamp: call.timestamp.as_millis(),
        original_timestamp: call.original_timestamp.as_millis(),
        sent_at: call.sent_at.map(Time::as_millis),
        source,
        message_id: call.message_id.as_str(),
        user_id: call.user_id.as_ref().map(UserId::as_str),
        anonymous_id: call.anonymous_id.as_ref().map(AnonymousId::as_str),
        target: match &call.target {
            Target::None => None,
            Target::Group(id) => Some(id.as_str()),
            Target::Previous(id) => Some(id.as_str()),
        },
        name: call.name.as_deref(),
        category: call.category.as_deref(),
        channel: &call.channel,
        payload: &call.payload,
        context: &call.context,
        integrations: call.integrations.as_deref(),
        extra: &call.extra,
    };
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let written = bincode::encode_into_std_write(stored, out, CONFIG).expect("writing to memory cannot fail");
    let length = u32::try_from(written).unwrap_or(u32::MAX);
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends what stays of an erased record: its place, its source, when it was received, what duplicates are found by, and
/// which erasure it was.
pub(super) fn encode_erased(record: &Record<'_>, erasure: &str, out: &mut Vec<u8>) {
    let at = record.received_at;
    let message_id = MessageId::parse(format!("{:020x}", record.digest().get())).expect("twenty digits are an id");
    let call = Call {
        kind: CallType::Track,
        message_id,
        user_id: None,
        anonymous_id: None,
        target: Target::None,
        name: None,
        category: Some(Cow::Borrowed(erasure)),
        timestamp: at,
        original_timestamp: at,
        sent_at: None,
        channel: Cow::Borrowed("server"),
        payload: Cow::Borrowed("{}"),
        context: Cow::Borrowed("{}"),
        integrations: None,
        extra: Cow::Borrowed("{}"),
        marks: Marks::ERASED,
    };
    encode_record(record.source, at, &call, out);
}

/// What duplicates of a record are found by.
pub(super) fn digest(source: &str, message_id: &str, marks: Marks) -> MessageDigest {
    let kept = if marks.has(Marks::ERASED) { u128::from_str_radix(message_id, 16).ok() } else { None };
    kept.map_or_else(|| MessageDigest::of(source, message_id), MessageDigest)
}

/// Whether two stored records have the same source and message id. Of an erased one only the digest is known.
pub(super) fn same_message(left: &[u8], right: &[u8]) -> bool {
    let names = |bytes: &[u8]| -> Option<(String, String, Marks)> {
        let (stored, _): (StoredRecord<'_>, usize) = bincode::borrow_decode_from_slice(bytes.get(4..)?, CONFIG).ok()?;
        Some((stored.source.to_owned(), stored.message_id.to_owned(), Marks(stored.marks)))
    };
    let (Some(left), Some(right)) = (names(left), names(right)) else { return false };
    if left.2.has(Marks::ERASED) || right.2.has(Marks::ERASED) {
        return digest(&left.0, &left.1, left.2) == digest(&right.0, &right.1, right.2);
    }
    (left.0, left.1) == (right.0, right.1)
}

/// Where the record with this index begins in a decompressed block; the end if there are fewer.
pub(super) fn offset_of(payload: &[u8], index: u64) -> usize {
    let mut at = 0;
    for _ in 0..index {
        let Some(prefix) = payload.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return payload.len() };
        at += 4 + usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX - at - 4);
    }
    at.min(payload.len())
}

/// The stored bytes of the record with this index in a decompressed block, its length included.
pub(super) fn nth_record(payload: &[u8], index: u64) -> Option<&[u8]> {
    let (start, end) = (offset_of(payload, index), offset_of(payload, index + 1));
    payload.get(start..end).filter(|bytes| !bytes.is_empty())
}

/// Decodes `count` records from a decompressed block.
pub(super) fn decode_records<'a>(
    first: Sequence,
    count: u32,
    payload: &'a [u8],
    place: &'a str,
) -> impl Iterator<Item = Result<Record<'a>, ReadError>> {
    let mut rest = payload;
    (0..u64::from(count)).map(move |index| {
        let sequence = first.plus(index);
        decode_record(sequence, &mut rest).map_err(|detail| ReadError::Damaged {
            sequence,
            place: place.to_owned(),
            detail: detail.to_owned(),
        })
    })
}

fn decode_record<'a>(sequence: Sequence, rest: &mut &'a [u8]) -> Result<Record<'a>, &'static str> {
    let (prefix, tail) = rest.split_first_chunk::<4>().ok_or("the record is cut")?;
    let length = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
    let (bytes, tail) = tail.split_at_checked(length).ok_or("the record is cut")?;
    *rest = tail;
    let (stored, used): (StoredRecord<'a>, usize) =
        bincode::borrow_decode_from_slice(bytes, CONFIG).map_err(|_| "the record does not decode")?;
    if used != bytes.len() {
        return Err("the record has bytes left over");
    }
    restore(sequence, &stored).ok_or("the record holds an impossible value")
}

fn restore<'a>(sequence: Sequence, stored: &StoredRecord<'a>) -> Option<Record<'a>> {
    let kind = kind_of(stored.kind)?;
    let target = match (kind, stored.target) {
        (CallType::Group, Some(id)) => Target::Group(GroupId::parse(id).ok()?),
        (CallType::Alias, Some(id)) => Target::Previous(UserId::parse(id).ok()?),
        (_, None) => Target::None,
        (_, Some(_)) => return None,
    };
    let call = Call {
        kind,
        message_id: MessageId::parse(stored.message_id).ok()?,
        user_id: stored.user_id.map(UserId::parse).transpose().ok()?,
        anonymous_id: stored.anonymous_id.map(AnonymousId::parse).transpose().ok()?,
        target,
        name: stored.name.map(Cow::Borrowed),
        category: stored.category.map(Cow::Borrowed),
        timestamp: Time::from_millis(stored.timestamp),
        original_timestamp: Time::from_millis(stored.original_timestamp),
        sent_at: stored.sent_at.map(Time::from_millis),
        channel: Cow::Borrowed(stored.channel),
        payload: Cow::Borrowed(stored.payload),
        context: Cow::Borrowed(stored.context),
        integrations: stored.integrations.map(Cow::Borrowed),
        extra: Cow::Borrowed(stored.extra),
        marks: Marks(stored.marks),
    };
    Some(Record { sequence, source: stored.source, received_at: Time::from_millis(stored.received_at), call })
}

const fn kind_number(kind: CallType) -> u8 {
    match kind {
        CallType::Identify => 1,
        CallType::Track => 2,
        CallType::Page => 3,
        CallType::Screen => 4,
        CallType::Group => 5,
        CallType::Alias => 6,
    }
}

fn kind_of(number: u8) -> Option<CallType> {
    CallType::ALL.into_iter().find(|kind| kind_number(*kind) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Call<'static> {
        Call {
            kind: CallType::Group,
            message_id: MessageId::parse("m-1").unwrap(),
            user_id: Some(UserId::parse("u-1").unwrap()),
            anonymous_id: Some(AnonymousId::parse("a-1").unwrap()),
            target: Target::Group(GroupId::parse("g-1").unwrap()),
            name: Some("n".into()),
            category: Some("c".into()),
            timestamp: Time::from_millis(1_700_000_000_001),
            original_timestamp: Time::from_millis(-5),
            sent_at: Some(Time::from_millis(1_700_000_000_002)),
            channel: "server".into(),
            payload: r#"{"a":1}"#.into(),
            context: r#"{"ip":"::1"}"#.into(),
            integrations: Some(r#"{"All":true}"#.into()),
            extra: r#"{"é":null}"#.into(),
            marks: Marks::FILTERED.with(Marks::ID_GENERATED),
        }
    }

    fn sparse() -> Call<'static> {
        Call {
            kind: CallType::Track,
            anonymous_id: None,
            target: Target::None,
            name: None,
            category: None,
            sent_at: None,
            integrations: None,
            marks: Marks::default(),
            ..full()
        }
    }

    fn encoded() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_record("web", Time::from_millis(1_700_000_000_003), &full(), &mut bytes);
        encode_record("api", Time::from_millis(1_700_000_000_004), &sparse(), &mut bytes);
        bytes
    }

    #[test]
    fn records_come_back_as_they_were() {
        let bytes = encoded();
        let records: Vec<_> = decode_records(Sequence::new(9), 2, &bytes, "here").map(Result::unwrap).collect();
        assert_eq!((&records[0].call, &records[1].call), (&full(), &sparse()));
        assert_eq!((records[0].source, records[1].source, records[1].sequence.get()), ("web", "api", 10));
        assert!(same_message(&bytes, nth_record(&bytes, 0).unwrap()));
        assert!(!same_message(&bytes, nth_record(&bytes, 1).unwrap()), "the source differs");
        assert_eq!(nth_record(&bytes, 2), None);
    }

    /// What version 1 wrote has to stay readable for ever; these bytes are never edited.
    #[test]
    fn golden_records_of_version_1_are_still_written_and_read() {
        assert_eq!(encoded(), include_bytes!("../../tests/golden/records-v1.bin"));
    }

    #[test]
    fn cut_or_changed_records_are_errors_and_never_panics() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            assert!(decode_records(Sequence::FIRST, 2, &bytes[..length], "here").any(|record| record.is_err()));
        }
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] = bad[index].wrapping_add(128);
            for record in decode_records(Sequence::FIRST, 2, &bad, "here") {
                drop(record); // a changed letter may still decode: the block's checksum is what notices
            }
        }
    }
}
