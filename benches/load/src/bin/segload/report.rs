//! The figures of one run: a line for people, and on demand a tab-separated one for `run`.

use std::io::Write;

use crate::Run;
use crate::machine::{self, Usage};

/// Prints the figures of a finished run.
pub(crate) fn print(run: &Run, usage: Usage, folder_before: Option<u64>) -> anyhow::Result<()> {
    let options = &run.options;
    let tally = run.tally.borrow();
    let end = if options.all { run.finished.get() } else { run.end };
    let secs = end.saturating_duration_since(run.measured_from).as_secs_f64().max(0.001);
    let events = (tally.requests * options.per) as f64;
    let milliseconds = |quantile: f64| tally.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
    let cpu_us = usage.cpu_seconds * 1e6 / events.max(1.0);
    let resident_mib = usage.resident_bytes as f64 / f64::from(1 << 20);
    let grown = match (&options.du, folder_before) {
        (Some(folder), Some(before)) => machine::folder_bytes(folder).saturating_sub(before),
        _ => 0,
    };
    println!(
        "{:<22} {:>9.0} ev/s {:>8.0} req/s {:>6.1} MB/s  p50 {:.2} p99 {:.2} p999 {:.2} max {:.1} ms  bad {}  cpu {cpu_us:.1} us/ev  rss {resident_mib:.0} MiB  disk {:.3} B/B",
        options.label,
        events / secs,
        tally.requests as f64 / secs,
        tally.bytes as f64 / secs / 1e6,
        milliseconds(0.5),
        milliseconds(0.99),
        milliseconds(0.999),
        tally.latency_us.max() as f64 / 1000.0,
        tally.bad,
        grown as f64 / (tally.acked_body_bytes as f64).max(1.0),
    );
    if let Some(path) = &options.tsv {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(
            file,
            "{}\t{:.1}\t{:.1}\t{:.3}\t{:.3}\t{:.2}\t{:.1}\t{}\t{}\t{}",
            options.label,
            tally.requests as f64 / secs,
            events / secs,
            milliseconds(0.5),
            milliseconds(0.99),
            cpu_us,
            resident_mib,
            tally.bad,
            tally.acked_requests * options.per,
            tally.acked_body_bytes,
        )?;
    }
    Ok(())
}
