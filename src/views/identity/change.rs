//! What a call or an operator changes about who is who: the stored form of the graph.

use super::{IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

/// Which rule made a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// A call carried both ids, and nobody had claimed the anonymousId.
    R2 = 1,
    /// An alias of a known user.
    R4b = 2,
    /// An alias of an anonymous visitor.
    R4c = 3,
    /// An alias of an id that had not appeared yet, and now has.
    R4e = 4,
    /// The operator merged two people.
    Operator = 5,
}

impl Rule {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R2 => "R2",
            Self::R4b => "R4b",
            Self::R4c => "R4c",
            Self::R4e => "R4e",
            Self::Operator => "operator",
        }
    }
}

/// The evidence that joins two nodes. The person of `to` survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The node that was joined.
    pub from: NodeNo,
    /// The node it was joined to.
    pub to: NodeNo,
    /// Why.
    pub rule: Rule,
    /// The call (or control record) that is the reason: for R4e the alias, not the call in which the id appeared.
    pub sequence: Sequence,
    /// The record that made it: for R4e the call in which the id appeared, else equal to `sequence`.
    pub made_by: Sequence,
    /// The control record that removed it.
    pub undone_by: Option<Sequence>,
}

/// Why nothing was linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RefusalCode {
    /// R3: the anonymousId belongs to another user already.
    SharedDevice = 1,
    /// R4d: the alias names an anonymousId that another user has claimed.
    AliasAnonClaimed = 2,
    /// R4f: one of the two values is blocked.
    AliasBlockedId = 3,
    /// R2 with a blocked value.
    BlockedId = 4,
    /// The source may merge anonymous ids only.
    AliasUserNotAllowed = 5,
    /// The person has as many ids as one may have.
    TooManyIds = 6,
}

impl RefusalCode {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedDevice => "shared_device",
            Self::AliasAnonClaimed => "alias_anon_claimed",
            Self::AliasBlockedId => "alias_blocked_id",
            Self::BlockedId => "blocked_id",
            Self::AliasUserNotAllowed => "alias_user_not_allowed",
            Self::TooManyIds => "too_many_ids",
        }
    }
}

/// Something that was not linked, and why. Only the first of its kind between the same two nodes is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The node that stays apart: none if the value has no node.
    pub from: Option<NodeNo>,
    /// The node it would have been joined to.
    pub to: NodeNo,
    /// Why.
    pub code: RefusalCode,
    /// The call.
    pub sequence: Sequence,
}

/// One change of the graph, in the order of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node appeared; it gets the next number.
    Node {
        /// User or anonymous.
        kind: IdKind,
        /// What it is known by.
        key: NodeKey,
        /// The record in which it appeared.
        sequence: Sequence,
    },
    /// Two people became one.
    Linked(Link),
    /// A link was removed by the control record `by`.
    Unlinked {
        /// The link's `sequence`.
        sequence: Sequence,
        /// The control record.
        by: Sequence,
    },
    /// Something was not linked.
    Refused(Refusal),
    /// R4e: an id that has not appeared yet is kept for a node, in both namespaces.
    Reserved {
        /// Whether it is kept for a userId, too: a source that may not merge users keeps an anonymousId only.
        for_users: bool,
        /// The key of the id as a userId.
        user: NodeKey,
        /// The key of the id as an anonymousId.
        anonymous: NodeKey,
        /// Whom it is kept for.
        to: NodeNo,
        /// The alias.
        sequence: Sequence,
    },
    /// A reservation ended: the id appeared (a `Linked` follows, or a `Refused` if the person has too many ids), or the
    /// alias was undone.
    Released {
        /// The alias.
        sequence: Sequence,
        /// The record that ended it.
        by: Sequence,
    },
}
