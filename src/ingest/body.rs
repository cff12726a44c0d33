//! From bytes as received to text: encodings and size limits. The bytes decide, the headers only help.

use std::io::Read;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::refusal::Refusal;

const GZIP: &[u8] = &[0x1f, 0x8b];

/// The encodings a header may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    fn read(header: Option<&str>) -> Result<Self, Refusal> {
        let named = header.unwrap_or_default().split(',').map(str::trim);
        let mut found = Self::Identity;
        for name in named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
            if found != Self::Identity {
                return Err(Refusal::UnsupportedEncoding);
            }
            found = match name.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                _ => return Err(Refusal::UnsupportedEncoding),
            };
        }
        Ok(found)
    }
}

/// The text of a body, inflated if need be, at most `bytes_max` bytes long.
///
/// A body that begins as gzip does is inflated whatever the header says, and one that is not compressed is taken as it
/// is. Inflating stops one byte past the limit.
///
/// # Errors
/// When it is too large, damaged, in an unknown encoding or no UTF-8.
pub(super) fn text(bytes: Vec<u8>, content_encoding: Option<&str>, bytes_max: usize) -> Result<String, Refusal> {
    let encoding = Encoding::read(content_encoding)?;
    if bytes.len() > bytes_max {
        return Err(Refusal::PayloadTooLarge { bytes_max });
    }
    let plain = if bytes.starts_with(GZIP) {
        inflated(MultiGzDecoder::new(bytes.as_slice()), bytes_max, |decoder| decoder.into_inner().is_empty())?
    } else if encoding == Encoding::Deflate && is_zlib(&bytes) {
        inflated(ZlibDecoder::new(bytes.as_slice()), bytes_max, |decoder| decoder.into_inner().is_empty())?
    } else if encoding == Encoding::Deflate {
        let raw = DeflateDecoder::new(bytes.as_slice());
        match inflated(raw, bytes_max, |decoder| decoder.into_inner().is_empty()) {
            Err(Refusal::InvalidJson { .. }) => bytes,
            result => result?,
        }
    } else {
        bytes
    };
    String::from_utf8(plain)
        .map_err(|error| invalid(&format!("not UTF-8 (at byte {})", error.utf8_error().valid_up_to())))
}

fn invalid(detail: &str) -> Refusal {
    Refusal::InvalidJson { detail: detail.to_owned() }
}

/// A zlib stream: method 8 in the low bits, and two bytes that are a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    bytes.first_chunk::<2>().is_some_and(|head| {
        head.first().is_some_and(|method| method & 0x0f == 8) && u16::from_be_bytes(*head).is_multiple_of(31)
    })
}

/// Inflates to the end, where `all_read` tells whether nothing is left over.
fn inflated<R: Read>(mut decoder: R, bytes_max: usize, all_read: impl FnOnce(R) -> bool) -> Result<Vec<u8>, Refusal> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    decoder.by_ref().take(limit).read_to_end(&mut plain).map_err(|_| invalid("damaged compression"))?;
    if plain.len() > bytes_max {
        return Err(Refusal::PayloadTooLarge { bytes_max });
    }
    if all_read(decoder) { Ok(plain) } else { Err(invalid("more bytes after the compressed ones")) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::text;
    use crate::ingest::Refusal;

    const MAX: usize = 10_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let body = br#"{"a":"some text, some text, some text"}"#;
        let plain = String::from_utf8(body.to_vec()).unwrap();
        for (bytes, header) in [
            (body.to_vec(), None),
            (body.to_vec(), Some("identity")),
            (body.to_vec(), Some("gzip")),
            (body.to_vec(), Some("deflate")),
            (gzip(body), Some("gzip")),
            (gzip(body), Some("X-GZIP")),
            (gzip(body), Some("gzip, identity")),
            (gzip(body), None),
            (zlib(body), Some("deflate")),
            (raw(body), Some("deflate")),
        ] {
            assert_eq!(text(bytes, header, MAX).unwrap(), plain, "{header:?}");
        }
    }

    #[test]
    fn inflating_stops_one_byte_past_the_limit() {
        for encode in [gzip, zlib, raw] {
            assert_eq!(text(encode(&vec![b' '; MAX]), Some("deflate"), MAX).unwrap().len(), MAX);
            let refusal = text(encode(&vec![b' '; MAX + 1]), Some("deflate"), MAX).unwrap_err();
            assert_eq!(refusal, Refusal::PayloadTooLarge { bytes_max: MAX });
        }
        let bomb = gzip(&vec![0; 5_000_000]);
        assert!(bomb.len() < MAX);
        assert_eq!(text(bomb, Some("gzip"), MAX).unwrap_err(), Refusal::PayloadTooLarge { bytes_max: MAX });
        assert!(matches!(text(vec![b' '; MAX + 1], None, MAX), Err(Refusal::PayloadTooLarge { .. })));
    }

    #[test]
    fn damaged_compression_is_invalid_json() {
        let mut cut = gzip(b"some text that is cut at its end");
        cut.truncate(cut.len() - 4);
        let mut flipped = gzip(b"some text with a wrong checksum");
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        let mut longer = gzip(b"{}");
        longer.extend_from_slice(b"{}");
        let mut zlib_longer = zlib(b"{}");
        zlib_longer.push(b'x');
        for (bytes, header) in [(cut, "gzip"), (flipped, "gzip"), (longer, "gzip"), (zlib_longer, "deflate")] {
            assert!(matches!(text(bytes, Some(header), MAX), Err(Refusal::InvalidJson { .. })));
        }
        assert!(matches!(text(b"\xff\xfe".to_vec(), None, MAX), Err(Refusal::InvalidJson { .. })));
    }

    #[test]
    fn other_encodings_are_refused() {
        for header in ["br", "zstd", "gzip, br", "gzip, gzip", "banana"] {
            assert_eq!(text(b"{}".to_vec(), Some(header), MAX), Err(Refusal::UnsupportedEncoding), "{header}");
        }
    }
}
