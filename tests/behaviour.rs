//! What Roundtower promises to the outside, driven through the real program.

#![allow(clippy::indexing_slicing, reason = "a test that looks where nothing is has to fail")]

mod support;

/// One file per promise.
mod behaviour {
    mod access;
    mod config_errors;
    mod cors;
    mod first_start;
    mod hardening;
    mod live;
    mod openapi;
    mod orders;
    mod questions;
    mod rebuild;
    mod rights;
    mod routes;
    mod settings;
    mod stop;
    mod transfer;
}
