//! The shapes of erasing people.

use serde::Deserialize;
use utoipa::{PartialSchema, ToSchema};

use super::Named;

shapes! {
    /// The order to erase a person.
    Erasing { erasure: String, person: String, calls: u64, state: String, }
    /// An erasure.
    Erasure {
        id: String,
        #[schema(format = DateTime)] at: String,
        calls: u64,
        suppressed: bool,
        state: String,
        #[schema(required = true, format = DateTime)] done_at: Option<String>,
        by: String,
        #[schema(required = true)] reason: Option<String>,
    }
    /// Erasures.
    Erasures { items: Vec<Erasure>, #[schema(required = true)] next: Option<String>, through: u64, }
}
