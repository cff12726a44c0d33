//! A body that was passed once: its text, repaired, and where everything in it is.

use super::envelope::Items;
use super::message::{Member, Message, Span};
use super::scan::{Scanner, Syntax};

/// What a body has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One message.
    Single,
    /// An object with a list of messages.
    Envelope,
    /// One message, or a list of them.
    Either,
}

/// A checked body.
#[derive(Debug, Default)]
pub(crate) struct Document {
    text: String,
    /// What the messages share; absent members if there is no envelope.
    pub(crate) envelope: Message,
    /// The messages, in order.
    pub(crate) messages: Vec<Message>,
    /// Further messages, beyond any limit and not told apart.
    pub(crate) more: usize,
    /// Whether a batch had a list at all.
    pub(crate) listed: bool,
    members: Vec<Member>,
    repairs: Vec<usize>,
}

impl Document {
    /// Passes over all of `text`.
    ///
    /// # Errors
    /// When the syntax is broken or the shape is another one, with the text handed back.
    pub(crate) fn read(text: String, shape: Shape) -> Result<Self, (Syntax, String)> {
        let mut document = Self::default();
        let mut scanner = Scanner::new(&text);
        if let Err(syntax) = document.scan(&mut scanner, shape) {
            return Err((syntax, text));
        }
        let repairs = scanner.repairs;
        document.text = stored_form(text, &repairs);
        document.repairs = repairs;
        Ok(document)
    }

    fn scan(&mut self, scanner: &mut Scanner<'_>, shape: Shape) -> Result<(), Syntax> {
        let first = scanner.token()?;
        let items = match shape {
            Shape::Envelope => {
                let (envelope, items) = scanner.envelope(&mut self.members)?;
                self.envelope = envelope;
                items
            }
            Shape::Either if first == b'[' => scanner.list(&mut self.members)?,
            Shape::Single | Shape::Either => {
                if first != b'{' {
                    return Err(scanner.syntax("a JSON object was expected"));
                }
                Items { kept: vec![scanner.message(&mut self.members)?], uncounted: 0, listed: true }
            }
        };
        (self.messages, self.more, self.listed) = (items.kept, items.uncounted, items.listed);
        scanner.end()
    }

    /// The text, repaired.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The members of one of its messages, in the order sent.
    pub(crate) fn members(&self, message: &Message) -> &[Member] {
        message.members(&self.members)
    }

    /// Whether something in this stretch was repaired.
    pub(crate) fn was_repaired(&self, part: Span) -> bool {
        let from = self.repairs.partition_point(|at| *at < part.start());
        self.repairs.get(from).is_some_and(|at| *at < part.end())
    }
}

/// Replaces halves of surrogate pairs, and line breaks by spaces: stored JSON is a line of an export as it is.
/// A line break can only be between tokens, since strings may not hold one. Every span stays where it is.
fn stored_form(text: String, repairs: &[usize]) -> String {
    let broken = memchr::memchr2(b'\n', b'\r', text.as_bytes());
    if broken.is_none() && repairs.is_empty() {
        return text;
    }
    let mut bytes = text.into_bytes();
    for at in repairs {
        if let Some(escape) = bytes.get_mut(*at..at + 6) {
            escape.copy_from_slice(br"\ufffd");
        }
    }
    for byte in bytes.iter_mut().skip(broken.unwrap_or(usize::MAX)) {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).expect("only ASCII was replaced, by ASCII")
}
