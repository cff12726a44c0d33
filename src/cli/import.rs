//! `import`: Segment calls from a file. Run it again after a stop: what is already there is not appended twice.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::arguments::Import;
use super::input::{Input, Part};
use super::output::{Failure, Output};
use super::place::{OpenJournal, Place, open_journal};
use super::remote::Remote;
use super::show;
use crate::access::Access;
use crate::app::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::erase::suppressed;
use crate::ingest::lines::{Lines, Tally};
use crate::journal::Reader as _;

/// Runs the command.
///
/// # Errors
/// When a line was rejected, or reading or storing failed.
pub(super) fn run(config: &Config, wanted: &Import, output: Output) -> Result<(), Failure> {
    let unreadable = |error| Failure::Failed(format!("cannot read {}: {error}", show(&wanted.file)));
    let mut input = Input::open(&wanted.file).map_err(unreadable)?;
    let mut sink = Sink::open(config, wanted)?;
    let bar = bar(input.bytes);
    let mut tally = Tally::default();
    loop {
        let part = match input.part() {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(error) => {
                bar.finish_and_clear();
                tell(output, wanted, &tally);
                return Err(Failure::Failed(format!(
                    "{} breaks off: {error}; what was read is stored",
                    show(&wanted.file)
                )));
            }
        };
        match sink.take(part) {
            Ok(more) => tally.add(more),
            Err(failure) => {
                bar.finish_and_clear();
                tell(output, wanted, &tally);
                return Err(failure);
            }
        }
        bar.set_position(input.position());
        bar.set_message(format!("{} calls", tally.lines));
    }
    bar.finish_and_clear();
    tell(output, wanted, &tally);
    if tally.rejected > 0 { Err(Failure::Told) } else { Ok(()) }
}

/// Where lines go.
enum Sink {
    Server {
        remote: Remote,
        path: String,
    },
    Folder {
        journal: OpenJournal,
        lines: Box<Lines>,
        seen: Option<HashSet<[u8; 32]>>,
        _folder: crate::app::folder::Folder,
    },
}

impl Sink {
    fn open(config: &Config, wanted: &Import) -> Result<Self, Failure> {
        match Place::find(config, false)? {
            Place::Server(remote) => {
                let name = utf8_percent_encode(&wanted.source, NON_ALPHANUMERIC);
                let dry_run = u8::from(wanted.dry_run);
                Ok(Self::Server { remote, path: format!("/api/import?source={name}&dry_run={dry_run}&first_line=") })
            }
            Place::Folder(folder) => {
                let access = Access::open(folder.path(), config, None)?;
                let source = access.list_sources().into_iter().find(|source| source.name == wanted.source);
                let Some(source) = source else {
                    let name = &wanted.source;
                    return Err(Failure::Failed(format!(
                        "there is no source called `{name}`; see `roundtower source list`"
                    )));
                };
                let journal = open_journal(&folder, config)?;
                let suppressed = suppressed(folder.path()).map_err(AppError::from)?;
                let lines = Lines::new(Arc::from(wanted.source.as_str()), source.merges, config.ingest.clone());
                let lines = Box::new(lines.suppressing(suppressed));
                Ok(Self::Folder { journal, lines, seen: wanted.dry_run.then(HashSet::new), _folder: folder })
            }
        }
    }

    fn take(&mut self, part: Part) -> Result<Tally, Failure> {
        match self {
            Self::Server { remote, path } => {
                let answer = remote.send(&format!("{path}{}", part.first), part.text)?;
                serde_json::from_value(answer)
                    .map_err(|_| Failure::Failed("the server is of another version".to_owned()))
            }
            Self::Folder { journal, lines, seen, .. } => {
                let (journal, now) = (&journal.0, Clock::System.now());
                let Some(seen) = seen else { return Ok(lines.append(&part.text, part.first, now, journal)?) };
                let known = |source: &str, id: &str| journal.find(source, id).map(|found| found.is_some());
                Ok(lines.try_out(&part.text, part.first, now, seen, &known)?)
            }
        }
    }
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = match bytes {
        Some(bytes) => {
            let shape = "{bar:40} {bytes}/{total_bytes} {msg} {eta}";
            ProgressBar::new(bytes)
                .with_style(ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        None => ProgressBar::new_spinner(),
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn tell(output: Output, wanted: &Import, tally: &Tally) {
    let verb = if wanted.dry_run { "would be appended" } else { "appended" };
    let mut text = format!(
        "{} calls: {} {verb}, {} already there, {} rejected\n",
        tally.lines, tally.appended, tally.duplicate, tally.rejected
    );
    for bad in &tally.bad_lines {
        let _ = writeln!(text, "line {}: {}: {}", bad.line, bad.code, bad.message);
    }
    let told = tally.bad_lines.len() as u64;
    if tally.rejected > told {
        let _ = writeln!(text, "and {} more", tally.rejected - told);
    }
    let mut value = json!(tally);
    if let Some(members) = value.as_object_mut() {
        members.insert("dry_run".to_owned(), json!(wanted.dry_run));
    }
    output.result(&text, &value);
}
