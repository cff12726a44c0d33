//! The bytes of one card: bincode of a shape that is only for storing. JSON stays text.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{BorrowDecode, Encode};

use crate::call::Marks;
use crate::call::limits::RECORD_BYTES_MAX;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::entry::EntryKind;

/// Nothing that bincode reads may claim to be larger than this.
const DECODE_BYTES_MAX: usize = 4 * RECORD_BYTES_MAX;
const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<DECODE_BYTES_MAX>();

/// A card as stored, version 1. Its sequence is told by its place. What is alike in many cards comes first and together,
/// which packs better.
#[derive(Encode, BorrowDecode)]
struct StoredCard<'a> {
    kind: u8,
    marks: u16,
    source: &'a str,
    name: Option<&'a str>,
    category: Option<&'a str>,
    received_at: i64,
    /// Milliseconds before `received_at`.
    age: i64,
    message_id: &'a str,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    target: Option<&'a str>,
    payload: &'a str,
    context: &'a str,
}

/// Appends a card.
pub(super) fn encode(card: &Card, out: &mut Vec<u8>) {
    let received_at = card.received_at.as_millis();
    let stored = StoredCard {
        kind: card.kind as u8,
        marks: card.marks.0,
        source: &card.source,
        name: card.name.as_deref(),
        category: card.category.as_deref(),
        received_at,
        age: received_at.wrapping_sub(card.timestamp.as_millis()),
        message_id: &card.message_id,
        user_id: card.user_id.as_deref(),
        anonymous_id: card.anonymous_id.as_deref(),
        target: card.target.as_deref(),
        payload: &card.payload,
        context: &card.context,
    };
    bincode::encode_into_std_write(stored, out, CONFIG).expect("writing to memory cannot fail");
}

/// The card of these bytes; `None` if they are not one.
pub(super) fn decode(sequence: Sequence, bytes: &[u8]) -> Option<Card> {
    let (stored, used): (StoredCard<'_>, usize) = bincode::borrow_decode_from_slice(bytes, CONFIG).ok()?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    (used == bytes.len()).then_some(())?;
    Some(Card {
        sequence,
        kind: kind_of(stored.kind)?,
        source: stored.source.to_owned(),
        message_id: stored.message_id.to_owned(),
        user_id: owned(stored.user_id),
        anonymous_id: owned(stored.anonymous_id),
        target: owned(stored.target),
        name: owned(stored.name),
        category: owned(stored.category),
        timestamp: Time::from_millis(stored.received_at.wrapping_sub(stored.age)),
        received_at: Time::from_millis(stored.received_at),
        payload: stored.payload.to_owned(),
        context: stored.context.to_owned(),
        marks: Marks(stored.marks),
    })
}

fn kind_of(number: u8) -> Option<EntryKind> {
    use EntryKind::{Alias, Control, Group, Identify, Page, Screen, Track};
    [Identify, Track, Page, Screen, Group, Alias, Control].into_iter().find(|kind| *kind as u8 == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card {
            sequence: Sequence::new(9),
            kind: EntryKind::Group,
            source: "web".to_owned(),
            message_id: "m-1".to_owned(),
            user_id: Some("u-1".to_owned()),
            anonymous_id: None,
            target: Some("g-1".to_owned()),
            name: None,
            category: Some("é".to_owned()),
            timestamp: Time::from_millis(i64::MIN),
            received_at: Time::from_millis(1_700_000_000_003),
            payload: r#"{"a":1.50}"#.to_owned(),
            context: "{}".to_owned(),
            marks: Marks::FILTERED,
        }
    }

    /// What version 1 wrote has to stay readable; these bytes are never edited.
    const GOLDEN: &[u8] = &[
        5, 1, 3, 119, 101, 98, 0, 1, 2, 195, 169, 253, 6, 208, 202, 159, 23, 3, 0, 0, 253, 249, 47, 53, 96, 232, 252,
        255, 255, 3, 109, 45, 49, 1, 3, 117, 45, 49, 0, 1, 3, 103, 45, 49, 10, 123, 34, 97, 34, 58, 49, 46, 53, 48,
        125, 2, 123, 125,
    ];

    #[test]
    fn a_card_comes_back_as_it_was_and_golden_bytes_are_still_written() {
        let mut bytes = Vec::new();
        encode(&card(), &mut bytes);
        assert_eq!(bytes, GOLDEN);
        assert_eq!(decode(Sequence::new(9), &bytes), Some(card()));
    }

    #[test]
    fn every_kind_has_its_number() {
        assert_eq!((1..=7).map(|number| kind_of(number).unwrap() as u8).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((kind_of(0), kind_of(8)), (None, None));
    }

    #[test]
    fn cut_or_longer_bytes_are_no_card() {
        for length in 0..GOLDEN.len() {
            assert_eq!(decode(Sequence::FIRST, &GOLDEN[..length]), None);
        }
        assert_eq!(decode(Sequence::FIRST, &[GOLDEN, b"x"].concat()), None);
        for index in 0..GOLDEN.len() {
            let mut bad = GOLDEN.to_vec();
            bad[index] = bad[index].wrapping_add(128);
            let _ = decode(Sequence::FIRST, &bad); // a changed letter may still decode: the chunk's checksum notices
        }
    }
}
