//! The relay: every call reaches each destination, and anyone can prove it.
//!
//! The journal is the outbox. Each destination has a worker that reads the journal from the first record it has not
//! settled, skips what that destination does not get ([`filter`]), and offers the rest to an [`outbox`]: the pure rules of
//! what may be sent now. Requests are written by a [`mod@format`] and sent by a [`client`]; what came of them goes into the
//! [`ledger`], the durable truth about deliveries. Nothing is settled before its answer is there.
//!
//! States of a record at a destination: pending, then delivered, filtered or dead. A dead one can be delivered again.
//!
//! Everything outside this room holds a [`Relay`]. A worker is one thread that does what blocks (reading the journal,
//! asking the ledger); its requests run as tasks on a runtime of the relay's own, so that neither a slow disk nor a slow
//! receiver ever takes a thread from ingest, and no destination waits for another.

pub mod client;
mod erase;
mod error;
pub mod filter;
pub mod format;
mod handle;
pub mod ledger;
pub mod outbox;
mod places;
pub mod policy;
mod running;
mod seat;
pub mod settings;
pub mod shown;
mod status;
#[cfg(test)]
mod tests;
mod wanted;
mod worker;

pub use error::RelayError;
pub use handle::{Connect, Relay};
pub use status::{Delivery, Edge, Finding, Selection, Span, Standing, Status};
pub use wanted::{Places, Wanted, WantedError};
