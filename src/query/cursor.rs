//! Cursors: opaque page tokens. They name a place, not an offset, so pages neither skip nor repeat while calls come in.
//!
//! A cursor is bound to its route and filter by a MAC: one from elsewhere, or a changed one, is refused, and nobody can
//! have a place of their own making read. Version byte, place, MAC; as base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::error::QueryError;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::entry::Place;

const VERSION: u8 = 1;
const MAC_BYTES: usize = 16;
/// No cursor of ours is longer; what is need not be decoded.
const TEXT_BYTES_MAX: usize = 1_024;

/// The secret of this instance that cursors are made with.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Derives it from the instance's own secret bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(blake3::derive_key("roundtower 2026 page cursors", secret))
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CursorKey(..)")
    }
}

/// How much of a list is wanted, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Items at most, from 1.
    pub limit: usize,
    /// The `next` of the page before.
    pub cursor: Option<&'a str>,
    /// What cursors are made with.
    pub key: &'a CursorKey,
    /// The route with its path parameters as asked.
    pub route: &'a str,
    /// Everything else that says what is in the list and in which order, in one spelling.
    pub filter: &'a str,
}

impl Page<'_> {
    fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key.0);
        for part in [self.route.as_bytes(), self.filter.as_bytes(), body] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut mac = [0; MAC_BYTES];
        hasher.finalize_xof().fill(&mut mac);
        mac
    }

    /// The cursor of this list that stands for these bytes.
    pub(super) fn seal(&self, place: &[u8]) -> String {
        let mut token = vec![VERSION];
        token.extend_from_slice(place);
        let mac = self.mac(&token);
        token.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What the cursor stands for; none on the first page.
    pub(super) fn open(&self) -> Result<Option<Vec<u8>>, QueryError> {
        let Some(text) = self.cursor else { return Ok(None) };
        if text.len() > TEXT_BYTES_MAX {
            return Err(QueryError::BadCursor);
        }
        let token = URL_SAFE_NO_PAD.decode(text).map_err(|_| QueryError::BadCursor)?;
        let (body, mac) = token.split_last_chunk::<MAC_BYTES>().ok_or(QueryError::BadCursor)?;
        if !bool::from(self.mac(body).ct_eq(mac)) {
            return Err(QueryError::BadCursor);
        }
        match body.split_first() {
            Some((&VERSION, place)) => Ok(Some(place.to_vec())),
            _ => Err(QueryError::BadCursor),
        }
    }

    /// The cursor after an entry of a list.
    pub(super) fn after_place(&self, place: Place) -> String {
        let time = place.time.as_millis().to_be_bytes();
        self.seal(&[time, place.sequence.get().to_be_bytes()].concat())
    }

    /// The entry that the page before ended with.
    pub(super) fn place(&self) -> Result<Option<Place>, QueryError> {
        self.open()?.map(|bytes| place(&bytes).ok_or(QueryError::BadCursor)).transpose()
    }

    /// The cursor of a list of records: what is below this one.
    pub fn below(&self, sequence: Sequence) -> String {
        self.seal(&sequence.get().to_be_bytes())
    }

    /// The record that the page before ended with.
    ///
    /// # Errors
    /// When the cursor is not of this list.
    pub fn sequence(&self) -> Result<Option<Sequence>, QueryError> {
        let sequence = |bytes: Vec<u8>| bytes.try_into().map(u64::from_be_bytes).map_err(|_| QueryError::BadCursor);
        Ok(self.open()?.map(sequence).transpose()?.map(Sequence::new))
    }

    /// The cursor after a row of a list that is ordered by a number.
    pub(super) fn after_row(&self, row: &Row) -> String {
        let (has_rank, rank) = (u8::from(row.rank.is_some()), row.rank.unwrap_or_default());
        self.seal(&[&[has_rank], &rank.to_be_bytes()[..], &row.tie].concat())
    }

    /// The cursor after a row of a list that is ordered by a text.
    pub(super) fn after_text(&self, row: &TextRow) -> String {
        let text = row.text.as_deref();
        self.seal(&[&row.tie[..], &[u8::from(text.is_some())], text.unwrap_or_default().as_bytes()].concat())
    }

    /// The row that the page before ended with.
    pub(super) fn text_row(&self) -> Result<Option<TextRow>, QueryError> {
        self.open()?.map(|bytes| text_row(&bytes).ok_or(QueryError::BadCursor)).transpose()
    }

    /// The row that the page before ended with.
    pub(super) fn row(&self) -> Result<Option<Row>, QueryError> {
        self.open()?.map(|bytes| row(&bytes).ok_or(QueryError::BadCursor)).transpose()
    }
}

fn place(bytes: &[u8]) -> Option<Place> {
    let (time, sequence) = bytes.split_first_chunk()?;
    let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
    Some(Place { time: Time::from_millis(i64::from_be_bytes(*time)), sequence: Sequence::new(sequence) })
}

fn row(bytes: &[u8]) -> Option<Row> {
    let ([has_rank], rest) = bytes.split_first_chunk()?;
    let (rank, tie) = rest.split_first_chunk()?;
    let rank = (*has_rank == 1).then_some(i64::from_be_bytes(*rank));
    Some(Row { rank, tie: tie.try_into().ok()? })
}

fn text_row(bytes: &[u8]) -> Option<TextRow> {
    let (tie, rest) = bytes.split_first_chunk()?;
    let (has_text, text) = rest.split_first()?;
    let text = (*has_text == 1).then(|| String::from_utf8(text.to_vec())).transpose().ok()?;
    Some(TextRow { text, tie: *tie })
}

/// Where a page ended in a list that is ordered by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The number; rows without one come last.
    pub(super) rank: Option<i64>,
    /// What decides between equals.
    pub(super) tie: [u8; 16],
}

/// Where a page ended in a list that is ordered by a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextRow {
    /// The text; rows without one come last.
    pub(super) text: Option<String>,
    /// What decides between equals.
    pub(super) tie: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page<'a>(key: &'a CursorKey, route: &'a str, filter: &'a str, cursor: Option<&'a str>) -> Page<'a> {
        Page { limit: 10, cursor, key, route, filter }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_question_only() {
        let (key, other) = (CursorKey::new(b"one"), CursorKey::new(b"two"));
        let at = Place { time: Time::from_millis(-5), sequence: Sequence::new(u64::MAX) };
        let cursor = page(&key, "/api/feed", "type=track", None).after_place(at);
        let read = |key, route, filter, cursor: &str| page(key, route, filter, Some(cursor)).place();
        assert_eq!(read(&key, "/api/feed", "type=track", &cursor).unwrap(), Some(at));
        for (key, route, filter) in [
            (&other, "/api/feed", "type=track"),
            (&key, "/api/people", "type=track"),
            (&key, "/api/feed", ""),
            (&key, "/api/feedt", "ype=track"),
        ] {
            assert!(matches!(read(key, route, filter, &cursor), Err(QueryError::BadCursor)), "{route} {filter}");
        }
    }

    #[test]
    fn a_changed_cut_or_made_up_cursor_is_refused() {
        let key = CursorKey::new(b"one");
        let row = Row { rank: Some(-9), tie: [7; 16] };
        let cursor = page(&key, "r", "f", None).after_row(&row);
        let read = |cursor: &str| page(&key, "r", "f", Some(cursor)).row();
        assert_eq!(read(&cursor).unwrap(), Some(row));
        for at in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(read(std::str::from_utf8(&bytes).unwrap()).is_err(), "letter {at} changed");
            assert!(read(&cursor[..at]).is_err(), "cut to {at}");
        }
        for made_up in ["", "x", "ü", "AAAA", &"A".repeat(1_024), &"A".repeat(100_000), "1.5", "../.."] {
            assert!(read(made_up).is_err(), "{made_up}");
        }
        let place = page(&key, "r", "f", None).after_place(Place { time: Time::default(), sequence: Sequence::FIRST });
        assert!(read(&place).is_err(), "a place is no row");
        let none = Row { rank: None, ..row };
        let cursor = page(&key, "r", "f", None).after_row(&none);
        assert_eq!(read(&cursor).unwrap(), Some(none));
        for text in [None, Some(String::new()), Some("ä".repeat(128))] {
            let row = TextRow { text, tie: [9; 16] };
            let cursor = page(&key, "r", "f", None).after_text(&row);
            assert_eq!(page(&key, "r", "f", Some(&cursor)).text_row().unwrap(), Some(row));
        }
    }
}
