//! Requests as bytes, and connections that end rudely.

use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::seen::Request;

/// Reads the next request; `came` keeps what came of the one after it. None when the connection is over.
pub fn read_request(stream: &mut impl Read, came: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(at) = came.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, came)?;
    };
    let head = String::from_utf8_lossy(&came[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    while came.len() < head_end + length {
        more(stream, came)?;
    }
    let rest = came.split_off(head_end + length);
    let body = came.split_off(head_end);
    *came = rest;
    Some(Request::new(method, path, headers, body))
}

fn more(stream: &mut impl Read, came: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            came.extend_from_slice(&buffer[..count]);
            Some(())
        }
    }
}

/// Ends a connection at once: the other side gets a reset instead of an end.
pub fn reset(socket: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
    // Wakes a thread that reads from it. The reset itself goes out when its last owner lets go.
    let _ = socket.shutdown(Shutdown::Read);
}
