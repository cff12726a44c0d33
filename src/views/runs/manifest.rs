//! The list of runs and the checkpoint: `runs.json`, replaced as a whole by every commit and every merge.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::journal::files;

/// Raised whenever what runs hold changes its meaning: what an older program left is then made anew.
const FORMAT: u32 = 3;
/// The name of the file.
pub(super) const FILE: &str = "runs.json";
const FOLDER: &str = "run-";

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Its folder is named by it. Newer runs do not always have greater numbers: a merged run is made late.
    pub(super) number: u64,
    pub(super) entries: u64,
    /// Entries of families whose keys are looked up.
    pub(super) looked_up: u64,
    /// Stored bytes of its blocks.
    pub(super) bytes: u64,
}

/// All runs, oldest first, and up to where they hold everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// The checkpoint: the next sequence to read.
    pub(super) next: u64,
    /// The caller's own words, in hexadecimal.
    note: String,
    pub(super) runs: Vec<Listed>,
    /// The number that the next new run gets, unless a folder has it.
    pub(super) next_number: u64,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { format: FORMAT, next: 1, note: String::new(), runs: Vec::new(), next_number: 1 }
    }
}

#[derive(Serialize, Deserialize)]
struct Framed {
    manifest: Box<serde_json::value::RawValue>,
    blake3: String,
}

/// The folder name of a run.
pub(super) fn folder(number: u64) -> String {
    format!("{FOLDER}{number:06}")
}

/// The number of a folder of this name, if it is one of a run.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(FOLDER)?.parse().ok()
}

impl Manifest {
    pub(super) fn note(&self) -> Vec<u8> {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
        self.note.as_bytes().chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, at| byte << 4 | digit(at))).collect()
    }

    pub(super) fn set_note(&mut self, note: &[u8]) {
        self.note = hex(note);
    }

    /// Reads the manifest; `None` if there is none.
    pub(super) fn read(dir: &Path) -> io::Result<Option<Result<Self, String>>> {
        match std::fs::read(dir.join(FILE)) {
            Ok(text) => Ok(Some(Self::parse(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let framed: Framed = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if blake3::hash(framed.manifest.get().as_bytes()).to_hex().as_str() != framed.blake3 {
            return Err("the checksum does not match".to_owned());
        }
        let manifest: Self = serde_json::from_str(framed.manifest.get()).map_err(|error| error.to_string())?;
        match manifest.format {
            FORMAT => Ok(manifest),
            other => Err(format!("it has format {other}")),
        }
    }

    /// Replaces the manifest durably.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let manifest = serde_json::value::to_raw_value(self)?;
        let blake3 = blake3::hash(manifest.get().as_bytes()).to_hex().to_string();
        files::replace(&dir.join(FILE), &serde_json::to_vec(&Framed { manifest, blake3 })?)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_every_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Manifest::read(folder.path()).unwrap().is_none());
        let mut manifest = Manifest { next: 42, next_number: 8, ..Manifest::default() };
        manifest.set_note(&[0, 1, 0xAB, 0xFF]);
        manifest.runs.push(Listed { number: 7, entries: 3, looked_up: 1, bytes: 900 });
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), Some(Ok(manifest.clone())));
        assert_eq!(manifest.note(), [0, 1, 0xAB, 0xFF]);
        let text = std::fs::read(folder.path().join(FILE)).unwrap();
        for at in 0..text.len() {
            let mut bad = text.clone();
            bad[at] ^= 1;
            assert!(Manifest::parse(&bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn folders_are_named_by_numbers() {
        assert_eq!(
            (folder(17).as_str(), number_of("run-000017"), number_of("run-1000000")),
            ("run-000017", Some(17), Some(1_000_000))
        );
        assert_eq!((number_of("cards-000001"), number_of("run-x")), (None, None));
    }
}
