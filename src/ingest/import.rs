//! Lines of a file on their way in: Segment calls as NDJSON, perhaps exported by this very program.
//!
//! What an export line says about times and ids is restored exactly, so that importing an export gives the same records
//! again. A line that does not say when it was received keeps its `timestamp` uncorrected: the time of the import says
//! nothing about the sender's clock. (How a call was read, its marks, is not part of a line: only the filter is decided anew.)

use std::sync::Arc;

use super::code::{Code, Rejected};
use super::normalize::{Frame, Shared, Typing};
use super::settings::Settings;
use super::source::Merges;
use super::suppress::Suppressed;
use super::times::{self, Rule};
use super::value::Members;
use super::wire::{Document, Shape};
use crate::call::Call;
use crate::call::limits::RECORD_BYTES_MAX;
use crate::call::time::Time;

/// Longest line: the largest record, with what an export writes around it.
pub const LINE_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// A line that became a call.
#[derive(Debug)]
pub struct Imported<'a> {
    /// When the request reached a server: as the line says, else the time of the import.
    pub received_at: Time,
    /// The call.
    pub call: Call<'a>,
}

/// Reads the lines of one source.
#[derive(Debug)]
pub struct Importer {
    source: Arc<str>,
    merges: Merges,
    settings: Settings,
    document: Box<Document>,
    suppressed: Arc<Suppressed>,
}

impl Importer {
    /// An importer into `source`, whose aliases may merge these.
    pub fn new(source: Arc<str>, merges: Merges, settings: Settings) -> Self {
        Self { source, merges, settings, document: Box::default(), suppressed: Arc::default() }
    }

    /// The same, refusing calls of these.
    #[must_use]
    pub fn suppressing(self, suppressed: Arc<Suppressed>) -> Self {
        Self { suppressed, ..self }
    }

    /// Reads one line. `number` is its place in the file from 1, `now` stands in for a missing `receivedAt`.
    /// A blank line is `None`.
    ///
    /// A line without message id gets one made of source, number and text: importing a file twice changes nothing.
    ///
    /// # Errors
    /// When the line is no call; other lines are not affected.
    pub fn read(&mut self, line: &[u8], number: u64, now: Time) -> Result<Option<Imported<'_>>, Rejected> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        if line.len() > LINE_BYTES_MAX {
            let words = format!("a line may have {LINE_BYTES_MAX} bytes, this one has {}", line.len());
            return Err(Rejected::new(Code::MessageTooLarge, words));
        }
        let text = String::from_utf8(line.to_vec()).map_err(|_| Rejected::new(Code::InvalidJson, "not UTF-8"))?;
        *self.document = Document::read(text, Shape::Single)
            .map_err(|(syntax, _)| Rejected::new(Code::InvalidJson, syntax.to_string()))?;
        let Some(message) = self.document.messages.first() else { return Ok(None) };
        let received = times::received_at(Members { document: &self.document, message });
        let received_at = received.unwrap_or(now);
        let frame = Frame {
            document: &self.document,
            settings: &self.settings,
            received_at,
            typing: Typing::Message,
            rule: if received.is_some() { Rule::Corrected } else { Rule::Archived },
            sender: None,
            client_side: false,
            pixel: false,
            restores: true,
            message_bytes_max: LINE_BYTES_MAX,
            alias_marks: self.merges.marks(),
            shared: Shared::default(),
        };
        let call = frame.call(message, || line_id(&self.source, number, line))?;
        let dropped = || Rejected::new(Code::Suppressed, "of somebody who was erased and is not to come back");
        let call = self.suppressed.pass(call).ok_or_else(dropped)?;
        Ok(Some(Imported { received_at, call }))
    }
}

fn line_id(source: &str, number: u64, line: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(source.as_bytes()).update(&[0]).update(&number.to_be_bytes()).update(line);
    format!("import-{}", hasher.finalize().to_hex())
}
