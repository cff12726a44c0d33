//! Records in and out: what was refused, export, import and verify.
//!
//! Reading the journal blocks, so it happens on threads that may; an export sends at most a few slices ahead of its
//! reader and stops when the reader leaves.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::health::json_answer;
use super::problem::Problem;
use super::{Site, blocking, capture, control};
use crate::call::render;
use crate::ingest::lines::{Lines, LinesError};
use crate::ingest::rejections::Rejection;
use crate::journal::embedded::Journal;
use crate::journal::{AppendError, ReadError, Reader as _, Sequence};
use crate::query::QueryError;
use crate::relay::shown::audit;

/// Items of a page without `limit`.
const LIMIT_USUAL: usize = 50;
/// Items of a page at most.
const LIMIT_MAX: usize = 500;
/// What one step of an export reads, in bytes.
const SLICE_BYTES: usize = 1 << 20;
/// Slices that wait for the reader of an export.
const SLICES_AHEAD: usize = 2;
/// One part of an import, in bytes.
const IMPORT_BYTES_MAX: usize = 8 << 20;

/// What was refused, newest first.
pub(super) fn rejections(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let query = request.query_string();
    let limit = match capture::parameter(query, "limit") {
        None => LIMIT_USUAL,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if limit > 0 => limit.min(LIMIT_MAX),
            _ => return Err(Problem::BadRequest(format!("`limit` has to be 1 to {LIMIT_MAX}"))),
        },
    };
    let before = capture::parameter(query, "cursor").map(|text| read_cursor(&text)).transpose()?;
    let source = capture::parameter(query, "source");
    let code = capture::parameter(query, "code");
    let page = site.rejections.page(before, limit, |one| {
        source.as_deref().is_none_or(|name| one.source.as_deref() == Some(name))
            && code.as_deref().is_none_or(|code| one.code.as_str() == code)
    });
    let items: Vec<Value> = page.items.iter().map(|one| show(one)).collect();
    let body = json!({
        "items": items,
        "next": page.next.map(write_cursor),
        "through": site.journal.tail().next().get(),
    });
    Ok(json_answer(StatusCode::OK, &body))
}

fn show(one: &Rejection) -> Value {
    json!({
        "number": one.number,
        "at": one.at.to_string(),
        "source": one.source.as_deref(),
        "type": one.kind,
        "code": one.code.as_str(),
        "message": one.message,
        "fix": one.code.fix(),
        "message_id": one.message_id,
        "messages": one.messages,
        "body": one.body,
    })
}

/// Cursors are opaque to clients; the version lets a later release tell its own from older ones.
fn write_cursor(before: u64) -> String {
    format!("r1-{before}")
}

fn read_cursor(text: &str) -> Result<u64, Problem> {
    text.strip_prefix("r1-")
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Problem::BadRequest("`cursor` has to be a `next` of this list".to_owned()))
}

/// All records from `from` up to the tail of this moment, as NDJSON.
pub(super) fn export(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let from = sequence(request, "from")?;
    let (send, receive) = mpsc::channel(SLICES_AHEAD);
    let journal = site.journal.clone();
    let end = journal.tail().next();
    actix_web::rt::task::spawn_blocking(move || {
        if let Err(error) = stream(&journal, from, end, &send) {
            tracing::error!(error = %error, "an export stopped at damage; run `roundtower verify`");
            let _ = send.blocking_send(Err(error));
        }
    });
    let body =
        futures_util::stream::unfold(receive, |mut receive| async { receive.recv().await.map(|part| (part, receive)) });
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/x-ndjson")).streaming(body))
}

fn stream(
    journal: &Journal,
    from: Sequence,
    end: Sequence,
    send: &mpsc::Sender<Result<Bytes, ReadError>>,
) -> Result<(), ReadError> {
    let mut from = from;
    while from < end {
        let slice = journal.read(from, SLICE_BYTES)?;
        if slice.is_empty() {
            break;
        }
        let mut text = Vec::with_capacity(SLICE_BYTES + SLICE_BYTES / 4);
        for record in slice.records() {
            let record = record?;
            if record.sequence < end && !record.is_erased() {
                let sequence = record.sequence.get();
                render::export_line(&record.call, record.source, record.received_at, sequence, &mut text);
                text.push(b'\n');
            }
        }
        from = slice.next;
        if send.blocking_send(Ok(Bytes::from(text))).is_err() {
            break;
        }
    }
    Ok(())
}

/// One part of an import: whole lines. The client sends part after part and adds up.
pub(super) async fn import(
    site: &Site,
    request: &HttpRequest,
    mut payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let query = request.query_string();
    let name = capture::parameter(query, "source").unwrap_or_default();
    let Some(source) = site.access.list_sources().into_iter().find(|source| source.name == name) else {
        return Err(Problem::BadRequest("`source` has to name a source; see /api/sources".to_owned()));
    };
    let first = sequence(request, "first_line")?.get();
    let dry_run = capture::parameter(query, "dry_run").is_some_and(|value| value == "1");
    let text = control::read(request, &mut payload, IMPORT_BYTES_MAX, site.body_deadline).await?;
    let (journal, settings, now) = (site.journal.clone(), site.ingest_settings.clone(), site.clock.now());
    let suppressed = site.eraser.suppressed();
    let tally = blocking(move || {
        let lines = Lines::new(Arc::from(name.as_str()), source.merges, settings);
        let mut lines = lines.suppressing(suppressed);
        if dry_run {
            let known = |source: &str, id: &str| journal.find(source, id).map(|found| found.is_some());
            return lines.try_out(&text, first, now, &mut std::collections::HashSet::new(), &known);
        }
        lines.append(&text, first, now, &journal)
    });
    match tally.await? {
        Ok(tally) => Ok(json_answer(StatusCode::OK, &json!(tally))),
        Err(LinesError::Read(error)) => Err(error.into()),
        Err(LinesError::Append(error)) => {
            let retry_after_s = if matches!(error, AppendError::QueueFull { .. }) { 1 } else { 30 };
            Err(Problem::Unavailable { retry_after_s })
        }
    }
}

/// Reads and checks the whole journal while calls are taken.
pub(super) async fn verify(site: &Site) -> Result<HttpResponse, Problem> {
    let journal = site.journal.clone();
    let (views, relay) = (site.views.clone(), site.relay.clone());
    let work = move || (journal.verify(&mut |_, _| {}), views.digest(), audit(&relay));
    let (verified, digest, (accounts, of_relay)) = blocking(work).await?;
    let (through, digest) = digest.map_err(QueryError::from)?;
    let findings: Vec<Value> =
        verified.findings.iter().map(|one| json!({"damage": one.damage, "text": one.text})).chain(of_relay).collect();
    let body = json!({
        "records": verified.records,
        "blocks": verified.blocks,
        "volumes": verified.volumes,
        "bytes": verified.bytes,
        // Folding everything again beside a running server would take from it; `verify` on the folder does.
        "views": {"through": through.get(), "digest": blake3::Hash::from_bytes(digest).to_hex().as_str(), "equal": null},
        "relay": accounts,
        "findings": findings,
    });
    Ok(json_answer(StatusCode::OK, &body))
}

fn sequence(request: &HttpRequest, name: &str) -> Result<Sequence, Problem> {
    match capture::parameter(request.query_string(), name) {
        None => Ok(Sequence::FIRST),
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Sequence::new(number)),
            Err(_) => Err(Problem::BadRequest(format!("`{name}` has to be a whole number from 1"))),
        },
    }
}
