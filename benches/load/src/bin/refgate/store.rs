//! The two stores that make a call durable: one file with a group commit, and a PostgreSQL jobs table filled by COPY.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::SinkExt;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::parse::Checked;

/// The calls of one request, and where to say that they are durable.
pub(crate) type Job = (Vec<Checked>, oneshot::Sender<bool>);

const GROUP_BYTES_MAX: usize = 4 << 20;

/// One writer thread: drain what is queued, one write, one fdatasync, answer all.
pub(crate) fn file(dir: &Path) -> anyhow::Result<std::sync::mpsc::Sender<Job>> {
    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
    let (queue, jobs) = std::sync::mpsc::channel::<Job>();
    std::thread::spawn(move || {
        let (mut group, mut waiting) = (Vec::new(), Vec::new());
        while let Ok(job) = jobs.recv() {
            put(job, &mut group, &mut waiting);
            while group.len() < GROUP_BYTES_MAX {
                match jobs.try_recv() {
                    Ok(job) => put(job, &mut group, &mut waiting),
                    Err(_) => break,
                }
            }
            let durable = log.write_all(&group).and_then(|()| log.sync_data()).is_ok();
            group.clear();
            for answer in waiting.drain(..) {
                answer.send(durable).ok();
            }
        }
    });
    Ok(queue)
}

fn put((calls, answer): Job, group: &mut Vec<u8>, waiting: &mut Vec<oneshot::Sender<bool>>) {
    for call in &calls {
        group.extend_from_slice(&u32::try_from(call.body.len()).unwrap_or(u32::MAX).to_le_bytes());
        group.extend_from_slice(&crc32fast::hash(&call.body).to_le_bytes());
        group.extend_from_slice(&call.body);
    }
    waiting.push(answer);
}

/// Writers that each take what is queued into one COPY. The table has to be there.
pub(crate) async fn postgres(dsn: &str, writers: usize, requests_max: usize) -> anyhow::Result<mpsc::Sender<Job>> {
    let (queue, jobs) = mpsc::channel(4096);
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..writers {
        let (client, connection) = tokio_postgres::connect(dsn, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        tokio::spawn(copy_jobs(client, requests_max, Arc::clone(&jobs)));
    }
    Ok(queue)
}

async fn copy_jobs(client: tokio_postgres::Client, requests_max: usize, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut jobs = Vec::new();
    loop {
        jobs.clear();
        if queue.lock().await.recv_many(&mut jobs, requests_max).await == 0 {
            return;
        }
        let mut rows = Vec::with_capacity(1 << 17);
        for call in jobs.iter().flat_map(|(calls, _)| calls) {
            row(call, &mut rows);
        }
        let copied = copy(&client, rows).await;
        if let Err(error) = &copied {
            eprintln!("pg: {error:?}");
        }
        for (_, answer) in jobs.drain(..) {
            answer.send(copied.is_ok()).ok();
        }
    }
}

async fn copy(client: &tokio_postgres::Client, rows: Vec<u8>) -> Result<u64, tokio_postgres::Error> {
    const STATEMENT: &str =
        "COPY jobs (uuid,user_id,custom_val,parameters,event_payload,event_count,workspace_id) FROM STDIN";
    let sink = client.copy_in::<_, bytes::Bytes>(STATEMENT).await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(bytes::Bytes::from(rows)).await?;
    sink.finish().await
}

fn row(call: &Checked, out: &mut Vec<u8>) {
    let hash = crc32fast::hash(&call.body);
    let (middle, tail) = (call.body.len() & 0xFFFF, u64::from(hash) * 31);
    out.extend_from_slice(format!("{hash:08x}-{middle:04x}-4000-8000-{tail:012x}\t").as_bytes());
    escape(call.id.as_bytes(), out);
    out.extend_from_slice(b"\tGW\t{\"source_id\":\"src1\",\"batch_id\":1}\t");
    escape(&call.body, out);
    out.extend_from_slice(b"\t1\tws1\n");
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.push(byte),
        }
    }
}
