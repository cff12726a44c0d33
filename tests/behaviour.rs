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
    mod relay_api;
    mod relay_client;
    mod relay_commands;
    mod relay_formats;
    mod rights;
    mod routes;
    mod settings;
    mod sink;
    mod stop;
    mod transfer;
}
