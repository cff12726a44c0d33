//! Views: people, groups, lists and counts, all computed from the journal.
//!
//! Promise: a view is a pure function of the journal. Live, rebuilt, rebuilt in slices of any size and after a kill, the
//! digest of all views at one sequence is the same. Views can be deleted at any time; nothing in them is truth.
//!
//! Life of a record: the projector reads it from the journal, the fold asks [`identity`] whom it belongs to and adds
//! it to what is held in memory; readers see memory and disk as one through a [`snapshot`]. From time to time what
//! changed is written as one sorted run ([`runs`]) together with the checkpoint, in one atomic step. A crash loses what
//! came after the last checkpoint, and the projector folds it again.
//!
//! Words: a *node* is one userId or anonymousId, a *link* the evidence that joins two nodes, a *person* the nodes that
//! are joined; its *root* is the node whose id the person goes by. A *list* holds entries newest first.

mod cache;
pub mod card;
pub mod cards;
mod checkpoint;
mod codec;
mod delta;
mod digest;
pub mod entry;
mod feeder;
mod fold;
pub mod fold_parts;
mod handle;
pub mod identity;
mod keys;
mod list;
pub mod names;
mod numbered;
mod opening;
pub mod patience;
mod people;
mod projector;
mod reading;
pub mod rebuild;
mod renewing;
mod rules;
pub mod runs;
pub mod search;
pub mod settings;
mod shared;
pub mod snapshot;
mod sorted;
pub mod state;
#[cfg(test)]
mod tests;
pub mod turnover;
mod world;

pub use handle::{Parked, SearchOf, Status, Views, ViewsError};
pub use opening::wipe;
pub use renewing::RenewError;
