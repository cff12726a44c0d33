//! What a call is: one Segment message as parsed. Pure: no I/O, no async, no clock.
//!
//! A [`Call`] borrows from the request body where it can. Free JSON (traits, properties, context) stays the text that
//! came in, already validated: at most [`limits::JSON_DEPTH_MAX`] deep, finite numbers, well-formed unicode.

pub mod ids;
pub mod integrations;
pub mod limits;
pub mod render;
pub mod secret;
pub mod time;

use std::borrow::Cow;

use ids::{AnonymousId, GroupId, MessageId, UserId};
use time::Time;

/// The six calls of Segment's specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallType {
    /// Who somebody is.
    Identify,
    /// What somebody did.
    Track,
    /// Which web page somebody saw.
    Page,
    /// Which screen of an app somebody saw.
    Screen,
    /// Which group somebody belongs to.
    Group,
    /// Two ids are one user.
    Alias,
}

impl CallType {
    /// All six, in the order of the specification.
    pub const ALL: [Self; 6] = [Self::Identify, Self::Track, Self::Page, Self::Screen, Self::Group, Self::Alias];

    /// The name on the wire, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }

    /// The type with exactly this name (case-sensitive).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the payload member is `traits` (identify, group) rather than `properties`.
    pub const fn has_traits(self) -> bool {
        matches!(self, Self::Identify | Self::Group)
    }
}

/// The id that only some calls carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// None: identify, track, page, screen.
    None,
    /// The group of a group call.
    Group(GroupId<'a>),
    /// The `previousId` of an alias call.
    Previous(UserId<'a>),
}

/// Facts about how a call was read. A set of bits; the values are stored, so they are never renumbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(pub u16);

impl Marks {
    /// The sender's `integrations` exclude this server: archived, kept out of views and relay.
    pub const FILTERED: Self = Self(1);
    /// The sender's time was missing, unreadable or absurd: `received_at` stands in for it.
    pub const TIME_REPLACED: Self = Self(1 << 1);
    /// A lone surrogate was replaced by U+FFFD.
    pub const TEXT_REPAIRED: Self = Self(1 << 2);
    /// `context` or `integrations` was no object and was left out.
    pub const MEMBER_IGNORED: Self = Self(1 << 3);
    /// The message id was made by this server.
    pub const ID_GENERATED: Self = Self(1 << 4);
    /// Not a sender's call but an operator's order (merge, undo, hide): only this server sets it.
    pub const CONTROL: Self = Self(1 << 5);
    /// Its source may merge anonymous ids only (R4 with a known user as `previousId` is refused).
    pub const MERGES_ANONYMOUS_ONLY: Self = Self(1 << 6);
    /// What is left of a call of an erased person: its place, its time of receipt, and a hash of its message id.
    pub const ERASED: Self = Self(1 << 7);
    /// Its anonymousId was taken out: it was one of an erased person, and the call is somebody else's.
    pub const UNNAMED: Self = Self(1 << 8);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every bit of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One accepted Segment message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Which of the six.
    pub kind: CallType,
    /// Unique per source; made by the server when the sender gave none.
    pub message_id: MessageId<'a>,
    /// At least one of `user_id` and `anonymous_id` is there (an alias always has `user_id`).
    pub user_id: Option<UserId<'a>>,
    /// The sender's device.
    pub anonymous_id: Option<AnonymousId<'a>>,
    /// Group or previous id, where the type has one.
    pub target: Target<'a>,
    /// The event of a track call; the name of a page or screen.
    pub name: Option<Cow<'a, str>>,
    /// The category of a page or screen.
    pub category: Option<Cow<'a, str>>,
    /// When it happened, corrected for the sender's clock.
    pub timestamp: Time,
    /// When it happened by the sender's clock (`timestamp` or `originalTimestamp` as sent).
    pub original_timestamp: Time,
    /// When the sender says it sent the message; absent if it did not say or it was unreadable.
    pub sent_at: Option<Time>,
    /// `client` or `server`, or what the sender said.
    pub channel: Cow<'a, str>,
    /// `traits` or `properties` (see [`CallType::has_traits`]; alias: `properties`): JSON text of an object.
    pub payload: Cow<'a, str>,
    /// JSON text of an object; `{}` when absent.
    pub context: Cow<'a, str>,
    /// JSON text of an object, when the sender gave one.
    pub integrations: Option<Cow<'a, str>>,
    /// JSON text of an object with every other top-level member, in the order sent; `{}` when there is none.
    pub extra: Cow<'a, str>,
    /// How it was read.
    pub marks: Marks,
}
