//! Ingest without disk: what one core spends on a call between the body and the journal.
//!
//! All three take the same 100 track calls of about 900 bytes, as bytes a second, so the ratios can be read off:
//! `floor` checks UTF-8 and lets `serde_json` skip over the JSON, which it does without looking at depth, range or
//! surrogates; `scan` is our checking pass; `take` is everything from bytes to receipts (with a journal in memory that
//! has seen the messages before, so it stays small).

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roundtower::clock::Clock;
use roundtower::ingest::rejections::Rejections;
use roundtower::ingest::settings::Settings;
use roundtower::ingest::source::{KeyHash, Kind, Merges, Source, Sources};
use roundtower::ingest::{Authorization, Credentials, Ingest, Request, Route, Sender, wire};
use roundtower::journal::memory::MemoryJournal;
use serde::de::IgnoredAny;

const CALLS: usize = 100;

/// A batch as a browser's library sends it.
fn batch() -> String {
    let mut body = String::from("{\"batch\":[");
    for n in 0..CALLS {
        let separator = if n == 0 { "" } else { "," };
        write!(
            body,
            concat!(
                r#"{}{{"timestamp":"2026-11-23T12:00:{:02}.{:03}Z","type":"track","userId":"user_{:06}","#,
                r#""anonymousId":"9b2f4c1e-53a7-4d0e-8f61-{:012}","event":"Product Added","properties":{{"product_id":"SKU-{:05}","#,
                r#""name":"Classic Backpack","category":"Outdoor","price":{}.95,"quantity":{},"currency":"EUR","cart_id":"c-{:08}"}},"#,
                r#""context":{{"page":{{"path":"/shop/outdoor/backpacks","referrer":"https://www.google.com/","search":"?utm_source=newsletter","#,
                r#""title":"Backpacks \u2014 Shop","url":"https://shop.example.com/shop/outdoor/backpacks?utm_source=newsletter"}},"#,
                r#""userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15","#,
                r#""locale":"de-DE","timezone":"Europe/Berlin","library":{{"name":"analytics.js","version":"npm:next-1.84.3"}}}},"#,
                r#""integrations":{{}},"messageId":"ajs-next-17954352{:05}-7d4e1f2a-91b3-4c5d-8e6f-{:012}","_metadata":{{"bundled":["Segment.io"],"#,
                r#""unbundled":[],"bundledIds":[]}}}}"#
            ),
            separator,
            n % 60,
            n * 7 % 1_000,
            n * 31,
            n,
            n * 13,
            n % 90,
            n % 4 + 1,
            n,
            n,
            n
        )
        .expect("writing to a string cannot fail");
    }
    body.push_str("],\"sentAt\":\"2026-11-23T12:01:00.000Z\",\"writeKey\":\"key\"}");
    body
}

fn request(body: &Bytes) -> Request {
    Request {
        route: Route::Batch { short: false },
        credentials: Credentials { authorization: Authorization::Basic("key".to_owned()), ..Credentials::default() },
        content_encoding: None,
        body: body.clone(),
        sender: Sender { ip: Some([192, 0, 2, 1].into()), ..Sender::default() },
        signature: None,
        receipts: false,
    }
}

fn ingest() -> Ingest {
    let sources = Arc::new(Sources::new());
    let source = Source {
        name: "web".into(),
        kind: Kind::Browser,
        enabled: true,
        signing_secret: None,
        merges: Merges::All,
        deletes: false,
    };
    sources.replace([(KeyHash::of("key"), Arc::new(source))]);
    let settings = Settings::default();
    let rejections = Arc::new(Rejections::new(&settings));
    Ingest::new(Arc::new(MemoryJournal::default()), sources, rejections, settings, Clock::default())
}

fn batches(criterion: &mut Criterion) {
    let body = Bytes::from(batch());
    let mut group = criterion.benchmark_group("batch of 100");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("floor", |bench| {
        bench.iter(|| {
            let text = std::str::from_utf8(black_box(&body)).expect("it is text");
            serde_json::from_str::<IgnoredAny>(text).expect("it is JSON")
        });
    });
    group.bench_function("scan", |bench| {
        bench.iter(|| {
            let text = std::str::from_utf8(black_box(&body)).expect("it is text");
            wire::check(text).expect("it is JSON");
        });
    });
    let ingest = ingest();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without threads starts");
    group.bench_function("take", |bench| {
        bench.iter(|| {
            let receipt = runtime.block_on(ingest.take(request(&body))).expect("the batch is taken");
            assert_eq!(receipt.counts.appended + receipt.counts.duplicate, CALLS as u64);
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = batches
}
criterion_main!(benches);
