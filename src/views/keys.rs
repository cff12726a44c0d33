//! Keys of everything that is stored: family first, numbers big-endian, so that byte order is the order of meaning.
//! Lists run newest first, so their places are stored inverted.

use super::entry::{ListId, Place};
use super::identity::NodeNo;
use super::names::{GroupNo, NameNo, SourceNo};
use crate::call::time::Time;
use crate::journal::Sequence;

/// The first byte of a key: which kind of thing it is. Stored, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Family {
    /// Changes of the identity graph, in order, many to a value.
    Change = 1,
    /// What a node itself did: first, last, events.
    Summary = 2,
    /// Traits and calls of a node.
    Node = 3,
    /// Parts of lists.
    List = 4,
    /// The event catalogue.
    Name = 5,
    /// Which nodes ever sent a name.
    NameNodes = 6,
    /// Groups.
    Group = 7,
    /// The group that a node is in.
    Membership = 8,
    /// Counts of a minute.
    Minute = 9,
    /// Sources, and what came from them.
    Source = 10,
    /// Records that could not be folded.
    Parked = 11,
    /// Who came into an audience and left it in an hour.
    Turnover = 12,
}

impl Family {
    /// All of them, in order.
    pub(super) const ALL: [Self; 12] = [
        Self::Change,
        Self::Summary,
        Self::Node,
        Self::List,
        Self::Name,
        Self::NameNodes,
        Self::Group,
        Self::Membership,
        Self::Minute,
        Self::Source,
        Self::Parked,
        Self::Turnover,
    ];

    /// The family of a key.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let first = *key.first()?;
        Self::ALL.into_iter().find(|family| *family as u8 == first)
    }

    /// The first key of the family, and the first one after it.
    pub(super) fn range(self) -> (Vec<u8>, Vec<u8>) {
        (vec![self as u8], vec![self as u8 + 1])
    }
}

fn key(family: Family, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(family as u8);
    key.extend_from_slice(rest);
    key
}

pub(super) fn changes(first: u64) -> Vec<u8> {
    key(Family::Change, &first.to_be_bytes())
}

pub(super) fn summary(node: NodeNo) -> Vec<u8> {
    key(Family::Summary, &node.0.to_be_bytes())
}

pub(super) fn node(node: NodeNo) -> Vec<u8> {
    key(Family::Node, &node.0.to_be_bytes())
}

pub(super) fn name(name: NameNo) -> Vec<u8> {
    key(Family::Name, &name.0.to_be_bytes())
}

pub(super) fn name_nodes(name: NameNo) -> Vec<u8> {
    key(Family::NameNodes, &name.0.to_be_bytes())
}

pub(super) fn group(group: GroupNo) -> Vec<u8> {
    key(Family::Group, &group.0.to_be_bytes())
}

pub(super) fn membership(node: NodeNo) -> Vec<u8> {
    key(Family::Membership, &node.0.to_be_bytes())
}

pub(super) fn minute(minute: i64) -> Vec<u8> {
    key(Family::Minute, &ordered(minute).to_be_bytes())
}

pub(super) fn source(source: SourceNo) -> Vec<u8> {
    key(Family::Source, &source.0.to_be_bytes())
}

pub(super) fn parked(sequence: Sequence) -> Vec<u8> {
    key(Family::Parked, &sequence.get().to_be_bytes())
}

/// An audience: what all of its hours begin with. Its length stands first, so that none begins with another.
fn audience(audience: &str) -> Vec<u8> {
    let length = u16::try_from(audience.len()).unwrap_or(u16::MAX);
    key(Family::Turnover, &[&length.to_be_bytes(), audience.as_bytes()].concat())
}

/// An hour (since 1970) of an audience.
pub(super) fn turnover(key: &str, hour: i64) -> Vec<u8> {
    let mut bytes = audience(key);
    bytes.extend_from_slice(&ordered(hour).to_be_bytes());
    bytes
}

/// The hour of such a key.
pub(super) fn hour_of(key: &[u8]) -> Option<i64> {
    Some((u64::from_be_bytes(*key.last_chunk::<8>()?) ^ (1 << 63)).cast_signed())
}

/// A number whose unsigned order is the order of the signed one.
const fn ordered(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

/// A list: what all of its keys begin with.
pub(super) fn list(list: ListId) -> Vec<u8> {
    let (kind, number) = match list {
        ListId::Feed => (0, 0),
        ListId::Node(node) => (1, node.0),
        ListId::Name(name) => (2, name.0),
        ListId::Group(group) => (3, group.0),
        ListId::Source(source) => (4, u32::from(source.0)),
    };
    let mut key = vec![Family::List as u8, kind];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The list of a key.
pub(super) fn list_of(key: &[u8]) -> Option<ListId> {
    let number = u32::from_be_bytes(*key.get(2..)?.first_chunk::<4>()?);
    Some(match *key.get(1)? {
        0 => ListId::Feed,
        1 => ListId::Node(NodeNo(number)),
        2 => ListId::Name(NameNo(number)),
        3 => ListId::Group(GroupNo(number)),
        4 => ListId::Source(SourceNo(u16::try_from(number).ok()?)),
        _ => return None,
    })
}

/// The part of a list whose newest entry stands here.
pub(super) fn list_part(id: ListId, newest: Place) -> Vec<u8> {
    let mut key = list(id);
    key.extend_from_slice(&(!ordered(newest.time.as_millis())).to_be_bytes());
    key.extend_from_slice(&(!newest.sequence.get()).to_be_bytes());
    key
}

/// Where the newest entry of a part stands.
pub(super) fn newest_of(key: &[u8]) -> Option<Place> {
    let (_, time) = key.split_at_checked(6)?;
    let (time, sequence) = time.split_first_chunk::<8>()?;
    let sequence = sequence.first_chunk::<8>()?;
    let time = (!u64::from_be_bytes(*time) ^ (1 << 63)).cast_signed();
    Some(Place { time: Time::from_millis(time), sequence: Sequence::new(!u64::from_be_bytes(*sequence)) })
}

/// The number at the end of a key.
pub(super) fn number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.get(1..)?.first_chunk::<4>()?))
}

/// The minute of a key.
pub(super) fn minute_of(key: &[u8]) -> Option<i64> {
    Some((u64::from_be_bytes(*key.get(1..)?.first_chunk::<8>()?) ^ (1 << 63)).cast_signed())
}

/// The number of the first change under a key.
pub(super) fn first_change(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.get(1..)?.first_chunk::<8>()?))
}

/// The record of a key.
pub(super) fn parked_at(key: &[u8]) -> Option<Sequence> {
    first_change(key).map(Sequence::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(time: i64, sequence: u64) -> Place {
        Place { time: Time::from_millis(time), sequence: Sequence::new(sequence) }
    }

    #[test]
    fn newer_parts_of_a_list_come_first_and_lists_do_not_mix() {
        let places = [place(5, 9), place(5, 8), place(4, 100), place(-1, 3), place(i64::MIN, 1)];
        let keys: Vec<_> = places.iter().map(|place| list_part(ListId::Feed, *place)).collect();
        assert!(keys.is_sorted());
        assert!(keys.iter().zip(places).all(|(key, place)| newest_of(key) == Some(place)));
        let other = list_part(ListId::Node(NodeNo(0)), place(i64::MAX, u64::MAX));
        assert!(keys.iter().all(|key| *key < other));
    }

    #[test]
    fn minutes_sort_by_time_also_before_1970() {
        assert!(minute(-5) < minute(-4) && minute(-4) < minute(0) && minute(0) < minute(7));
        assert_eq!(minute_of(&minute(-5)), Some(-5));
    }

    #[test]
    fn hours_of_one_audience_lie_together_in_order() {
        let keys = [turnover("a", i64::MIN), turnover("a", -1), turnover("a", 7), turnover("b", 0), turnover("aa", -9)];
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| hour_of(&key)), [i64::MIN, -1, 7, 0, -9].map(Some));
        let (from, to) = (turnover("a", i64::MIN), turnover("a", i64::MAX));
        for other in ["", "a\0", "b", "\u{10ffff}"] {
            assert!(!(from.clone()..=to.clone()).contains(&turnover(other, 0)), "{other:?}");
        }
    }

    #[test]
    fn every_family_is_listed_once_in_order() {
        assert!(Family::ALL.is_sorted());
        assert_eq!(Family::of(&node(NodeNo(7))), Some(Family::Node));
        assert_eq!(number(&node(NodeNo(7))), Some(7));
        assert_eq!(Family::of(&[0]), None);
    }
}
