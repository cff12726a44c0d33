//! The shapes of the debugger, of test calls and of the numbers over time.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::{PartialSchema, ToSchema};

use super::Named;

shapes! {
    /// A call as it came, taken or refused: `data` of an event of `/api/calls/live`.
    Glance {
        #[schema(format = DateTime)] at: String,
        #[schema(required = true)] source: Option<String>,
        /// `appended`, `duplicate`, `filtered` or `rejected`.
        status: String,
        r#type: String,
        #[schema(required = true)] event: Option<String>,
        #[schema(required = true)] message_id: Option<String>,
        #[schema(required = true)] user_id: Option<String>,
        #[schema(required = true)] anonymous_id: Option<String>,
        #[schema(required = true)] sequence: Option<u64>,
        #[schema(required = true)] code: Option<String>,
        #[schema(required = true)] message: Option<String>,
        /// What to change, as one sentence.
        #[schema(required = true)] fix: Option<String>,
        /// As received, at most 4 KiB, without write keys.
        body: String,
    }
    /// What became of a test call.
    Tested {
        #[schema(required = true)] message_id: Option<String>,
        #[schema(required = true)] sequence: Option<u64>,
        /// As in a receipt.
        status: String,
        #[schema(required = true)] code: Option<String>,
        #[schema(required = true)] message: Option<String>,
        #[schema(required = true)] fix: Option<String>,
    }
    /// Bytes on disk of each part of the data folder.
    DiskBytes { journal: u64, views: u64, relay: u64, }
    /// A destination at one moment.
    SampleOfRelay {
        delivered: u64,
        /// Requests that failed since the start.
        failed: u64,
        dead: u64,
        pending: u64,
        lag_ms: u64,
    }
    /// The numbers of one moment; counters only rise while the server runs.
    Sample {
        #[schema(format = DateTime)] at: String,
        appended: u64,
        duplicate: u64,
        rejected: u64,
        filtered: u64,
        journal_queued_bytes: u64,
        views_lag_events: u64,
        views_lag_ms: u64,
        disk_bytes: DiskBytes,
        disk_free_bytes: u64,
        #[schema(required = true)] memory_bytes: Option<u64>,
        relay: BTreeMap<String, SampleOfRelay>,
    }
    /// Samples, oldest first.
    History { interval_ms: u64, items: Vec<Sample>, }
}
