//! A run: message ids of consecutive records, sorted, in one file that is never changed.
//!
//! `header (64 bytes), then 16 bytes an id: digest (80 bits) and sequence (48 bits) as one little-endian number`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::journal::codec::MessageDigest;
use crate::journal::files;

const MAGIC: [u8; 8] = *b"rt-ids\0\x01";
const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 16;
/// Entries read around the place where a digest should be: digests are uniform, so it is nearly always there.
const WINDOW: u64 = 512;
const SEQUENCE_BITS: u32 = 48;

/// Digest and sequence of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u128);

impl Entry {
    pub(super) fn new(digest: MessageDigest, sequence: u64) -> Self {
        Self::of_parts(digest.get(), sequence)
    }

    pub(super) fn of_parts(digest: u128, sequence: u64) -> Self {
        Self((digest << SEQUENCE_BITS) | u128::from(sequence & ((1 << SEQUENCE_BITS) - 1)))
    }

    pub(super) fn message(self) -> MessageDigest {
        MessageDigest::from_bits(self.digest())
    }

    pub(super) fn digest(self) -> u128 {
        self.0 >> SEQUENCE_BITS
    }

    pub(super) fn sequence(self) -> u64 {
        u64::try_from(self.0 & ((1 << SEQUENCE_BITS) - 1)).unwrap_or(0)
    }
}

/// What a run covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first sequence covered, and the one after the last.
    pub(super) from: u64,
    pub(super) next: u64,
    /// When the newest of its records was received, in milliseconds since 1970.
    pub(super) newest_at: i64,
}

/// An open run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) span: Span,
    pub(super) count: u64,
    path: PathBuf,
    file: File,
}

impl Run {
    /// Writes a run durably. `entries` must be sorted.
    pub(super) fn write(folder: &Path, span: Span, entries: impl Iterator<Item = Entry>) -> io::Result<Self> {
        let path = folder.join(format!("ids-{:020}-{:020}", span.from, span.next));
        let fresh = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).read(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        let mut out = BufWriter::with_capacity(1 << 18, &file);
        out.write_all(&[0; HEADER_BYTES])?;
        let (mut count, mut checksum) = (0u64, crc32fast::Hasher::new());
        for entry in entries {
            let bytes = entry.0.to_le_bytes();
            checksum.update(&bytes);
            out.write_all(&bytes)?;
            count += 1;
        }
        out.flush()?;
        drop(out);
        file.write_all_at(&header(span, count, checksum.finalize()), 0)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        files::sync_dir(folder)?;
        Ok(Self { span, count, path, file })
    }

    /// Opens a run and checks it; each id is handed to `visit`. `None` if it is damaged.
    pub(super) fn open(path: &Path, visit: &mut dyn FnMut(Entry)) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let mut head = [0u8; HEADER_BYTES];
        if file.read_exact(&mut head).is_err() {
            return Ok(None);
        }
        let Some((span, count, checksum)) = read_header(&head) else { return Ok(None) };
        if file.metadata()?.len() != HEADER_BYTES as u64 + count * ENTRY_BYTES as u64 {
            return Ok(None);
        }
        let run = Self { span, count, path: path.to_path_buf(), file };
        let mut hasher = crc32fast::Hasher::new();
        let mut entries = run.entries();
        while let Some(chunk) = entries.next_chunk()? {
            hasher.update(chunk);
            chunk.chunks_exact(ENTRY_BYTES).map(entry).for_each(&mut *visit);
        }
        Ok((hasher.finalize() == checksum).then_some(run))
    }

    /// Adds the sequences of all entries with this digest.
    pub(super) fn find(&self, digest: MessageDigest, found: &mut Vec<u64>) -> io::Result<()> {
        let wanted = digest.get();
        let guess = u64::try_from((wanted * u128::from(self.count)) >> MessageDigest::BITS).unwrap_or(0);
        let (mut low, mut high) = (guess.saturating_sub(WINDOW / 2), (guess + WINDOW / 2).min(self.count));
        let mut window = self.window(low, high)?;
        // The window has to begin below the digest and end above it, unless the run does.
        while low > 0 && window.first().is_none_or(|entry| entry.digest() >= wanted) {
            high = low + 1;
            low = low.saturating_sub(WINDOW);
            let mut wider = self.window(low, high)?;
            wider.extend(window.into_iter().skip(1));
            window = wider;
        }
        let mut end = low + window.len() as u64;
        while end < self.count && window.last().is_none_or(|entry| entry.digest() <= wanted) {
            window.extend(self.window(end, (end + WINDOW).min(self.count))?);
            end = low + window.len() as u64;
        }
        let start = window.partition_point(|entry| entry.digest() < wanted);
        found.extend(window.iter().skip(start).take_while(|entry| entry.digest() == wanted).map(|e| e.sequence()));
        Ok(())
    }

    fn window(&self, low: u64, high: u64) -> io::Result<Vec<Entry>> {
        let count = usize::try_from(high.saturating_sub(low)).unwrap_or(0);
        let mut bytes = vec![0u8; count * ENTRY_BYTES];
        self.file.read_exact_at(&mut bytes, HEADER_BYTES as u64 + low * ENTRY_BYTES as u64)?;
        Ok(bytes.chunks_exact(ENTRY_BYTES).map(entry).collect())
    }

    /// All entries in order.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { run: self, at: 0, buffer: Vec::new(), used: 0 }
    }

    pub(super) fn remove(&self) {
        // What stays is found to be covered by a larger run at the next start, and removed then.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Reads a run from front to back.
pub(super) struct Entries<'a> {
    run: &'a Run,
    at: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Entries<'_> {
    fn next_chunk(&mut self) -> io::Result<Option<&[u8]>> {
        let count = (self.run.count - self.at).min(1 << 14);
        if count == 0 {
            return Ok(None);
        }
        self.buffer.resize(usize::try_from(count).unwrap_or(0) * ENTRY_BYTES, 0);
        self.run.file.read_exact_at(&mut self.buffer, HEADER_BYTES as u64 + self.at * ENTRY_BYTES as u64)?;
        self.at += count;
        self.used = 0;
        Ok(Some(&self.buffer))
    }

    /// The next entry in order.
    pub(super) fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        if self.used >= self.buffer.len() && self.next_chunk()?.is_none() {
            return Ok(None);
        }
        let bytes = self.buffer.get(self.used..self.used + ENTRY_BYTES);
        self.used += ENTRY_BYTES;
        Ok(bytes.map(entry))
    }
}

fn entry(bytes: &[u8]) -> Entry {
    Entry(u128::from_le_bytes(bytes.try_into().unwrap_or_default()))
}

fn header(span: Span, count: u64, checksum: u32) -> [u8; HEADER_BYTES] {
    let mut head = [0u8; HEADER_BYTES];
    let fields = [
        MAGIC.to_vec(),
        span.from.to_le_bytes().to_vec(),
        span.next.to_le_bytes().to_vec(),
        span.newest_at.to_le_bytes().to_vec(),
        count.to_le_bytes().to_vec(),
        checksum.to_le_bytes().to_vec(),
    ]
    .concat();
    let own = crc32fast::hash(&fields).to_le_bytes();
    for (place, byte) in head.iter_mut().zip(fields.iter().chain(&own)) {
        *place = *byte;
    }
    head
}

fn read_header(head: &[u8; HEADER_BYTES]) -> Option<(Span, u64, u32)> {
    let (fields, own) = head.split_at_checked(44)?;
    if crc32fast::hash(fields).to_le_bytes() != *own.first_chunk::<4>()? || !fields.starts_with(&MAGIC) {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(fields.get(at..at + 8)?.try_into().ok()?));
    let span = Span { from: number(8)?, next: number(16)?, newest_at: number(24)?.cast_signed() };
    let checksum = u32::from_le_bytes(fields.get(40..44)?.try_into().ok()?);
    Some((span, number(32)?, checksum))
}

/// Merges sorted runs into one.
pub(super) fn merge_runs(folder: &Path, span: Span, runs: &[std::sync::Arc<Run>]) -> io::Result<Run> {
    let mut failed = None;
    let mut sources: Vec<_> = runs.iter().map(|run| run.entries()).collect();
    let mut heads = Vec::with_capacity(sources.len());
    for source in &mut sources {
        heads.push(source.next_entry()?);
    }
    let merged = std::iter::from_fn(|| {
        let (index, least) =
            heads.iter().enumerate().filter_map(|(i, head)| head.map(|head| (i, head))).min_by_key(|(_, e)| *e)?;
        match sources.get_mut(index)?.next_entry() {
            Ok(next) => *heads.get_mut(index)? = next,
            Err(error) => {
                failed = Some(error);
                return None;
            }
        }
        Some(least)
    });
    let written = Run::write(folder, span, merged)?;
    match failed {
        None => Ok(written),
        Some(error) => {
            written.remove();
            Err(error)
        }
    }
}

/// The runs in a folder as `(from, next, path)`, the widest first among those that begin together.
pub(super) fn run_files(folder: &Path) -> io::Result<Vec<(u64, u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let span = name.strip_prefix("ids-").and_then(|span| span.split_once('-'));
        match span.and_then(|(from, next)| Some((from.parse().ok()?, next.parse().ok()?))) {
            Some((from, next)) => found.push((from, next, path)),
            // Half-written files of a crash; everything in this folder can be made again.
            None => std::fs::remove_file(&path)?,
        }
    }
    found.sort_by_key(|(from, next, _)| (*from, u64::MAX - *next));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: 1, next: 5001, newest_at: -5 };

    fn entries(count: u64) -> Vec<Entry> {
        let digest = |number: u64| MessageDigest::of("s", &number.to_string());
        let mut entries: Vec<_> = (1..=count).map(|number| Entry::new(digest(number), number)).collect();
        entries.sort_unstable();
        entries
    }

    #[test]
    fn every_id_is_found_at_its_sequence_and_no_other_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::write(folder.path(), SPAN, entries(5000).into_iter()).unwrap();
        for number in 1..=6000u64 {
            let mut found = Vec::new();
            run.find(MessageDigest::of("s", &number.to_string()), &mut found).unwrap();
            assert_eq!(found, if number <= 5000 { vec![number] } else { vec![] });
        }
    }

    #[test]
    fn equal_digests_are_all_found() {
        let folder = tempfile::tempdir().unwrap();
        let digest = MessageDigest::of("s", "same");
        let mut all = entries(2000);
        all.extend((0..1500).map(|sequence| Entry::new(digest, 10_000 + sequence)));
        all.sort_unstable();
        let run = Run::write(folder.path(), SPAN, all.into_iter()).unwrap();
        let mut found = Vec::new();
        run.find(digest, &mut found).unwrap();
        assert_eq!(found, (10_000..11_500).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_opens_as_written_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::write(folder.path(), SPAN, entries(100).into_iter()).unwrap();
        let mut seen = Vec::new();
        let opened = Run::open(&run.path, &mut |entry| seen.push(entry)).unwrap().unwrap();
        assert_eq!((opened.span, opened.count, seen), (SPAN, 100, entries(100)));
        let bytes = std::fs::read(&run.path).unwrap();
        for index in (0..44).chain(44..48).chain((64..bytes.len()).step_by(7)) {
            let mut bad = bytes.clone();
            bad[index] ^= 4;
            std::fs::write(&run.path, &bad).unwrap();
            assert!(Run::open(&run.path, &mut |_| ()).unwrap().is_none(), "byte {index}");
        }
        std::fs::write(&run.path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Run::open(&run.path, &mut |_| ()).unwrap().is_none());
    }
}
