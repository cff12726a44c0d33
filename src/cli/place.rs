//! Where a command works: on the data folder itself, or through the server that holds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::output::Failure;
use super::remote::Remote;
use crate::app::control::Control;
use crate::app::folder::{Folder, FolderError};
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Reader;
use crate::journal::embedded::Journal;
use crate::relay::{Relay, RelayError};
use crate::store::Engine;
use crate::store::sled::SledEngine;
use crate::views::Views;
use crate::views::settings::Settings;

/// A server that starts or stops holds the folder for a moment without saying where it is.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Where a command works.
#[derive(Debug)]
pub(super) enum Place {
    /// A server holds the folder.
    Server(Remote),
    /// This process holds the folder now.
    Folder(Folder),
}

impl Place {
    /// Finds out. A missing folder is made only if `make` says so.
    ///
    /// # Errors
    /// When there is no folder, or something else holds it.
    pub(super) fn find(config: &Config, make: bool) -> Result<Self, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let opened = if make { Folder::open_or_make(&config.data) } else { Folder::open(&config.data) };
            match opened {
                Ok(folder) => return Ok(Self::Folder(folder)),
                Err(FolderError::Held { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let control = Control::read(&config.data).map_err(|error| {
                Failure::Failed(format!("cannot read {}/control.json: {error}", config.data.display()))
            })?;
            match control {
                Some(control) => return Remote::connect(control).map(Self::Server),
                None if Instant::now() > deadline => {
                    return Err(FolderError::Held { path: config.data.clone() }.into());
                }
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

/// Opens the journal of a folder that this process holds, for the time of one command.
///
/// # Errors
/// As [`Journal::open`].
pub(super) fn open_journal(folder: &Folder, config: &Config) -> Result<OpenJournal, Failure> {
    let (journal, report) = Journal::open(&folder.journal(), folder.instance_id(), &config.journal, &Clock::System)?;
    for note in &report.notes {
        tracing::warn!(note, "opening the journal");
    }
    Ok(OpenJournal(journal))
}

/// The relay of a folder that this process holds, to look at and to give orders to; nothing is sent.
///
/// # Errors
/// As [`Relay::open`].
pub(super) fn open_relay(folder: &Folder, journal: &OpenJournal, config: &Config) -> Result<OpenRelay, RelayError> {
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let reader: Arc<dyn Reader> = Arc::new(journal.0.clone());
    let relay = Relay::open(&folder.relay(), &engine, reader, &config.relay_destinations(), &Clock::System)?;
    Ok(OpenRelay(relay))
}

/// The views of a folder that this process holds, once they have folded everything.
///
/// # Errors
/// When they cannot be opened, or stand still.
pub(super) fn open_views(folder: &Folder, journal: &OpenJournal, config: &Config) -> Result<OpenViews, Failure> {
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let reader: Arc<dyn Reader> = Arc::new(journal.0.clone());
    let settings = Settings { enabled: true, ..config.views.clone() };
    let views = OpenViews(Views::open(&folder.views(), &engine, &reader, &settings)?);
    let end = reader.tail().next();
    while views.0.through() < end {
        if let Some(reason) = views.0.status().stopped {
            return Err(Failure::Failed(format!("the views stand still: {reason}")));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(views)
}

/// Views that are closed cleanly when the command ends. The journal has to outlive them.
#[derive(Debug)]
pub(super) struct OpenViews(pub Views);

impl Drop for OpenViews {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A relay that is closed cleanly when the command ends. The journal has to outlive it.
#[derive(Debug)]
pub(super) struct OpenRelay(pub Relay);

impl Drop for OpenRelay {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A journal that is closed cleanly when the command ends, however it ends.
#[derive(Debug)]
pub(super) struct OpenJournal(pub Journal);

impl Drop for OpenJournal {
    fn drop(&mut self) {
        self.0.close();
    }
}
