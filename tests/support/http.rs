//! HTTP by hand: what is sent is exactly what the test says, and what comes back is kept as it came.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code; 0 when the connection closed without an answer.
    pub status: u16,
    /// Header names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body, without transfer encoding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The member `code` of a JSON error.
    pub fn code(&self) -> String {
        self.json().get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Reads one answer from the front of `bytes`; returns it and how many bytes it took.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
        let mut lines = head.lines();
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let rest = &bytes[head_end..];
        let (body, used) = if find("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            dechunk(rest)?
        } else if let Some(length) = find("content-length").and_then(|value| value.parse::<usize>().ok()) {
            (rest.get(..length).unwrap_or(rest).to_vec(), length.min(rest.len()))
        } else {
            (rest.to_vec(), rest.len())
        };
        Some((Self { status, headers, body }, head_end + used))
    }
}

/// `Basic` with this user name and no password.
pub fn basic(user: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:")))
}

/// One request on its own connection. HEAD answers must not have a body and are read without one.
pub fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut message = format!("{method} {path} HTTP/1.1\r\n");
    if !given("host") {
        let _ = write!(message, "Host: 127.0.0.1:{port}\r\n");
    }
    if !given("connection") {
        message.push_str("Connection: close\r\n");
    }
    if !given("content-length") && !given("transfer-encoding") && (!body.is_empty() || method == "POST") {
        let _ = write!(message, "Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        let _ = write!(message, "{name}: {value}\r\n");
    }
    message.push_str("\r\n");
    let mut bytes = message.into_bytes();
    bytes.extend_from_slice(body);
    let mut came = raw(port, &bytes, Duration::from_secs(60));
    if came.starts_with(b"HTTP/1.1 100 ") {
        let end = came.windows(4).position(|four| four == b"\r\n\r\n").map_or(came.len(), |at| at + 4);
        came.drain(..end);
    }
    match Answer::parse(&came) {
        Some((answer, _)) => answer,
        None => Answer { status: 0, headers: Vec::new(), body: came },
    }
}

/// Sends bytes on a new connection and reads until the server closes or `patience` is over.
pub fn raw(port: u16, bytes: &[u8], patience: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
    stream.set_nodelay(true).expect("an option is set");
    let mut half = stream.try_clone().expect("the socket is shared");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || half.write_all(&bytes));
    let came = read_all(&mut stream, patience);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = writer.join();
    came
}

/// Reads until the other side closes or `patience` is over.
pub fn read_all(stream: &mut TcpStream, patience: Duration) -> Vec<u8> {
    let deadline = Instant::now() + patience;
    let (mut came, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        stream.set_read_timeout(Some(left)).expect("an option is set");
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => came.extend_from_slice(&buffer[..count]),
        }
    }
    came
}

fn dechunk(mut rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (whole, mut body) = (rest.len(), Vec::new());
    loop {
        let line_end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line_end]).ok()?.trim(), 16).ok()?;
        rest = &rest[line_end + 2..];
        if size == 0 {
            return Some((body, whole - rest.len() + 2));
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
