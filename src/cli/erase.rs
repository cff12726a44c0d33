//! `erase`: a person, everywhere, for good. Through the server that holds the folder, or on the folder of a stopped one.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::Erase;
use super::output::{Failure, Output};
use super::place::{Place, open_journal, open_relay};
use super::remote::Remote;
use crate::app::folder::Folder;
use crate::clock::Clock;
use crate::config::Config;
use crate::erase::{EraseError, Eraser, Parts, Target};
use crate::ingest::rejections::Rejections;
use crate::journal::{Reader, Sequence};
use crate::query::address::{Address, EmailLookup};
use crate::store::Engine;
use crate::store::sled::SledEngine;
use crate::views::Views;
use crate::views::identity::NodeNo;
use crate::views::search::Search;

/// How often it looks whether the server is done.
const LOOK: Duration = Duration::from_millis(200);
/// How long the views may stand still.
const VIEWS_LIMIT: Duration = Duration::from_secs(600);

/// Runs the command. It ends when the erasure is done.
///
/// # Errors
/// When there is no such person, or the erasure cannot be finished now: it goes on with the next start of the server, or
/// when the command is run again.
pub(super) fn run(config: &Config, wanted: &Erase, output: Output) -> Result<(), Failure> {
    let erasure = match Place::find(config, false)? {
        Place::Server(server) => through(&server, wanted)?,
        Place::Folder(folder) => on(&folder, config, wanted)?,
    };
    let calls = erasure.get("calls").and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!("erased: {calls} calls, and everything that was made of them");
    if wanted.suppress {
        let _ = write!(text, "; later calls of this person are dropped");
    }
    text.push_str("\nbackups that were made before still hold them");
    output.result(&text, &erasure);
    Ok(())
}

fn through(server: &Remote, wanted: &Erase) -> Result<Value, Failure> {
    let person = utf8_percent_encode(&wanted.person, NON_ALPHANUMERIC);
    let ordered = server.ask(Method::DELETE, &format!("/api/people/{person}?suppress={}", wanted.suppress), None)?;
    let id = ordered.get("erasure").cloned().unwrap_or_default();
    loop {
        let all = server.ask(Method::GET, "/api/erasures", None)?;
        let items = all.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let found = items.into_iter().find(|one| one.get("id") == Some(&id)).unwrap_or_default();
        if found.get("state") == Some(&json!("done")) {
            return Ok(found);
        }
        if let Some(reason) = found.get("reason").and_then(Value::as_str) {
            return Err(Failure::Failed(format!("the order stands, and is tried again by the server: {reason}")));
        }
        std::thread::sleep(LOOK);
    }
}

struct Emails<'a>(&'a Search);

impl EmailLookup for Emails<'_> {
    fn by_email(&self, email: &str) -> Vec<NodeNo> {
        self.0.by_email(email).unwrap_or_default()
    }
}

/// Views that are closed when the command ends.
struct OpenViews(Views);

impl Drop for OpenViews {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn on(folder: &Folder, config: &Config, wanted: &Erase) -> Result<Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let address = Address::parse(&wanted.person).map_err(|error| failed(&error))?;
    let journal = open_journal(folder, config)?;
    let reader: Arc<dyn Reader> = Arc::new(journal.0.clone());
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let settings = crate::views::settings::Settings { enabled: true, ..config.views.clone() };
    let views = OpenViews(Views::open(&folder.views(), &engine, &reader, &settings)?);
    let relay = open_relay(folder, &journal, config)?;
    let parts = Parts {
        journal: journal.0.clone(),
        views: views.0.clone(),
        relay: relay.0.clone(),
        rejections: Arc::new(Rejections::new(&config.ingest)),
        clock: Clock::System,
    };
    let eraser = Eraser::open(folder.path(), parts).map_err(|error| failed(&error))?;
    // What a server that was stopped has not finished comes first.
    let finish =
        || eraser.finish().map_err(|error| Failure::Failed(format!("the order stands: {error}; run it again")));
    finish()?;
    level(&views.0, reader.tail().next())?;
    let target = views.0.read(|snapshot| {
        let root = address.root(snapshot, &Emails(&views.0.search())).map_err(|_| EraseError::Nobody)?;
        Target::of(snapshot, root).map_err(|error| EraseError::Failed(error.to_string()))
    });
    let target = target.map_err(|error| failed(&error))?;
    let ordered = eraser.order(&target, wanted.suppress, "command").map_err(|error| failed(&error))?;
    finish()?;
    let done = eraser.list().into_iter().find(|one| one.id == ordered.id).unwrap_or(ordered);
    Ok(json!(done))
}

/// Waits until the views and the search know everything.
fn level(views: &Views, end: Sequence) -> Result<(), Failure> {
    let Some(last) = end.get().checked_sub(1).filter(|last| *last > 0).map(Sequence::new) else { return Ok(()) };
    let mut before = views.through();
    while !views.wait_search(last, VIEWS_LIMIT) {
        let now = views.through();
        if now == before {
            return Err(Failure::Failed(
                "the views do not get on; see the log, or run `roundtower rebuild`".to_owned(),
            ));
        }
        before = now;
    }
    Ok(())
}
