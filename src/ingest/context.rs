//! What a message says about its surroundings: `context` and `integrations`, its own and its batch's, and what the
//! connection adds to a client's message.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::code::{Code, Rejected};
use super::merge::{Depth, merged};
use super::normalize::Frame;
use super::value::{Members, Value};
use super::wire::{Field, Span};
use crate::call::Marks;
use crate::call::integrations::excludes;

/// Libraries that run on a user's device.
const CLIENT_LIBRARIES: [&str; 7] = [
    "analytics.js",
    "analytics-kotlin",
    "analytics-swift",
    "analytics-react-native",
    "analytics-ios",
    "analytics-android",
    "analytics.flutter",
];

/// `context`, `integrations` and `channel` of one message.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) context: Cow<'a, str>,
    pub(super) integrations: Option<Cow<'a, str>>,
    pub(super) channel: Cow<'a, str>,
    pub(super) marks: Marks,
}

impl<'a> Surroundings<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// When the batch adds more than may be added.
    pub(super) fn read(frame: &Frame<'a>, members: Members<'a>) -> Result<Self, Rejected> {
        let mut marks = Marks::default();
        let spans = Effective::of(frame, members);
        let client_side = frame.client_side || spans.library_name.is_some_and(is_client_library);
        let context = together(frame, members, Field::Context, Depth::Deep, &mut marks)?.unwrap_or(Cow::Borrowed("{}"));
        let integrations = together(frame, members, Field::Integrations, Depth::Shallow, &mut marks)?;
        if integrations.as_ref().is_some_and(|text| excludes(text, &frame.settings.destination)) {
            marks = marks.with(Marks::FILTERED);
        }
        let channel = match members.get(Field::Channel) {
            Value::Text(channel) if !channel.is_empty() => channel,
            _ => match spans.channel {
                Some(Value::Text(channel)) if !channel.is_empty() => channel,
                _ => Cow::Borrowed(if client_side { "client" } else { "server" }),
            },
        };
        let context = completed(frame, context, spans.ip.as_ref(), client_side || spans.direct);
        Ok(Self { context, integrations, channel, marks })
    }
}

/// Members of the merged context, found without merging.
struct Effective<'a> {
    ip: Option<Value<'a>>,
    direct: bool,
    channel: Option<Value<'a>>,
    library_name: Option<&'a str>,
}

impl<'a> Effective<'a> {
    fn of(frame: &Frame<'a>, members: Members<'a>) -> Self {
        let text = frame.document.text();
        let (own, shared) = (&members.message.context, &frame.document.envelope.context);
        let pick = |own: Span, shared: Span| if own.is_absent() { shared } else { own };
        let value = |span: Span| (!span.is_absent()).then(|| Value::read(text, span));
        Self {
            ip: value(pick(own.ip, shared.ip)),
            direct: pick(own.direct, shared.direct).of(text) == "true",
            channel: value(pick(own.channel, shared.channel)),
            library_name: Some(pick(own.library_name, shared.library_name).of(text)),
        }
    }
}

fn is_client_library(quoted_name: &str) -> bool {
    let name = quoted_name.strip_prefix('"').unwrap_or_default();
    CLIENT_LIBRARIES.iter().any(|library| name.starts_with(library))
}

/// An object of a message laid over the same of its batch. None if neither has it.
fn together<'a>(
    frame: &Frame<'a>,
    members: Members<'a>,
    field: Field,
    depth: Depth,
    marks: &mut Marks,
) -> Result<Option<Cow<'a, str>>, Rejected> {
    let mut object = |members: Members<'a>| match members.get(field) {
        Value::Absent => None,
        Value::Object(text) => Some(text),
        _ => {
            *marks = marks.with(Marks::MEMBER_IGNORED);
            None
        }
    };
    let (own, shared) = (object(members), object(frame.envelope()));
    let added = match (own, shared) {
        (_, None | Some("{}")) => return Ok(own.or(shared).map(Cow::Borrowed)),
        (Some(own), Some(shared)) => own.len() + shared.len(),
        (None, Some(shared)) => shared.len(),
    };
    if !frame.may_add(added) {
        return Err(Rejected::new(Code::MessageTooLarge, "with its batch's context or integrations it is too large"));
    }
    Ok(match (own, shared) {
        (Some(own), Some(shared)) if own != "{}" => Some(Cow::Owned(frame.laid(field, shared).under(own, depth))),
        _ => shared.map(Cow::Borrowed),
    })
}

/// Adds what the connection tells about a client, unless the message says it.
fn completed<'a>(frame: &Frame<'a>, context: Cow<'a, str>, ip: Option<&Value<'a>>, wanted: bool) -> Cow<'a, str> {
    let Some(sender) = frame.sender.filter(|_| wanted) else { return context };
    let context = match (sender.ip, ip) {
        (Some(address), None) => with_ip(&context, address.to_canonical()),
        (Some(address), Some(Value::Absent)) => {
            Cow::Owned(merged(&context, &with_ip("{}", address.to_canonical()), Depth::Shallow))
        }
        _ => context,
    };
    if !frame.pixel {
        return context;
    }
    let mut defaults = serde_json::Map::new();
    if let Some(agent) = &sender.user_agent {
        defaults.insert("userAgent".to_owned(), agent.as_str().into());
    }
    if let Some(referrer) = &sender.referrer {
        defaults.insert("page".to_owned(), serde_json::json!({ "referrer": referrer }));
    }
    if defaults.is_empty() {
        return context;
    }
    Cow::Owned(merged(&serde_json::Value::Object(defaults).to_string(), &context, Depth::Deep))
}

fn with_ip<'c>(context: &str, ip: std::net::IpAddr) -> Cow<'c, str> {
    let rest = context.get(1..).unwrap_or("}").trim_start();
    let mut out = String::with_capacity(context.len() + 56);
    let separator = if rest.starts_with('}') { "" } else { "," };
    write!(out, "{{\"ip\":\"{ip}\"{separator}{rest}").expect("writing to a string cannot fail");
    Cow::Owned(out)
}
