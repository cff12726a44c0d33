//! What an operator can set about the journal, with defaults and units.

use serde::Deserialize;

/// When an append is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// After `fdatasync`: survives a power cut.
    #[default]
    Synced,
    /// After the bytes are with the kernel: survives a killed process, not a power cut.
    Written,
    /// After the bytes are in this process's memory; they follow within about half a second.
    Memory,
}

impl Durability {
    /// The name used in the configuration and in `/status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Written => "written",
            Self::Memory => "memory",
        }
    }
}

/// Settings of the journal: the section `[journal]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// When an append is answered.
    pub durability: Durability,
    /// Size that closed volumes are merged up to, in bytes on disk.
    pub volume_bytes_max: u64,
    /// Size at which the open volume is closed and a new one begun, in bytes on disk. Bounds what an unclean stop
    /// has to copy and check, and what sled holds in memory.
    pub open_volume_bytes_max: u64,
    /// Bytes that may wait for the writer before senders are told to come back later (503).
    pub queue_bytes_max: usize,
    /// Bytes that stay free on the disk; below, senders are told to come back later (503).
    pub disk_free_bytes_min: u64,
    /// How long a message id is remembered at least, in hours.
    pub dedup_hours_min: u32,
    /// How many message ids are remembered at least, whatever their age.
    pub dedup_ids_min: u64,
    /// Open although acked records are missing at the end. Only `verify --accept-loss` sets it.
    #[serde(skip)]
    pub accept_loss: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::Synced,
            volume_bytes_max: 4 << 30,
            open_volume_bytes_max: 32 << 20,
            queue_bytes_max: 64 << 20,
            disk_free_bytes_min: 128 << 20,
            dedup_hours_min: 24,
            dedup_ids_min: 50_000_000,
            accept_loss: false,
        }
    }
}
