//! The journal in memory: for tests of the rooms above. Nothing survives, and the digest alone decides duplicates.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};

use super::codec::MessageDigest;
use super::{Accounts, Ack, AppendError, Appender, Batch, Block, Outcome, ReadError, Reader, Sequence, Slice, Tail};

/// A journal that lives as long as the value.
#[derive(Debug)]
pub struct MemoryJournal {
    state: Mutex<State>,
    accounts: Accounts,
    tail: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    blocks: Vec<Arc<Block>>,
    seen: HashMap<MessageDigest, Sequence>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self { state: Mutex::default(), accounts: Accounts::default(), tail: watch::Sender::new(1) }
    }
}

impl Appender for MemoryJournal {
    fn append(&self, batch: Batch) -> Result<Ack, AppendError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = Sequence::new(*self.tail.borrow());
        let (mut payload, mut outcomes, mut next) = (Vec::new(), Vec::with_capacity(batch.len()), first);
        for (digest, bytes) in batch.entries() {
            if let Some(at) = state.seen.get(&digest) {
                outcomes.push(Outcome::Duplicate(*at));
                self.accounts.duplicate.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            state.seen.insert(digest, next);
            payload.extend_from_slice(bytes);
            outcomes.push(Outcome::Appended(next));
            self.accounts.appended.fetch_add(1, Ordering::Relaxed);
            next = next.plus(1);
        }
        let count = u32::try_from(next.since(first)).unwrap_or(u32::MAX);
        if count > 0 {
            state.blocks.push(Arc::new(Block::new(first, count, payload, "memory".to_owned())));
            self.tail.send_replace(next.get());
        }
        let (send, receive) = oneshot::channel();
        let _ = send.send(Ok(outcomes));
        Ok(Ack(receive))
    }

    fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

impl Reader for MemoryJournal {
    fn first(&self) -> Sequence {
        Sequence::FIRST
    }

    fn tail(&self) -> Tail {
        Tail(self.tail.subscribe())
    }

    fn read(&self, from: Sequence, bytes_max: usize) -> Result<Slice, ReadError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let start = state.blocks.partition_point(|block| block.next() <= from);
        let (mut taken, mut bytes, mut next) = (Vec::new(), 0, from);
        for block in state.blocks.iter().skip(start) {
            if bytes > 0 && bytes + block.bytes_len() > bytes_max {
                break;
            }
            bytes += block.bytes_len();
            next = block.next();
            taken.push(Arc::clone(block));
        }
        Ok(Slice::new(from, next, taken))
    }

    fn find(&self, source: &str, message_id: &str) -> Result<Option<Sequence>, ReadError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(state.seen.get(&MessageDigest::of(source, message_id)).copied())
    }
}
