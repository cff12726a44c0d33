//! Dead letters, in pages of a few neighbouring records, each letter in the place of the one before.

use std::collections::BTreeMap;

use super::atom::Letter;
use super::codec::{put, take, take_byte};
use super::pages::Page;

/// Records of a page: so few that letters of the largest size, which do not compress, still fit into one value.
pub(super) const PAGE_RECORDS: u64 = 32;

/// The dead letters of [`PAGE_RECORDS`] records, by their place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LetterPage(pub(super) BTreeMap<u8, Letter>);

/// The page of a record, and its place in it.
pub(super) fn place(sequence: u64) -> (u64, u8) {
    (sequence / PAGE_RECORDS, (sequence % PAGE_RECORDS).to_le_bytes()[0])
}

impl Page for LetterPage {
    const FAMILY: u8 = b'd';
    const NAME: &'static str = "a page of dead letters";

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(self.0.len() as u64, &mut bytes);
        for (place, letter) in &self.0 {
            bytes.push(*place);
            letter.put(&mut bytes);
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let count = take(&mut bytes)?;
        let mut letters = BTreeMap::new();
        for _ in 0..count {
            letters.insert(take_byte(&mut bytes)?, Letter::take(&mut bytes)?);
        }
        bytes.is_empty().then_some(Self(letters))
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::{FRAME_BYTES, TEXT_BYTES_MAX};
    use super::*;
    use crate::call::time::Time;
    use crate::relay::outbox::Tried;
    use crate::relay::policy::Answer;

    #[test]
    fn the_largest_page_fits_into_a_value_and_comes_back() {
        let due = Time::from_millis(i64::MAX);
        let tried = Tried { attempts: u32::MAX, first_at: Time::from_millis(i64::MIN), due };
        let answer = Answer::Status { status: u16::MAX, retry_after: None, text: "t".repeat(TEXT_BYTES_MAX + 9) };
        let letter = Letter { code: "UNSUPPORTED_EVENT_TYPE".to_owned(), tried, answer };
        let page = LetterPage((0..32).map(|place| (place, letter.clone())).collect());
        let bytes = page.encode();
        assert!(bytes.len() + FRAME_BYTES < crate::store::VALUE_BYTES_MAX, "{}", bytes.len());
        let read = LetterPage::decode(&bytes).unwrap();
        assert_eq!(read.0.len(), 32);
        assert_eq!(read.0[&7].tried, tried);
        assert_eq!((place(0), place(63), place(64)), ((0, 0), (1, 31), (2, 0)));
    }
}
