//! The shapes of the relay.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};

use super::Named;

shapes! {
    /// Records by state.
    StateCounts { pending: u64, delivered: u64, filtered: u64, dead: u64, }
    /// The last request that failed.
    LastFailure { #[schema(format = DateTime)] at: String, #[schema(required = true)] text: Option<String>, }
    /// A destination.
    Destination {
        name: String,
        format: String,
        /// Without what could be a secret.
        url: String,
        /// `running`, `paused`, `alarm`, `disabled` or `failed`.
        state: String,
        #[schema(required = true)] reason: Option<String>,
        counts: StateCounts,
        lag_events: u64,
        lag_ms: u64,
        rate_per_second: f64,
        /// `closed`, `open` or `half_open`.
        breaker: String,
        in_flight: u64,
        waiting: u64,
        concurrency: u64,
        outcomes: BTreeMap<String, u64>,
        #[schema(required = true, format = DateTime)] last_success: Option<String>,
        #[schema(required = true)] last_failure: Option<LastFailure>,
        redelivering: u64,
    }
    /// All destinations, in the order of the configuration.
    Destinations { items: Vec<Destination>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// A call at one destination.
    Delivery {
        sequence: u64,
        #[schema(required = true)] message_id: Option<String>,
        #[schema(required = true)] r#type: Option<String>,
        #[schema(required = true)] event: Option<String>,
        #[schema(required = true, format = DateTime)] received_at: Option<String>,
        state: String,
        /// Why it was given up or is not owed.
        #[schema(required = true)] code: Option<String>,
        attempts: u64,
        #[schema(required = true, format = DateTime)] attempted_at: Option<String>,
        #[schema(required = true, format = DateTime)] due: Option<String>,
        #[schema(required = true)] status: Option<u16>,
        #[schema(required = true)] failure: Option<String>,
        #[schema(required = true)] answer: Option<String>,
        #[schema(required = true)] latency_ms: Option<u64>,
    }
    /// A page of calls at one destination.
    Deliveries { items: Vec<Delivery>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// What to deliver again: nothing named means all dead letters; `message_id` (and `source`) or `sequence` one call;
    /// the others a range. `from` and `to` are sequences, or times as text.
    RedeliveryWanted {
        message_id: Option<String>,
        source: Option<String>,
        sequence: Option<u64>,
        from: Option<Value>,
        to: Option<Value>,
        r#type: Option<String>,
        event: Option<String>,
        state: Option<Again>,
    }
    /// An order to deliver again, as it was taken: it looks at `records` records.
    Redelivery {
        destination: String,
        from: u64,
        to: u64,
        state: String,
        #[schema(required = true)] r#type: Option<String>,
        #[schema(required = true)] event: Option<String>,
        records: u64,
    }
}

/// Which records of a range are delivered again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Again {
    Dead,
    All,
}
