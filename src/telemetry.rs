//! Logging to standard error, panics as one line, and the recorder behind `/metrics`.
//!
//! Nothing here ever sees a key, a body or an id: what is logged is chosen where it happens.

use std::io::IsTerminal as _;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Crates whose errors are only what a stranger sent: a bad request must not fill the log.
const QUIET: [&str; 2] = ["actix_http=off", "actix_server=warn"];

/// Starts logging. `RUST_LOG` wins over `filter`.
///
/// # Errors
/// When the filter is no filter; the text says what is wrong with it.
pub fn start_logging(filter: &str, format: LogFormat) -> Result<(), String> {
    let wanted = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let wanted = wanted.as_deref().unwrap_or(filter);
    let mut filter = EnvFilter::try_new(wanted).map_err(|error| format!("`log` = \"{wanted}\": {error}"))?;
    for directive in QUIET {
        let name = directive.split('=').next().unwrap_or(directive);
        if !wanted.contains(name) {
            filter = filter.add_directive(directive.parse().map_err(|error| format!("{directive}: {error}"))?);
        }
    }
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| error.to_string())
}

/// Turns every panic into one structured line instead of a page of backtrace.
///
/// The message of a panic may hold what was sent, so only its place is logged.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // The end of the path says where it was; its beginning is the machine that built the program.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let cut = place.rmatch_indices('/').nth(2).map_or(0, |(at, _)| at + 1);
        let place = place.get(cut..).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, thread, "a part of the program failed; this is a bug, please report it");
        } else {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "roundtower failed at {place}; this is a bug, please report it");
        }
    }));
}

/// The name of the histogram of times from a whole body to its answer, in seconds.
pub const ACK_SECONDS: &str = "roundtower_ack_seconds";
/// Its buckets: around what a disk's sync takes, and around what senders put up with.
const ACK_BUCKETS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The name of the histogram of how long attempts of the relay take, in seconds; the relay records it by this name.
const ATTEMPT_SECONDS: &str = "roundtower_relay_attempt_seconds";
/// Its buckets: from a receiver next door to the time limit.
const ATTEMPT_BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Installs the recorder of metrics and returns what renders it.
///
/// # Errors
/// When a recorder is already there.
pub fn start_metrics() -> Result<PrometheusHandle, String> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(ACK_SECONDS.to_owned()), &ACK_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(ATTEMPT_SECONDS.to_owned()), &ATTEMPT_BUCKETS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())
}
