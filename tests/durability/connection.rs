//! One keep-alive connection of a sender.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::http::{self, Answer};

/// A connection that sends one request after the other.
pub(super) struct Connection {
    stream: TcpStream,
    port: u16,
    came: Vec<u8>,
}

impl Connection {
    pub(super) fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, port, came: Vec::new() })
    }

    /// Sends a call or a batch, asks for receipts, and reads the whole answer.
    pub(super) fn post(&mut self, path: &str, body: &str) -> std::io::Result<Answer> {
        let (port, key, length) = (self.port, http::basic("server-key"), body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {key}\r\nX-Roundtower-Receipt: 1\r\nContent-Length: {length}\r\n\r\n"
        );
        self.stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let mut buffer = [0; 8_192];
        loop {
            if let Some((answer, used)) = whole(&self.came) {
                self.came.drain(..used);
                return Ok(answer);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.came.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// The first answer in `came`, if all of it is there.
fn whole(came: &[u8]) -> Option<(Answer, usize)> {
    let (answer, used) = Answer::parse(came)?;
    let length = answer.header("content-length").map(|length| length.parse::<usize>().unwrap());
    let is_whole = length.is_none_or(|length| answer.body.len() == length);
    is_whole.then_some((answer, used))
}
