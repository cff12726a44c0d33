//! Reading everything and checking it: frames, chains, digests, every record, and that no sequence is missing.

use super::block;
use super::manifest::{Closed, hex};
use super::record::Block;
use super::shelf::{Placed, Shelf};
use super::{ReadError, Sequence, files};

/// One finding of [`super::embedded::Journal::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether data is damaged or missing (otherwise a remark).
    pub damage: bool,
    /// One line.
    pub text: String,
}

/// What [`super::embedded::Journal::verify`] read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records decoded.
    pub records: u64,
    /// Blocks checked.
    pub blocks: u64,
    /// Volumes checked.
    pub volumes: u64,
    /// Bytes of stored records, decompressed.
    pub bytes: u64,
    /// What was found; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Checks all volumes. See [`super::embedded::Journal::verify`].
pub(super) fn verify(shelf: &Shelf, instance: [u8; 16], progress: &mut dyn FnMut(u64, u64)) -> Verified {
    let mut verified = Verified::default();
    // Senders go on meanwhile: what is checked is what was durable when the check began.
    let end = shelf.next();
    // Taken together, so that a merge in between does not look like damage.
    let (closed, volumes) = {
        let manifest = shelf.manifest();
        (manifest.closed.clone(), shelf.volumes())
    };
    let mut next = shelf.first();
    let all = end.since(next);
    for placed in volumes.iter() {
        if placed.first != next {
            let text =
                format!("the sequences {next} to {} are missing; their loss was accepted", placed.first.get() - 1);
            verified.findings.push(Finding { damage: false, text });
        }
        let sealed = closed.iter().find(|closed| closed.number == placed.volume.number);
        next = Check { placed, sealed, next: placed.first, chain: [0; 32] }.run(instance, &mut verified, all, progress);
        if sealed.is_some() {
            shelf.rest(&placed.volume);
        }
        if !files::is_empty_dir(&placed.volume.dir().join("blobs")) {
            verified.damage(format!(
                "volume {}: sled put values outside its log; they are not synced",
                placed.volume.number
            ));
        }
    }
    if next < end {
        verified.damage(format!("the sequences {next} to {} cannot be read", end.get() - 1));
    }
    verified
}

impl Verified {
    fn damage(&mut self, text: String) {
        self.findings.push(Finding { damage: true, text });
    }
}

/// The check of one volume.
struct Check<'a> {
    placed: &'a Placed,
    sealed: Option<&'a Closed>,
    next: Sequence,
    chain: block::Chain,
}

impl Check<'_> {
    /// Returns the sequence after the last record that could be read.
    fn run(
        mut self,
        instance: [u8; 16],
        verified: &mut Verified,
        all: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Sequence {
        let volume = &self.placed.volume;
        verified.volumes += 1;
        self.chain = block::chain_start(instance, volume.number);
        // Of the open volume only what is durable is looked at.
        let blocks = match self.sealed.map_or_else(|| volume.blocks(), |sealed| Ok(sealed.blocks)) {
            Ok(blocks) => blocks,
            Err(error) => {
                verified.damage(error.to_string());
                return self.next;
            }
        };
        let (mut read, mut fault) = (0, None);
        let scanned = volume.scan(0, &mut |number, bytes| {
            if number >= blocks {
                return false;
            }
            match self.block(number, bytes) {
                Ok(block) => {
                    read += 1;
                    verified.blocks += 1;
                    verified.records += self.next.since(block.first());
                    verified.bytes += block.bytes_len() as u64;
                    progress(verified.records, all);
                }
                Err(detail) => fault = Some(format!("{}: {detail}", volume.place(number))),
            }
            fault.is_none()
        });
        let fault = fault.or(scanned.err().map(|error| format!("volume {}: {error}", volume.number)));
        let fault = fault.or_else(|| {
            (read < blocks).then(|| format!("volume {}: {read} blocks can be read, it had {blocks}", volume.number))
        });
        let fault = fault.or_else(|| {
            let wrong = self.sealed.is_some_and(|sealed| sealed.digest != hex(&self.chain));
            wrong.then(|| format!("volume {}: it does not lead to the digest it was closed with", volume.number))
        });
        if let Some(fault) = fault {
            verified.damage(fault);
        }
        self.next
    }

    fn block(&mut self, number: u64, bytes: &[u8]) -> Result<Block, String> {
        let (header, packed) = block::unframe(bytes).map_err(|fault| fault.to_string())?;
        if header.previous != self.chain {
            return Err("the block does not continue the chain".to_owned());
        }
        if header.first() != self.next {
            return Err(format!("the block begins at sequence {}, expected {}", header.first, self.next));
        }
        let payload = block::unpack(&header, packed).map_err(|fault| fault.to_string())?;
        let block = Block::new(header.first(), header.count, payload, self.placed.volume.place(number));
        for record in block.records() {
            record.map_err(|error: ReadError| error.to_string())?;
        }
        self.chain = block::chain_after(&self.chain, bytes);
        self.next = header.next();
        Ok(block)
    }
}
