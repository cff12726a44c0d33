//! What a failed request means: the first cause that is known by its type decides, its text is for people.
//!
//! Texts are made of causes only, never of the outermost error: that one names the URL, and the URL may hold the key.

use std::error::Error;
use std::io;

use super::super::policy::Failure;
use super::address::{Denied, Unresolved};

/// The failure and one line about it.
pub(super) fn of(error: &reqwest::Error) -> (Failure, String) {
    if error.is_builder() {
        return (Failure::Protocol, "the request cannot be made; look at the URL of the destination".to_owned());
    }
    let mut last = None;
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(known) = known(cause) {
            return known;
        }
        next = cause.source();
        last = Some(cause);
    }
    let detail = last.map(ToString::to_string).unwrap_or_default();
    if error.is_connect() { (Failure::Connect, not_connected(&detail)) } else { (Failure::Reset, broken(&detail)) }
}

fn known(cause: &(dyn Error + 'static)) -> Option<(Failure, String)> {
    if let Some(denied) = cause.downcast_ref::<Denied>() {
        return Some((Failure::Denied, denied.to_string()));
    }
    if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
        return Some((Failure::Dns, unresolved.to_string()));
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some((Failure::Tls, format!("TLS could not be agreed on: {tls}")));
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return of_http(error);
    }
    // What an I/O error carries is not among its sources.
    let error = cause.downcast_ref::<io::Error>()?;
    if let Some(inner) = error.get_ref() {
        if let Some(found) = known(inner) {
            return Some(found);
        }
        if inner.to_string().contains("tls handshake") {
            return Some((Failure::Tls, format!("TLS could not be agreed on: {inner}")));
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Some((Failure::Reset, broken(&error.to_string())))
        }
        _ => None,
    }
}

fn of_http(error: &hyper::Error) -> Option<(Failure, String)> {
    if error.is_parse() {
        return Some((Failure::Protocol, format!("the answer is no HTTP: {error}")));
    }
    error.is_incomplete_message().then(|| (Failure::Reset, broken("it was closed")))
}

fn broken(detail: &str) -> String {
    format!("the connection broke before the whole answer was there: {detail}")
}

fn not_connected(detail: &str) -> String {
    format!("no connection could be made: {detail}")
}
