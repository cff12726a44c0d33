//! A made-up company and its customers, as calls: what `roundtower demo` shows.
//!
//! Quillwick sells tea and pots in a shop and stock keeping to cafés at a desk. [`Week::play`] gives the calls of a week
//! that ends now, [`Live`] those that come afterwards. Both follow from the seed and the time alone: no clock, no other
//! chance. Nobody here exists, and every address is of a domain that is kept for examples.
//!
//! This room is a sender like any other: it makes calls and knows nothing of what becomes of them.

mod cast;
mod chance;
mod desk;
mod engage;
mod live;
mod mail;
mod rhythm;
mod scene;
mod sent;
mod shop;
mod stories;
mod week;
mod words;

pub use desk::NOISE;
pub use live::Live;
pub use sent::{Sent, Source};
pub use stories::MERGES;
pub use week::Week;
