//! What an operator can set about the views, with defaults and units.

use serde::Deserialize;

/// Settings of the views: the section `[views]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether people, groups and lists are computed at all. A server that only buffers and relays can do without.
    pub enabled: bool,
    /// About how much memory changes may take before they are written to disk, in bytes. Twice as much is used while
    /// they are being written.
    pub memory_bytes: usize,
    /// Time after which changes are written to disk in any case, in seconds. Bounds what a crash has to fold again.
    pub checkpoint_s: u64,
    /// Memory of parts of lists and states that were read from disk, in bytes.
    pub cache_bytes: usize,
    /// Memory for building the search index, in bytes.
    pub search_memory_bytes: usize,
    /// How long people may be missing from search after they changed, in milliseconds.
    pub search_delay_ms: u64,
    /// Records folded together at most; tests make it small.
    #[serde(skip)]
    pub slice_records: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            memory_bytes: 32 << 20,
            checkpoint_s: 60,
            cache_bytes: 32 << 20,
            search_memory_bytes: 32 << 20,
            search_delay_ms: 1_000,
            slice_records: None,
        }
    }
}
