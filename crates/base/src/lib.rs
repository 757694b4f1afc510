//! Types that every stage of the loader shares: amounts, items, messages, uploads and loads. No I/O.

pub mod decimal;
pub mod decision;
pub mod ending;
pub mod item;
pub mod key_shape;
pub mod load_id;
pub mod message;
pub mod progress;
pub mod upload;
