//! How two stored values of one key become one. The journal decides what they are, so order of writing never matters
//! except where the newer one is the whole truth.

use super::codec;
use super::delta::{join_group, join_minute, join_node, read_minute, read_nodes, write_minute, write_nodes};
use super::keys::Family;
use super::runs::Rules;
use super::turnover;

/// The rules of the families.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Join;

impl Rules for Join {
    fn join(&self, key: &[u8], newer: &[u8], older: &[u8], out: &mut Vec<u8>) {
        let joined = match Family::of(key) {
            Some(Family::Node) => join_states(newer, older, codec::read_node, join_node, codec::write_node),
            Some(Family::Group) => join_states(newer, older, codec::read_group, join_group, codec::write_group),
            Some(Family::Minute) => read_minute(older).zip(read_minute(newer)).map(|(mut older, newer)| {
                join_minute(&mut older, &newer);
                write_minute(&older)
            }),
            Some(Family::Turnover) => turnover::read(older).zip(turnover::read(newer)).map(|(mut sum, newer)| {
                sum.add(newer);
                turnover::write(sum)
            }),
            Some(Family::NameNodes) => {
                read_nodes(older).zip(read_nodes(newer)).map(|(older, newer)| write_nodes(&(older | newer)))
            }
            _ => None,
        };
        // What does not decode is kept as it is: whoever reads it is told.
        out.extend_from_slice(joined.as_deref().unwrap_or(newer));
    }

    fn replaces(&self, family: u8) -> bool {
        let joined = [Family::Node, Family::Group, Family::Minute, Family::NameNodes, Family::Turnover];
        !joined.iter().any(|one| *one as u8 == family)
    }

    fn looked_up(&self, family: u8) -> bool {
        [Family::Node, Family::Group].iter().any(|one| *one as u8 == family)
    }
}

fn join_states<T>(
    newer: &[u8],
    older: &[u8],
    read: fn(&[u8]) -> Result<T, codec::Undecodable>,
    join: fn(&mut T, T),
    write: fn(&T) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let mut state = read(older).ok()?;
    join(&mut state, read(newer).ok()?);
    Some(write(&state))
}
