//! The codes that say why something was refused, rejected, filtered or remarked on. The names are public and fixed.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// Why a request, or one message of it, was not taken as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The body is no JSON object as the route needs it.
    InvalidJson => "invalid_json",
    /// The body is larger than the route takes.
    PayloadTooLarge => "payload_too_large",
    /// No write key anywhere in the request.
    MissingWriteKey => "missing_write_key",
    /// A write key that belongs to no source.
    UnknownWriteKey => "unknown_write_key",
    /// A `Content-Encoding` that is not understood.
    UnsupportedEncoding => "unsupported_encoding",
    /// A webhook whose signature does not fit its body.
    BadSignature => "bad_signature",
    /// The source sends faster than allowed.
    RateLimited => "rate_limited",
    /// The journal cannot take anything now.
    Unavailable => "unavailable",
    /// As `unknown_write_key`, where such requests are dropped with status 200.
    UnknownSource => "unknown_source",
    /// The source was switched off.
    SourceDisabled => "source_disabled",
    /// A batch without messages.
    EmptyBatch => "empty_batch",
    /// A batch of which no message could be taken.
    EmptyBatchResult => "empty_batch_result",
    /// A batch of which some messages could not be taken.
    MultiUserError => "multi_user_error",
    /// A message beyond the number that a batch may hold.
    BatchTooMany => "batch_too_many",
    /// The header and the body name different write keys; the header's was used.
    WriteKeyConflict => "write_key_conflict",
    /// The `Authorization` header was unreadable; another key was used.
    AuthorizationIgnored => "authorization_ignored",
    /// A message that is no JSON object.
    InvalidMessage => "invalid_message",
    /// No type, or none of the six.
    UnknownType => "unknown_type",
    /// A message, or what it becomes with its batch's context, is too large.
    MessageTooLarge => "message_too_large",
    /// Nested deeper than allowed.
    TooDeep => "too_deep",
    /// A number that is not finite.
    InvalidNumber => "invalid_number",
    /// Neither a user id nor an anonymous id.
    NoUserAnonId => "no_user_anon_id",
    /// An alias without a user id or a previous id.
    IdRequired => "id_required",
    /// An id that is no usable text.
    IdNotString => "id_not_string",
    /// A group call without a group id.
    GroupIdRequired => "group_id_required",
    /// `traits` that are no object.
    TraitsNotObject => "traits_not_object",
    /// `properties` that are no object.
    PropertiesNotObject => "properties_not_object",
    /// A track call without an event.
    EventNotDefined => "event_not_defined",
    /// An event that is no text.
    EventNotString => "event_not_string",
    /// A name that is no text.
    NameNotString => "name_not_string",
    /// A category that is no text.
    CategoryNotString => "category_not_string",
    /// A deletion that this source may not ask for.
    DeleteNotAllowed => "delete_not_allowed",
    /// A call of somebody who was erased and is not to come back.
    Suppressed => "suppressed",
    /// The sender's `integrations` exclude this server.
    Filtered => "FILTERED_BY_INTEGRATIONS_OBJECT",
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why one message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejected {
    /// The code.
    pub code: Code,
    /// The same in words, naming the field.
    pub message: Cow<'static, str>,
}

impl Rejected {
    /// With these words.
    pub(super) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}
