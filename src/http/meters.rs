//! Counting requests without touching anything shared but one number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use metrics::Histogram;

use super::routes::Surface;
use crate::telemetry::ACK_SECONDS;

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const SURFACES: [(Surface, &str); 2] = [(Surface::Ingest, "ingest"), (Surface::Control, "control")];

/// Requests answered, by surface and class of status, and how long acks took. Labels come from these lists only.
pub(super) struct Meters {
    answers: [[AtomicU64; CLASSES.len()]; SURFACES.len()],
    acks: Histogram,
}

impl Default for Meters {
    fn default() -> Self {
        Self { answers: <[_; 2]>::default(), acks: metrics::histogram!(ACK_SECONDS) }
    }
}

impl Meters {
    /// Counts one answer.
    pub(super) fn count(&self, surface: Surface, status: u16) {
        let row = SURFACES.iter().position(|(one, _)| *one == surface).and_then(|at| self.answers.get(at));
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(cell) = row.and_then(|row| row.get(class)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes how long a taken request waited for its ack.
    pub(super) fn ack(&self, since: Instant) {
        self.acks.record(since.elapsed());
    }

    /// Hands the numbers to the recorder.
    pub(super) fn publish(&self) {
        for ((_, surface), row) in SURFACES.iter().zip(&self.answers) {
            for (class, cell) in CLASSES.iter().zip(row) {
                let count = cell.load(Ordering::Relaxed);
                if count > 0 {
                    metrics::counter!("roundtower_requests_total", "surface" => *surface, "status" => *class)
                        .absolute(count);
                }
            }
        }
    }
}
