//! The root of the state store: up to which block of the log the tables hold everything, and which blocks of the history
//! count. It is put last of all, so it never names what is not there.

use super::codec::{self, put, take};

/// One folder of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) number: u64,
    /// Its blocks; what the folder holds beyond was not finished.
    pub(super) slots: u32,
    pub(super) bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    /// The last block of the log that the tables hold.
    pub(super) block: u64,
    /// At least so many destinations are known.
    pub(super) books: u64,
    /// The number of the next folder of the history.
    pub(super) next_folder: u64,
    /// Oldest first.
    pub(super) folders: Vec<Listed>,
}

impl Root {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(u64::from(codec::VERSION), &mut bytes);
        for number in [self.block, self.books, self.next_folder, self.folders.len() as u64] {
            put(number, &mut bytes);
        }
        for folder in &self.folders {
            for number in [folder.number, u64::from(folder.slots), folder.bytes] {
                put(number, &mut bytes);
            }
        }
        bytes
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        if take(bytes)? != u64::from(codec::VERSION) {
            return None;
        }
        let mut root =
            Self { block: take(bytes)?, books: take(bytes)?, next_folder: take(bytes)?, folders: Vec::new() };
        for _ in 0..take(bytes)? {
            let (number, slots) = (take(bytes)?, u32::try_from(take(bytes)?).ok()?);
            root.folders.push(Listed { number, slots, bytes: take(bytes)? });
        }
        bytes.is_empty().then_some(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_comes_back_and_a_cut_one_does_not() {
        let listed = |number| Listed { number, slots: 300, bytes: 1 << 20 };
        let root = Root { block: 900, books: 3, next_folder: 8, folders: vec![listed(6), listed(7)] };
        let bytes = root.encode();
        assert_eq!(Root::decode(&bytes), Some(root));
        for length in 0..bytes.len() {
            assert_eq!(Root::decode(&bytes[..length]), None);
        }
    }
}
