//! Every bad input that is known, by name: what is answered, what is stored, what the list of rejections says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::needless_pass_by_value,
    clippy::format_collect,
    reason = "a test that meets what it did not expect has to fail; the rest is brevity"
)]

mod support;

/// One file per kind of input.
mod bad_input {
    mod batches;
    mod bodies;
    mod calls;
    mod case;
    mod connections;
    mod flood;
    mod headers;
    mod ids;
    mod keys;
    mod numbers;
    mod pixel;
    mod routes;
    mod sizes;
    mod text;
    mod times;
}
