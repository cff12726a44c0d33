//! Reading a body: never more than the route takes, never longer than the deadline, without a copy when it came whole.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, StreamExt as _};

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than the route takes.
    TooLarge,
    /// Not there in time.
    Late,
    /// The sender left or broke the transfer encoding.
    Broken,
}

/// Reads the whole body.
///
/// # Errors
/// See [`BodyError`].
pub(super) async fn read(
    request: &HttpRequest,
    payload: &mut web::Payload,
    bytes_max: usize,
    deadline: Duration,
) -> Result<Bytes, BodyError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|text| text.trim().parse::<u64>().ok());
    if announced.is_some_and(|length| length > bytes_max as u64) {
        return Err(BodyError::TooLarge);
    }
    if announced == Some(0) {
        return Ok(Bytes::new());
    }
    let mut collecting = std::pin::pin!(collect(payload, bytes_max));
    // Most bodies came with their head; then there is nothing to set a timer for.
    if let Some(body) = collecting.as_mut().now_or_never() {
        return body;
    }
    match tokio::time::timeout(deadline, collecting).await {
        Ok(body) => body,
        Err(_) => Err(BodyError::Late),
    }
}

async fn collect(payload: &mut web::Payload, bytes_max: usize) -> Result<Bytes, BodyError> {
    let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| BodyError::Broken)?;
    if first.len() > bytes_max {
        return Err(BodyError::TooLarge);
    }
    let Some(second) = payload.next().await else { return Ok(first) };
    let mut whole = BytesMut::with_capacity((first.len() * 2).min(bytes_max));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if whole.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
        next = payload.next().await;
    }
    Ok(whole.freeze())
}
