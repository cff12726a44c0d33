//! Roundtower: a call comes in, becomes one durable record, and everything else is computed from records.
//!
//! ```text
//!  http ──► ingest ──► JOURNAL ──► views ──► query ──► http
//!          parse once   append     fold      read only
//! ```
//!
//! The rooms, in order of flow. `tests/tidy.rs` checks who may import whom.

pub mod cli;

pub mod app;
pub mod config;
pub mod demo;
pub mod telemetry;

pub mod access;
pub mod erase;
pub mod http;

pub mod call;
pub mod clock;

pub mod ingest;
pub mod journal;
pub mod store;

pub mod query;
pub mod relay;
pub mod views;
