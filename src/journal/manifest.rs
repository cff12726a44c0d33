//! The list of volumes: `manifest.json`, replaced as a whole whenever a volume is closed, merged or begun.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::block::Chain;
use super::writer::LOOSE_BLOCK_BYTES;
use super::{Sequence, files};

const FORMAT: u32 = 1;

/// One closed volume: what it holds, and the chain that its bytes have to lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    /// The volume's number; its folder is named by it.
    pub(super) number: u64,
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) blocks: u64,
    /// Bytes of its blocks.
    pub(super) bytes: u64,
    /// The chain after its last block, in hexadecimal: the digest that seals it.
    pub(super) digest: String,
    /// Written by a merge, or of large blocks from the start: nothing to gain by writing it again.
    pub(super) packed: bool,
}

/// All volumes in order, and the open one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) instance: String,
    pub(super) closed: Vec<Closed>,
    /// The open volume's number, and its first sequence.
    pub(super) open: u64,
    pub(super) open_first: u64,
    /// The number that the next new volume gets.
    pub(super) next_number: u64,
}

/// Why a manifest could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestFault {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("its text is damaged ({0})")]
    Damaged(String),
    #[error("it has format {0}")]
    TooNew(u32),
}

#[derive(Serialize, Deserialize)]
struct Framed {
    manifest: Box<serde_json::value::RawValue>,
    blake3: String,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The folder name of a volume.
pub(super) fn folder(number: u64) -> String {
    format!("volume-{number:08}")
}

impl Manifest {
    pub(super) fn new(instance: [u8; 16], open: u64, open_first: u64) -> Self {
        let instance = hex(&instance);
        Self { format: FORMAT, instance, closed: Vec::new(), open, open_first, next_number: open + 1 }
    }

    /// Lists the open volume among the closed ones; `next` is the sequence after its last record.
    /// An empty volume is forgotten instead. The caller names the new open volume.
    pub(super) fn close_as(&mut self, blocks: u64, bytes: u64, next: Sequence, chain: &Chain) {
        if blocks > 0 {
            self.closed.push(Closed {
                number: self.open,
                first: self.open_first,
                next: next.get(),
                blocks,
                bytes,
                digest: hex(chain),
                packed: bytes >= blocks.saturating_mul(LOOSE_BLOCK_BYTES),
            });
        }
    }

    /// Reads the manifest; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, ManifestFault> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let damaged = |error: serde_json::Error| ManifestFault::Damaged(error.to_string());
        let framed: Framed = serde_json::from_slice(&text).map_err(damaged)?;
        if hex(blake3::hash(framed.manifest.get().as_bytes()).as_bytes()) != framed.blake3 {
            return Err(ManifestFault::Damaged("the checksum does not match".to_owned()));
        }
        let Format { format } = serde_json::from_str(framed.manifest.get()).map_err(damaged)?;
        if format > FORMAT {
            return Err(ManifestFault::TooNew(format));
        }
        serde_json::from_str(framed.manifest.get()).map(Some).map_err(damaged)
    }

    /// Replaces the manifest durably.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let manifest = serde_json::value::to_raw_value(self)?;
        let blake3 = hex(blake3::hash(manifest.get().as_bytes()).as_bytes());
        files::replace(path, &serde_json::to_vec(&Framed { manifest, blake3 })?)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_every_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        assert!(Manifest::read(&path).unwrap().is_none());
        let mut manifest = Manifest::new([7; 16], 2, 10);
        let digest = hex(&[1; 32]);
        manifest.closed.push(Closed { number: 1, first: 1, next: 10, blocks: 2, bytes: 300, digest, packed: false });
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), Some(manifest.clone()));
        let bytes = std::fs::read(&path).unwrap();
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(Manifest::read(&path).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let mut manifest = Manifest::new([7; 16], 2, 10);
        manifest.format = FORMAT + 1;
        manifest.write(&path).unwrap();
        assert!(matches!(Manifest::read(&path), Err(ManifestFault::TooNew(_))));
    }
}
