//! The journal's promises J1 to J7, each on every backend that can keep it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contract {
    pub mod backends;
    pub mod promises;
    pub mod recovery;
}
