//! Deterministic generator of Segment Tracking API calls.
//!
//! No dependency, no floating-point transcendental function, no clock: the same
//! `Config` gives the same bytes on every platform.

mod random;
mod shapes;
mod text;
mod words;

use std::io::Write;

use random::{Rng, Zipf, mix};
use shapes::context;
use text::{iso, num, uuid};

#[derive(Clone, Debug)]
pub struct Config {
    pub seed: u64,
    /// First event number: a shard can start anywhere and still agree with the others.
    pub skip: u64,
    pub users: usize,
    pub groups: usize,
    /// Unix milliseconds of event 0.
    pub start_ms: u64,
    /// Mean milliseconds between events, in 1/1000 (1000 = one event per ms).
    pub step_us: u64,
    /// Events that repeat an earlier messageId, per mille (client retries).
    pub dup_permille: u64,
    /// Events whose timestamp lies up to 3 days back, per mille.
    pub late_permille: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 42,
            skip: 0,
            users: 100_000,
            groups: 2_000,
            start_ms: 1_767_225_600_000, // 2026-01-01T00:00:00Z
            step_us: 10_000,             // 100 events/s of simulated time
            dup_permille: 0,
            late_permille: 0,
        }
    }
}
pub struct Gen {
    cfg: Config,
    zipf_u: Zipf,
    zipf_g: Zipf,
    n: u64,
}

struct User {
    rank: usize,
    h: u64,
}

impl Gen {
    pub fn new(cfg: Config) -> Self {
        let zipf_u = Zipf::new(cfg.users.max(1));
        let zipf_g = Zipf::new(cfg.groups.max(1));
        let n = cfg.skip;
        Gen { cfg, zipf_u, zipf_g, n }
    }

    /// Number of the next event.
    pub fn position(&self) -> u64 {
        self.n
    }

    fn user(&self, rank: usize) -> User {
        User { rank, h: mix(self.cfg.seed ^ 0x5E61 ^ (rank as u64) << 20) }
    }

    /// Append the next event as one JSON object (no newline) to `o`.
    pub fn event(&mut self, o: &mut Vec<u8>) {
        self.event_inner(o, true)
    }

    /// Append the next `size` events as one body of the batch endpoint.
    pub fn batch(&mut self, size: usize, o: &mut Vec<u8>) {
        o.extend_from_slice(b"{\"batch\":[");
        for i in 0..size {
            if i > 0 {
                o.push(b',');
            }
            self.event_inner(o, false);
        }
        o.extend_from_slice(b"],\"sentAt\":\"");
        iso(o, self.clock(self.n) + 350);
        o.extend_from_slice(b"\"}");
    }

    fn clock(&self, n: u64) -> u64 {
        self.cfg.start_ms + n * self.cfg.step_us / 1000
    }

    fn event_inner(&mut self, o: &mut Vec<u8>, single: bool) {
        let n = self.n;
        self.n += 1;
        // Every event has its own stream: any shard can be generated alone.
        let mut r = Rng::new(self.cfg.seed ^ mix(n));
        let u = self.user(self.zipf_u.sample(&mut r));
        let dev = r.below(1 + u.h % 3); // 1..=3 devices a user
        let mut ts = self.clock(n) + r.below(200);
        if self.cfg.late_permille > 0 && r.permille(self.cfg.late_permille) {
            ts -= r.below(3 * 86_400_000);
        }
        let id_of = if self.cfg.dup_permille > 0 && n > 16 && r.permille(self.cfg.dup_permille) {
            n - 1 - r.below(n.min(10_000) - 1)
        } else {
            n
        };
        let kind = r.below(100);
        match kind {
            0..=69 => self.track(o, &mut r, &u, dev),
            70..=84 => self.page(o, &mut r, &u, dev),
            85..=94 => self.identify(o, &mut r, &u, dev),
            95..=97 => self.group(o, &mut r, &u, dev),
            _ => self.alias(o, &u, dev),
        }
        o.extend_from_slice(b",\"context\":");
        context(o, &mut r, &u, dev, kind < 85);
        o.extend_from_slice(b",\"integrations\":{},\"messageId\":\"ajs-next-");
        num(o, self.clock(id_of));
        o.push(b'-');
        uuid(o, mix(self.cfg.seed ^ mix(id_of ^ 0xA11D)), mix(self.cfg.seed ^ mix(id_of ^ 0xB22D)));
        o.extend_from_slice(b"\",\"timestamp\":\"");
        iso(o, ts);
        if single {
            o.extend_from_slice(b"\",\"sentAt\":\"");
            iso(o, ts + 40 + r.below(400));
        }
        o.extend_from_slice(b"\"}");
    }
}

/// Write `count` events as NDJSON: one event a line, or one batch body a line.
pub fn write_ndjson<W: Write>(cfg: Config, count: u64, batch: usize, w: &mut W) -> std::io::Result<u64> {
    let mut g = Gen::new(cfg);
    let mut buf = Vec::with_capacity(1 << 18);
    let mut bytes = 0u64;
    let mut left = count;
    while left > 0 {
        if batch > 1 {
            let k = left.min(batch as u64);
            g.batch(k as usize, &mut buf);
            left -= k;
        } else {
            g.event(&mut buf);
            left -= 1;
        }
        buf.push(b'\n');
        if buf.len() > 1 << 17 {
            w.write_all(&buf)?;
            bytes += buf.len() as u64;
            buf.clear();
        }
    }
    w.write_all(&buf)?;
    bytes += buf.len() as u64;
    w.flush()?;
    Ok(bytes)
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_bytes_and_shards_agree() {
        let mut a = Vec::new();
        let mut b = Vec::new();
        write_ndjson(Config::default(), 1000, 1, &mut a).unwrap();
        write_ndjson(Config::default(), 1000, 1, &mut b).unwrap();
        assert_eq!(a, b);
        let mut c = Vec::new();
        write_ndjson(Config { skip: 400, ..Config::default() }, 600, 1, &mut c).unwrap();
        assert!(a.ends_with(&c));
        let mut d = Vec::new();
        write_ndjson(Config { seed: 43, ..Config::default() }, 1000, 1, &mut d).unwrap();
        assert_ne!(a, d);
    }

    #[test]
    fn mix_of_types() {
        let mut a = Vec::new();
        write_ndjson(Config::default(), 20_000, 1, &mut a).unwrap();
        let s = String::from_utf8(a).unwrap();
        let share =
            |t: &str| s.lines().filter(|l| l.starts_with(&format!("{{\"type\":\"{t}\""))).count() as f64 / 20_000.0;
        assert!((share("track") - 0.70).abs() < 0.02);
        assert!((share("page") - 0.15).abs() < 0.02);
        assert!((share("identify") - 0.10).abs() < 0.01);
        assert!((share("group") - 0.03).abs() < 0.01);
        assert!((share("alias") - 0.02).abs() < 0.01);
    }

    #[test]
    fn iso_known() {
        let mut o = Vec::new();
        iso(&mut o, 1_767_225_600_000);
        assert_eq!(o, b"2026-01-01T00:00:00.000Z");
        o.clear();
        iso(&mut o, 1_709_210_096_789);
        assert_eq!(o, b"2024-02-29T12:34:56.789Z");
    }

    /// The bytes are the workload: figures taken with other bytes cannot be compared.
    #[test]
    fn bytes_are_those_of_the_sha256_file() {
        use sha2::{Digest, Sha256};
        let mut calls = Vec::new();
        write_ndjson(Config::default(), 10_000, 1, &mut calls).unwrap();
        let digest: String = Sha256::digest(&calls).iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = include_str!("../SHA256").split_whitespace().next().unwrap();
        assert_eq!(digest, expected);
    }
}
