//! The numbers of the last hour and day, sampled in memory: what an operator looks at as curves.
//!
//! Each sample holds what `/status` and `/api/relay` would have said. Counters only rise while the server runs; who draws them makes the
//! differences. Nothing of it touches the way of a call: a sample is a few loads every ten seconds, and folders are measured once
//! a minute, on a thread that may block.

mod samples;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::health::json_answer;
use super::parameters::Asked;
use super::{Site, blocking};
use crate::call::time::Time;
use crate::journal::Appender as _;
use crate::relay::Status;
use samples::{DiskBytes, INTERVAL_MS, Relayed, Sample, Samples};

/// How long the measure of the folders is good for, in milliseconds.
const MEASURED_MS: i64 = 60_000;

/// The samples of this run.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: Mutex<Samples>,
    measured: Mutex<Option<(Time, DiskBytes)>>,
}

impl History {
    fn samples(&self) -> MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes on disk as the last sample has them; null before the first.
    pub(super) fn disk_bytes(&self) -> Value {
        self.samples().latest().map_or(Value::Null, |one| one.disk_bytes.shown())
    }

    /// The folders as they were measured lately, or are now.
    fn measured(&self, now: Time, measure: impl FnOnce() -> DiskBytes) -> DiskBytes {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |at: Time| now.as_millis().saturating_sub(at.as_millis());
        match *measured {
            Some((at, bytes)) if (0..MEASURED_MS).contains(&age(at)) => bytes,
            _ => {
                let bytes = measure();
                *measured = Some((now, bytes));
                bytes
            }
        }
    }
}

/// Takes samples until the server stops, the first one at once.
pub async fn keep(site: Arc<Site>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(INTERVAL_MS.unsigned_abs()));
    // After a pause of the whole machine one sample is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !site.stopping.load(Ordering::Relaxed) {
        ticks.tick().await;
        let asked = Arc::clone(&site);
        match tokio::task::spawn_blocking(move || sample(&asked)).await {
            Ok(sample) => site.history.samples().add(sample),
            Err(error) => tracing::warn!(%error, "a sample of the server's numbers could not be taken"),
        }
    }
}

/// The samples since a time.
pub(super) async fn shown(site: &Arc<Site>, asked: &Asked) -> Result<HttpResponse, super::problem::Problem> {
    let (asked, since) = (Arc::clone(site), asked.time("since"));
    // A day is some hundred kilobytes of text.
    let items = blocking(move || asked.history.samples().since(since).map(Sample::shown).collect::<Vec<_>>()).await?;
    Ok(json_answer(StatusCode::OK, &json!({"interval_ms": INTERVAL_MS, "items": items})))
}

fn sample(site: &Site) -> Sample {
    let at = site.clock.now();
    let (_, appended, duplicate, rejected) = site.journal.accounts().totals();
    let (views_lag_events, views_lag_ms) = site.views.lag();
    let measure = || DiskBytes {
        journal: site.journal.disk_bytes(),
        views: site.views.disk_bytes(),
        relay: site.relay.disk_bytes(),
    };
    Sample {
        at,
        appended,
        duplicate,
        rejected,
        filtered: site.ingest.filtered(),
        journal_queued_bytes: site.journal.queued_bytes() as u64,
        views_lag_events,
        views_lag_ms,
        disk_bytes: site.history.measured(at, measure),
        disk_free_bytes: site.journal.disk_free_bytes(),
        memory_bytes: memory_bytes(),
        relay: site.relay.list().iter().map(relayed).collect(),
    }
}

fn relayed(status: &Status) -> Relayed {
    let failed = status.outcomes.iter().filter(|(outcome, _)| **outcome != "2xx").map(|(_, count)| count).sum();
    Relayed {
        name: Arc::from(status.name.as_str()),
        delivered: status.counts.delivered,
        failed,
        dead: status.counts.dead,
        pending: status.counts.pending,
        lag_ms: status.lag_ms,
    }
}

/// Resident memory of this process; nothing where the system has no such file.
pub(super) fn memory_bytes() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn folders_are_measured_once_a_minute_at_most() {
        let clock = Clock::hand(Time::from_millis(1_000_000));
        let (history, mut measures) = (History::default(), 0);
        for _ in 0..30 {
            let measure = || {
                measures += 1;
                DiskBytes { journal: measures, ..DiskBytes::default() }
            };
            history.measured(clock.now(), measure);
            clock.advance(INTERVAL_MS);
        }
        assert_eq!(measures, 5, "in five minutes");
        clock.advance(-DAY);
        let again = history.measured(clock.now(), || DiskBytes { journal: 77, ..DiskBytes::default() });
        assert_eq!(again.journal, 77, "a clock that was set back does not freeze it");
    }

    const DAY: i64 = 86_400_000;

    #[test]
    fn memory_is_read_from_the_line_of_the_kernel() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t   12 kB\nThreads:\t1\n"), Some(12_288));
        assert_eq!(resident("Name:\tx\n"), None);
        assert_eq!(resident("VmRSS:\tmany kB\n"), None);
    }
}
