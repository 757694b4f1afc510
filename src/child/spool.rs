//! What the child said, kept in a file until the whole of it is known: only then is an accepted row no duplicate.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::sync::Arc;

use crate::judge::{FileRead, Place, Verdict};

use super::Line;

/// A whole file, read and judged.
#[derive(Debug)]
pub struct Reading {
    spool: File,
    duplicates_at: u64,
    end: u64,
    /// Rows with a value, in all sheets.
    pub rows: u64,
    pub file: FileRead,
}

/// A row and its final verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRow {
    pub sheet: Arc<str>,
    pub row: u32,
    pub verdict: Verdict,
}

impl Reading {
    pub(super) fn new(spool: File, duplicates_at: u64, end: u64, rows: u64, file: FileRead) -> Reading {
        Reading { spool, duplicates_at, end, rows, file }
    }

    /// All rows in the order of the file, from the beginning. Duplicates have taken the place of accepted rows.
    pub fn rows(&self) -> io::Result<Rows> {
        let part = |from: u64, to: u64| -> io::Result<Lines> {
            Ok(Lines {
                file: BufReader::with_capacity(1 << 16, Cursor::new(&self.spool, from)?.take(to - from)),
                line: vec![],
            })
        };
        let mut duplicates = part(self.duplicates_at, self.end)?;
        Ok(Rows {
            names: self.file.sheets.iter().map(|sheet| Arc::from(sheet.name.as_str())).collect(),
            rows: part(0, self.duplicates_at)?,
            next_duplicate: duplicates.next_line()?,
            duplicates,
        })
    }
}

/// A position of its own in a file that others read too.
struct Cursor {
    file: File,
    position: u64,
}

impl Cursor {
    fn new(file: &File, position: u64) -> io::Result<Cursor> {
        Ok(Cursor { file: file.try_clone()?, position })
    }
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A clone of a file shares its position, so it is set before every read.
        self.file.seek(SeekFrom::Start(self.position))?;
        let length = self.file.read(buffer)?;
        self.position += length as u64;
        Ok(length)
    }
}

struct Lines {
    file: BufReader<Take<Cursor>>,
    line: Vec<u8>,
}

impl Lines {
    fn next_line(&mut self) -> io::Result<Option<(Place, Verdict)>> {
        self.line.clear();
        if self.file.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        match serde_json::from_slice(&self.line)? {
            Line::Row(place, verdict) | Line::Duplicate(place, verdict) => Ok(Some((place, verdict))),
            Line::End(_) | Line::Refused(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The rows of a reading, one after another.
pub struct Rows {
    names: Vec<Arc<str>>,
    rows: Lines,
    duplicates: Lines,
    next_duplicate: Option<(Place, Verdict)>,
}

impl Rows {
    fn advance(&mut self) -> io::Result<Option<JudgedRow>> {
        let Some((place, mut verdict)) = self.rows.next_line()? else {
            return Ok(None);
        };
        if let Some((_, duplicate)) = self.next_duplicate.take_if(|(duplicate, _)| *duplicate == place) {
            verdict = duplicate;
            self.next_duplicate = self.duplicates.next_line()?;
        }
        let sheet = self.names.get(usize::from(place.0)).cloned().ok_or(io::ErrorKind::InvalidData)?;
        Ok(Some(JudgedRow { sheet, row: place.1, verdict }))
    }
}

impl Iterator for Rows {
    type Item = io::Result<JudgedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use crate::judge::{Kept, SheetRead, Skip, Skipped};
    use std::io::Write;

    #[test]
    fn duplicates_take_the_place_of_the_rows_they_are() {
        let kept = Kept { problems: vec![], cells: vec![], key: None };
        let lines = [
            Line::Row(Place(0, 1), Verdict::Skipped(Skipped { why: Skip::Header, says: "SKU".into() })),
            Line::Row(Place(0, 2), Verdict::Accepted(Item::new())),
            Line::Row(Place(0, 3), Verdict::Accepted(Item::new())),
            Line::Row(Place(1, 2), Verdict::Accepted(Item::new())),
            Line::Duplicate(Place(0, 2), Verdict::Duplicate(kept.clone())),
            Line::Duplicate(Place(1, 2), Verdict::Duplicate(kept.clone())),
        ];
        let mut spool = tempfile::tempfile().unwrap();
        let (mut bytes, mut duplicates_at) = (0, 0);
        for (i, line) in lines.iter().enumerate() {
            let text = serde_json::to_string(line).unwrap() + "\n";
            assert!(text.as_bytes().starts_with(if i < 4 { Line::ROW } else { Line::DUPLICATE }));
            if i == 4 {
                duplicates_at = bytes;
            }
            bytes += text.len() as u64;
            spool.write_all(text.as_bytes()).unwrap();
        }
        let sheet = |name: &str| SheetRead {
            name: name.into(),
            loaded: true,
            skipped: None,
            header_row: Some(1),
            columns: vec![],
        };
        let reading = Reading::new(
            spool,
            duplicates_at,
            bytes,
            4,
            FileRead { sheets: vec![sheet("A"), sheet("B")], ..FileRead::default() },
        );
        for _ in 0..2 {
            let rows: Vec<JudgedRow> = reading.rows().unwrap().map(Result::unwrap).collect();
            let told: Vec<_> =
                rows.iter().map(|row| (&*row.sheet, row.row, matches!(row.verdict, Verdict::Duplicate(_)))).collect();
            assert_eq!(told, [("A", 1, false), ("A", 2, true), ("A", 3, false), ("B", 2, true)]);
        }
    }
}
