//! The stages of a load: plan, write and verify.

pub mod builder;
pub mod compare;
pub mod missing;
pub mod newer;
pub mod plan;
pub mod read;
pub mod undo;
pub mod verify;
pub mod write;
pub mod write_chunk;
