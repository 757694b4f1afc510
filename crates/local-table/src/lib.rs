//! A DynamoDB table on this machine, which speaks DynamoDB's protocol on loopback: in memory with the capacity of a real
//! one, for benchmarks (`simulated-table`), or inside a program with its items in a file (`EmbeddedTable`), for trying
//! the loader out. It evaluates the expressions that the loader sends, and refuses all others.

mod answer;
mod bucket;
mod capacity;
mod counts;
mod describe;
mod embedded;
mod expression;
mod file;
mod items;
mod key;
mod operation;
mod reading;
mod request;
mod serve;
mod service;
mod settings;
mod table;
mod units;
mod values;
mod writer;
mod writing;

pub use embedded::{EmbeddedTable, StartError};
pub use file::OpenError;
pub use serve::serve;
pub use service::Service;
pub use settings::Settings;
