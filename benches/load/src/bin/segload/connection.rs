//! One keep-alive connection: send, read the whole answer, note how long it took, again.

use std::io::IoSlice;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Run;

/// Sends until the time is up or there is nothing left to send.
pub(crate) async fn keep_sending(run: Rc<Run>) {
    let mut stream = match TcpStream::connect(&run.options.addr).await {
        Ok(stream) => stream,
        Err(error) => {
            eprintln!("connect: {error}");
            run.tally.borrow_mut().bad += 1;
            return;
        }
    };
    stream.set_nodelay(true).ok();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let sent = due(&run).await;
        if sent >= run.end {
            return;
        }
        let Some(body) = next(&run) else { return };
        let head = run.options.head(body);
        let sent_body = if run.options.get { &[] } else { body };
        let answered = exchange(&mut stream, head.as_bytes(), sent_body, &mut buffer).await;
        let received = Instant::now();
        run.finished.set(received);
        let mut tally = run.tally.borrow_mut();
        let Ok(length) = answered else {
            tally.bad += 1;
            return;
        };
        let answer = buffer.get(..length).unwrap_or_default();
        if !answer.starts_with(b"HTTP/1.1 2") {
            if tally.bad == 0 {
                eprintln!("first bad answer: {}", String::from_utf8_lossy(&answer[..length.min(300)]));
            }
            tally.bad += 1;
            continue;
        }
        tally.acked_requests += 1;
        tally.acked_body_bytes += sent_body.len() as u64;
        if received >= run.measured_from && received < run.end {
            tally.requests += 1;
            tally.bytes += (head.len() + sent_body.len()) as u64;
            let micros = u64::try_from((received - sent).as_micros()).unwrap_or(u64::MAX);
            tally.latency_us.record(micros).ok();
        }
    }
}

/// Waits until it is time for the next request, if there is a rate; from then on its latency counts.
async fn due(run: &Run) -> Instant {
    let now = Instant::now();
    if run.options.rate <= 0.0 {
        return now;
    }
    let turn = run.turns.get();
    run.turns.set(turn + 1);
    let due = run.begun + Duration::from_secs_f64(f64::from(turn) / run.options.rate);
    tokio::time::sleep_until(due.into()).await;
    due
}

/// The next body of the file; no two connections get the same one.
fn next(run: &Run) -> Option<&[u8]> {
    let position = run.position.get();
    let count = run.bodies.lines.len();
    if position >= count && !run.options.cycle {
        run.ran_out.set(true);
        return None;
    }
    run.position.set(position + 1);
    run.bodies.get(position % count)
}

/// Sends one request and reads its answer into `buffer`; returns the answer's length.
async fn exchange(stream: &mut TcpStream, head: &[u8], body: &[u8], buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut pieces = [IoSlice::new(head), IoSlice::new(body)];
    let mut left = &mut pieces[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        let written = stream.write_vectored(left).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut left, written);
    }
    let (mut length, mut needed, mut is_chunked) = (0, None, false);
    loop {
        if length == buffer.len() {
            buffer.resize(length * 2, 0);
        }
        match stream.read(&mut buffer[length..]).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => length += count,
        }
        let answer = &buffer[..length];
        if needed.is_none()
            && let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
            is_chunked = text.contains("transfer-encoding: chunked");
            let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            needed = Some(head + 4 + body.unwrap_or(0));
        }
        let is_whole =
            if is_chunked { answer.ends_with(b"0\r\n\r\n") } else { needed.is_some_and(|all| length >= all) };
        if is_whole {
            return Ok(length);
        }
    }
}
