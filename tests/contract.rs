//! The journal's promises J1 to J8, each on every backend that can keep it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contract {
    pub mod backends;
    pub mod erase;
    pub mod promises;
    pub mod recovery;
}
