//! The journal's hot parts, each beside its floor in the same run.
//!
//! - `append/*`: 1,600 generated calls in batches, 16 in flight, durable before the answer. Floor: the same stored bytes
//!   appended to one file with one `fdatasync` for each megabyte, which is what the writer's groups come to. The ratio
//!   of the two is what dedup, compression, sled and the mark cost.
//! - `scan/*`: reading everything back, decoded. Floor: zstd alone on blocks of the same size.
//!
//! Only ratios within one run mean anything.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use roundtower::call::ids::{AnonymousId, MessageId, UserId};
use roundtower::call::time::Time;
use roundtower::call::{Call, CallType, Marks, Target};
use roundtower::clock::Clock;
use roundtower::journal::embedded::{InstanceId, Journal};
use roundtower::journal::settings::Settings;
use roundtower::journal::{Appender, Batch, Reader, Sequence};

const CALLS: u64 = 1_600;
const IN_FLIGHT: usize = 16;

/// Calls whose text is as long and as repetitive as real ones: about 900 bytes.
fn call(number: u64) -> Call<'static> {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let user = mixed % 100_000;
    let payload = format!(
        r#"{{"product_id":"p{}","sku":"SKU-{}","name":"Product {}","price":{}.{:02},"quantity":{},"currency":"USD","list":"{:x}","coupon":null,"url":"https://shop.example/p/{}"}}"#,
        mixed % 977,
        mixed % 9_770,
        mixed % 977,
        mixed % 400,
        mixed % 100,
        mixed % 5,
        mixed,
        mixed % 977
    );
    let context = format!(
        r#"{{"library":{{"name":"analytics.js","version":"npm:next-1.84.3"}},"ip":"10.{}.{}.{}","locale":"en-US","timezone":"Europe/London","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36","page":{{"path":"/p/{}","referrer":"https://search.example/","search":"","title":"Shop","url":"https://shop.example/p/{}"}}}}"#,
        mixed % 251,
        mixed % 241,
        mixed % 239,
        120 + mixed % 9,
        mixed % 977,
        mixed % 977
    );
    Call {
        kind: CallType::Track,
        message_id: MessageId::parse(format!("ajs-next-{number}-{mixed:016x}")).unwrap(),
        user_id: Some(UserId::parse(format!("user_{user}")).unwrap()),
        anonymous_id: Some(AnonymousId::parse(format!("{:016x}-{user:08x}", user * 7_919)).unwrap()),
        target: Target::None,
        name: Some("Product Viewed".into()),
        category: None,
        timestamp: Time::from_millis(1_767_225_600_000 + i64::try_from(number).unwrap() * 10),
        original_timestamp: Time::from_millis(1_767_225_600_000 + i64::try_from(number).unwrap() * 10),
        sent_at: None,
        channel: "client".into(),
        payload: payload.into(),
        context: context.into(),
        integrations: None,
        extra: "{}".into(),
        marks: Marks::default(),
    }
}

fn batches(from: u64, size: u64) -> Vec<Batch> {
    let source: Arc<str> = "web".into();
    let batch = |start: u64| {
        let mut batch = Batch::new(Arc::clone(&source), Time::from_millis(1_767_225_600_000), 100_000);
        (start..start + size).for_each(|number| batch.push(&call(number)).unwrap());
        batch
    };
    (from..from + CALLS).step_by(usize::try_from(size).unwrap()).map(batch).collect()
}

fn open(folder: &std::path::Path) -> Journal {
    Journal::open(folder, InstanceId([1; 16]), &Settings::default(), &Clock::System).unwrap().0
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(CALLS)).sample_size(20);
    for size in [1, 100] {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&folder.path().join("journal"));
        let next = AtomicU64::new(0);
        group.bench_function(format!("journal, batches of {size}"), |bencher| {
            let fresh = || batches(next.fetch_add(CALLS, Ordering::Relaxed), size);
            let run = |batches: Vec<Batch>| {
                let mut waiting = std::collections::VecDeque::new();
                for batch in batches {
                    waiting.push_back(journal.append(batch).unwrap());
                    if waiting.len() > IN_FLIGHT {
                        waiting.pop_front().unwrap().wait().unwrap();
                    }
                }
                for ack in waiting {
                    ack.wait().unwrap();
                }
            };
            bencher.iter_batched(fresh, run, BatchSize::LargeInput);
        });
        journal.close();
        let mut file = std::fs::File::create(folder.path().join("floor")).unwrap();
        let bytes: usize = batches(0, size).iter().map(Batch::bytes_len).sum();
        let group_bytes =
            (1 << 20).min(IN_FLIGHT * bytes * usize::try_from(size).unwrap() / usize::try_from(CALLS).unwrap());
        group.bench_function(format!("floor, the bytes of batches of {size}"), |bencher| {
            bencher.iter_batched(
                || vec![b'x'; bytes],
                |bytes| {
                    for chunk in bytes.chunks(group_bytes) {
                        file.write_all(chunk).unwrap();
                        file.sync_data().unwrap();
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let mut bytes = 0;
    for from in (0..100_000).step_by(usize::try_from(CALLS).unwrap()) {
        for batch in batches(from, 100) {
            bytes += batch.bytes_len();
            journal.append(batch).unwrap().wait().unwrap();
        }
    }
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Bytes(u64::try_from(bytes).unwrap())).sample_size(10);
    group.bench_function("verify everything", |bencher| {
        bencher.iter(|| assert!(journal.verify(&mut |_, _| ()).findings.is_empty()));
    });
    group.bench_function("read every record", |bencher| {
        bencher.iter(|| {
            let mut at = Sequence::FIRST;
            loop {
                let slice = journal.read(at, 4 << 20).unwrap();
                if slice.is_empty() {
                    break;
                }
                for record in slice.records() {
                    black_box(record.unwrap());
                }
                at = slice.next;
            }
        });
    });
    let text: Vec<u8> = (0..140).flat_map(|number| call(number).payload.into_owned().into_bytes()).collect();
    let blocks = bytes / text.len();
    let packed = zstd::bulk::compress(&text, 1).unwrap();
    group.bench_function("floor, zstd alone", |bencher| {
        bencher.iter(|| {
            for _ in 0..blocks {
                black_box(zstd::bulk::decompress(&packed, text.len()).unwrap());
            }
        });
    });
    group.finish();
    journal.close();
}

criterion_group!(benches, append, scan);
criterion_main!(benches);
