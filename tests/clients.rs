//! Real SDKs, unmodified, against the real program: each sends every call it knows, and every call is found in the export
//! exactly once, with the ids, times, context and payload that it was sent with.
//!
//! `tests/install` puts the SDKs where these tests look for them; `tests/run` calls it.

#![expect(clippy::indexing_slicing, reason = "a test that looks for what is not there fails, as it should")]

mod support;

/// One file per family of clients, and what they are measured with.
mod clients {
    mod arrival;
    mod browser;
    mod client;
    mod node;
    mod proxy;
    mod python;
    mod readme;
    mod recovery;
    mod rust_crate;
    mod shapes;
    mod shapes_mobile;
    mod windsor;
}
