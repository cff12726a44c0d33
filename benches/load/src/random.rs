//! Randomness that is the same on every platform: a keyed hash, a stream, a zipf draw. Integers and IEEE division only.

/// SplitMix64: used for seeding and as a keyed hash.
#[inline]
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// xoshiro256**.
#[derive(Clone)]
pub struct Rng([u64; 4]);

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut s = seed;
        let mut st = [0u64; 4];
        for v in &mut st {
            s = s.wrapping_add(0x9E37_79B9_7F4A_7C15);
            *v = mix(s);
        }
        Rng(st)
    }
    #[inline]
    pub fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let r = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        r
    }
    /// Uniform in `0..n` (multiply-shift; the bias is below 2^-32 for small n).
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next() as u128 * n as u128) >> 64) as u64
    }
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    #[inline]
    pub fn permille(&mut self, p: u64) -> bool {
        self.below(1000) < p
    }
}

/// Zipf with exponent 1 over `0..n`: weights 1/k, so only IEEE division and addition.
pub struct Zipf {
    cdf: Vec<f64>,
    guide: Vec<u32>,
}

impl Zipf {
    pub fn new(n: usize) -> Self {
        let mut cdf = Vec::with_capacity(n);
        let mut acc = 0.0f64;
        for k in 1..=n {
            acc += 1.0 / k as f64;
            cdf.push(acc);
        }
        for v in &mut cdf {
            *v /= acc;
        }
        let g = 4096usize;
        let mut guide = Vec::with_capacity(g + 1);
        let mut j = 0usize;
        for i in 0..=g {
            let x = i as f64 / g as f64;
            while j + 1 < n && cdf[j] < x {
                j += 1;
            }
            guide.push(j as u32);
        }
        Zipf { cdf, guide }
    }
    #[inline]
    pub fn sample(&self, r: &mut Rng) -> usize {
        let u = r.unit();
        let g = (u * 4096.0) as usize;
        let (mut lo, mut hi) = (self.guide[g] as usize, self.guide[g + 1] as usize);
        while lo < hi {
            let m = (lo + hi) / 2;
            if self.cdf[m] < u {
                lo = m + 1;
            } else {
                hi = m;
            }
        }
        lo
    }
}
