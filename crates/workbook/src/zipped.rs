//! The parts of a zipped workbook, unpacked within the budget: counted as they come out, whatever their headers claim.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::budget::{Budget, holds_too_much};
use super::source::Source;
use inventory_base::message::{Refusal, count, refusal};

const CHUNK_BYTES: usize = 128 * 1024;

/// An archive whose parts are found by name in the same way as calamine does: some exporters write backslashes or
/// capitals.
pub struct Zipped {
    archive: ZipArchive<BufReader<Source>>,
    names: HashMap<String, String>,
}

/// The unpacked bytes of all parts so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unpacked(pub u64);

impl Zipped {
    pub fn open(source: &Source) -> Result<Zipped, Refusal> {
        let archive = ZipArchive::new(BufReader::new(source.from_start())).map_err(damaged)?;
        let mut names = HashMap::with_capacity(archive.len());
        for name in archive.file_names() {
            let name = name.map_err(damaged)?;
            names.insert(normalized(&name), name.into_owned());
        }
        Ok(Zipped { archive, names })
    }

    /// Opens a part for reading within what is left of the budget; `None` if it does not exist.
    pub fn part(
        &mut self,
        part: &str,
        budget: &Budget,
        already: Unpacked,
    ) -> Result<Option<Part<ZipFile<'_, BufReader<Source>>>>, Refusal> {
        let Some(name) = self.names.get(&normalized(part)) else {
            return Ok(None);
        };
        let file = self.archive.by_name(name).map_err(damaged)?;
        let by_ratio = file.compressed_size().saturating_mul(budget.unpacked_ratio);
        let in_all = budget.unpacked_bytes.saturating_sub(already.0);
        let limit = by_ratio.max(budget.unpacked_ratio_floor_bytes).min(in_all);
        // A small claim is not trusted; one that is too large need not be tried.
        if file.size() > limit {
            return Err(refusal!(FileUnpacksTooLarge));
        }
        Ok(Some(Part { file, limit, out: 0 }))
    }

    /// Unpacks a part chunk by chunk. Returns whether it exists.
    pub fn unpack(
        &mut self,
        part: &str,
        budget: &Budget,
        unpacked: &mut Unpacked,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<bool, Refusal> {
        let Some(mut part) = self.part(part, budget, *unpacked)? else {
            return Ok(false);
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = match part.read(&mut chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(part.refuse(error)),
            };
            if length == 0 {
                unpacked.0 += part.out;
                return Ok(true);
            }
            take(&chunk[..length])?;
        }
    }

    /// Reads a part that is small in every known workbook.
    pub fn read_small(
        &mut self,
        part: &str,
        budget: &Budget,
        unpacked: &mut Unpacked,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let mut bytes = Vec::new();
        let found = self.unpack(part, budget, unpacked, &mut |chunk| {
            bytes.extend_from_slice(chunk);
            if bytes.len() as u64 > budget.part_bytes {
                return Err(holds_too_much("too many styles, names or sheets", &megabytes(budget.part_bytes)));
            }
            Ok(())
        })?;
        Ok(found.then_some(bytes))
    }
}

fn normalized(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", count(bytes >> 20))
}

/// A reader of a part that fails once it exceeds its limit.
pub struct Part<R> {
    file: R,
    limit: u64,
    out: u64,
}

impl<R> Part<R> {
    /// The bytes that came out of it so far.
    pub fn unpacked(&self) -> u64 {
        self.out
    }

    /// The refusal for an error while reading it.
    pub fn refuse<E>(&self, _: E) -> Refusal {
        if self.out > self.limit { refusal!(FileUnpacksTooLarge) } else { refusal!(FileDamaged) }
    }
}

impl<R: Read> Read for Part<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.out += length as u64;
        if self.out > self.limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(length) }
    }
}

fn damaged<E>(_: E) -> Refusal {
    refusal!(FileDamaged)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use inventory_base::message::Rule;
    use std::fs::File;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    /// A zip archive of these parts.
    pub fn zip_of<T: AsRef<[u8]>>(parts: &[(&str, T)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_ref()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// An unnamed file of these bytes.
    pub fn source_of(bytes: &[u8]) -> Source {
        Source::try_from(file_of(bytes)).unwrap()
    }

    pub fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Makes the archive's directory claim that this part has this many bytes.
    fn claim(archive: &mut [u8], part: &str, bytes: u32) {
        const SIGNATURE: &[u8] = b"PK\x01\x02";
        const SIZE_AT: usize = 24;
        const NAME_AT: usize = 46;
        let entry = (0..archive.len())
            .find(|&at| archive[at..].starts_with(SIGNATURE) && archive[at + NAME_AT..].starts_with(part.as_bytes()))
            .unwrap();
        archive[entry + SIZE_AT..entry + SIZE_AT + 4].copy_from_slice(&bytes.to_le_bytes());
    }

    #[test]
    fn parts_are_unpacked_within_the_budget_and_found_however_their_names_are_written() {
        let budget = Budget {
            unpacked_bytes: 3_000,
            unpacked_ratio: 10,
            unpacked_ratio_floor_bytes: 1_000,
            part_bytes: 1_500,
            ..Budget::DEFAULT
        };
        let random: Vec<u8> = (0..2_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let bytes = zip_of(&[("XL\\One.xml", random.clone()), ("bomb", vec![0; 2_000]), ("small", vec![0; 1_000])]);
        let mut zipped = Zipped::open(&source_of(&bytes)).unwrap();
        let mut unpacked = Unpacked::default();
        let mut rule = |part: &str, unpacked: &mut Unpacked| {
            zipped.unpack(part, &budget, unpacked, &mut |_| Ok(())).map_err(|refusal| refusal.rule)
        };
        assert_eq!(rule("none", &mut unpacked), Ok(false));
        assert_eq!(rule("xl/one.xml", &mut unpacked), Ok(true));
        assert_eq!(unpacked.0, 2_000);
        assert_eq!(rule("bomb", &mut unpacked), Err(Rule::FileUnpacksTooLarge));
        assert_eq!(rule("small", &mut unpacked), Ok(true));
        assert_eq!(rule("small", &mut unpacked), Err(Rule::FileUnpacksTooLarge));
        let refusal = zipped.read_small("xl/one.xml", &budget, &mut Unpacked::default()).unwrap_err();
        assert_eq!(refusal.rule, Rule::FileHoldsTooMuch);
        let mut false_claim = bytes.clone();
        claim(&mut false_claim, "bomb", 10);
        let mut taken = 0;
        let mut zipped = Zipped::open(&source_of(&false_claim)).unwrap();
        let refusal = zipped.unpack("bomb", &budget, &mut Unpacked::default(), &mut |piece| {
            taken += piece.len();
            Ok(())
        });
        assert_eq!(refusal.unwrap_err().rule, Rule::FileDamaged);
        assert!(taken <= 1_000, "{taken}");
        let mut cut = bytes;
        let end = cut.len() / 2;
        cut[60..end].fill(7);
        let mut zipped = Zipped::open(&source_of(&cut)).unwrap();
        let refusal = zipped.unpack("xl/one.xml", &budget, &mut Unpacked::default(), &mut |_| Ok(())).unwrap_err();
        assert_eq!(refusal.rule, Rule::FileDamaged);
    }
}
