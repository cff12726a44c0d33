//! The bytes of stored values: bincode, with a version first. The only file of the views' own values that names it.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

use super::entry::EntryKind;
use super::names::{Name, Source};
use super::state::{Class, GroupState, NodeState, Stamp, Summary, Trait, Traits};
use crate::call::time::Time;
use crate::journal::Sequence;

/// Nothing that bincode reads may claim to be larger than this.
const DECODE_BYTES_MAX: usize = 64 << 20;
const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<DECODE_BYTES_MAX>();
/// Views of another version are made anew, so there is only ever one.
const VERSION: u8 = 1;

#[derive(Encode, Decode)]
struct StoredTrait {
    key: String,
    value: Option<String>,
    time: i64,
    sequence: u64,
    class: u8,
}

#[derive(Encode, Decode)]
struct StoredState {
    id: String,
    traits: Vec<StoredTrait>,
    calls: u64,
    first_seen: Option<i64>,
    last_seen: Option<i64>,
}

#[derive(Encode, Decode)]
struct StoredName {
    kind: u8,
    text: String,
    count: u64,
    first_seen: i64,
    last_seen: i64,
    hidden: bool,
}

#[derive(Encode, Decode)]
struct StoredSummary {
    first_seen: Option<i64>,
    last_seen: Option<i64>,
    events: u64,
}

/// A value that does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored value does not decode")]
pub struct Undecodable;

fn write(value: impl Encode) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bincode::encode_into_std_write(value, &mut bytes, CONFIG).expect("writing to memory cannot fail");
    bytes
}

fn read<T: Decode<()>>(bytes: &[u8]) -> Result<T, Undecodable> {
    let (VERSION, rest) = bytes.split_first().map(|(version, rest)| (*version, rest)).ok_or(Undecodable)? else {
        return Err(Undecodable);
    };
    match bincode::decode_from_slice(rest, CONFIG) {
        Ok((value, used)) if used == rest.len() => Ok(value),
        _ => Err(Undecodable),
    }
}

fn millis(time: Option<Time>) -> Option<i64> {
    time.map(Time::as_millis)
}

fn time(millis: Option<i64>) -> Option<Time> {
    millis.map(Time::from_millis)
}

fn store_traits(traits: &Traits) -> Vec<StoredTrait> {
    let store = |(key, one): (&String, &Trait)| StoredTrait {
        key: key.clone(),
        value: one.value.clone(),
        time: one.stamp.time.as_millis(),
        sequence: one.stamp.sequence.get(),
        class: one.class as u8,
    };
    traits.iter().map(store).collect()
}

fn restore_traits(stored: Vec<StoredTrait>) -> Result<Traits, Undecodable> {
    let restore = |one: StoredTrait| {
        let class = [Class::Plain, Class::Audience, Class::Computed, Class::JourneyStep];
        let class = class.into_iter().find(|class| *class as u8 == one.class).ok_or(Undecodable)?;
        let stamp = Stamp { time: Time::from_millis(one.time), sequence: Sequence::new(one.sequence) };
        Ok((one.key, Trait { value: one.value, stamp, class }))
    };
    stored.into_iter().map(restore).collect()
}

pub(super) fn write_node(state: &NodeState) -> Vec<u8> {
    write(StoredState {
        id: state.id.clone(),
        traits: store_traits(&state.traits),
        calls: state.calls,
        first_seen: millis(state.first_seen),
        last_seen: millis(state.last_seen),
    })
}

pub(super) fn read_node(bytes: &[u8]) -> Result<NodeState, Undecodable> {
    let stored: StoredState = read(bytes)?;
    Ok(NodeState {
        id: stored.id,
        traits: restore_traits(stored.traits)?,
        calls: stored.calls,
        first_seen: time(stored.first_seen),
        last_seen: time(stored.last_seen),
    })
}

pub(super) fn write_group(state: &GroupState) -> Vec<u8> {
    write(StoredState {
        id: state.id.clone(),
        traits: store_traits(&state.traits),
        calls: 0,
        first_seen: millis(state.first_seen),
        last_seen: millis(state.last_seen),
    })
}

pub(super) fn read_group(bytes: &[u8]) -> Result<GroupState, Undecodable> {
    let stored: StoredState = read(bytes)?;
    Ok(GroupState {
        id: stored.id,
        traits: restore_traits(stored.traits)?,
        first_seen: time(stored.first_seen),
        last_seen: time(stored.last_seen),
    })
}

pub(super) fn write_name(name: &Name) -> Vec<u8> {
    write(StoredName {
        kind: name.kind as u8,
        text: name.text.clone(),
        count: name.count,
        first_seen: name.first_seen.as_millis(),
        last_seen: name.last_seen.as_millis(),
        hidden: name.hidden,
    })
}

pub(super) fn read_name(bytes: &[u8]) -> Result<Name, Undecodable> {
    let stored: StoredName = read(bytes)?;
    Ok(Name {
        kind: EntryKind::of(stored.kind).ok_or(Undecodable)?,
        text: stored.text,
        count: stored.count,
        first_seen: Time::from_millis(stored.first_seen),
        last_seen: Time::from_millis(stored.last_seen),
        hidden: stored.hidden,
    })
}

pub(super) fn write_summary(summary: &Summary) -> Vec<u8> {
    let (first_seen, last_seen) = (millis(summary.first_seen), millis(summary.last_seen));
    write(StoredSummary { first_seen, last_seen, events: summary.events })
}

pub(super) fn read_summary(bytes: &[u8]) -> Result<Summary, Undecodable> {
    let stored: StoredSummary = read(bytes)?;
    Ok(Summary { first_seen: time(stored.first_seen), last_seen: time(stored.last_seen), events: stored.events })
}

pub(super) fn write_source(source: &Source) -> Vec<u8> {
    write((source.name.clone(), source.calls, millis(source.last_call_at)))
}

pub(super) fn read_source(bytes: &[u8]) -> Result<Source, Undecodable> {
    let (name, calls, last_call_at) = read(bytes)?;
    Ok(Source { name, calls, last_call_at: time(last_call_at) })
}

/// Anything small that needs no type of its own.
pub(super) fn write_plain(value: impl Encode) -> Vec<u8> {
    write(value)
}

pub(super) fn read_plain<T: Decode<()>>(bytes: &[u8]) -> Result<T, Undecodable> {
    read(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> NodeState {
        let stamp = Stamp { time: Time::from_millis(-7), sequence: Sequence::new(9) };
        let traits = [
            ("a".to_owned(), Trait { value: Some("{\"x\":1}".to_owned()), stamp, class: Class::Audience }),
            (String::new(), Trait { value: None, stamp, class: Class::Plain }),
        ];
        let (first_seen, last_seen) = (Some(Time::from_millis(1)), None);
        NodeState { id: "u".to_owned(), traits: traits.into(), calls: 3, first_seen, last_seen }
    }

    #[test]
    fn values_come_back_and_cut_ones_are_errors() {
        let bytes = write_node(&state());
        assert_eq!(read_node(&bytes), Ok(state()));
        assert!((0..bytes.len()).all(|length| read_node(&bytes[..length]).is_err()));
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(read_node(&longer), Err(Undecodable));
        let summary = Summary { first_seen: Some(Time::from_millis(4)), last_seen: None, events: 1 << 40 };
        assert_eq!(read_summary(&write_summary(&summary)), Ok(summary));
        let source = Source { name: "web".to_owned(), calls: 1 << 40, last_call_at: Some(Time::from_millis(-1)) };
        assert_eq!(read_source(&write_source(&source)), Ok(source));
    }
}
