//! A simulated DynamoDB table with realistic capacity, for benchmarks on one machine. `--help` (`settings.rs`)
//! says what it models and what not:
//!
//! cargo run --release -p inventory-local-table --bin simulated-table -- --help

use std::io::{self, Write};
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::time::Instant;

use inventory_local_table::{Service, Settings, serve};

/// Single-threaded: a second thread would compete with the loader for the processors, and the two would wake each
/// other.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let settings = Settings::parse();
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
    let service = Arc::new(Service::new(settings, Instant::now().into_std()).map_err(io::Error::other)?);
    let mut out = io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    serve(listener, service).await
}
