//! What was read from disk lately, within a bound of bytes.
//!
//! Second chance: things leave in the order in which they came, but one that was used since gets another round.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;
/// What a thing takes beside its own bytes: its place in the table and in the order.
const HELD_BYTES: usize = 64;

/// Things by their places.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    shard_bytes_max: usize,
    hasher: RandomState,
}

#[derive(Debug)]
struct Shard<K, V> {
    held: HashMap<K, Held<V>>,
    order: VecDeque<K>,
    bytes: usize,
}

#[derive(Debug)]
struct Held<V> {
    /// None when it was forgotten: its place in the order stays until it comes round.
    value: Option<V>,
    bytes: usize,
    used: bool,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(bytes_max: usize) -> Self {
        let shard = || Mutex::new(Shard { held: HashMap::new(), order: VecDeque::new(), bytes: 0 });
        let shards = (0..SHARDS).map(|_| shard()).collect();
        Self { shards, shard_bytes_max: bytes_max / SHARDS, hasher: RandomState::new() }
    }

    fn shard(&self, key: K) -> Option<MutexGuard<'_, Shard<K, V>>> {
        let number = self.hasher.hash_one(key) % SHARDS as u64;
        let shard = self.shards.get(usize::try_from(number).ok()?)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn get(&self, key: K) -> Option<V> {
        let mut shard = self.shard(key)?;
        let held = shard.held.get_mut(&key)?;
        held.used = true;
        held.value.clone()
    }

    /// Keeps a thing of so many bytes. One that is there stays.
    pub(super) fn put(&self, key: K, value: V, bytes: usize) {
        let bytes = bytes + HELD_BYTES;
        let Some(mut shard) = self.shard(key) else { return };
        let shard = &mut *shard;
        if bytes > self.shard_bytes_max {
            return;
        }
        let new = Held { value: Some(value), bytes, used: false };
        if let Some(held) = shard.held.get_mut(&key) {
            if held.value.is_none() {
                shard.bytes = shard.bytes - held.bytes + bytes;
                *held = new;
            }
            return;
        }
        shard.bytes += bytes;
        shard.held.insert(key, new);
        while shard.bytes > self.shard_bytes_max
            && let Some(oldest) = shard.order.pop_front()
        {
            shard.pass(oldest);
        }
        shard.order.push_back(key);
    }

    /// Forgets one thing.
    pub(super) fn remove(&self, key: K) {
        let Some(mut shard) = self.shard(key) else { return };
        let shard = &mut *shard;
        if let Some(held) = shard.held.get_mut(&key) {
            shard.bytes -= held.bytes - HELD_BYTES;
            (held.value, held.bytes) = (None, HELD_BYTES);
        }
    }

    /// Forgets everything with such a key.
    pub(super) fn forget(&self, is_gone: impl Fn(&K) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let shard = &mut *shard;
            shard.order.retain(|key| !is_gone(key));
            shard.held.retain(|key, _| !is_gone(key));
            shard.bytes = shard.held.values().map(|held| held.bytes).sum();
        }
    }
}

impl<K: Copy + Eq + Hash, V> Shard<K, V> {
    /// Gives a thing another round if it was used, else lets go of it.
    fn pass(&mut self, key: K) {
        match self.held.get_mut(&key) {
            Some(held) if held.used => {
                held.used = false;
                self.order.push_back(key);
            }
            Some(_) => {
                let gone = self.held.remove(&key);
                self.bytes -= gone.map_or(0, |held| held.bytes);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let cache = Cache::new(SHARDS * 5_000);
        for number in 0..1_000_u32 {
            cache.put(number, "x", 1_000 - HELD_BYTES);
            assert!(number < 3 || cache.get(3).is_some(), "3 is used all the time");
        }
        let bytes = || cache.shards.iter().map(|shard| shard.lock().unwrap().bytes).sum::<usize>();
        assert!((SHARDS * 3_000..=SHARDS * 5_000).contains(&bytes()), "{}", bytes());
        assert!(cache.get(500).is_none());
        cache.put(3, "y", 0);
        assert_eq!(cache.get(3), Some("x"), "what is there stays");
        let before = bytes();
        cache.remove(3);
        cache.remove(3);
        assert_eq!((cache.get(3), before - bytes()), (None, 1_000 - HELD_BYTES));
        cache.put(3, "y", 0);
        assert_eq!(cache.get(3), Some("y"));
        cache.forget(|number| *number > 0);
        assert!(cache.shards.iter().all(|shard| shard.lock().unwrap().bytes == 0));
        assert!(cache.shards.iter().all(|shard| shard.lock().unwrap().order.is_empty()));
    }
}
