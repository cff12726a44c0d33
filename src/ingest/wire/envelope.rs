//! A batch: its own members in any order, and its messages.

use super::message::{Field, Member, Message};
use super::object::Key;
use super::scan::{Scanner, Syntax};
use crate::call::limits::BATCH_MESSAGES_MAX;

/// Messages beyond a batch's limit that are still told apart, so that their senders get a receipt for each.
/// Further ones are only counted: they cost two bytes to send and would cost hundreds to remember.
const EXCESS_KEPT_MAX: usize = BATCH_MESSAGES_MAX;

/// The messages of a batch.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// Those that are told apart.
    pub(super) kept: Vec<Message>,
    /// Those that are not.
    pub(super) uncounted: usize,
    /// Whether there was a list at all.
    pub(super) listed: bool,
}

impl Scanner<'_> {
    /// Passes an object with a list of messages under `batch`. Their members go to `all`.
    pub(super) fn envelope(&mut self, all: &mut Vec<Member>) -> Result<(Message, Items), Syntax> {
        if self.token()? != b'{' {
            return Err(self.syntax("a JSON object was expected"));
        }
        let (mut own, mut items) = (Message::default(), Items::default());
        let mut buffer = Vec::new();
        self.object(|scanner, key: Key| {
            match Field::of(scanner.key_text(key, &mut buffer)) {
                Field::Batch => items = scanner.list(all)?,
                field => drop(scanner.member(&mut own, field)?),
            }
            Ok(())
        })?;
        own.fault = self.fault.take();
        Ok((own, items))
    }

    /// Passes a list of messages.
    pub(super) fn list(&mut self, all: &mut Vec<Member>) -> Result<Items, Syntax> {
        all.clear();
        let mut items = Items { listed: true, ..Items::default() };
        if self.token()? != b'[' {
            return Err(self.syntax("\"batch\" has to be an array"));
        }
        self.open(false);
        if self.token()? == b']' {
            self.close();
            return Ok(items);
        }
        loop {
            let room = items.kept.len() < BATCH_MESSAGES_MAX + EXCESS_KEPT_MAX;
            if room {
                items.kept.push(self.message(all)?);
            } else {
                let fault = self.fault;
                self.value()?;
                self.fault = fault;
                items.uncounted += 1;
            }
            match self.token()? {
                b',' => self.at += 1,
                b']' => {
                    self.close();
                    return Ok(items);
                }
                _ => return Err(self.syntax("expected ',' or ']'")),
            }
        }
    }
}
