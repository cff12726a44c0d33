//! Numbers, ids and times as text, without an allocation.

use crate::random::Rng;

#[inline]
pub(crate) fn pick(o: &mut Vec<u8>, r: &mut Rng, a: &[&str]) {
    o.extend_from_slice(a[r.below(a.len() as u64) as usize].as_bytes());
}

pub(crate) fn lower(o: &mut Vec<u8>, s: &str) {
    o.extend(s.bytes().map(|b| b.to_ascii_lowercase()));
}

pub(crate) fn num(o: &mut Vec<u8>, mut v: u64) {
    let mut b = [0u8; 20];
    let mut i = 20;
    loop {
        i -= 1;
        b[i] = b'0' + (v % 10) as u8;
        v /= 10;
        if v == 0 {
            break;
        }
    }
    o.extend_from_slice(&b[i..]);
}

pub(crate) fn pad(o: &mut Vec<u8>, v: u64, w: usize) {
    let mut b = [b'0'; 4];
    let mut v = v;
    for i in (0..w).rev() {
        b[i] = b'0' + (v % 10) as u8;
        v /= 10;
    }
    o.extend_from_slice(&b[..w]);
}

pub(crate) fn money(o: &mut Vec<u8>, cents: u64) {
    num(o, cents / 100);
    o.push(b'.');
    // a JSON number without a trailing zero is what a browser would send
    let c = cents % 100;
    if c.is_multiple_of(10) {
        num(o, c / 10);
    } else {
        pad(o, c, 2);
    }
}

pub(crate) fn hex(o: &mut Vec<u8>, v: u64, digits: u32) {
    for i in (0..digits).rev() {
        o.push(b"0123456789abcdef"[((v >> (i * 4)) & 15) as usize]);
    }
}

pub(crate) fn uuid(o: &mut Vec<u8>, a: u64, b: u64) {
    hex(o, a >> 32, 8);
    o.push(b'-');
    hex(o, a >> 16, 4);
    o.extend_from_slice(b"-4");
    hex(o, a, 3);
    o.push(b'-');
    hex(o, (b >> 48) & 0x3FFF | 0x8000, 4);
    o.push(b'-');
    hex(o, b, 12);
}

/// RFC 3339 with milliseconds, UTC (days-to-civil after H. Hinnant's public-domain algorithm).
pub(crate) fn iso(o: &mut Vec<u8>, ms: u64) {
    let (days, rem) = (ms / 86_400_000, ms % 86_400_000);
    let z = days as i64 + 719_468;
    let era = z / 146_097;
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + i64::from(m <= 2);
    pad(o, y as u64, 4);
    o.push(b'-');
    pad(o, m as u64, 2);
    o.push(b'-');
    pad(o, d as u64, 2);
    o.push(b'T');
    pad(o, rem / 3_600_000, 2);
    o.push(b':');
    pad(o, rem / 60_000 % 60, 2);
    o.push(b':');
    pad(o, rem / 1000 % 60, 2);
    o.push(b'.');
    pad(o, rem % 1000, 3);
    o.push(b'Z');
}
