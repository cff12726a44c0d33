//! From a message, as the wire found it, to a call, or to a rejection that names the field.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use super::code::{Code, Rejected};
use super::context::Surroundings;
use super::extra::extra;
use super::merge::Laid;
use super::request::Sender;
use super::settings::Settings;
use super::times::{self, Rule, Times};
use super::value::{Members, Value};
use super::wire::{Document, Fault, Field, Message};
use crate::call::ids::{AnonymousId, GroupId, MessageId, UserId};
use crate::call::limits::RECORD_BYTES_MAX;
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target};

/// Bytes that the envelope of one batch may add to its messages together. A small request could otherwise become
/// a hundred megabytes of records.
const ADDED_BYTES_MAX: usize = 4 << 20;

/// The type of a message that asks to erase somebody.
const DELETE: &str = "delete";

/// Where a message's type comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// The route says it; the message's own word is ignored.
    Route(CallType),
    /// The message says it.
    Message,
    /// The message says it in the words of Windsor's own client: `user` and `event`, beside the six.
    Windsor,
}

/// What the messages of one request have in common.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) document: &'a Document,
    pub(super) settings: &'a Settings,
    pub(super) received_at: Time,
    pub(super) typing: Typing,
    pub(super) rule: Rule,
    /// Who is at the other end, if that is the device itself; none when another server passes the message on.
    pub(super) sender: Option<&'a Sender>,
    /// The request alone says that the sender is a user's device.
    pub(super) client_side: bool,
    pub(super) pixel: bool,
    /// The message comes from an archive: its id and times are restored, not made.
    pub(super) restores: bool,
    pub(super) message_bytes_max: usize,
    /// What its alias calls are marked with.
    pub(super) alias_marks: Marks,
    /// What the envelope adds.
    pub(super) shared: Shared<'a>,
}

/// What the envelope of a batch adds to its messages.
#[derive(Debug, Default)]
pub(super) struct Shared<'a> {
    /// Bytes added so far.
    bytes: Cell<usize>,
    context: OnceCell<Laid<'a>>,
    integrations: OnceCell<Laid<'a>>,
    sent_at: OnceCell<Option<Time>>,
}

impl<'a> Frame<'a> {
    /// The members that all messages share.
    pub(super) const fn envelope(&self) -> Members<'a> {
        Members { document: self.document, message: &self.document.envelope }
    }

    /// Whether the envelope may add so much to one more message.
    pub(super) fn may_add(&self, bytes: usize) -> bool {
        let added = self.shared.bytes.get().saturating_add(bytes);
        let may = bytes <= RECORD_BYTES_MAX && added <= ADDED_BYTES_MAX;
        if may {
            self.shared.bytes.set(added);
        }
        may
    }

    /// When the batch was sent.
    fn sent_at(&self) -> Option<Time> {
        *self.shared.sent_at.get_or_init(|| times::sent_at(self.envelope()))
    }

    /// The envelope's `context` or `integrations`, taken apart when it is first needed.
    pub(super) fn laid(&self, field: Field, object: &'a str) -> &Laid<'a> {
        let cell = if field == Field::Context { &self.shared.context } else { &self.shared.integrations };
        cell.get_or_init(|| Laid::out(object))
    }

    /// Whom a message asks to delete, by its userId; none if it is no such message.
    ///
    /// # Errors
    /// When it names nobody.
    pub(super) fn deletion(&self, message: &'a Message) -> Result<Option<UserId<'a>>, Rejected> {
        let members = Members { document: self.document, message };
        let Value::Text(name) = members.get(Field::Type) else { return Ok(None) };
        if name != DELETE {
            return Ok(None);
        }
        self.check(message)?;
        let id = members.id(Field::UserId, "userId", self.settings.strict_ids, UserId::parse)?;
        id.map(Some).ok_or_else(|| Rejected::new(Code::IdRequired, "a deletion needs a userId"))
    }

    /// Turns one message into a call. `new_id` makes the id of a message that has none.
    ///
    /// # Errors
    /// With the code of the first thing that is wrong.
    pub(super) fn call(&self, message: &'a Message, new_id: impl FnOnce() -> String) -> Result<Call<'a>, Rejected> {
        self.check(message)?;
        let members = Members { document: self.document, message };
        let kind = self.kind(members)?;
        let (user_id, anonymous_id, target) = self.ids(members, kind)?;
        let (name, category) = names(members, kind)?;
        let payload = payload(members, kind)?;
        let times = Times::read(members, self.sent_at(), self.received_at, self.rule);
        let surroundings = Surroundings::read(self, members)?;
        let mut marks = surroundings.marks;
        if times.replaced {
            marks = marks.with(Marks::TIME_REPLACED);
        }
        if kind == CallType::Alias {
            marks = marks.with(self.alias_marks);
        }
        let shared = &self.document.envelope;
        let parts = [message.span, shared.get(Field::Context), shared.get(Field::Integrations)];
        if parts.into_iter().any(|part| self.document.was_repaired(part)) {
            marks = marks.with(Marks::TEXT_REPAIRED);
        }
        let message_id = members.message_id().unwrap_or_else(|| {
            marks = marks.with(Marks::ID_GENERATED);
            MessageId::parse(new_id()).expect("made ids are short and not empty")
        });
        Ok(Call {
            kind,
            message_id,
            user_id,
            anonymous_id,
            target,
            name,
            category,
            timestamp: times.timestamp,
            original_timestamp: times.original,
            sent_at: times.sent_at,
            channel: surroundings.channel,
            payload: Cow::Borrowed(payload),
            context: surroundings.context,
            integrations: surroundings.integrations,
            extra: extra(members, kind, &times, self.restores),
            marks,
        })
    }

    /// Whether it can be looked into at all.
    fn check(&self, message: &Message) -> Result<(), Rejected> {
        let limit = self.message_bytes_max;
        if !message.is_object {
            return Err(Rejected::new(Code::InvalidMessage, "a message has to be a JSON object"));
        }
        if message.span.len() > limit {
            let words = format!("a message may have {limit} bytes, this one has {}", message.span.len());
            return Err(Rejected::new(Code::MessageTooLarge, words));
        }
        match message.fault {
            Some(Fault::TooDeep) => Err(Rejected::new(Code::TooDeep, Fault::TooDeep.to_string())),
            Some(Fault::InvalidNumber) => Err(Rejected::new(Code::InvalidNumber, Fault::InvalidNumber.to_string())),
            None => Ok(()),
        }
    }

    /// The type.
    fn kind(&self, members: Members<'_>) -> Result<CallType, Rejected> {
        let Value::Text(name) = (match self.typing {
            Typing::Route(kind) => return Ok(kind),
            Typing::Message | Typing::Windsor => members.get(Field::Type),
        }) else {
            return Err(Rejected::new(Code::UnknownType, "type is missing"));
        };
        let name = if self.settings.lenient_types { Cow::Owned(name.to_ascii_lowercase()) } else { name };
        match &*name {
            "user" if self.typing == Typing::Windsor => Ok(CallType::Identify),
            "event" if self.typing == Typing::Windsor => Ok(CallType::Track),
            DELETE if self.rule == Rule::Corrected && !self.restores => {
                Err(Rejected::new(Code::DeleteNotAllowed, "this source may not delete"))
            }
            name => CallType::parse(name).ok_or_else(|| {
                Rejected::new(Code::UnknownType, "type has to be identify, track, page, screen, group or alias")
            }),
        }
    }

    fn ids(
        &self,
        members: Members<'a>,
        kind: CallType,
    ) -> Result<(Option<UserId<'a>>, Option<AnonymousId<'a>>, Target<'a>), Rejected> {
        let strict = self.settings.strict_ids;
        let user = |field, key| members.id(field, key, strict, UserId::parse);
        let anonymous_id = members.id(Field::AnonymousId, "anonymousId", strict, AnonymousId::parse)?;
        let mut user_id = user(Field::UserId, "userId")?;
        let target = match kind {
            CallType::Alias => {
                if user_id.is_none() {
                    user_id = user(Field::To, "to")?;
                }
                let previous = match user(Field::PreviousId, "previousId")? {
                    Some(previous) => Some(previous),
                    None => user(Field::From, "from")?,
                };
                let device = || anonymous_id.as_ref().and_then(|id| UserId::parse(id.as_str().to_owned()).ok());
                let required = |key| Rejected::new(Code::IdRequired, format!("an alias needs {key}"));
                user_id.as_ref().ok_or_else(|| required("userId"))?;
                Target::Previous(previous.or_else(device).ok_or_else(|| required("previousId"))?)
            }
            CallType::Group => {
                let group = members.id(Field::GroupId, "groupId", strict, GroupId::parse)?;
                Target::Group(group.ok_or_else(|| Rejected::new(Code::GroupIdRequired, "a group call needs groupId"))?)
            }
            _ => Target::None,
        };
        if user_id.is_none() && anonymous_id.is_none() {
            return Err(Rejected::new(Code::NoUserAnonId, "a call needs userId or anonymousId"));
        }
        Ok((user_id, anonymous_id, target))
    }
}

type Names<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// The event of a track call; name and category of a page or screen.
fn names(members: Members<'_>, kind: CallType) -> Result<Names<'_>, Rejected> {
    match kind {
        CallType::Track => {
            let event = members.name(Field::Event, "event", Code::EventNotString)?;
            let event = event.filter(|event| !event.trim().is_empty());
            event
                .map(|event| (Some(event), None))
                .ok_or(Rejected::new(Code::EventNotDefined, "a track call needs event"))
        }
        CallType::Page | CallType::Screen => Ok((
            members.name(Field::Name, "name", Code::NameNotString)?,
            members.name(Field::Category, "category", Code::CategoryNotString)?,
        )),
        _ => Ok((None, None)),
    }
}

/// `traits` or `properties`. An alias is not refused for what it does not need.
fn payload(members: Members<'_>, kind: CallType) -> Result<&str, Rejected> {
    if kind.has_traits() {
        return members.payload(Field::Traits, "traits", Code::TraitsNotObject);
    }
    match members.payload(Field::Properties, "properties", Code::PropertiesNotObject) {
        Err(_) if kind == CallType::Alias => Ok("{}"),
        result => result,
    }
}

/// An id for a message that came without.
#[expect(clippy::disallowed_methods, reason = "the one place that makes message ids")]
pub(super) fn random_id() -> String {
    format!("api-{}", uuid::Uuid::new_v4())
}
