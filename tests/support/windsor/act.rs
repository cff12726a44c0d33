//! What a receiver can do with a request.

use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use super::wire;

/// An endless answer ends here all the same: whoever reads that much has no limit.
const ENDLESS: u64 = 256 * 1024 * 1024;
/// What the bomb would be unpacked.
const BOMB_MIB: usize = 60;
/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);

/// What is done with one request. Only those that say so take its calls.
#[derive(Clone, Debug)]
pub enum Act {
    /// Takes all calls, answers 200.
    Take,
    /// Answers this. A 2xx takes all calls, everything else none.
    Answer(Reply),
    /// Waits, then acts.
    Slow(Duration, Box<Act>),
    /// Takes nothing, answers nothing, keeps the connection open.
    Hang,
    /// Takes all calls, then says nothing.
    HangAfter,
    /// Takes nothing, resets the connection.
    ResetBefore,
    /// Takes all calls, resets the connection instead of answering.
    ResetAfter,
    /// Takes the first half of the calls, rounded down, then resets the connection.
    HalfReset,
    /// Takes the first half of the calls, rounded down, then answers this status.
    Half(u16),
    /// Answers, closes the connection politely.
    Close(Reply),
    /// Sends a head that promises more of a body than comes, then resets the connection.
    CutOff(Reply),
    /// Sends a head with a length, a first part of the body, and then nothing.
    Stall(Reply),
    /// Sends something that is no HTTP.
    Garbage,
    /// Sends a status and then headers without end.
    EndlessHead,
    /// Sends a body without end.
    EndlessBody(u16),
    /// Sends a body that says it is gzip and would be a thousand times larger unpacked.
    Bomb(u16),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers; the length is added.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A status with a JSON body.
    pub fn new(status: u16) -> Self {
        let body = if status < 300 {
            r#"{"success":true}"#.to_owned()
        } else {
            format!(r#"{{"message":"as told: {status}"}}"#)
        };
        Self { status, headers: Vec::new(), body: Vec::new() }.header("Content-Type", "application/json").body(body)
    }

    /// With one more header, or another value of it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn head(&self, length: Option<u64>) -> String {
        let mut head = format!("HTTP/1.1 {} As Told\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(length) = length {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head + "\r\n"
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(Some(self.body.len() as u64)).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Act {
    /// Answers this status.
    pub fn status(status: u16) -> Self {
        Self::Answer(Reply::new(status))
    }

    /// Answers this status with `Retry-After`.
    pub fn later(status: u16, retry_after: &str) -> Self {
        Self::Answer(Reply::new(status).header("Retry-After", retry_after))
    }

    /// Redirects.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::Answer(Reply::new(status).header("Location", to).body(""))
    }

    /// Answers with a page.
    pub fn page(status: u16, page: &str) -> Self {
        Self::Answer(Reply::new(status).header("Content-Type", "text/html; charset=utf-8").body(page))
    }

    /// How many of so many calls it takes, from the first on.
    pub(super) fn share(&self, calls: usize) -> usize {
        match self {
            Self::Take | Self::HangAfter | Self::ResetAfter => calls,
            Self::Answer(reply) | Self::Close(reply) if (200..300).contains(&reply.status) => calls,
            Self::Slow(_, act) => act.share(calls),
            Self::HalfReset | Self::Half(_) => calls / 2,
            _ => 0,
        }
    }

    /// Does it; false when the connection is over. `rest` waits, `count` is told the bytes that went out.
    pub(super) fn play(
        &self,
        stream: &mut impl Write,
        socket: &TcpStream,
        rest: &dyn Fn(Duration),
        count: &dyn Fn(u64),
    ) -> bool {
        let mut send = |bytes: &[u8]| {
            let is_sent = stream.write_all(bytes).is_ok() && stream.flush().is_ok();
            count(if is_sent { bytes.len() as u64 } else { 0 });
            is_sent
        };
        match self {
            Self::Take => return send(&Reply::new(200).bytes()),
            Self::Answer(reply) => return send(&reply.bytes()),
            Self::Half(status) => return send(&Reply::new(*status).bytes()),
            Self::Slow(time, act) => {
                rest(*time);
                return act.play(stream, socket, rest, count);
            }
            Self::Hang | Self::HangAfter => rest(FOREVER),
            Self::ResetBefore | Self::ResetAfter | Self::HalfReset => {
                wire::reset(socket);
                return false;
            }
            Self::Close(reply) => {
                send(&reply.clone().header("Connection", "close").bytes());
            }
            Self::CutOff(reply) => {
                send(reply.head(Some(reply.body.len() as u64 + 1)).as_bytes());
                send(&reply.body);
                wire::reset(socket);
                return false;
            }
            Self::Stall(reply) => {
                send(reply.head(Some(reply.body.len() as u64 + 1)).as_bytes());
                send(&reply.body);
                rest(FOREVER);
            }
            Self::Garbage => {
                send(b"SSH-2.0-OpenSSH_9.2p1 not what you asked for\r\n\r\n\0\xff\xfe");
            }
            Self::EndlessHead => {
                send(b"HTTP/1.1 200 OK\r\n");
                without_end(&mut send, format!("X-More: {}\r\n", "x".repeat(8_000)).as_bytes());
            }
            Self::EndlessBody(status) => {
                send(Reply::new(*status).header("Content-Type", "text/plain").head(None).as_bytes());
                without_end(&mut send, "na ".repeat(8_000).as_bytes());
            }
            Self::Bomb(status) => {
                let reply = Reply::new(*status).header("Content-Encoding", "gzip").body(bomb());
                return send(&reply.bytes());
            }
        }
        let _ = socket.shutdown(std::net::Shutdown::Both);
        false
    }
}

fn without_end(send: &mut impl FnMut(&[u8]) -> bool, piece: &[u8]) {
    let mut left = ENDLESS;
    while left > 0 && send(piece) {
        left = left.saturating_sub(piece.len() as u64);
    }
}

/// Zeros, packed to a thousandth: less than what is read of an answer, so only unpacking would show it.
fn bomb() -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..BOMB_MIB {
        packed.write_all(&zeros).expect("memory takes it");
    }
    packed.finish().expect("memory takes it")
}
