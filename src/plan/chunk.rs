//! A thousand rows as JSON Lines under zstd: `zstdcat 00000.jsonl.zst | jq` shows them to a person.

use std::io::{self, Write};

use super::{ChunkEntry, Counts, Fate, PlanError, PlanRow};
use crate::child::Rows;

/// One chunk is what is lost and done again when a run is killed; a checkpoint is one write to the ledger.
pub const ROWS_PER_CHUNK: usize = 1000;
/// zstd's fast end: the lines are alike, and more effort saves little.
const ZSTD_LEVEL: i32 = 1;
/// Five digits name the chunks: far more rows than a workbook has.
const MAX_CHUNKS: u32 = 100_000;

/// Judged rows, cut into chunks.
pub struct Chunks {
    rows: Rows,
    accepted: Fate,
    next: u32,
}

impl Chunks {
    /// `accepted` is the fate of an accepted row.
    pub fn new(rows: Rows, accepted: Fate) -> Chunks {
        Chunks { rows, accepted, next: 0 }
    }

    /// The next chunk with its entry in the index, packed.
    pub fn next_chunk(&mut self) -> Result<Option<(ChunkEntry, Vec<u8>)>, PlanError> {
        let mut entry =
            ChunkEntry { name: format!("{:05}.jsonl.zst", self.next), counts: Counts::default(), problems: 0 };
        let pack = |name: &str, source| PlanError::Pack { name: name.to_string(), source };
        let packed = (|| -> Result<Vec<u8>, PlanError> {
            let mut packer = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(|source| pack(&entry.name, source))?;
            for judged in self.rows.by_ref().take(ROWS_PER_CHUNK) {
                let row = PlanRow::new(judged.map_err(PlanError::Spool)?, self.accepted);
                entry.counts.add(row.fate, 1);
                entry.problems += row.problems.len() as u64;
                let line = serde_json::to_writer(&mut packer, &row).map_err(io::Error::from);
                line.and_then(|()| packer.write_all(b"\n")).map_err(|source| pack(&entry.name, source))?;
            }
            packer.finish().map_err(|source| pack(&entry.name, source))
        })()?;
        if entry.counts.total() == 0 {
            return Ok(None);
        }
        self.next += 1;
        if self.next > MAX_CHUNKS {
            return Err(PlanError::TooLong(MAX_CHUNKS));
        }
        Ok(Some((entry, packed)))
    }
}

/// Unpacks a chunk.
pub fn decode(name: &str, packed: &[u8]) -> Result<Vec<PlanRow>, PlanError> {
    let damaged = |reason: String| PlanError::Damaged { name: name.to_string(), reason };
    let lines = zstd::decode_all(packed).map_err(|error| damaged(error.to_string()))?;
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| damaged(error.to_string()))
}
