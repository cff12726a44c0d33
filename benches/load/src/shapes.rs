//! What each of the calls looks like: ids, properties, traits, context.

use crate::random::{Rng, mix};
use crate::text::{hex, iso, lower, money, num, pick, uuid};
use crate::words::*;
use crate::{Gen, User};

impl Gen {
    /// `userId` and `anonymousId`: 60% both, 35% anonymous only, 5% userId only.
    pub(crate) fn ids(&self, o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64, force_user: bool) {
        let x = if force_user { 0 } else { r.below(100) };
        if !(60..95).contains(&x) {
            o.extend_from_slice(b",\"userId\":\"");
            user_id(o, u);
            o.push(b'"');
        }
        if x < 95 {
            o.extend_from_slice(b",\"anonymousId\":\"");
            anon_id(o, u, dev);
            o.push(b'"');
        }
    }

    pub(crate) fn track(&self, o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64) {
        let e = r.below(EVENTS.len() as u64) as usize;
        o.extend_from_slice(b"{\"type\":\"track\",\"event\":\"");
        o.extend_from_slice(EVENTS[e].as_bytes());
        o.push(b'"');
        self.ids(o, r, u, dev, false);
        o.extend_from_slice(b",\"properties\":{");
        match e {
            0..=2 => {
                product(o, r);
                o.extend_from_slice(b",\"position\":");
                num(o, 1 + r.below(40));
                o.extend_from_slice(b",\"currency\":\"EUR\"");
            }
            4..=7 => {
                o.extend_from_slice(b"\"order_id\":\"ord_");
                hex(o, r.next(), 12);
                o.extend_from_slice(b"\",\"total\":");
                money(o, 500 + r.below(50_000));
                o.extend_from_slice(b",\"revenue\":");
                money(o, 400 + r.below(40_000));
                o.extend_from_slice(b",\"shipping\":");
                money(o, r.below(1_500));
                o.extend_from_slice(b",\"currency\":\"EUR\",\"products\":[");
                let k = 1 + r.below(3);
                for i in 0..k {
                    if i > 0 {
                        o.push(b',');
                    }
                    o.push(b'{');
                    product(o, r);
                    o.extend_from_slice(b",\"quantity\":");
                    num(o, 1 + r.below(4));
                    o.push(b'}');
                }
                o.push(b']');
            }
            _ => {
                o.extend_from_slice(b"\"feature\":\"");
                pick(o, r, CATEGORY);
                o.extend_from_slice(b"\",\"plan\":\"");
                pick(o, r, PLAN);
                o.extend_from_slice(b"\",\"duration_ms\":");
                num(o, r.below(120_000));
                o.extend_from_slice(b",\"success\":");
                o.extend_from_slice(if r.permille(930) { b"true" } else { b"false" });
                o.extend_from_slice(b",\"label\":\"");
                pick(o, r, ADJ);
                o.push(b' ');
                pick(o, r, NOUN);
                o.extend_from_slice(b"\",\"value\":");
                money(o, r.below(99_999));
                o.extend_from_slice(b",\"session_id\":");
                num(o, 1_767_225_600 + r.below(10_000_000));
            }
        }
        o.push(b'}');
    }

    pub(crate) fn page(&self, o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64) {
        let p = PAGES[r.below(PAGES.len() as u64) as usize];
        o.extend_from_slice(b"{\"type\":\"page\",\"name\":\"");
        o.extend_from_slice(p.as_bytes());
        o.extend_from_slice(b"\",\"category\":\"");
        pick(o, r, CATEGORY);
        o.push(b'"');
        self.ids(o, r, u, dev, false);
        o.extend_from_slice(b",\"properties\":{\"path\":\"/");
        lower(o, p);
        o.extend_from_slice(b"\",\"referrer\":\"");
        pick(o, r, REFERRER);
        o.extend_from_slice(b"\",\"search\":\"\",\"title\":\"");
        o.extend_from_slice(p.as_bytes());
        o.extend_from_slice(b" | Example Store\",\"url\":\"https://www.example.com/");
        lower(o, p);
        o.extend_from_slice(b"\"}");
    }

    pub(crate) fn identify(&self, o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64) {
        let f = FIRST[(u.h >> 8) as usize % FIRST.len()];
        let l = LAST[(u.h >> 16) as usize % LAST.len()];
        o.extend_from_slice(b"{\"type\":\"identify\"");
        self.ids(o, r, u, dev, true);
        o.extend_from_slice(b",\"traits\":{\"email\":\"");
        lower(o, f);
        o.push(b'.');
        lower(o, l);
        num(o, u.rank as u64);
        o.extend_from_slice(b"@example.com\",\"firstName\":\"");
        o.extend_from_slice(f.as_bytes());
        o.extend_from_slice(b"\",\"lastName\":\"");
        o.extend_from_slice(l.as_bytes());
        o.extend_from_slice(b"\",\"name\":\"");
        o.extend_from_slice(f.as_bytes());
        o.push(b' ');
        o.extend_from_slice(l.as_bytes());
        o.extend_from_slice(b"\",\"phone\":\"+3491");
        num(o, 1_000_000 + u.h % 8_999_999);
        o.extend_from_slice(b"\",\"plan\":\"");
        pick(o, r, PLAN);
        o.extend_from_slice(b"\",\"logins\":");
        num(o, r.below(5_000));
        o.extend_from_slice(b",\"createdAt\":\"");
        iso(o, self.cfg.start_ms - u.h % 63_072_000_000);
        o.extend_from_slice(b"\",\"address\":{\"city\":\"");
        o.extend_from_slice(CITY[(u.h >> 24) as usize % CITY.len()].as_bytes());
        o.extend_from_slice(b"\",\"postalCode\":\"");
        num(o, 10_000 + (u.h >> 32) % 89_999);
        o.extend_from_slice(b"\"},\"newsletter\":");
        o.extend_from_slice(if r.permille(400) { b"true" } else { b"false" });
        o.push(b'}');
    }

    pub(crate) fn group(&self, o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64) {
        // 80% a user's home group, else any
        let home = (u.h >> 40) as usize % self.cfg.groups.max(1);
        let g = if r.permille(800) { home } else { self.zipf_g.sample(r) };
        let gh = mix(self.cfg.seed ^ 0x6706 ^ (g as u64) << 24);
        o.extend_from_slice(b"{\"type\":\"group\",\"groupId\":\"g_");
        hex(o, gh, 10);
        o.push(b'"');
        self.ids(o, r, u, dev, true);
        o.extend_from_slice(b",\"traits\":{\"name\":\"");
        o.extend_from_slice(LAST[gh as usize % LAST.len()].as_bytes());
        o.push(b' ');
        o.extend_from_slice(INDUSTRY[(gh >> 8) as usize % INDUSTRY.len()].as_bytes());
        o.extend_from_slice(b" Ltd\",\"industry\":\"");
        o.extend_from_slice(INDUSTRY[(gh >> 8) as usize % INDUSTRY.len()].as_bytes());
        o.extend_from_slice(b"\",\"employees\":");
        num(o, 2 + r.below(5_000));
        o.extend_from_slice(b",\"plan\":\"");
        pick(o, r, PLAN);
        o.extend_from_slice(b"\",\"website\":\"https://g");
        num(o, g as u64);
        o.extend_from_slice(b".example.com\",\"totalBilled\":");
        money(o, r.below(9_000_000));
        o.push(b'}');
    }

    /// Half link a device to the user, half link an older user id ("crm_...") to the user.
    pub(crate) fn alias(&self, o: &mut Vec<u8>, u: &User, dev: u64) {
        o.extend_from_slice(b"{\"type\":\"alias\",\"previousId\":\"");
        if (u.h >> 3) & 1 == 0 {
            anon_id(o, u, dev);
        } else {
            o.extend_from_slice(b"crm_");
            hex(o, mix(u.h ^ 0xC4), 10);
        }
        o.extend_from_slice(b"\",\"userId\":\"");
        user_id(o, u);
        o.push(b'"');
    }
}

pub(crate) fn context(o: &mut Vec<u8>, r: &mut Rng, u: &User, dev: u64, web: bool) {
    let d = mix(u.h ^ (dev + 1) << 50);
    let li = (u.h >> 12) as usize % LOCALE.len();
    o.extend_from_slice(b"{\"library\":{\"name\":\"analytics.js\",\"version\":\"next-1.81.0\"},\"ip\":\"");
    num(o, 11 + d % 180);
    for s in [8u32, 16, 24] {
        o.push(b'.');
        num(o, (d >> s) & 0xFF);
    }
    o.extend_from_slice(b"\",\"userAgent\":\"");
    o.extend_from_slice(UA[(d >> 32) as usize % UA.len()].as_bytes());
    o.extend_from_slice(b"\",\"locale\":\"");
    o.extend_from_slice(LOCALE[li].as_bytes());
    o.extend_from_slice(b"\",\"timezone\":\"");
    o.extend_from_slice(TZ[li].as_bytes());
    o.extend_from_slice(b"\",\"screen\":{\"width\":");
    num(o, [1280u64, 1440, 1920, 390][(d >> 40) as usize % 4]);
    o.extend_from_slice(b",\"height\":");
    num(o, [720u64, 900, 1080, 844][(d >> 40) as usize % 4]);
    o.extend_from_slice(b",\"density\":2}");
    if web {
        let p = PAGES[r.below(PAGES.len() as u64) as usize];
        o.extend_from_slice(b",\"page\":{\"path\":\"/");
        lower(o, p);
        o.extend_from_slice(b"\",\"referrer\":\"");
        pick(o, r, REFERRER);
        o.extend_from_slice(b"\",\"search\":\"?ref=");
        hex(o, r.next(), 8);
        o.extend_from_slice(b"\",\"title\":\"");
        o.extend_from_slice(p.as_bytes());
        o.extend_from_slice(b" | Example Store\",\"url\":\"https://www.example.com/");
        lower(o, p);
        o.extend_from_slice(b"\"}");
    }
    if r.permille(150) {
        o.extend_from_slice(b",\"campaign\":{\"name\":\"launch-");
        num(o, r.below(40));
        o.extend_from_slice(b"\",\"source\":\"");
        pick(o, r, SOURCE);
        o.extend_from_slice(b"\",\"medium\":\"cpc\"}");
    }
    o.push(b'}');
}

fn product(o: &mut Vec<u8>, r: &mut Rng) {
    let p = r.below(5_000);
    o.extend_from_slice(b"\"product_id\":\"p_");
    hex(o, mix(p), 12);
    o.extend_from_slice(b"\",\"sku\":\"SKU-");
    num(o, 100_000 + p);
    o.extend_from_slice(b"\",\"name\":\"");
    o.extend_from_slice(ADJ[p as usize % ADJ.len()].as_bytes());
    o.push(b' ');
    o.extend_from_slice(NOUN[(p / 10) as usize % NOUN.len()].as_bytes());
    o.extend_from_slice(b"\",\"category\":\"");
    o.extend_from_slice(CATEGORY[(p / 100) as usize % CATEGORY.len()].as_bytes());
    o.extend_from_slice(b"\",\"price\":");
    money(o, 199 + mix(p) % 49_900);
}
fn user_id(o: &mut Vec<u8>, u: &User) {
    o.extend_from_slice(b"usr_");
    hex(o, u.h, 14);
}

fn anon_id(o: &mut Vec<u8>, u: &User, dev: u64) {
    uuid(o, mix(u.h ^ (dev + 7)), mix(u.h ^ (dev + 7) << 32));
}
