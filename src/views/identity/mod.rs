//! Identity: which ids are one person, by the rules R1 to R5 of `docs/IDENTITY.md`, and why.
//!
//! Pure: no I/O, no clock. The graph is the fold of its [`Change`]s: [`Graph::apply`] decides what a call changes,
//! [`Graph::replay`] makes a change happen, and a stored list of changes makes the same graph again. Links of a person
//! form a forest: a link is only made between two different people, so removing one always splits what it joined.

pub mod blocked;
pub mod change;
pub mod graph;
pub mod key;

mod codec;
mod dump;
mod forest;
mod lean;
mod links;
mod nodes;
mod orders;
mod past;
mod people;
mod reads;
mod refusals;
mod reservations;
mod rules;
#[cfg(test)]
mod tests;

pub use change::{Change, Link, Refusal, RefusalCode, Rule};
pub use graph::{Graph, Naming, Order, OrderError, Shift, Verdict};
pub use key::{InvalidKey, NodeKey};

/// As many ids one person may have.
pub const IDS_MAX: u32 = 100_000;

/// As many refusals are kept of one node: the first ones.
pub const REFUSALS_MAX: usize = 100;

/// The number of a node, in order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNo(pub u32);

impl NodeNo {
    /// Its place in a list of all nodes.
    const fn place(self) -> usize {
        self.0 as usize
    }
}

/// Which kind of id a node is. The two are separate namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IdKind {
    /// A userId.
    User = 0,
    /// An anonymousId.
    Anonymous = 1,
}

impl IdKind {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user_id",
            Self::Anonymous => "anonymous_id",
        }
    }
}
