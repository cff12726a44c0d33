//! `segment-gen`: deterministic Segment calls as NDJSON on stdout, one call or one batch body a line.

use segment_workload::{Config, write_ndjson};
use std::io::BufWriter;

const HELP: &str = "segment-gen: deterministic Segment calls as NDJSON on stdout

  --count N    events to write (default 100000)
  --seed N     (default 42)
  --skip N     number of the first event (default 0): shards agree with the whole
  --users N    distinct users, zipf with exponent 1 (default 100000)
  --groups N   distinct groups (default 2000)
  --batch N    events a line: 1 = one call a line, >1 = one batch body a line (default 1)
  --start MS   Unix milliseconds of event 0 (default 1767225600000)
  --step US    simulated microseconds between events (default 10000)
  --dups N     per mille that repeat an earlier messageId (default 0)
  --late N     per mille with a timestamp up to 3 days back (default 0)
  --stats      print events, bytes and bytes per event on stderr
";

fn main() {
    let mut cfg = Config::default();
    let (mut count, mut batch, mut stats) = (100_000u64, 1usize, false);
    let mut it = std::env::args().skip(1);
    while let Some(a) = it.next() {
        if a == "--stats" {
            stats = true;
            continue;
        }
        if a == "--help" || a == "-h" {
            print!("{HELP}");
            return;
        }
        let v: u64 = match it.next().and_then(|s| s.replace('_', "").parse().ok()) {
            Some(v) => v,
            None => {
                eprintln!("{a} needs a number\n\n{HELP}");
                std::process::exit(2);
            }
        };
        match a.as_str() {
            "--count" => count = v,
            "--seed" => cfg.seed = v,
            "--skip" => cfg.skip = v,
            "--users" => cfg.users = v as usize,
            "--groups" => cfg.groups = v as usize,
            "--batch" => batch = v as usize,
            "--start" => cfg.start_ms = v,
            "--step" => cfg.step_us = v,
            "--dups" => cfg.dup_permille = v,
            "--late" => cfg.late_permille = v,
            _ => {
                eprintln!("unknown option {a}\n\n{HELP}");
                std::process::exit(2);
            }
        }
    }
    let out = std::io::stdout();
    let mut w = BufWriter::with_capacity(1 << 18, out.lock());
    match write_ndjson(cfg, count, batch, &mut w) {
        Ok(b) if stats => eprintln!("{count} events, {b} bytes, {:.1} bytes/event", b as f64 / count as f64),
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(e) => {
            eprintln!("segment-gen: {e}");
            std::process::exit(1);
        }
    }
}
