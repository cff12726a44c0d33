//! The shapes of Segment's Profile API.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::{PartialSchema, ToSchema};

use super::{Free, Named};

shapes! {
    /// Where a list of the Profile API goes on.
    ProfileCursor { url: String, has_more: bool, next: String, limit: u64, }
    /// A page of traits.
    ProfileTraits { traits: Free, cursor: ProfileCursor, }
    /// An id of a person or group, and the call that brought it.
    ProfileId {
        #[schema(required = true)] source_id: Option<String>,
        collection: String,
        id: String,
        r#type: String,
        #[schema(required = true, format = DateTime)] created_at: Option<String>,
        encoding: String,
        first_message_id: Option<String>,
    }
    /// A page of ids.
    ProfileIds { data: Vec<ProfileId>, cursor: ProfileCursor, }
    /// An id that a call carried.
    ProfileEventId { collection: String, r#type: String, id: String, encoding: String, }
    /// What somebody did.
    ProfileEvent {
        external_ids: Vec<ProfileEventId>,
        context: Free,
        r#type: String,
        message_id: String,
        source_id: String,
        #[schema(format = DateTime)] timestamp: String,
        properties: Free,
        #[schema(required = true)] event: Option<String>,
        related: BTreeMap<String, String>,
    }
    /// A page of what somebody did.
    ProfileEvents { data: Vec<ProfileEvent>, cursor: ProfileCursor, }
    /// A group of a person, or a person of a group.
    ProfileLink { to_collection: String, external_ids: Vec<ProfileId>, }
    /// A page of links.
    ProfileLinks { data: Vec<ProfileLink>, cursor: ProfileCursor, }
    /// When a person was first and last heard of, and in which call.
    ProfileTimes {
        #[schema(required = true, format = DateTime)] created_at: Option<String>,
        #[schema(required = true, format = DateTime)] updated_at: Option<String>,
        #[schema(required = true, format = DateTime)] expires_at: Option<String>,
        #[schema(required = true)] first_message_id: Option<String>,
        #[schema(required = true)] first_source_id: Option<String>,
        #[schema(required = true)] last_message_id: Option<String>,
        #[schema(required = true)] last_source_id: Option<String>,
    }
    /// About a person.
    ProfileMetadata { metadata: ProfileTimes, }
}
