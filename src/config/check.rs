//! What the types of the configuration cannot say: ranges, forms, and names that must differ.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::line_of;
use super::{Config, ConfigError, destinations};
use crate::access::name::Name;

/// A value that cannot be used.
#[derive(Debug)]
pub(super) struct Wrong {
    key: String,
    pub(super) problem: String,
    /// Which entry of a list, from 0.
    entry: usize,
}

impl Wrong {
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), entry: 0 }
    }

    /// The same, in this entry of a list, from 0.
    pub(super) fn of_entry(self, entry: usize) -> Self {
        Self { entry, ..self }
    }

    pub(super) fn in_file(self, file: &Path, text: &str) -> ConfigError {
        let line = line_of(text, &self.key, self.entry);
        ConfigError::InFile { file: file.to_owned(), line, key: self.key, problem: self.problem }
    }

    /// The flag that sets this key.
    pub(super) fn flag(&self) -> &'static str {
        match self.key.as_str() {
            "listen" => "--listen",
            "data" => "--data",
            _ => "configuration",
        }
    }
}

/// A day: no deadline is longer.
const DEADLINE_MS_MAX: u64 = 86_400_000;

/// Checks what serde cannot.
pub(super) fn check(config: &Config) -> Result<(), Wrong> {
    listen(&config.listen)?;
    if config.data.as_os_str().is_empty() {
        return Err(Wrong::new("data", "is empty; it has to be the path of a folder"));
    }
    public_url(&config.public_url)?;
    for host in &config.allowed_hosts {
        if host.is_empty() || host.contains(['/', ' ', '@']) {
            return Err(Wrong::new("allowed_hosts", "has to be a list of host names such as \"events.example.com\""));
        }
    }
    deadlines(config)?;
    journal(&config.journal)?;
    views(&config.views)?;
    if !(1..=3_650).contains(&config.dashboard.session_days) {
        return Err(Wrong::new("dashboard.session_days", "has to be 1 to 3650 days"));
    }
    senders(config)?;
    destinations::check(&config.destinations)
}

fn listen(text: &str) -> Result<(), Wrong> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(()),
        _ => Err(Wrong::new("listen", "has to be ADDRESS:PORT, such as \"127.0.0.1:8080\" (port 0 picks a free one)")),
    }
}

fn public_url(text: &str) -> Result<(), Wrong> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = text.is_empty() || rest.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' ', '@']));
    if good { Ok(()) } else { Err(Wrong::new("public_url", "has to be like \"https://events.example.com\", or empty")) }
}

fn deadlines(config: &Config) -> Result<(), Wrong> {
    let http = &config.http;
    let all = [
        ("http.header_timeout_ms", http.header_timeout_ms),
        ("http.body_timeout_ms", http.body_timeout_ms),
        ("http.idle_timeout_ms", http.idle_timeout_ms),
        ("http.write_timeout_ms", http.write_timeout_ms),
    ];
    for (key, value) in all {
        if !(1..=DEADLINE_MS_MAX).contains(&value) {
            return Err(Wrong::new(key, format!("has to be 1 to {DEADLINE_MS_MAX} milliseconds")));
        }
    }
    if !(1..=1_000_000).contains(&http.connections_max) {
        return Err(Wrong::new("http.connections_max", "has to be 1 to 1000000"));
    }
    if http.live_streams_max > 100_000 {
        return Err(Wrong::new("http.live_streams_max", "has to be 0 to 100000"));
    }
    if http.workers > 1_024 {
        return Err(Wrong::new("http.workers", "has to be 0 (one per core) to 1024"));
    }
    if config.ingest.rejections_max > 1_000_000 {
        return Err(Wrong::new("ingest.rejections_max", "has to be 0 to 1000000"));
    }
    if config.ingest.rejection_body_bytes_max > 512_000 {
        return Err(Wrong::new("ingest.rejection_body_bytes_max", "has to be 0 to 512000"));
    }
    Ok(())
}

fn journal(settings: &crate::journal::settings::Settings) -> Result<(), Wrong> {
    const MIB: u64 = 1 << 20;
    if settings.open_volume_bytes_max < MIB || settings.volume_bytes_max < settings.open_volume_bytes_max {
        let problem = "has to be at least 1048576, and at most volume_bytes_max";
        return Err(Wrong::new("journal.open_volume_bytes_max", problem));
    }
    if settings.queue_bytes_max < 1 << 20 {
        return Err(Wrong::new("journal.queue_bytes_max", "has to be at least 1048576"));
    }
    Ok(())
}

fn views(settings: &crate::views::settings::Settings) -> Result<(), Wrong> {
    let all =
        [("views.memory_bytes", settings.memory_bytes), ("views.search_memory_bytes", settings.search_memory_bytes)];
    for (key, value) in all {
        if !(1 << 20..=1 << 36).contains(&value) {
            return Err(Wrong::new(key, "has to be 1048576 to 68719476736"));
        }
    }
    if !(1..=86_400).contains(&settings.checkpoint_s) {
        return Err(Wrong::new("views.checkpoint_s", "has to be 1 to 86400 seconds"));
    }
    if !(10..=600_000).contains(&settings.search_delay_ms) {
        return Err(Wrong::new("views.search_delay_ms", "has to be 10 to 600000 milliseconds"));
    }
    Ok(())
}

fn senders(config: &Config) -> Result<(), Wrong> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (place, source) in config.sources.iter().enumerate() {
        let wrong = |key, problem: String| Err(Wrong::new(key, problem).of_entry(place));
        if let Err(why) = Name::of_source(&source.name) {
            return wrong("sources.name", why.to_string());
        }
        let key = source.write_key.expose();
        if key.is_empty() || key.len() > 512 || key.contains(|one: char| one == ':' || one.is_control()) {
            let problem = format!("the write key of `{}` has to be 1 to 512 characters, without `:`", source.name);
            return wrong("sources.write_key", problem);
        }
        if !names.insert(&source.name) {
            let problem = format!("two sources are called `{}`; names have to differ", source.name);
            return wrong("sources.name", problem);
        }
        if !keys.insert(key) {
            let problem = format!("`{}` has the write key of another source; keys have to differ", source.name);
            return wrong("sources.write_key", problem);
        }
    }
    names.clear();
    for (place, token) in config.tokens.iter().enumerate() {
        let wrong = |key, problem: String| Err(Wrong::new(key, problem).of_entry(place));
        if let Err(why) = Name::parse(&token.name) {
            return wrong("tokens.name", why.to_string());
        }
        if token.token.expose().is_empty() {
            return wrong("tokens.token", format!("the token `{}` is empty", token.name));
        }
        if !names.insert(&token.name) {
            return wrong("tokens.name", format!("two tokens are called `{}`; names have to differ", token.name));
        }
    }
    Ok(())
}
