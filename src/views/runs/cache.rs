//! Unpacked blocks of all runs that were used lately, within a bound of bytes.
//!
//! Second chance: blocks leave in the order in which they came, but one that was used since gets another round.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::Block;

const SHARDS: u64 = 16;

/// Which block: the run's number and the block's.
type Place = (u64, u32);

pub(super) struct Cache {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
}

#[derive(Default)]
struct Shard {
    held: HashMap<Place, Held>,
    order: VecDeque<Place>,
    bytes: usize,
}

struct Held {
    block: Arc<Block>,
    used: bool,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        let shards = usize::try_from(SHARDS).unwrap_or(1);
        Self { shards: (0..shards).map(|_| Mutex::default()).collect(), shard_bytes_max: bytes_max / shards }
    }

    fn shard(&self, place: Place) -> Option<MutexGuard<'_, Shard>> {
        let number = (place.0.wrapping_mul(7).wrapping_add(u64::from(place.1))) % SHARDS;
        let shard = self.shards.get(usize::try_from(number).ok()?)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn get(&self, place: Place) -> Option<Arc<Block>> {
        let mut shard = self.shard(place)?;
        let held = shard.held.get_mut(&place)?;
        held.used = true;
        Some(Arc::clone(&held.block))
    }

    pub(super) fn put(&self, place: Place, block: &Arc<Block>) {
        let bytes = block.bytes_len();
        let Some(mut shard) = self.shard(place) else { return };
        if bytes > self.shard_bytes_max || shard.held.contains_key(&place) {
            return;
        }
        shard.bytes += bytes;
        shard.held.insert(place, Held { block: Arc::clone(block), used: false });
        while shard.bytes > self.shard_bytes_max
            && let Some(oldest) = shard.order.pop_front()
        {
            shard.pass(oldest);
        }
        shard.order.push_back(place);
    }

    /// Forgets the blocks of a run that is gone.
    pub(super) fn forget(&self, run: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let shard = &mut *shard;
            shard.order.retain(|place| place.0 != run);
            shard.held.retain(|place, _| place.0 != run);
            shard.bytes = shard.held.values().map(|held| held.block.bytes_len()).sum();
        }
    }
}

impl Shard {
    /// Gives a block another round if it was used, else lets go of it.
    fn pass(&mut self, place: Place) {
        match self.held.get_mut(&place) {
            Some(held) if held.used => {
                held.used = false;
                self.order.push_back(place);
            }
            Some(_) => {
                let gone = self.held.remove(&place);
                self.bytes -= gone.map_or(0, |held| held.block.bytes_len());
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::Packer;
    use super::super::varint;
    use super::*;

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let mut raw = Vec::new();
        varint::put_bytes(b"k", &mut raw);
        varint::put_bytes(&[0; 1_000], &mut raw);
        let packed = Packer::new().unwrap().pack(0, &raw).unwrap();
        let block = Arc::new(Block::unpack(0, &packed).unwrap());
        let cache = Cache::new(16 * 5_000);
        for number in 0..1_000 {
            cache.put((1, number), &block);
            assert!(number < 16 || cache.get((1, 3)).is_some(), "block 3 is used all the time");
        }
        let bytes: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().bytes).sum();
        assert!((16 * 3_000..=16 * 5_000).contains(&bytes), "{bytes}");
        assert!(cache.get((1, 500)).is_none());
        cache.forget(1);
        assert!(cache.get((1, 3)).is_none());
        assert!(cache.shards.iter().all(|shard| shard.lock().unwrap().bytes == 0));
    }
}
