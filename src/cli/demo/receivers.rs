//! The two destinations of the demo: receivers in this process, of which one fails now and then.

use std::net::SocketAddr;
use std::sync::mpsc;

use crate::call::time::Time;
use crate::cli::output::Failure;
use crate::http::sink::{self, Settings};
use crate::relay::settings::Entry;

const WELL: Settings = Settings { fail: 0.0, status: 503, refuse: 0.0, delay_ms: 15 };
const BADLY: Settings = Settings { fail: 0.21, status: 503, refuse: 0.02, delay_ms: 60 };

/// The slow one begins this long before the end of the week, so that it has caught up within a minute.
const BEHIND_MS: i64 = 4 * 3_600_000;

/// Opens both, and tells how the relay reaches them. They close by themselves when the process is told to stop. `began`
/// is the end of the week.
pub(super) fn open(began: Time) -> Result<Vec<Entry>, Failure> {
    let well = receive(WELL)?;
    let badly = receive(BADLY)?;
    let since = Time::from_millis(began.as_millis() - BEHIND_MS);
    Ok(vec![
        entry(&format!(
            "name = \"windsor\"\nformat = \"windsor\"\nurl = \"http://{well}\"\napi_key = \"demo\"\nfrom = \"start\"\n\
             rate_per_second = 600\n"
        ))?,
        entry(&format!(
            "name = \"newsletter\"\nformat = \"partner\"\nurl = \"http://{badly}\"\napi_key = \"demo\"\nfrom = \"{since}\"\n\
             rate_per_second = 25\nretry_initial_ms = 4000\nretry_max_ms = 60000\n"
        ))?,
    ])
}

fn entry(text: &str) -> Result<Entry, Failure> {
    toml::from_str(text).map_err(|error| Failure::Failed(format!("a destination of the demo: {error}")))
}

fn receive(settings: Settings) -> Result<SocketAddr, Failure> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let ready = |address| {
            let _ = tell.send(address);
        };
        if let Err(error) = sink::run("127.0.0.1:0", settings, None, ready) {
            tracing::error!(%error, "a receiver of the demo");
        }
    });
    told.recv().map_err(|_| Failure::Failed("cannot listen on 127.0.0.1 for the demo's destinations".to_owned()))
}
