//! `demo`: a server on a folder of its own, filled with the week of a made-up company, and traffic that goes on.
//!
//! The calls come in through the same doors as anybody's: the week as an import, the rest as batches. Two receivers in
//! this process play the destinations, one of them badly. A temporary folder goes when the demo ends. No configuration
//! file is read: it could name destinations that are real.

mod archive;
mod house;
mod player;
mod receivers;

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::arguments::Demo;
use super::output::Failure;
use super::show;
use crate::app::{self, Start, welcome};
use crate::config::{Config, Flags};
use crate::demo::Week;
use crate::journal::settings::Durability;
use house::House;
use player::Player;

/// What stands in `ROUNDTOWER_LISTEN` and `ROUNDTOWER_LOG` counts as it does for a server.
const LISTEN: &str = "ROUNDTOWER_LISTEN";
const LOG: &str = "ROUNDTOWER_LOG";

/// How long a stop may take to show: what fails shortly before it is no news.
const STOP: Duration = Duration::from_secs(10);

/// The configuration of a demo.
pub(super) fn config(flags: &Flags) -> Config {
    let listen = flags.listen.clone().or_else(|| std::env::var(LISTEN).ok());
    let log = std::env::var(LOG).unwrap_or_else(|_| "warn".to_owned());
    let mut config = Config { log, ..Config::default() };
    config.listen = listen.unwrap_or(config.listen);
    // Nothing here is worth waiting for a disk.
    config.journal.durability = Durability::Memory;
    config
}

/// Runs the command. Without `data` the folder is a temporary one.
///
/// # Errors
/// When the folder or the address cannot be used, or the server failed.
pub(super) fn run(mut config: Config, wanted: &Demo, data: Option<&Path>, program: String) -> Result<(), Failure> {
    let house = House::open(data, wanted.seed)?;
    house.path().clone_into(&mut config.data);
    config.destinations = receivers::open(house.began)?;
    let keys = house.keys(&config)?;
    let end = if house.is_temporary() {
        " and removes its data".to_owned()
    } else {
        format!("; {} stays", show(house.path()))
    };
    let week = Week::play(house.seed, house.began);
    archive::fill(&house, &config, &week.calls)?;
    let player = Player { seed: house.seed, keys, end };
    let start = Start { admin_token: None, program, config_file: None };
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let playing = std::thread::spawn(move || {
        let Ok(control) = told.recv() else { return };
        if let Err(failure) = player.play(week, control, &stopped, welcome::print)
            && stopped.recv_timeout(STOP) == Err(RecvTimeoutError::Timeout)
        {
            tracing::error!(?failure, "the demo stands still");
        }
    });
    let served = app::serve_and(&config, &start, move |control| {
        let _ = tell.send(control.clone());
    });
    drop(stop);
    let _ = playing.join();
    served.map_err(Failure::from)
}
