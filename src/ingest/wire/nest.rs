//! Which containers are open: one bit each, so that a body of nothing but brackets costs an eighth of its size.

/// The open containers, innermost last. A set bit is an object, a clear one an array.
#[derive(Debug, Default)]
pub(super) struct Nest {
    full: Vec<u64>,
    top: u64,
    depth: usize,
}

impl Nest {
    /// How many containers are open.
    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost one is an object.
    pub(super) const fn in_object(&self) -> bool {
        self.top & 1 == 1
    }

    /// Opens one.
    pub(super) fn open(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.full.push(self.top);
        }
        self.top = self.top << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Closes the innermost one.
    pub(super) fn close(&mut self) {
        self.top >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.top = self.full.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Nest;

    #[test]
    fn remembers_every_container_at_any_depth() {
        let mut nest = Nest::default();
        let object = |depth: usize| depth.is_multiple_of(3) || depth.is_multiple_of(7);
        for depth in 0..1_000 {
            nest.open(object(depth));
        }
        for depth in (0..1_000).rev() {
            assert_eq!(nest.depth(), depth + 1);
            assert_eq!(nest.in_object(), object(depth), "at {depth}");
            nest.close();
        }
        assert_eq!(nest.depth(), 0);
    }
}
