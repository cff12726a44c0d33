//! Probes, the state in short and in full, and the numbers for Prometheus.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{Site, blocking, history};
use crate::journal::embedded::Status;
use crate::journal::{Appender as _, Reader as _};
use crate::relay::ledger::Counts;
use crate::relay::shown::lag;

/// The process is alive and worth keeping: red once a write failed, because only a restart helps then.
pub(super) fn alive(site: &Site) -> HttpResponse {
    if site.journal_failed() { red("the journal stopped after a failed write; restart the server") } else { green() }
}

/// Calls are taken now: red also while stopping and while the disk is low.
pub(super) async fn ready(site: &Site) -> Result<HttpResponse, Problem> {
    if site.journal_failed() {
        return Ok(red("the journal stopped after a failed write; restart the server"));
    }
    if site.stopping.load(Ordering::Relaxed) {
        return Ok(red("the server is stopping"));
    }
    let status = journal_status(site).await?;
    Ok(if status.disk_low { red("the disk is low") } else { green() })
}

/// The state: a few public fields, and everything for those who may read.
pub(super) async fn status(site: &Site, full: bool) -> Result<HttpResponse, Problem> {
    let mut body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "durability": site.durability.as_str(),
        "tail": site.journal.tail().next().get(),
    });
    if full {
        let journal = journal_status(site).await?;
        let views = views_status(site).await?;
        let (relayed, lags) = relay_status(site).await?;
        let uptime = site.clock.now().as_millis().saturating_sub(site.started_at.as_millis()).max(0);
        let more = json!({
            "instance": site.instance,
            "uptime_ms": uptime,
            "started_at": site.started_at.to_string(),
            "memory_bytes": history::memory_bytes(),
            "disk_bytes": site.history.disk_bytes(),
            "accounts": accounts(site, &relayed),
            "relay": lags,
            "rejections": site.rejections.counts().map(|(code, count)| (code.as_str().to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>(),
            "views": {
                "through": views.through.get(),
                "lag_events": views.lag_events,
                "lag_ms": views.lag_ms,
                "searched": views.searched.get(),
                "checkpoint": views.checkpoint.get(),
                "parked": views.parked,
                "ids": views.ids,
                "runs": views.runs,
                "disk_bytes": views.disk_bytes,
                "memory_bytes": views.memory_bytes,
                "live_streams": site.seats.taken(),
                "stopped": views.stopped,
            },
            "journal": {
                "first": journal.first.get(),
                "next": journal.next.get(),
                "volumes": journal.volumes,
                "disk_bytes": journal.disk_bytes,
                "disk_free_bytes": journal.disk_free_bytes,
                "disk_low": journal.disk_low,
                "queued_bytes": journal.queued_bytes,
                "commits": journal.commits,
                "dedup_ids": journal.dedup_ids,
                "poisoned": journal.poisoned,
            },
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
    }
    Ok(json_answer(StatusCode::OK, &body))
}

/// What became of calls here, and at all destinations together.
fn accounts(site: &Site, relayed: &Counts) -> Value {
    let (received, appended, duplicate, rejected) = site.journal.accounts().totals();
    json!({
        "received": received,
        "appended": appended,
        "duplicate": duplicate,
        "rejected": rejected,
        "delivered": relayed.delivered,
        "pending": relayed.pending,
        "filtered": relayed.filtered,
        "dead": relayed.dead,
    })
}

/// The numbers, in Prometheus' text format.
pub(super) async fn metrics(site: &Site) -> Result<HttpResponse, Problem> {
    let journal = journal_status(site).await?;
    let (_, appended, duplicate, rejected) = site.journal.accounts().totals();
    for (outcome, count) in [("appended", appended), ("duplicate", duplicate), ("rejected", rejected)] {
        metrics::counter!("roundtower_calls_total", "outcome" => outcome).absolute(count);
    }
    for (code, count) in site.rejections.counts() {
        metrics::counter!("roundtower_rejections_total", "code" => code.as_str()).absolute(count);
    }
    metrics::gauge!("roundtower_journal_tail").set(lossy(journal.next.get()));
    metrics::gauge!("roundtower_journal_volumes").set(lossy(journal.volumes as u64));
    metrics::gauge!("roundtower_journal_disk_bytes").set(lossy(journal.disk_bytes));
    metrics::gauge!("roundtower_journal_queued_bytes").set(lossy(journal.queued_bytes as u64));
    metrics::gauge!("roundtower_journal_dedup_ids").set(lossy(journal.dedup_ids));
    metrics::gauge!("roundtower_journal_failed").set(f64::from(u8::from(journal.poisoned)));
    metrics::gauge!("roundtower_disk_free_bytes").set(lossy(journal.disk_free_bytes));
    metrics::gauge!("roundtower_disk_low").set(f64::from(u8::from(journal.disk_low)));
    metrics::counter!("roundtower_journal_commits_total").absolute(journal.commits);
    let views = views_status(site).await?;
    metrics::gauge!("roundtower_views_through").set(lossy(views.through.get()));
    metrics::gauge!("roundtower_views_lag_events").set(lossy(views.lag_events));
    metrics::gauge!("roundtower_views_lag_seconds").set(lossy(views.lag_ms) / 1_000.0);
    metrics::gauge!("roundtower_views_parked").set(lossy(views.parked));
    metrics::gauge!("roundtower_views_ids").set(lossy(views.ids));
    metrics::gauge!("roundtower_views_runs").set(lossy(views.runs as u64));
    metrics::gauge!("roundtower_views_disk_bytes").set(lossy(views.disk_bytes));
    metrics::gauge!("roundtower_views_memory_bytes").set(lossy(views.memory_bytes as u64));
    metrics::gauge!("roundtower_views_stopped").set(f64::from(u8::from(views.stopped.is_some())));
    metrics::gauge!("roundtower_live_streams").set(lossy(site.seats.taken() as u64));
    let relay = site.relay.clone();
    blocking(move || relay.publish()).await?;
    site.meters.publish();
    let text = site.prometheus.render();
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text))
}

/// Sizes on disk are asked of the filesystem, which may block.
async fn journal_status(site: &Site) -> Result<Status, Problem> {
    let journal = site.journal.clone();
    blocking(move || journal.status()).await
}

/// The same of the views.
async fn views_status(site: &Site) -> Result<crate::views::Status, Problem> {
    let views = site.views.clone();
    blocking(move || views.status()).await
}

/// Records by state, all destinations together; what each of them lags.
async fn relay_status(site: &Site) -> Result<(Counts, Vec<Value>), Problem> {
    let relay = site.relay.clone();
    blocking(move || (relay.totals(), relay.list().iter().map(lag).collect())).await
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of 2^53 and more may be rounded")]
fn lossy(number: u64) -> f64 {
    number as f64
}

fn green() -> HttpResponse {
    json_answer(StatusCode::OK, &json!({"status": "ok"}))
}

fn red(why: &str) -> HttpResponse {
    json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "failed", "detail": why}))
}

/// A JSON answer of the control surface.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body.to_string())
}
