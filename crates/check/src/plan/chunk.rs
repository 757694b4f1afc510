//! A thousand rows as JSON Lines under zstd: `zstdcat 00000.jsonl.zst | jq` shows them to a person.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::PlanError;

/// One chunk is what is lost and done again when a run is killed; a checkpoint is one write to the ledger.
pub const ROWS_PER_CHUNK: usize = 1000;
/// So many are written at once, those that come first in the plan. Of a run that died, so many may be half written.
pub const CHUNKS_AT_ONCE: usize = 4;
/// zstd's fast end: the lines are alike, and more effort saves little.
const ZSTD_LEVEL: i32 = 1;
/// About as long as a line is.
const LINE_BYTES: usize = 400;
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
        // Given to the packer bit by bit as they are written, lines take it three times as long.
        let mut text = Vec::with_capacity(lines.len() * LINE_BYTES);
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        zstd::bulk::compress(&text, ZSTD_LEVEL)
    };
    packed().map_err(|source| PlanError::Pack { name: name.to_string(), source })
}

/// Unpacks a chunk and reads its lines.
pub fn decode<T: DeserializeOwned>(name: &str, packed: &[u8]) -> Result<Vec<T>, PlanError> {
    read_lines(name, &unpack(name, packed)?)
}

pub fn unpack(name: &str, packed: &[u8]) -> Result<String, PlanError> {
    let text = zstd::decode_all(packed).map_err(|error| damaged(name, error))?;
    String::from_utf8(text).map_err(|error| damaged(name, error))
}

/// The lines of an unpacked chunk, which may borrow from it.
pub fn read_lines<'a, T: Deserialize<'a>>(name: &str, lines: &'a str) -> Result<Vec<T>, PlanError> {
    serde_json::Deserializer::from_str(lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(name, error))
}

fn damaged(name: &str, why: impl ToString) -> PlanError {
    PlanError::Damaged { name: name.to_string(), reason: why.to_string() }
}
