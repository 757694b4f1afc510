//! A thousand rows as JSON Lines under zstd: `zstdcat 00000.jsonl.zst | jq` shows them to a person.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PlanError;

/// One chunk is what is lost and done again when a run is killed; a checkpoint is one write to the ledger.
pub const ROWS_PER_CHUNK: usize = 1000;
/// zstd's fast end: the lines are alike, and more effort saves little.
const ZSTD_LEVEL: i32 = 1;
/// Five digits name the chunks: far more rows than a workbook has.
const MAX_CHUNKS: usize = 100_000;

/// The name of a chunk of rows.
pub fn chunk_name(number: usize) -> Result<String, PlanError> {
    if number < MAX_CHUNKS { Ok(format!("{number:05}.jsonl.zst")) } else { Err(PlanError::TooLong(MAX_CHUNKS)) }
}

/// The name of a chunk of items that the sheet no longer lists.
pub fn missing_name(number: usize) -> Result<String, PlanError> {
    Ok(format!("missing-{}", chunk_name(number)?))
}

/// The name of a chunk of items that a load wrote, of the load's undo.
pub fn undo_name(number: usize) -> Result<String, PlanError> {
    Ok(format!("undo-{}", chunk_name(number)?))
}

/// Packs the lines of a chunk.
pub fn pack<T: Serialize>(name: &str, lines: &[T]) -> Result<Vec<u8>, PlanError> {
    let packed = || -> io::Result<Vec<u8>> {
        let mut packer = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
        for line in lines {
            serde_json::to_writer(&mut packer, line)?;
            packer.write_all(b"\n")?;
        }
        packer.finish()
    };
    packed().map_err(|source| PlanError::Pack { name: name.to_string(), source })
}

/// Unpacks a chunk.
pub fn decode<T: DeserializeOwned>(name: &str, packed: &[u8]) -> Result<Vec<T>, PlanError> {
    let damaged = |reason: String| PlanError::Damaged { name: name.to_string(), reason };
    let lines = zstd::decode_all(packed).map_err(|error| damaged(error.to_string()))?;
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(error.to_string()))
}
