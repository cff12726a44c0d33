//! What Roundtower promises to the outside, driven through the real program.

#![allow(clippy::indexing_slicing, reason = "a test that looks where nothing is has to fail")]

mod support;

/// One file per promise.
mod behaviour {
    mod access;
    mod charts;
    mod config_errors;
    mod cors;
    mod dashboard;
    mod debugger;
    mod demo;
    mod erase;
    mod files;
    mod first_start;
    mod hardening;
    mod history;
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
    mod source_test;
    mod stop;
    mod transfer;
}
