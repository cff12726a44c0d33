//! Many lines at once: what `import` appends, counted and with the first bad lines by number.
//!
//! Safe to run again, and to go on after a stop: a message that is already there is a duplicate. It blocks; never call
//! it on a thread that serves requests.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::{Code, Rejected};
use super::import::Importer;
use super::settings::Settings;
use super::source::Merges;
use super::suppress::Suppressed;
use crate::call::time::Time;
use crate::journal::{Ack, AppendError, Appender, Batch, Outcome, ReadError};

/// How many bad lines are told one by one; the rest is only counted.
pub const TOLD_MAX: usize = 20;
/// Longest line that is read whole, in bytes: more than any that is taken, so that a cut one is told to be too long.
pub const LINE_BYTES_MAX: usize = 512 * 1024;
/// Batches that wait for the journal at the same time.
const WAITING_MAX: usize = 256;
/// Bytes of one batch, about.
const BATCH_BYTES: usize = 256 * 1024;
/// How long to wait when the journal's queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// Why an import stopped. What was counted before is in the journal; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The journal takes nothing.
    #[error("cannot store: {0}")]
    Append(#[from] AppendError),
    /// The journal cannot be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// One line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub code: String,
    /// The same in words.
    pub message: String,
}

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Lines with a message.
    pub lines: u64,
    /// Appended (in a dry run: would be).
    pub appended: u64,
    /// Already there.
    pub duplicate: u64,
    /// Not taken.
    pub rejected: u64,
    /// The first ones that were not taken.
    pub bad_lines: Vec<BadLine>,
}

impl Tally {
    /// Adds what became of later lines.
    pub fn add(&mut self, later: Self) {
        self.lines += later.lines;
        self.appended += later.appended;
        self.duplicate += later.duplicate;
        self.rejected += later.rejected;
        let room = TOLD_MAX.saturating_sub(self.bad_lines.len());
        self.bad_lines.extend(later.bad_lines.into_iter().take(room));
    }

    fn reject(&mut self, line: u64, code: Code, message: String) {
        self.rejected += 1;
        if self.bad_lines.len() < TOLD_MAX {
            self.bad_lines.push(BadLine { line, code: code.as_str().to_owned(), message });
        }
    }
}

/// Reads lines into one source.
#[derive(Debug)]
pub struct Lines {
    importer: Importer,
    source: Arc<str>,
}

impl Lines {
    /// Lines into `source`, whose aliases may merge these.
    pub fn new(source: Arc<str>, merges: Merges, settings: Settings) -> Self {
        Self { importer: Importer::new(Arc::clone(&source), merges, settings), source }
    }

    /// The same, refusing calls of these.
    #[must_use]
    pub fn suppressing(self, suppressed: Arc<Suppressed>) -> Self {
        Self { importer: self.importer.suppressing(suppressed), ..self }
    }

    /// Appends the lines of `text`; the first one has the number `first`. Answers once all of them are durable.
    ///
    /// # Errors
    /// When the journal takes nothing any more.
    pub fn append(&mut self, text: &[u8], first: u64, now: Time, appender: &dyn Appender) -> Result<Tally, LinesError> {
        let mut tally = Tally::default();
        let mut queue = Queue { appender, waiting: Vec::new(), batch: None };
        for (line, number) in text.split(|byte| *byte == b'\n').zip(first..) {
            match self.importer.read(line, number, now) {
                Ok(None) => {}
                Ok(Some(imported)) => {
                    tally.lines += 1;
                    let batch = queue.batch(&self.source, imported.received_at, &mut tally)?;
                    if let Err(too_large) = batch.push(&imported.call) {
                        tally.reject(number, Code::MessageTooLarge, too_large.to_string());
                    }
                }
                Err(rejected) => tally.refuse(number, rejected),
            }
        }
        queue.finish(&mut tally)?;
        appender.accounts().reject(tally.rejected);
        Ok(tally)
    }

    /// Tells what [`Lines::append`] would do. `seen` knows the ids of earlier lines, `known` asks the journal.
    ///
    /// # Errors
    /// When the journal cannot be asked.
    pub fn try_out(
        &mut self,
        text: &[u8],
        first: u64,
        now: Time,
        seen: &mut HashSet<[u8; 32]>,
        known: &dyn Fn(&str, &str) -> Result<bool, ReadError>,
    ) -> Result<Tally, LinesError> {
        let mut tally = Tally::default();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(first..) {
            match self.importer.read(line, number, now) {
                Ok(None) => {}
                Ok(Some(imported)) => {
                    tally.lines += 1;
                    let id = imported.call.message_id.as_str();
                    if seen.insert(*blake3::hash(id.as_bytes()).as_bytes()) && !known(&self.source, id)? {
                        tally.appended += 1;
                    } else {
                        tally.duplicate += 1;
                    }
                }
                Err(rejected) => tally.refuse(number, rejected),
            }
        }
        Ok(tally)
    }
}

impl Tally {
    fn refuse(&mut self, line: u64, rejected: Rejected) {
        self.lines += 1;
        self.reject(line, rejected.code, rejected.message.into_owned());
    }
}

/// The batch being filled and the ones on their way.
struct Queue<'a> {
    appender: &'a dyn Appender,
    waiting: Vec<Ack>,
    batch: Option<(Time, Batch)>,
}

impl Queue<'_> {
    /// The batch for calls received at this time; the one before goes on its way when it does not fit.
    fn batch(&mut self, source: &Arc<str>, received_at: Time, tally: &mut Tally) -> Result<&mut Batch, LinesError> {
        let fits = |(at, batch): &(Time, Batch)| *at == received_at && batch.bytes_len() < BATCH_BYTES;
        if !self.batch.as_ref().is_some_and(fits) {
            self.send(tally)?;
        }
        let (_, batch) = self
            .batch
            .get_or_insert_with(|| (received_at, Batch::new(Arc::clone(source), received_at, BATCH_BYTES / 4)));
        Ok(batch)
    }

    fn send(&mut self, tally: &mut Tally) -> Result<(), LinesError> {
        let Some((_, batch)) = self.batch.take().filter(|(_, batch)| !batch.is_empty()) else { return Ok(()) };
        if self.waiting.len() >= WAITING_MAX {
            self.settle(tally)?;
        }
        loop {
            match self.appender.append(batch.clone()) {
                Ok(ack) => {
                    self.waiting.push(ack);
                    return Ok(());
                }
                Err(AppendError::QueueFull { .. }) => {
                    self.settle(tally)?;
                    std::thread::sleep(FULL_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn settle(&mut self, tally: &mut Tally) -> Result<(), LinesError> {
        for ack in self.waiting.drain(..) {
            for outcome in ack.wait()? {
                match outcome {
                    Outcome::Appended(_) => tally.appended += 1,
                    Outcome::Duplicate(_) => tally.duplicate += 1,
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, tally: &mut Tally) -> Result<(), LinesError> {
        self.send(tally)?;
        self.settle(tally)
    }
}
