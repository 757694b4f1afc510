//! What every stage of the loader speaks of: amounts, items, messages, uploads and the loads they become. No I/O.

pub mod decimal;
pub mod decision;
pub mod ending;
pub mod item;
pub mod load_id;
pub mod message;
pub mod upload;
