//! Opening: which volumes there are, whether what was acked is all there, and what a crash left behind.
//!
//! After a clean stop the open volume is opened and its blocks are checked. After any other stop the folder of the open
//! volume is copied before sled touches it, then checked block by block and closed for good; writing goes on in a new
//! volume. The copy goes once the check has passed. What is shorter than the mark, or does not lead to its chain, is
//! refused: nothing is repaired silently.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Chain};
use super::embedded::{InstanceId, OpenError, OpenReport};
use super::files;
use super::manifest::{self, Manifest, ManifestFault, hex};
use super::mark::{Found, Mark, MarkFile};
use super::volume::{Volume, VolumeWriter, read_error};
use super::{ReadError, Sequence};
use crate::store::Engine;

/// What a journal starts from.
pub(super) struct Opened {
    pub(super) manifest: Manifest,
    pub(super) writer: VolumeWriter,
    pub(super) mark: MarkFile,
    pub(super) next: Sequence,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
    pub(super) report: OpenReport,
}

/// What the blocks of a volume add up to.
struct Counted {
    blocks: u64,
    next: Sequence,
    bytes: u64,
    chain: Chain,
    /// The chain when as many blocks had been read as the mark knows.
    chain_at_mark: Option<Chain>,
    totals: Option<(u64, u64)>,
    fault: Option<String>,
}

/// Opens the folder of a journal and makes it ready for writing.
///
/// # Errors
/// When it cannot be used, is of a newer format, or lacks something that was acked.
pub(super) fn open(
    folder: &Path,
    instance: InstanceId,
    engine: &Arc<dyn Engine>,
    accept_loss: bool,
) -> Result<Opened, OpenError> {
    let unusable = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| OpenError::Unusable { path, detail: error.to_string() }
    };
    files::make_dir(folder).map_err(unusable(folder))?;
    let manifest_path = folder.join("manifest.json");
    let manifest = Manifest::read(&manifest_path).map_err(|fault| manifest_fault(&manifest_path, fault))?;
    let mark_path = folder.join("mark");
    let (mark_file, found) = MarkFile::open(&mark_path).map_err(unusable(&mark_path))?;
    match manifest {
        None => begin(folder, instance, engine, mark_file, found),
        Some(manifest) if manifest.instance != hex(&instance.0) => Err(OpenError::Damaged(format!(
            "{} belongs to instance {}, this data folder is instance {}; put the journal back where it belongs, or \
             restore a backup",
            folder.display(),
            manifest.instance,
            hex(&instance.0)
        ))),
        Some(manifest) => Resume { folder, instance, engine, accept_loss }.run(manifest, mark_file, found),
    }
}

fn manifest_fault(path: &Path, fault: ManifestFault) -> OpenError {
    let path = path.display().to_string();
    match fault {
        ManifestFault::Io(error) => OpenError::Unusable { path, detail: error.to_string() },
        ManifestFault::TooNew(found) => OpenError::TooNew { path, found, supported: 1 },
        ManifestFault::Damaged(detail) => OpenError::Damaged(format!(
            "{path}: {detail}. The volumes beside it are untouched; restore the file, or the folder, from a backup"
        )),
    }
}

/// A new journal.
fn begin(
    folder: &Path,
    instance: InstanceId,
    engine: &Arc<dyn Engine>,
    mark: MarkFile,
    found: Found,
) -> Result<Opened, OpenError> {
    let leftovers = volume_folders(folder).map_err(|error| store_fault(folder, &error))?;
    if found != Found::Nothing || leftovers.iter().any(|(number, _)| *number > 1) {
        return Err(OpenError::Damaged(format!(
            "{} holds volumes or a mark, but no manifest.json; restore the folder from a backup",
            folder.display()
        )));
    }
    // A first start that was cut before its manifest was there has acked nothing.
    for (_, path) in leftovers {
        std::fs::remove_dir_all(&path).map_err(|error| store_fault(&path, &error))?;
    }
    let manifest = Manifest::new(instance.0, 1, 1);
    let writer = VolumeWriter::create(engine, folder, 1, instance.0).map_err(|error| store_fault(folder, &error))?;
    let mut opened = Opened {
        manifest,
        writer,
        mark,
        next: Sequence::FIRST,
        duplicate: 0,
        rejected: 0,
        report: OpenReport::default(),
    };
    opened.manifest.write(&folder.join("manifest.json")).map_err(|error| store_fault(folder, &error))?;
    opened.write_mark(instance).map_err(|error| store_fault(folder, &error))?;
    Ok(opened)
}

/// Opening a journal that was there before.
struct Resume<'a> {
    folder: &'a Path,
    instance: InstanceId,
    engine: &'a Arc<dyn Engine>,
    accept_loss: bool,
}

impl Resume<'_> {
    fn run(&self, mut manifest: Manifest, mark: MarkFile, found: Found) -> Result<Opened, OpenError> {
        let mut report = OpenReport::default();
        remove_leftovers(self.folder, &manifest, &mut report)?;
        let known = self.known_mark(found, &mut report)?;
        let clean = known.is_some_and(|mark| mark.clean && mark.volume == manifest.open);
        let copy = self.folder.join(format!("copy-of-{}", manifest::folder(manifest.open)));
        let mut counted = self.read_open_volume(&manifest, known.as_ref(), clean, &copy)?;
        let compared = known.map_or(Ok(()), |known| compare(&counted, &known, &manifest, &copy, &mut report));
        let whole = compared.is_ok();
        if let Err(error) = compared {
            if !self.accept_loss {
                return Err(error);
            }
            report.notes.push(format!("accepted: {error}"));
        }
        // The mark may be newer than the last block: refusals and duplicates alone write no block.
        let newest = |block: Option<u64>, mark: u64| block.unwrap_or(0).max(mark);
        let duplicate = newest(counted.totals.map(|totals| totals.0), known.map_or(0, |mark| mark.duplicate));
        let rejected = newest(counted.totals.map(|totals| totals.1), known.map_or(0, |mark| mark.rejected));
        let writer = close_and_begin(self.folder, self.instance, self.engine, &mut manifest, &mut counted, known)?;
        report.recovered = !clean;
        let next = counted.next;
        let mut opened = Opened { manifest, writer, mark, next, duplicate, rejected, report };
        opened.write_mark(self.instance).map_err(|error| store_fault(self.folder, &error))?;
        if whole {
            let _ = std::fs::remove_dir_all(&copy);
        }
        Ok(opened)
    }

    fn known_mark(&self, found: Found, report: &mut OpenReport) -> Result<Option<Mark>, OpenError> {
        match found {
            Found::Mark { mark, whole } => {
                if !whole {
                    report.notes.push("one of the two slots of the journal's mark cannot be read".to_owned());
                }
                Ok(Some(mark))
            }
            Found::Nothing | Found::Damaged if self.accept_loss => Ok(None),
            Found::Nothing | Found::Damaged => Err(OpenError::Damaged(format!(
                "{}/mark is missing or damaged, so nobody can say whether the newest records are all there; restore \
                 it from a backup, or run `roundtower verify --accept-loss` to go on with what can be read",
                self.folder.display()
            ))),
        }
    }

    /// Copies the open volume unless the stop was clean, then reads and checks its blocks.
    fn read_open_volume(
        &self,
        manifest: &Manifest,
        known: Option<&Mark>,
        clean: bool,
        copy: &Path,
    ) -> Result<Counted, OpenError> {
        let dir = self.folder.join(manifest::folder(manifest.open));
        if !dir.is_dir() && !self.accept_loss {
            return Err(OpenError::Damaged(format!(
                "the open volume {} is missing; restore it from a backup, or run `roundtower verify --accept-loss` to \
                 go on without it",
                dir.display()
            )));
        }
        if (!clean || self.accept_loss) && !copy.exists() && dir.is_dir() {
            let fresh = self.folder.join("copy.new");
            let _ = std::fs::remove_dir_all(&fresh);
            files::copy_dir(&dir, &fresh).map_err(|error| store_fault(&fresh, &error))?;
            std::fs::rename(&fresh, copy).map_err(|error| store_fault(copy, &error))?;
        }
        let volume = Volume::new(Arc::clone(self.engine), dir.clone(), manifest.open, 0, None);
        let mut counted = Counted::nothing(manifest, self.instance);
        let read = counted.read(&volume, known);
        let read = read.and(volume.rest().map_err(read_error));
        match read {
            Ok(()) => Ok(counted),
            Err(ReadError::Damaged { .. }) if self.accept_loss => Ok(Counted::nothing(manifest, self.instance)),
            Err(error @ (ReadError::Store(_) | ReadError::Full(_))) => Err(store_fault(&dir, &error)),
            Err(error) => Err(OpenError::Damaged(format!(
                "{} cannot be read: {error}. Restore a backup, or run `roundtower verify --accept-loss` to go on \
                 without its records.{}",
                dir.display(),
                copy_hint(copy)
            ))),
        }
    }
}

/// Closes the volume that was open before, and begins a new one: what another process wrote is only read from now on.
fn close_and_begin(
    folder: &Path,
    instance: InstanceId,
    engine: &Arc<dyn Engine>,
    manifest: &mut Manifest,
    counted: &mut Counted,
    known: Option<Mark>,
) -> Result<VolumeWriter, OpenError> {
    let number = manifest.next_number;
    let writer =
        VolumeWriter::create(engine, folder, number, instance.0).map_err(|error| store_fault(folder, &error))?;
    let empty = (counted.blocks == 0).then_some(manifest.open);
    manifest.close_as(counted.blocks, counted.bytes, counted.next, &counted.chain);
    // Sequences are never given twice, not even those of records whose loss was accepted.
    counted.next = counted.next.max(known.map_or(Sequence::FIRST, |mark| mark.next));
    manifest.open = number;
    manifest.open_first = counted.next.get();
    manifest.next_number = number + 1;
    manifest.write(&folder.join("manifest.json")).map_err(|error| store_fault(folder, &error))?;
    if let Some(empty) = empty {
        let _ = std::fs::remove_dir_all(folder.join(manifest::folder(empty)));
    }
    Ok(writer)
}

impl Opened {
    fn write_mark(&mut self, instance: InstanceId) -> std::io::Result<()> {
        self.mark.write(&Mark {
            instance: instance.0,
            volume: self.writer.volume.number,
            blocks: 0,
            next: self.next,
            chain: self.writer.chain,
            duplicate: self.duplicate,
            rejected: self.rejected,
            clean: false,
        })?;
        self.mark.sync()
    }
}

impl Counted {
    fn nothing(manifest: &Manifest, instance: InstanceId) -> Self {
        Self {
            blocks: 0,
            next: Sequence::new(manifest.open_first),
            bytes: 0,
            chain: block::chain_start(instance.0, manifest.open),
            chain_at_mark: None,
            totals: None,
            fault: None,
        }
    }

    /// Reads the blocks of a volume as far as they are sound.
    fn read(&mut self, volume: &Volume, known: Option<&Mark>) -> Result<(), ReadError> {
        let marked = known.filter(|mark| mark.volume == volume.number).map(|mark| mark.blocks);
        volume.scan(0, &mut |number, bytes| {
            if marked == Some(number) {
                self.chain_at_mark = Some(self.chain);
            }
            match block::unframe(bytes) {
                Err(fault) => self.fault = Some(format!("{}: {fault}", volume.place(number))),
                Ok((header, _)) if header.previous != self.chain || header.first() != self.next => {
                    self.fault = Some(format!("{}: it does not continue the one before", volume.place(number)));
                }
                Ok((header, _)) => {
                    self.blocks += 1;
                    self.next = header.next();
                    self.bytes += bytes.len() as u64;
                    self.chain = block::chain_after(&self.chain, bytes);
                    self.totals = Some((header.duplicate, header.rejected));
                }
            }
            self.fault.is_none()
        })?;
        if marked == Some(self.blocks) {
            self.chain_at_mark = Some(self.chain);
        }
        Ok(())
    }
}

/// Holds what was read against the mark: it must be at least as long, and the same up to there.
fn compare(
    counted: &Counted,
    mark: &Mark,
    manifest: &Manifest,
    copy: &Path,
    report: &mut OpenReport,
) -> Result<(), OpenError> {
    let newest_closed = manifest.closed.last().map_or(Sequence::FIRST, |closed| Sequence::new(closed.next));
    let reached = counted.next.max(newest_closed);
    if reached < mark.next {
        let missing = mark.next.since(reached);
        let fault = counted.fault.as_deref().map(|fault| format!(" ({fault})")).unwrap_or_default();
        return Err(OpenError::Damaged(format!(
            "{missing} acknowledged records, from sequence {reached} on, are missing or unreadable{fault}; restore a \
             backup, or run `roundtower verify --accept-loss` to go on without them.{}",
            copy_hint(copy)
        )));
    }
    let same_volume = mark.volume == manifest.open;
    if same_volume && counted.chain_at_mark.is_none_or(|chain| chain != mark.chain) {
        return Err(OpenError::Damaged(format!(
            "the open volume {} does not hold what was acknowledged up to sequence {}; restore a backup.{}",
            manifest.open,
            mark.next,
            copy_hint(copy)
        )));
    }
    if let Some(fault) = &counted.fault {
        report.notes.push(format!("unacknowledged bytes at the end were dropped ({fault})"));
    }
    if counted.next > mark.next && same_volume {
        let extra = counted.next.since(mark.next);
        report.notes.push(format!("{extra} records were written but perhaps not acknowledged before the stop; kept"));
    }
    Ok(())
}

fn copy_hint(copy: &Path) -> String {
    if copy.exists() { format!(" The files as they were found are in {}", copy.display()) } else { String::new() }
}

/// Removes folders that no manifest names: a merge that a crash cut, or old volumes that a merge replaced.
fn remove_leftovers(folder: &Path, manifest: &Manifest, report: &mut OpenReport) -> Result<(), OpenError> {
    let named = |number: u64| number == manifest.open || manifest.closed.iter().any(|closed| closed.number == number);
    for (number, path) in volume_folders(folder).map_err(|error| store_fault(folder, &error))? {
        if named(number) {
            continue;
        }
        if number > manifest.next_number {
            return Err(OpenError::Damaged(format!(
                "{} is newer than manifest.json; restore the whole folder from one backup",
                path.display()
            )));
        }
        report.notes.push(format!("removed {}, which the last stop left half made", path.display()));
        std::fs::remove_dir_all(&path).map_err(|error| store_fault(&path, &error))?;
    }
    for closed in &manifest.closed {
        let path = folder.join(manifest::folder(closed.number));
        if files::is_empty_dir(&path) {
            return Err(OpenError::Damaged(format!(
                "{} is missing: it holds the sequences {} to {}; restore it from a backup",
                path.display(),
                closed.first,
                closed.next - 1
            )));
        }
    }
    Ok(())
}

fn volume_folders(folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix("volume-")).and_then(|number| number.parse().ok());
        found.extend(number.map(|number| (number, path)));
    }
    found.sort();
    Ok(found)
}

fn store_fault(path: &Path, error: &dyn std::fmt::Display) -> OpenError {
    OpenError::Unusable { path: path.display().to_string(), detail: error.to_string() }
}
