//! What became of a request that was not refused as a whole: one item for each message, and remarks on all of it.

use serde::Serialize;

use super::code::Code;

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Appended, and durable.
    Appended,
    /// The same message was already there.
    Duplicate,
    /// Not taken; the code says why.
    Rejected,
    /// Appended, durable, and kept out of everything but the journal, as the sender's `integrations` ask.
    Filtered,
    /// It asked to erase somebody, and that is under way.
    Erased,
}

/// The receipt of one message. Serializes to the shape on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The message's id, if it had a usable one or was given one.
    #[serde(rename = "messageId")]
    pub message_id: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Its place in the journal.
    pub sequence: Option<u64>,
    /// Why it was rejected or filtered.
    pub code: Option<Code>,
    /// The same in words.
    pub message: Option<String>,
}

/// How many messages of a request ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Appended (filtered ones included).
    pub appended: u64,
    /// Already there.
    pub duplicate: u64,
    /// Not taken.
    pub rejected: u64,
    /// Of the appended ones: kept out of views and relay.
    pub filtered: u64,
}

/// The answer to a request that was not refused: everything it counts as appended or duplicate is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// One for each message, in the order of the batch, if the request asked for them. Of the messages beyond a
    /// batch's limit only the first few thousand get one; all are counted.
    pub items: Vec<Item>,
    /// Remarks on the request as a whole.
    pub notes: Vec<Code>,
    /// What became of the messages, in numbers.
    pub counts: Counts,
    /// The userIds that the request asks to erase. Whoever answers it sees to that first.
    pub deletions: Vec<String>,
}
