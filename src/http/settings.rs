//! What an operator can set about connections, the section `[http]`, and about the page, `[dashboard]`.

use serde::Deserialize;

/// Deadlines, caps and rates. 0 means no limit for the rates only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Until the head of a request has to be there, in milliseconds.
    pub header_timeout_ms: u64,
    /// Until the whole body has to be there, in milliseconds; then 408.
    pub body_timeout_ms: u64,
    /// How long a connection may stay open without a request, in milliseconds.
    pub idle_timeout_ms: u64,
    /// How long a reader may take nothing of an answer, in milliseconds.
    pub write_timeout_ms: u64,
    /// Connections open at the same time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Readers that may follow the live feed at the same time; then 503.
    pub live_streams_max: usize,
    /// Threads that serve requests; 0 means one per core.
    pub workers: usize,
    /// Requests a second of each source of kind `browser`; then 429. 0 means no limit.
    pub browser_requests_per_second: u32,
    /// Requests a second of each source of kind `server`; then 429. 0 means no limit.
    pub server_requests_per_second: u32,
    /// Answers "unknown write key" or "wrong token" a minute to one address; then 429. 0 means no limit.
    pub unknown_key_answers_per_minute: u32,
}

/// The section `[dashboard]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dashboard {
    /// Whether the page may load pictures of people from wherever their traits say.
    pub avatars: bool,
    /// Days without any use after which somebody has to log in again.
    pub session_days: u32,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self { avatars: false, session_days: 30 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            header_timeout_ms: 10_000,
            body_timeout_ms: 30_000,
            idle_timeout_ms: 75_000,
            write_timeout_ms: 30_000,
            connections_max: 10_000,
            live_streams_max: 256,
            workers: 0,
            browser_requests_per_second: 1_000,
            server_requests_per_second: 0,
            unknown_key_answers_per_minute: 600,
        }
    }
}
