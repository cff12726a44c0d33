//! `rebuild`: throws the views away and folds the journal again. What was delivered to destinations is not touched.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::{Failure, Output};
use super::place::{OpenJournal, Place, open_journal};
use crate::config::Config;
use crate::journal::Reader;
use crate::store::Engine;
use crate::store::sled::SledEngine;
use crate::views::rebuild::{Rebuilt, rebuild};

/// Runs the command.
///
/// # Errors
/// When a server holds the folder, the journal cannot be read, or the views cannot be written.
pub(super) fn run(config: &Config, output: Output) -> Result<(), Failure> {
    let folder = match Place::find(config, false)? {
        Place::Folder(folder) => folder,
        Place::Server(remote) => {
            let url = remote.url();
            return Err(Failure::Failed(format!("the server on {url} reads these views; stop it, then rebuild them")));
        }
    };
    let journal = open_journal(&folder, config)?;
    let made = fold(&journal, &folder.views(), config, "folding")?;
    let digest = hex(made.digest);
    let through = made.through.get();
    let text = format!(
        "the views are made anew, true for all records below {through}{}\ndigest {digest}",
        if made.parked == 0 { String::new() } else { format!("; {} records could not be folded", made.parked) },
    );
    output.result(&text, &json!({"through": through, "digest": digest, "parked": made.parked}));
    Ok(())
}

/// Folds the journal into an empty folder, with a bar that shows how far it is.
///
/// # Errors
/// When the journal cannot be read, or the views cannot be written.
pub(super) fn fold(
    journal: &OpenJournal,
    dir: &std::path::Path,
    config: &Config,
    what: &str,
) -> Result<Rebuilt, Failure> {
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let reader: Arc<dyn Reader> = Arc::new(journal.0.clone());
    let style = ProgressStyle::with_template("{msg} {bar:32} {human_pos} of {human_len} records, {per_sec}, {eta}");
    let bar = ProgressBar::new(0).with_message(what.to_owned());
    let bar = style.map_or(bar.clone(), |style| bar.with_style(style));
    let made = rebuild(dir, &engine, &reader, &config.views, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(made?)
}

/// A digest as text.
pub(super) fn hex(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex().to_string()
}
