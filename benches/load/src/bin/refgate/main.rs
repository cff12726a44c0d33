//! `refgate`: reference gateways. One HTTP front, several ways to make a call durable, so that the differences are the
//! store's. `null` answers at once, `parse` validates first, `file` appends to one file with a shared fdatasync (the
//! floor), `pg` copies into a jobs table with synchronous commit.

mod parse;
mod store;

use std::path::PathBuf;

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::{Parser, ValueEnum};
use tokio::sync::oneshot;

use store::Job;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    Null,
    Parse,
    File,
    Pg,
}

/// Reference gateways for side-by-side ingest figures.
#[derive(Parser)]
struct Options {
    /// How a call is made durable.
    #[arg(long, value_enum, default_value = "null")]
    backend: Backend,
    /// Port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// HTTP threads.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Folder of `file`.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Connection string of `pg`.
    #[arg(long, default_value = "")]
    dsn: String,
    /// Parallel COPY writers of `pg`.
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Requests that one COPY of `pg` takes at most.
    #[arg(long, default_value_t = 128)]
    max: usize,
}

enum Store {
    Null,
    Parse,
    File(std::sync::mpsc::Sender<Job>),
    Pg(tokio::sync::mpsc::Sender<Job>),
}

fn success() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{\"success\":true}")
}

async fn take(store: web::Data<Store>, path: web::Path<String>, body: web::Bytes) -> HttpResponse {
    if let Store::Null = **store {
        return success();
    }
    let is_batch = matches!(path.as_str(), "batch" | "b");
    let calls = match parse::body(&body, is_batch) {
        Ok(calls) => calls,
        Err(reason) => return HttpResponse::BadRequest().body(reason),
    };
    let durable = match &**store {
        Store::Null | Store::Parse => {
            std::hint::black_box(&calls);
            true
        }
        Store::File(queue) => {
            let (answer, durable) = oneshot::channel();
            queue.send((calls, answer)).is_ok() && durable.await.unwrap_or(false)
        }
        Store::Pg(queue) => {
            let (answer, durable) = oneshot::channel();
            queue.send((calls, answer)).await.is_ok() && durable.await.unwrap_or(false)
        }
    };
    if durable { success() } else { HttpResponse::ServiceUnavailable().finish() }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = web::Data::new(match options.backend {
        Backend::Null => Store::Null,
        Backend::Parse => Store::Parse,
        Backend::File => Store::File(store::file(&options.dir)?),
        Backend::Pg => Store::Pg(runtime.block_on(store::postgres(&options.dsn, options.writers, options.max))?),
    });
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(store.clone())
                .app_data(web::PayloadConfig::new(8 << 20))
                .route("/v1/{kind}", web::post().to(take))
                .route("/hello", web::get().to(|| async { "hello" }))
        })
        .workers(options.workers)
        .bind(("127.0.0.1", options.port))?;
        for address in server.addrs() {
            println!("refgate is ready on http://{address}");
        }
        server.run().await
    })?;
    Ok(())
}
