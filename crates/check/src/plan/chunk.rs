//! Chunks of a plan: a thousand rows as JSON Lines compressed with zstd. To look into one:
//! `zstdcat 00000.jsonl.zst | jq`.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::PlanError;

/// Rows per chunk: what a killed run has to repeat, against one write to the ledger for each chunk's checkpoint.
pub const ROWS_PER_CHUNK: usize = 1000;
/// How many chunks are written at once. They are begun in the order of the plan, and a run that dies leaves at most this
/// many half written.
pub const CHUNKS_AT_ONCE: usize = 4;
/// zstd's fastest level: the lines are so similar that a higher one saves little.
const ZSTD_LEVEL: i32 = 1;
/// The typical length of a line.
const LINE_BYTES: usize = 400;
/// The names of chunks have five digits: enough for far more rows than a workbook has.
const MAX_CHUNKS: usize = 100_000;

/// Returns the name of a chunk of rows.
pub fn chunk_name(number: usize) -> Result<String, PlanError> {
    if number < MAX_CHUNKS { Ok(format!("{number:05}.jsonl.zst")) } else { Err(PlanError::TooLong(MAX_CHUNKS)) }
}

/// Returns the name of a chunk of items that the sheet no longer lists.
pub fn missing_name(number: usize) -> Result<String, PlanError> {
    Ok(format!("missing-{}", chunk_name(number)?))
}

/// Returns the name of a chunk of an undo.
pub fn undo_name(number: usize) -> Result<String, PlanError> {
    Ok(format!("undo-{}", chunk_name(number)?))
}

/// Serialises and compresses the lines of a chunk.
pub fn pack<T: Serialize>(name: &str, lines: &[T]) -> Result<Vec<u8>, PlanError> {
    let packed = || -> io::Result<Vec<u8>> {
        // Compressing while serialising takes three times as long.
        let mut text = Vec::with_capacity(lines.len() * LINE_BYTES);
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        zstd::bulk::compress(&text, ZSTD_LEVEL)
    };
    packed().map_err(|source| PlanError::Pack { name: name.to_string(), source })
}

/// Decompresses a chunk and parses its lines.
pub fn decode<T: DeserializeOwned>(name: &str, packed: &[u8]) -> Result<Vec<T>, PlanError> {
    read_lines(name, &unpack(name, packed)?)
}

/// Decompresses a chunk.
pub fn unpack(name: &str, packed: &[u8]) -> Result<String, PlanError> {
    let text = zstd::decode_all(packed).map_err(|error| damaged(name, error))?;
    String::from_utf8(text).map_err(|error| damaged(name, error))
}

/// Parses the lines of a decompressed chunk; the result may borrow from it.
pub fn read_lines<'a, T: Deserialize<'a>>(name: &str, lines: &'a str) -> Result<Vec<T>, PlanError> {
    serde_json::Deserializer::from_str(lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(name, error))
}

fn damaged(name: &str, why: impl ToString) -> PlanError {
    PlanError::Damaged { name: name.to_string(), reason: why.to_string() }
}
