//! The shapes of numbers: how many people, how active somebody was, who came into an audience and who left it.

use serde::Deserialize;
use utoipa::{PartialSchema, ToSchema};

use super::Named;

shapes! {
    /// How many people; at least so many when it is not exact.
    PeopleCount { count: u64, exact: bool, through: u64, }
    /// The calls of one interval.
    ActivityCalls { #[schema(format = DateTime)] at: String, count: u64, }
    /// The calls of one person by interval, the oldest first; `cut` when older intervals are missing.
    Activity { interval: String, items: Vec<ActivityCalls>, cut: bool, through: u64, }
    /// What calls did to an audience in one interval.
    AudienceChange { #[schema(format = DateTime)] at: String, entered: u64, left: u64, }
    /// Who came into an audience and who left it, the oldest first.
    AudienceHistory { key: String, interval: String, items: Vec<AudienceChange>, through: u64, }
}
