//! A simulated DynamoDB table with realistic capacity and little else, for benchmarks on one machine. `--help`
//! (`settings.rs`) says what it models and what not:
//!
//! cargo run --release --example simulated-table -- --help

mod answer;
mod bucket;
mod capacity;
mod counts;
mod describe;
mod reading;
mod request;
mod serve;
mod settings;
mod table;
mod units;
mod writing;

use std::io::{self, Write};
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::settings::Settings;
use crate::table::Table;

/// Single-threaded: a second thread would compete with the loader for the processors, and the two would wake each
/// other.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let settings = Settings::parse();
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
    let table = Arc::new(Table::new(settings, Instant::now().into_std()));
    let mut out = io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    serve::serve(listener, table).await
}
