//! Requests of operators and of the schedule, other than loading.

pub mod answer;
pub mod cancel;
pub mod expected;
pub mod failure_queue;
pub mod reload;
pub mod rows;
pub mod show;
pub mod sweep;
pub mod unannounced;
pub mod undo;
