//! Changes as bytes: a letter for what it is, then numbers in groups of seven bits, the low ones first. The caller frames
//! and checks them; bytes that are no change are `None`, never a panic.

use super::change::{Change, Link, Refusal, RefusalCode, Rule};
use super::{IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

const NODE: u8 = 1;
const LINKED: u8 = 2;
const UNLINKED: u8 = 3;
const REFUSED: u8 = 4;
const RESERVED: u8 = 5;
const RELEASED: u8 = 6;

impl Change {
    /// Appends the bytes of this change.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Node { kind, key, sequence } => {
                out.extend_from_slice(&[NODE, kind as u8]);
                out.extend_from_slice(&key.0);
                put(out, sequence.get());
            }
            Self::Linked(Link { from, to, rule, sequence, made_by, undone_by }) => {
                out.extend_from_slice(&[LINKED, rule as u8]);
                put(out, from.0.into());
                put(out, to.0.into());
                put(out, sequence.get());
                put(out, made_by.get().wrapping_sub(sequence.get()));
                put(out, undone_by.map_or(0, Sequence::get));
            }
            Self::Unlinked { sequence, by } => {
                out.push(UNLINKED);
                put(out, sequence.get());
                put(out, by.get());
            }
            Self::Refused(Refusal { from, to, code, sequence }) => {
                out.extend_from_slice(&[REFUSED, code as u8]);
                put(out, from.map_or(0, |from| u64::from(from.0) + 1));
                put(out, to.0.into());
                put(out, sequence.get());
            }
            Self::Reserved { for_users, user, anonymous, to, sequence } => {
                out.extend_from_slice(&[RESERVED, for_users.into()]);
                out.extend_from_slice(&user.0);
                out.extend_from_slice(&anonymous.0);
                put(out, to.0.into());
                put(out, sequence.get());
            }
            Self::Released { sequence, by } => {
                out.push(RELEASED);
                put(out, sequence.get());
                put(out, by.get());
            }
        }
    }

    /// Takes one change from the front of `bytes`. They stay as they are when there is none.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let mut rest = *bytes;
        let change = Self::take(&mut rest)?;
        *bytes = rest;
        Some(change)
    }

    fn take(rest: &mut &[u8]) -> Option<Self> {
        Some(match byte(rest)? {
            NODE => Self::Node { kind: kind(byte(rest)?)?, key: key(rest)?, sequence: sequence(rest)? },
            LINKED => {
                let rule = rule(byte(rest)?)?;
                let (from, to, reason) = (node(rest)?, node(rest)?, sequence(rest)?);
                let made_by = some_sequence(reason.get().wrapping_add(number(rest)?))?;
                let undone_by = some_sequence(number(rest)?);
                Self::Linked(Link { from, to, rule, sequence: reason, made_by, undone_by })
            }
            UNLINKED => Self::Unlinked { sequence: sequence(rest)?, by: sequence(rest)? },
            REFUSED => {
                let code = code(byte(rest)?)?;
                let from = match number(rest)?.checked_sub(1) {
                    None => None,
                    Some(from) => Some(NodeNo(u32::try_from(from).ok()?)),
                };
                Self::Refused(Refusal { from, to: node(rest)?, code, sequence: sequence(rest)? })
            }
            RESERVED => {
                let for_users = match byte(rest)? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                let (user, anonymous) = (key(rest)?, key(rest)?);
                Self::Reserved { for_users, user, anonymous, to: node(rest)?, sequence: sequence(rest)? }
            }
            RELEASED => Self::Released { sequence: sequence(rest)?, by: sequence(rest)? },
            _ => return None,
        })
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte(rest)?;
        let low = u64::from(byte & 0x7f);
        if low << shift >> shift != low {
            return None;
        }
        number |= low << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn key(rest: &mut &[u8]) -> Option<NodeKey> {
    let (key, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(NodeKey(*key))
}

fn node(rest: &mut &[u8]) -> Option<NodeNo> {
    u32::try_from(number(rest)?).ok().map(NodeNo)
}

fn sequence(rest: &mut &[u8]) -> Option<Sequence> {
    some_sequence(number(rest)?)
}

/// Sequences begin at 1, so 0 is none.
fn some_sequence(number: u64) -> Option<Sequence> {
    (number > 0).then(|| Sequence::new(number))
}

fn kind(byte: u8) -> Option<IdKind> {
    [IdKind::User, IdKind::Anonymous].into_iter().find(|kind| *kind as u8 == byte)
}

fn rule(byte: u8) -> Option<Rule> {
    [Rule::R2, Rule::R4b, Rule::R4c, Rule::R4e, Rule::Operator].into_iter().find(|rule| *rule as u8 == byte)
}

fn code(byte: u8) -> Option<RefusalCode> {
    use RefusalCode::{AliasAnonClaimed, AliasBlockedId, AliasUserNotAllowed, BlockedId, SharedDevice, TooManyIds};
    [SharedDevice, AliasAnonClaimed, AliasBlockedId, BlockedId, AliasUserNotAllowed, TooManyIds]
        .into_iter()
        .find(|code| *code as u8 == byte)
}
