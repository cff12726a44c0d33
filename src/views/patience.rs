//! How long somebody waits for an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long somebody waits for an answer.
#[derive(Clone, Debug)]
pub struct Patience {
    has_left: Arc<AtomicBool>,
    until: Instant,
}

impl Patience {
    /// For `limit` from now, or until `has_left` is set.
    pub fn new(has_left: Arc<AtomicBool>, limit: Duration) -> Self {
        Self { has_left, until: Instant::now() + limit }
    }

    /// Whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.has_left.load(Ordering::Relaxed) || Instant::now() >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_its_time_or_its_asker() {
        let has_left = Arc::<AtomicBool>::default();
        assert!(Patience::new(Arc::clone(&has_left), Duration::ZERO).is_over());
        let long = Patience::new(Arc::clone(&has_left), Duration::from_secs(1_000));
        assert!(!long.is_over());
        has_left.store(true, Ordering::Relaxed);
        assert!(long.is_over());
    }
}
