//! A stream of server-sent events, read by hand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::Value;

use super::{PATIENCE, TestServer};

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    /// All that came, with its head.
    pub text: String,
}

impl Stream {
    /// Opens it with the read token and waits for its first id.
    pub fn open(server: &TestServer, path: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).expect("the server accepts");
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let port = server.port();
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer read-token\r\n{last}\r\n");
        socket.write_all(head.as_bytes()).expect("the request is sent");
        let mut stream = Self { socket, text: String::new() };
        stream.until(|stream| stream.text.contains("id: "));
        stream
    }

    /// Reads until this is so; the end of the stream ends it, too.
    pub fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = vec![0; 64 * 1024];
        while !is_so(self) {
            assert!(Instant::now() < deadline, "it did not come: {}", self.text);
            self.socket.set_read_timeout(Some(PATIENCE)).expect("an option is set");
            match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) => return false,
                Ok(count) => self.text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            }
        }
        true
    }

    /// The data of all whole events, in order.
    pub fn items(&self) -> Vec<Value> {
        let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
        let lines = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// The id of the last whole event.
    pub fn last_id(&self) -> String {
        let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
        whole.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().expect("an id").to_owned()
    }
}
