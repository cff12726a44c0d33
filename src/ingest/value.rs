//! What single members say: texts, ids, times.

use std::borrow::Cow;

use super::code::{Code, Rejected};
use super::wire::{Document, Field, Message, Span, unescape};
use crate::call::ids::{InvalidId, MessageId};
use crate::call::time::Time;

/// A member's value, as far as anybody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Not there, or null.
    Absent,
    /// A string.
    Text(Cow<'a, str>),
    /// A number, digit by digit.
    Number(&'a str),
    /// An object, as JSON text.
    Object(&'a str),
    /// A boolean or an array.
    Other,
}

impl<'a> Value<'a> {
    /// What is at this place of a checked text.
    pub(super) fn read(text: &'a str, span: Span) -> Self {
        let raw = span.of(text);
        match raw.as_bytes().first() {
            None | Some(b'n') => Self::Absent,
            Some(b'"') => unescape(raw).map_or(Self::Other, Self::Text),
            Some(b'-' | b'0'..=b'9') => Self::Number(raw),
            Some(b'{') => Self::Object(raw),
            Some(_) => Self::Other,
        }
    }

    /// The time it says. `Err` if it says something else.
    pub(super) fn time(&self) -> Result<Option<Time>, ()> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Time::parse(text).map(Some).ok_or(()),
            Self::Number(number) => Time::from_number(number).map(Some).ok_or(()),
            Self::Object(_) | Self::Other => Err(()),
        }
    }
}

/// Reads the members of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    pub(super) document: &'a Document,
    pub(super) message: &'a Message,
}

impl<'a> Members<'a> {
    /// The value of a member.
    #[inline]
    pub(super) fn get(self, field: Field) -> Value<'a> {
        Value::read(self.document.text(), self.message.get(field))
    }

    /// A name: text, or nothing when it is empty or null.
    ///
    /// # Errors
    /// When it is something else, with this code.
    pub(super) fn name(self, field: Field, key: &str, code: Code) -> Result<Option<Cow<'a, str>>, Rejected> {
        match self.get(field) {
            Value::Absent => Ok(None),
            Value::Text(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            _ => Err(Rejected::new(code, format!("{key} has to be a string"))),
        }
    }

    /// An id of any kind, as `parse` takes it. Integers count by their digits, unless `strict`.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn id<I>(
        self,
        field: Field,
        key: &str,
        strict: bool,
        parse: impl FnOnce(Cow<'a, str>) -> Result<I, InvalidId>,
    ) -> Result<Option<I>, Rejected> {
        let text = match self.get(field) {
            Value::Absent => return Ok(None),
            Value::Text(text) if text.trim().is_empty() => return Ok(None),
            Value::Text(text) => text,
            Value::Number(digits) if !strict && is_integer(digits) => Cow::Borrowed(digits),
            _ => return Err(Rejected::new(Code::IdNotString, format!("{key} has to be a string"))),
        };
        parse(text).map(Some).map_err(|invalid| Rejected::new(Code::IdNotString, format!("{key} {invalid}")))
    }

    /// The message id, if there is a usable one.
    pub(super) fn message_id(self) -> Option<MessageId<'a>> {
        self.id(Field::MessageId, "messageId", false, MessageId::parse).ok().flatten()
    }

    /// The JSON text of an object, `{}` when it is absent.
    ///
    /// # Errors
    /// When it is something else, with this code.
    pub(super) fn payload(self, field: Field, key: &str, code: Code) -> Result<&'a str, Rejected> {
        match self.get(field) {
            Value::Absent => Ok("{}"),
            Value::Object(text) => Ok(text),
            _ => Err(Rejected::new(code, format!("{key} has to be an object"))),
        }
    }
}

fn is_integer(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}
