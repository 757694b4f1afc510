//! How files are read: by which program, where, and what one may cost.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use inventory_base::message::{Refusal, count, refusal};
use inventory_rules::schema::Schema;
use inventory_workbook::Budget;

use super::outside::{ChildError, Outcome, Scratch, read};
use super::spool::Spool;
use super::{Brief, Items, Limits};

const MEGABYTE: u64 = 1 << 20;
/// The largest file that is read. A workbook of a million rows of ten columns is about 60 MB.
pub const FILE_BYTES: u64 = 128 * MEGABYTE;
/// A row takes a few hundred bytes of the spool, so it holds a few million rows.
const SCRATCH_MEGABYTES: u64 = 2048;

/// How files are read. Both programs of this project can be the child; in tests, the running program is neither.
#[derive(Debug, Clone)]
pub struct Reader {
    pub program: PathBuf,
    /// The folder of the spool while a file is read.
    pub scratch: PathBuf,
    /// The largest spool allowed there.
    pub scratch_bytes: u64,
    pub file_bytes: u64,
    pub budget: Budget,
    pub limits: Limits,
}

/// An open file. Its name only names the sheet of a format that has none, and what the name says about the format.
pub struct NamedFile<'a> {
    pub file: File,
    pub name: &'a str,
}

impl Reader {
    /// A reader with the default limits.
    pub fn new(program: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Reader {
        Reader {
            program: program.into(),
            scratch: scratch.into(),
            scratch_bytes: SCRATCH_MEGABYTES * MEGABYTE,
            file_bytes: FILE_BYTES,
            budget: Budget::default(),
            limits: Limits::default(),
        }
    }

    /// Creates a spool for one file.
    pub fn spool(&self) -> Result<Spool, ChildError> {
        Spool::create(&self.scratch).map_err(|source| ChildError::Spool { folder: self.scratch.clone(), source })
    }

    /// Reads and judges a file in a child for at most `patience`, and stores its output in the spool, which can be
    /// followed in the meantime. Calls `progress` from time to time with the number of rows judged.
    pub async fn read(
        &self,
        NamedFile { file, name }: NamedFile<'_>,
        schema: &Schema,
        items: Items,
        spool: Spool,
        patience: Duration,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Outcome, ChildError> {
        let brief = Brief {
            file_name: name.to_string(),
            schema: schema.clone(),
            budget: self.budget.clone(),
            limits: self.limits,
            items,
        };
        let scratch = Scratch { folder: &self.scratch, bytes: self.scratch_bytes };
        read(&self.program, &scratch, file, &brief, spool, patience, progress).await
    }
}

/// Refuses a file that is larger than the limit.
pub fn too_large(bytes: u64, limit: u64) -> Refusal {
    let (size, limit) = (count(bytes.div_ceil(MEGABYTE)), count(limit / MEGABYTE));
    refusal!(FileTooLarge { size, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_refused_in_megabytes() {
        assert_eq!(too_large((200 << 20) + 1, 100 << 20).message, "The file is 201 MB; the limit is 100 MB.");
    }
}
