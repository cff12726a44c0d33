//! The week goes into the journal before the server opens it, as an import does: destinations then begin where they are
//! told to, and the first page that somebody opens is full.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::house::House;
use crate::app::folder::Folder;
use crate::cli::output::Failure;
use crate::cli::place::open_journal;
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::{Sent, Source};
use crate::ingest::lines::Lines;
use crate::ingest::source::Merges;

const HOUR_MS: i64 = 3_600_000;

/// Appends the calls, hour by hour. What is there already, in a folder that was kept, stays as it is.
pub(super) fn fill(house: &House, config: &Config, calls: &[Sent]) -> Result<(), Failure> {
    let folder = Folder::open(house.path())?;
    let journal = open_journal(&folder, config)?;
    let lines_of = |source: Source| {
        let merges = if source.is_public() { Merges::Anonymous } else { Merges::All };
        (source, Lines::new(Arc::from(source.name()), merges, config.ingest.clone()))
    };
    let mut importers: BTreeMap<Source, Lines> = Source::ALL.into_iter().map(lines_of).collect();
    let hour = |sent: &Sent| sent.at.as_millis().div_euclid(HOUR_MS);
    for calls in calls.chunk_by(|one, other| hour(one) == hour(other)) {
        let mut texts: BTreeMap<Source, String> = BTreeMap::new();
        for sent in calls {
            let text = texts.entry(sent.source).or_default();
            text.push_str(&sent.archived().to_string());
            text.push('\n');
        }
        for (source, text) in texts {
            let Some(importer) = importers.get_mut(&source) else { continue };
            let tally = importer.append(text.as_bytes(), 1, Clock::System.now(), &journal.0)?;
            if let Some(bad) = tally.bad_lines.first() {
                return Err(Failure::Failed(format!("a call of the demo was rejected: {}", bad.message)));
            }
        }
    }
    Ok(())
}
