//! The store of views: sorted runs, and cards.
//!
//! - `runs/commit`: 150,000 entries of 20 + 200 bytes as one durable run. Floor: the same bytes, packed by zstd alone,
//!   to one file with one `fdatasync`.
//! - `runs/read`: over eight runs, blocks in memory or not.
//! - `cards`: putting and flushing, and 50 cards anywhere in a million.
//!
//! Only ratios within one run mean anything; percentiles are printed once.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "percentiles are not criterion's: they are printed beside its figures")]

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use roundtower::call::Marks;
use roundtower::call::time::Time;
use roundtower::journal::Sequence;
use roundtower::store::sled::SledEngine;
use roundtower::views::card::Card;
use roundtower::views::cards::Cards;
use roundtower::views::entry::EntryKind;
use roundtower::views::runs::{Checkpoint, Entry, Rules, Runs, Settings};

const ENTRIES: u64 = 150_000;
const RUNS: u64 = 8;
const CARDS: u64 = 1_000_000;

/// The newest value stays.
struct Newest;

impl Rules for Newest {
    fn join(&self, _key: &[u8], newer: &[u8], _older: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(newer);
    }

    fn looked_up(&self, _family: u8) -> bool {
        true
    }
}

const fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn key(number: u64) -> Vec<u8> {
    [b"k".as_slice(), &number.to_be_bytes(), &mix(number).to_be_bytes(), b"abc"].concat()
}

/// 200 bytes, of which about half are as repetitive as stored states are.
fn value(number: u64) -> Vec<u8> {
    let mut value =
        format!(r#"{{"plan":"premium","city":"Lisbon","email":"person{number}@example.com","seen":"#).into_bytes();
    for part in 0..10 {
        value.extend_from_slice(&mix(number * 31 + part).to_be_bytes());
    }
    value.resize(200, b' ');
    value
}

/// Every eighth number, so that the runs lie over each other.
fn entries(run: u64) -> impl Iterator<Item = Entry> {
    (0..ENTRIES).map(move |number| number * RUNS + run).map(|number| (key(number), value(number)))
}

fn open(dir: &Path, merge_runs: usize, cache_bytes: usize) -> Runs {
    let settings = Settings { merge_runs, cache_bytes, ..Settings::default() };
    Runs::open(dir, Arc::new(SledEngine), Arc::new(Newest), settings).unwrap()
}

fn checkpoint(next: u64) -> Checkpoint {
    Checkpoint { next: Sequence::new(next), note: Vec::new() }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn percentiles(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 1000).copied().unwrap_or_default();
    eprintln!("{what}: p50 {:?}, p90 {:?}, p99 {:?}, {} MiB resident", at(500), at(900), at(990), resident_mib());
}

fn time(count: u64, mut work: impl FnMut(u64)) -> Vec<Duration> {
    (0..count)
        .map(|number| {
            let start = Instant::now();
            work(mix(number) % (ENTRIES * RUNS));
            start.elapsed()
        })
        .collect()
}

fn runs_commit(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Entry> = entries(0).collect();
    let bytes: usize = all.iter().map(|(key, value)| key.len() + value.len()).sum();
    let mut group = criterion.benchmark_group("runs/commit");
    group.sample_size(10).throughput(Throughput::Bytes(bytes as u64));
    let runs = open(&folder.path().join("views"), 99, 32 << 20);
    let mut next = 1;
    group.bench_function("150,000 entries", |bencher| {
        bencher.iter_batched(
            || all.clone(),
            |all| {
                next += 1;
                runs.commit(&checkpoint(next), &mut all.into_iter()).unwrap();
            },
            BatchSize::PerIteration,
        );
    });
    eprintln!("{} runs, {} bytes on the disk each", runs.runs(), runs.disk_bytes() / (runs.runs() as u64).max(1));
    runs.close();
    let mut file = std::fs::File::create(folder.path().join("floor")).unwrap();
    group.bench_function("floor, zstd and one sync", |bencher| {
        bencher.iter(|| {
            let mut raw = Vec::new();
            for (key, value) in &all {
                raw.extend_from_slice(key);
                raw.extend_from_slice(value);
                if raw.len() >= 16 << 10 {
                    file.write_all(&zstd::bulk::compress(&raw, 1).unwrap()).unwrap();
                    raw.clear();
                }
            }
            file.sync_data().unwrap();
        });
    });
    group.finish();
}

fn runs_read(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), 99, 32 << 20);
    for run in 0..RUNS {
        runs.commit(&checkpoint(run + 2), &mut entries(run)).unwrap();
    }
    drop(runs);
    let start = Instant::now();
    let cold = open(folder.path(), 99, 0);
    eprintln!("{RUNS} runs opened in {:?}, {} MiB resident", start.elapsed(), resident_mib());
    let get = |runs: &Runs, number| assert!(black_box(runs.get(&key(number)).unwrap()).is_some());
    let page = |runs: &Runs, number| assert!(runs.scan(&key(number), b"").take(50).all(|entry| entry.is_ok()));
    percentiles("get, first time", &mut time(2_000, |number| get(&cold, number)));
    percentiles("get, never in memory", &mut time(20_000, |number| get(&cold, number)));
    percentiles("scan of 50, never in memory", &mut time(3_000, |number| page(&cold, number)));
    drop(cold);
    let hot = open(folder.path(), 99, 512 << 20);
    assert_eq!(hot.scan(b"", b"").count() as u64, ENTRIES * RUNS);
    percentiles("get, blocks in memory", &mut time(20_000, |number| get(&hot, number)));
    percentiles("scan of 50, blocks in memory", &mut time(3_000, |number| page(&hot, number)));
    let mut group = criterion.benchmark_group("runs/read");
    group.sample_size(20);
    let mut number = 0;
    group.bench_function("get, hot", |bencher| {
        bencher.iter(|| {
            number += 1;
            get(&hot, mix(number) % (ENTRIES * RUNS));
        });
    });
    group.bench_function("get of what is not there", |bencher| {
        bencher.iter(|| {
            number += 1;
            assert!(black_box(hot.get(&mix(number).to_be_bytes()).unwrap()).is_none());
        });
    });
    group.bench_function("scan of 50, hot", |bencher| {
        bencher.iter(|| {
            number += 1;
            page(&hot, mix(number) % (ENTRIES * RUNS));
        });
    });
    drop(hot);
    let merging = open(folder.path(), 4, 0);
    let start = Instant::now();
    while merging.runs() > 1 && start.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(10));
    }
    eprintln!("{RUNS} runs merged to {} in {:?}, {} MiB resident", merging.runs(), start.elapsed(), resident_mib());
    group.finish();
}

/// Calls whose text is as long and as repetitive as real ones: about 900 bytes.
fn card(number: u64) -> Card {
    let mixed = mix(number);
    let (person, order) = (mixed % 50_000, mix(mixed) & 0xFFFF_FFFF_FFFF);
    let pick = |words: &[&str], by: u64| words.get(usize::try_from(by).unwrap() % words.len()).unwrap().to_string();
    let event = pick(&["Order Completed", "Product Viewed", "Signed In", "Article Read", "Video Played"], mixed >> 8);
    let page = pick(&["/checkout", "/products/lamp", "/account", "/blog/why-lamps", "/"], mixed >> 16);
    let agent = pick(
        &[
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148",
        ],
        person,
    );
    let received_at = 1_767_225_600_000 + number.cast_signed() * 25;
    Card {
        sequence: Sequence::new(number),
        kind: EntryKind::Track,
        source: "web".to_owned(),
        message_id: format!("ajs-next-{received_at}-{order:012x}-{:08x}", mix(order) & 0xFFFF_FFFF),
        user_id: (!mixed.is_multiple_of(3)).then(|| format!("user_{person}")),
        anonymous_id: Some(format!("{:016x}-{:08x}", mix(person), person * 77)),
        target: None,
        name: Some(event),
        category: None,
        timestamp: Time::from_millis(received_at - (mixed % 900).cast_signed()),
        received_at: Time::from_millis(received_at),
        payload: format!(
            r#"{{"order_id":"ord_{order:012x}","total":{}.{:02},"currency":"EUR","products":[{{"product_id":"prod_{}","sku":"SKU-{}","name":"Walnut lamp","price":{}.95,"quantity":{}}}],"plan":"premium"}}"#,
            mixed % 400,
            mixed % 97,
            mixed % 1_000,
            mixed % 1_000,
            mixed % 90,
            1 + mixed % 3
        ),
        context: format!(
            r#"{{"library":{{"name":"analytics.js","version":"npm:next-1.70.0"}},"page":{{"path":"{page}","url":"https://www.example.com{page}","title":"Example Store","referrer":"https://search.example.com/"}},"userAgent":"{agent}","locale":"pt-PT","timezone":"Europe/Lisbon","ip":"203.0.113.{}","campaign":{{"name":"spring","source":"newsletter"}},"screen":{{"width":1440,"height":900}}}}"#,
            person % 255
        ),
        marks: Marks::default(),
    }
}

fn cards_put_and_get(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (cards, _) = Cards::open(folder.path(), Arc::new(SledEngine)).unwrap();
    let mut group = criterion.benchmark_group("cards");
    group.sample_size(10).throughput(Throughput::Elements(CARDS / 20));
    let put = Cell::new(1);
    group.bench_function("put and flush 50,000", |bencher| {
        bencher.iter_batched(
            || (put.get()..put.get() + CARDS / 20).map(card).collect::<Vec<_>>(),
            |batch| {
                put.set(put.get() + CARDS / 20);
                for card in &batch {
                    cards.put(card).unwrap();
                }
                cards.flush().unwrap();
            },
            BatchSize::PerIteration,
        );
    });
    (put.get()..CARDS).for_each(|number| cards.put(&card(number)).unwrap());
    let next = cards.flush().unwrap().get();
    let raw: usize = (1..2_000).map(|number| json_bytes(&card(number))).sum::<usize>() / 2_000;
    eprintln!(
        "{next} cards of {raw} bytes take {} bytes each, {} MiB resident",
        cards.disk_bytes() / next,
        resident_mib()
    );
    drop(cards);
    let start = Instant::now();
    let (cards, _) = Cards::open(folder.path(), Arc::new(SledEngine)).unwrap();
    eprintln!("opened in {:?}, {} MiB resident", start.elapsed(), resident_mib());
    let page = |number: u64| {
        let wanted: Vec<_> = (0..50).map(|at| Sequence::new(1 + mix(number * 50 + at) % (next - 1))).collect();
        assert!(black_box(cards.get(&wanted).unwrap()).iter().all(Option::is_some));
    };
    percentiles("50 cards anywhere, first time", &mut time(500, page));
    percentiles("50 cards anywhere", &mut time(4_000, page));
    let mut number = 0;
    group.throughput(Throughput::Elements(50));
    group.bench_function("get 50 anywhere", |bencher| {
        bencher.iter(|| {
            number += 1;
            page(number);
        });
    });
    group.finish();
}

/// About what the call took on its way in.
fn json_bytes(card: &Card) -> usize {
    let ids = [&card.user_id, &card.anonymous_id, &card.name].map(|text| text.as_deref().map_or(0, str::len));
    200 + card.message_id.len() + ids.iter().sum::<usize>() + card.payload.len() + card.context.len()
}

criterion_group!(benches, runs_commit, runs_read, cards_put_and_get);
criterion_main!(benches);
