//! Small calls.

use std::borrow::Cow;

use crate::call::ids::{AnonymousId, MessageId, UserId};
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target};

/// A call of this type with these ids.
pub(in crate::relay) fn call(kind: CallType, user: Option<&str>, anonymous: Option<&str>, id: &str) -> Call<'static> {
    Call {
        kind,
        message_id: MessageId::parse(id.to_owned()).unwrap(),
        user_id: user.map(|id| UserId::parse(id.to_owned()).unwrap()),
        anonymous_id: anonymous.map(|id| AnonymousId::parse(id.to_owned()).unwrap()),
        target: Target::None,
        name: None,
        category: None,
        timestamp: Time::from_millis(1_000),
        original_timestamp: Time::from_millis(1_000),
        sent_at: None,
        channel: Cow::Borrowed("server"),
        payload: Cow::Borrowed("{}"),
        context: Cow::Borrowed("{}"),
        integrations: None,
        extra: Cow::Borrowed("{}"),
        marks: Marks::default(),
    }
}

/// An event; its message id is its name.
pub(in crate::relay) fn track(user: Option<&str>, anonymous: Option<&str>, name: &str) -> Call<'static> {
    Call { name: Some(Cow::Owned(name.to_owned())), ..call(CallType::Track, user, anonymous, name) }
}

/// Somebody says who they are.
pub(in crate::relay) fn identify(user: Option<&str>, anonymous: Option<&str>) -> Call<'static> {
    let id = format!("identify-{}-{}", user.unwrap_or_default(), anonymous.unwrap_or_default());
    call(CallType::Identify, user, anonymous, &id)
}

/// Two ids are one user.
pub(in crate::relay) fn alias(previous: &str, user: &str) -> Call<'static> {
    let target = Target::Previous(UserId::parse(previous.to_owned()).unwrap());
    Call { target, ..call(CallType::Alias, Some(user), None, &format!("alias-{previous}-{user}")) }
}
