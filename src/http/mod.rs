//! The HTTP room: the only one that names actix.
//!
//! Promise: every request is answered or its connection closed within the deadlines of [`settings::Settings`]; a call
//! is answered 200 only after ingest says that it is durable; nothing that was sent is repeated in an answer or a log.
//!
//! Life of a request: [`routes::ROUTES`] names it, `enter` checks what its surface demands (size of the head, host,
//! token), one function answers, and the surface adds its headers: cross-origin ones for senders, protective ones for
//! operators.

pub mod settings;

mod answer;
mod body;
mod capture;
mod charts;
mod control;
mod cors;
mod dashboard;
mod debugger;
mod enter;
mod erase;
mod feed;
mod files;
mod groups;
mod guard;
mod health;
pub mod history;
mod hosts;
mod hub;
mod limits;
mod live;
mod merges;
mod meters;
mod openapi;
mod orders;
mod parameters;
mod people;
mod problem;
mod profiles;
mod reads;
mod receipt;
mod records;
mod relay;
mod rights;
pub mod routes;
mod sdk;
pub mod server;
mod session;
pub mod sink;
mod source_test;
mod strays;
mod stream;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::http::header::HeaderName;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::access::Access;
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::clock::Clock;
use crate::config::Config;
use crate::erase::Eraser;
use crate::ingest::Ingest;
use crate::ingest::rejections::Rejections;
use crate::ingest::source::{KeyHash, Sources};
use crate::journal::embedded::Journal;
use crate::journal::settings::Durability;
use crate::query::CursorKey;
use crate::relay::Relay;
use crate::views::Views;
use problem::Problem;

/// The id of a request in answers and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the server is built from.
pub struct Parts {
    /// Takes calls.
    pub ingest: Ingest,
    /// What was refused.
    pub rejections: Arc<Rejections>,
    /// The journal, to read and to ask about.
    pub journal: Journal,
    /// What is computed from it.
    pub views: Views,
    /// Where calls go on to.
    pub relay: Relay,
    /// Erases people.
    pub eraser: Eraser,
    /// Sources and tokens.
    pub access: Arc<Access>,
    /// The time.
    pub clock: Clock,
    /// The id of this data folder.
    pub instance: String,
    /// A token that commands on this machine use; valid for this run.
    pub control_token: Secret,
    /// Renders the metrics.
    pub prometheus: PrometheusHandle,
}

/// Everything that requests share.
pub struct Site {
    ingest: Ingest,
    rejections: Arc<Rejections>,
    journal: Journal,
    views: Views,
    relay: Relay,
    eraser: Eraser,
    cursor_key: CursorKey,
    turns: reads::Turns,
    desks: files::Desks,
    verdicts: feed::Verdicts,
    hub: hub::Hub,
    seats: stream::Seats,
    history: history::History,
    /// Orders are given one after another: each is checked against what the ones before have changed.
    ordering: tokio::sync::Mutex<()>,
    access: Arc<Access>,
    sources: Arc<Sources>,
    clock: Clock,
    instance: String,
    control_token: KeyHash,
    prometheus: PrometheusHandle,
    failed: tokio::sync::watch::Receiver<bool>,
    hosts: hosts::Hosts,
    limits: limits::Limits,
    meters: meters::Meters,
    script: Option<sdk::Script>,
    pages: dashboard::Pages,
    session_days: u32,
    ingest_settings: crate::ingest::settings::Settings,
    destination: String,
    durability: Durability,
    metrics_public: bool,
    body_deadline: Duration,
    started_at: Time,
    request_ids: problem::RequestIds,
    /// Set when the server begins to stop.
    pub stopping: AtomicBool,
}

impl Site {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the operator's file of `analytics_js` cannot be read.
    pub fn new(parts: Parts, config: &Config, listening: SocketAddr) -> Result<Self, String> {
        Ok(Self {
            script: script(&config.analytics_js)?,
            pages: dashboard::Pages::new(config.dashboard.avatars),
            session_days: config.dashboard.session_days,
            hosts: hosts::Hosts::new(config, listening),
            limits: limits::Limits::new(&config.http),
            meters: meters::Meters::default(),
            failed: parts.journal.failed(),
            sources: parts.access.sources(),
            started_at: parts.clock.now(),
            control_token: KeyHash::of(parts.control_token.expose()),
            ingest_settings: config.ingest.clone(),
            destination: config.ingest.destination.clone(),
            durability: config.journal.durability,
            metrics_public: config.metrics_public,
            body_deadline: Duration::from_millis(config.http.body_timeout_ms),
            request_ids: problem::RequestIds::default(),
            stopping: AtomicBool::new(false),
            ingest: parts.ingest,
            rejections: parts.rejections,
            cursor_key: CursorKey::new(parts.instance.as_bytes()),
            desks: files::Desks::default(),
            verdicts: feed::Verdicts::default(),
            turns: reads::Turns::default(),
            hub: hub::Hub::default(),
            history: history::History::default(),
            seats: stream::Seats::new(config.http.live_streams_max),
            ordering: tokio::sync::Mutex::default(),
            journal: parts.journal,
            views: parts.views,
            relay: parts.relay,
            eraser: parts.eraser,
            access: parts.access,
            clock: parts.clock,
            instance: parts.instance,
            prometheus: parts.prometheus,
        })
    }

    fn journal_failed(&self) -> bool {
        *self.failed.borrow()
    }
}

fn script(file: &Path) -> Result<Option<sdk::Script>, String> {
    sdk::Script::load(file).map_err(|error| format!("cannot read `analytics_js` = {}: {error}", file.display()))
}

/// Runs what blocks away from the threads that serve requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    actix_web::web::block(work).await.map_err(|_| Problem::Failed)
}
