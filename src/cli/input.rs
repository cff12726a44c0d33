//! Reading lines from a file: plain, gzip or zstd by their first bytes, in parts of whole lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ingest::lines::LINE_BYTES_MAX;

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// One part, about, in bytes.
const PART_BYTES: usize = 4 << 20;

/// A file being read.
pub(super) struct Input {
    lines: Box<dyn BufRead>,
    next_line: u64,
    read: Arc<AtomicU64>,
    /// Bytes of the file, compressed as it is, where that is known.
    pub(super) bytes: Option<u64>,
}

/// Some whole lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The number of the first line, from 1.
    pub(super) first: u64,
    /// The lines, with newlines in between.
    pub(super) text: Vec<u8>,
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        if path == Path::new("-") {
            return Self::new(Box::new(std::io::stdin()), None);
        }
        let file = File::open(path)?;
        let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
        Self::new(Box::new(file), bytes)
    }

    fn new(reader: Box<dyn Read>, bytes: Option<u64>) -> std::io::Result<Self> {
        let read = Arc::new(AtomicU64::new(0));
        let mut counted = BufReader::with_capacity(1 << 16, Counted { inner: reader, read: Arc::clone(&read) });
        // A pipe may hand over its first bytes one by one.
        let mut start = Vec::new();
        counted.by_ref().take(4).read_to_end(&mut start)?;
        let whole = std::io::Cursor::new(start.clone()).chain(counted);
        let lines: Box<dyn BufRead> = if start.starts_with(&GZIP) {
            Box::new(BufReader::with_capacity(1 << 16, flate2::bufread::MultiGzDecoder::new(whole)))
        } else if start.starts_with(&ZSTD) {
            Box::new(BufReader::with_capacity(1 << 16, zstd::stream::read::Decoder::with_buffer(whole)?))
        } else {
            Box::new(whole)
        };
        Ok(Self { lines, next_line: 1, read, bytes })
    }

    /// Bytes of the file read so far.
    pub(super) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The next lines; none at the end. A line that is too long is cut, and will be rejected as that.
    ///
    /// # Errors
    /// When reading or inflating fails.
    pub(super) fn part(&mut self) -> std::io::Result<Option<Part>> {
        let (first, mut text) = (self.next_line, Vec::new());
        while text.len() < PART_BYTES {
            let start = text.len();
            let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = self.lines.by_ref().take(limit).read_until(b'\n', &mut text)?;
            if read == 0 {
                break;
            }
            if text.last() != Some(&b'\n') {
                if text.len() - start == LINE_BYTES_MAX {
                    self.skip_line()?;
                }
                text.push(b'\n');
            }
            self.next_line += 1;
        }
        if text.pop().is_none() {
            return Ok(None);
        }
        Ok(Some(Part { first, text }))
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.lines.fill_buf()?;
            let (used, ended) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.lines.consume(used);
            if ended {
                return Ok(());
            }
        }
    }
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all(bytes: Vec<u8>) -> Vec<Part> {
        let mut input = Input::new(Box::new(std::io::Cursor::new(bytes)), None).unwrap();
        std::iter::from_fn(|| input.part().unwrap()).collect()
    }

    #[test]
    fn plain_gzip_and_zstd_give_the_same_lines() {
        let plain = b"one\ntwo\n\nfour".to_vec();
        let expected = vec![Part { first: 1, text: plain.clone() }];
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&plain).unwrap();
        assert_eq!(all(packer.finish().unwrap()), expected);
        assert_eq!(all(zstd::encode_all(plain.as_slice(), 1).unwrap()), expected);
        assert_eq!(all(plain), expected);
        assert_eq!(all(Vec::new()), Vec::new());
        assert_eq!(all(b"x".to_vec()), vec![Part { first: 1, text: b"x".to_vec() }]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_ones_keep_their_numbers() {
        let mut bytes = vec![b'x'; LINE_BYTES_MAX * 3];
        bytes.extend_from_slice(b"\nsecond\n");
        let parts = all(bytes);
        let lines: Vec<&[u8]> = parts[0].text.split(|byte| *byte == b'\n').collect();
        assert_eq!((lines.len(), lines[0].len(), lines[1]), (2, LINE_BYTES_MAX, b"second".as_slice()));
    }

    #[test]
    fn parts_number_their_first_lines() {
        let line = "y".repeat(1_000);
        let bytes = format!("{line}\n").repeat(10_000).into_bytes();
        let parts = all(bytes);
        assert!(parts.len() > 1);
        let mut next = 1;
        for part in parts {
            assert_eq!(part.first, next);
            next += part.text.split(|byte| *byte == b'\n').count() as u64;
        }
        assert_eq!(next, 10_001);
    }
}
