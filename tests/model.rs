//! Random actions against a plain model that is written straight from the rules.
//!
//! Every test prints its seed; `ROUNDTOWER_SEED` repeats one, `ROUNDTOWER_CASES` (1,000 by default) makes it longer.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets what it did not expect has to fail, and to tell its seed"
)]

/// What is modelled, and how.
mod model {
    mod actions;
    mod chance;
    mod identity;
    mod plain;
}
