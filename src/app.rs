//! Runs the server: opens the folder, the journal and the gates in order, and closes them in the opposite order.
//!
//! A stop by signal finishes what is under way, or answers it 503, syncs, and ends with status 0 within ten seconds.
//! When a write or sync failed, nothing can be acked any more: health turns red, and the server stops with status 1.

pub mod control;
pub mod folder;
pub mod welcome;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::access::{Access, AccessError, secret};
use crate::call::secret::Secret;
use crate::clock::Clock;
use crate::config::Config;
use crate::erase::{self, EraseError, Eraser};
use crate::http::server::{self, DRAIN_S, ServerHandle};
use crate::http::{Parts, Site, history};
use crate::ingest::Ingest;
use crate::ingest::rejections::Rejections;
use crate::journal::Reader;
use crate::journal::embedded::{Journal, OpenError};
use crate::relay::client::{Client, Transport, Trust};
use crate::relay::{Relay, RelayError};
use crate::store::sled::SledEngine;
use crate::store::{Engine, StoreError};
use crate::telemetry;
use crate::views::{Views, ViewsError};
use control::Control;
use folder::{Folder, FolderError};

/// A little longer than requests may take to finish: then the connections are cut.
const DRAIN_DEADLINE: Duration = Duration::from_secs(DRAIN_S + 1);

/// How often samples of metrics are summed up.
const METRICS_PAUSE: Duration = Duration::from_secs(5);

/// What `serve` needs besides the configuration.
#[derive(Clone, Debug)]
pub struct Start {
    /// The token of `ROUNDTOWER_ADMIN_TOKEN`.
    pub admin_token: Option<Secret>,
    /// How the program was called, for the commands it prints.
    pub program: String,
    /// `--config`, for the commands it prints.
    pub config_file: Option<PathBuf>,
}

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The relay.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// Erasures.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// Sources and tokens.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The address.
    #[error("cannot listen on {listen}: {error}; choose another address with --listen")]
    Listen {
        /// The address.
        listen: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A setting that only shows when it is used.
    #[error("{0}")]
    Setting(String),
    /// Something the operating system refused.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// A write or sync failed while running.
    #[error("a write to the journal failed; look at the disk, then start again: what was acknowledged is safe")]
    JournalFailed,
}

impl AppError {
    /// The exit status: 2 configuration, 3 damaged data, else 1.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Setting(_) => 2,
            Self::Folder(FolderError::Damaged { .. } | FolderError::TooNew { .. })
            | Self::Journal(OpenError::Damaged(_) | OpenError::TooNew { .. })
            | Self::Relay(RelayError::Ledger { error: StoreError::Damaged(_), .. })
            | Self::Access(AccessError::File(
                crate::access::file::FileError::Damaged { .. } | crate::access::file::FileError::TooNew { .. },
            )) => 3,
            _ => 1,
        }
    }
}

/// Serves until a signal or a failed write.
///
/// # Errors
/// See [`AppError`].
pub fn serve(config: &Config, start: &Start) -> Result<(), AppError> {
    serve_and(config, start, |_| {})
}

/// Serves likewise, and calls `ready` with where the server is once it takes requests. `ready` must not block.
///
/// # Errors
/// See [`AppError`].
pub fn serve_and(config: &Config, start: &Start, ready: impl FnOnce(&Control)) -> Result<(), AppError> {
    let opened = Opened::open(config, start)?;
    let (journal, views, relay) = (opened.journal.clone(), opened.views.clone(), opened.relay.clone());
    let (eraser, access) = (opened.eraser.clone(), Arc::clone(&opened.access));
    let verdict = server::block_on(opened.run(config, ready));
    // No async thread is left that could wait for them. The journal is last: the others read it.
    eraser.close();
    relay.close();
    views.close();
    journal.close();
    access.write_sessions(Clock::System.now());
    tracing::info!("stopped");
    let failed = *journal.failed().borrow();
    verdict.and(if failed { Err(AppError::JournalFailed) } else { Ok(()) })
}

/// Everything that has to be there before the first connection is accepted.
struct Opened {
    folder: Folder,
    journal: Journal,
    views: Views,
    relay: Relay,
    eraser: Eraser,
    site: Arc<Site>,
    access: Arc<Access>,
    listener: TcpListener,
    control: Control,
    greeting: String,
    files_max: u64,
    prometheus: PrometheusHandle,
}

impl Opened {
    fn open(config: &Config, start: &Start) -> Result<Self, AppError> {
        let files_max = raise_file_limit();
        let prometheus = telemetry::start_metrics().map_err(AppError::Setting)?;
        let folder = Folder::open_or_make(&config.data)?;
        Control::clear(folder.path());
        let access = Arc::new(Access::open(folder.path(), config, start.admin_token.as_ref())?);
        access.write_sessions(Clock::System.now());
        let (listener, address) =
            server::bind(&config.listen).map_err(|error| AppError::Listen { listen: config.listen.clone(), error })?;
        let clock = Clock::System;
        let (journal, report) = Journal::open(&folder.journal(), folder.instance_id(), &config.journal, &clock)?;
        if report.recovered {
            tracing::warn!("the last stop was not clean; the journal was checked and recovered");
        }
        for note in &report.notes {
            tracing::warn!(note, "opening the journal");
        }
        let reader: Arc<dyn Reader> = Arc::new(journal.clone());
        let engine: Arc<dyn Engine> = Arc::new(SledEngine);
        let views = Views::open(&folder.views(), &engine, &reader, &config.views)?;
        let relay = Relay::open(&folder.relay(), &engine, Arc::clone(&reader), &config.relay_destinations(), &clock)?;
        let control = Control { url: url(address), token: secret::generate() };
        let rejections = Arc::new(Rejections::new(&config.ingest));
        let of = erase::Parts::new(&journal, &views, &relay, &rejections, &clock);
        let eraser = Eraser::open(folder.path(), of)?;
        let appender = Arc::new(journal.clone());
        let settings = config.ingest.clone();
        let parts = Parts {
            ingest: Ingest::new(appender, access.sources(), Arc::clone(&rejections), settings, clock.clone())
                .suppressing(eraser.suppressed()),
            rejections,
            journal: journal.clone(),
            views: views.clone(),
            relay: relay.clone(),
            eraser: eraser.clone(),
            access: Arc::clone(&access),
            clock: clock.clone(),
            instance: folder.instance(),
            control_token: control.token.clone(),
            prometheus: prometheus.clone(),
        };
        let site = Arc::new(Site::new(parts, config, address).map_err(AppError::Setting)?);
        let greeting = welcome::first_start(&access, &clock, &control.url, config, start)?;
        start_relay(&relay, &clock)?;
        eraser.start()?;
        Ok(Self {
            folder,
            journal,
            views,
            relay,
            eraser,
            site,
            access,
            listener,
            control,
            greeting,
            files_max,
            prometheus,
        })
    }

    async fn run(self, config: &Config, ready: impl FnOnce(&Control)) -> Result<(), AppError> {
        let mut signals = Signals::listen()?;
        let mut failed = self.journal.failed();
        let (server, handle) = server::start(Arc::clone(&self.site), self.listener, &config.http, self.files_max)
            .map_err(|error| AppError::Listen { listen: config.listen.clone(), error })?;
        let server = server::spawn(server);
        server::spawn(history::keep(Arc::clone(&self.site)));
        server::spawn(keep_house(self.prometheus, self.relay.clone(), Arc::clone(&self.access)));
        let guard = self.control.write(self.folder.path());
        let guard = guard.map_err(|error| AppError::System { what: "write control.json", error })?;
        welcome::print(&format!("{}roundtower is ready on {}\n", self.greeting, self.control.url));
        tracing::info!(url = self.control.url, durability = config.journal.durability.as_str(), "ready");
        ready(&self.control);
        let verdict = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            _ = failed.wait_for(|failed| *failed) => {
                tracing::error!("a write to the journal failed; nothing can be stored until a restart");
                Err(AppError::JournalFailed)
            }
            ended = server => Err(ended_early(ended)),
        };
        self.site.stopping.store(true, Ordering::SeqCst);
        drop(guard);
        self.relay.stop();
        drain(&handle, &mut signals).await;
        verdict
    }
}

/// One client for each destination; whose certificates are believed is read once for all.
fn start_relay(relay: &Relay, clock: &Clock) -> Result<(), AppError> {
    if relay.is_empty() {
        return Ok(());
    }
    let trust = Trust::system();
    let connect = |to: &_| match Client::new(to, &trust, clock.clone()) {
        Ok(client) => Ok(Arc::new(client) as Arc<dyn Transport>),
        Err(error) => Err(error.to_string()),
    };
    Ok(relay.start(&connect)?)
}

/// Samples wait in memory until somebody sorts them into buckets. What the relay lags is looked up meanwhile, and when
/// sessions were used is written.
async fn keep_house(prometheus: PrometheusHandle, relay: Relay, access: Arc<Access>) {
    loop {
        tokio::time::sleep(METRICS_PAUSE).await;
        let (relay, access) = (relay.clone(), Arc::clone(&access));
        // Both wait for the disk.
        let work = move || {
            relay.publish();
            access.keep_sessions(Clock::System.now());
        };
        if tokio::task::spawn_blocking(work).await.is_err() {
            tracing::warn!("the numbers of the relay could not be looked up");
        }
        prometheus.run_upkeep();
    }
}

fn ended_early(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> AppError {
    let error = match ended {
        Ok(Ok(())) => std::io::Error::other("the server ended by itself"),
        Ok(Err(error)) => error,
        Err(error) => std::io::Error::other(error),
    };
    AppError::System { what: "serve", error }
}

/// Lets requests finish; a second signal or the deadline cuts them off.
async fn drain(handle: &ServerHandle, signals: &mut Signals) {
    tokio::select! {
        () = handle.stop(true) => {}
        _ = signals.next() => tracing::warn!("a second signal: requests under way are cut off"),
        () = tokio::time::sleep(DRAIN_DEADLINE) => tracing::warn!("some requests did not finish in time"),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, AppError> {
        let listen = |kind| signal(kind).map_err(|error| AppError::System { what: "listen for signals", error });
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

/// Where the server is reached from this machine.
fn url(address: SocketAddr) -> String {
    let reachable = match address {
        SocketAddr::V4(four) if four.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], four.port())),
        SocketAddr::V6(six) if six.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, six.port()))
        }
        other => other,
    };
    format!("http://{reachable}")
}

/// Every connection is an open file: as many as the system lets us have.
fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "cannot raise the number of open files");
        return limit.current.unwrap_or(u64::MAX);
    }
    limit.maximum.unwrap_or(u64::MAX)
}
