//! What the child said, kept in a file until the whole of it is known: only then is an accepted row no duplicate.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Take};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use inventory_rules::judge::{FileRead, Place, SheetRead, Verdict};

use super::Line;

/// Where the lines of rows are kept, and how far they have come.
#[derive(Debug)]
pub struct Spool {
    file: File,
    grown: watch::Sender<Grown>,
}

/// So much of a spool can be read.
#[derive(Debug, Clone, Default)]
struct Grown {
    bytes: u64,
    rows: u64,
    sheets: Arc<[SheetRead]>,
    /// All rows are there, and these many bytes of duplicates after them.
    whole: Option<u64>,
}

impl Spool {
    /// A file without a name in this folder.
    pub fn create(folder: &Path) -> io::Result<Spool> {
        Ok(Spool { file: tempfile::tempfile_in(folder)?, grown: watch::Sender::default() })
    }

    /// The rows while they come.
    pub fn follow(&self) -> io::Result<Following> {
        let rows = Rows::new(&self.file, (0, 0), (0, 0), Vec::new())?;
        Ok(Following { rows, taken: 0, grown: self.grown.subscribe() })
    }

    pub(super) fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 16, self.file.try_clone()?))
    }

    /// So much has been written by now.
    pub(super) fn grow(&self, bytes: u64, rows: u64, sheets: &[SheetRead]) {
        self.grown.send_modify(|grown| {
            (grown.bytes, grown.rows) = (bytes, rows);
            if *grown.sheets != *sheets {
                grown.sheets = sheets.into();
            }
        });
    }

    /// All has been written: rows to `duplicates_at`, duplicates to `end`.
    pub(super) fn end(self, duplicates_at: u64, end: u64, rows: u64, file: FileRead) -> Reading {
        self.grow(duplicates_at, rows, &file.sheets);
        self.grown.send_modify(|grown| grown.whole = Some(end - duplicates_at));
        Reading { spool: self.file, duplicates_at, end, rows, file, peak_memory: None }
    }
}

/// A whole file, read and judged.
#[derive(Debug)]
pub struct Reading {
    spool: File,
    duplicates_at: u64,
    end: u64,
    /// Rows with a value, in all sheets.
    pub rows: u64,
    pub file: FileRead,
    /// The most memory that the child has had, in bytes, where it has told.
    pub peak_memory: Option<u64>,
}

/// A row and its final verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRow {
    pub sheet: Arc<str>,
    pub row: u32,
    pub verdict: Verdict,
}

impl Reading {
    /// All rows in the order of the file, from the beginning. Duplicates have taken the place of accepted rows.
    pub fn rows(&self) -> io::Result<Rows> {
        let names = self.file.sheets.iter().map(|sheet| Arc::from(sheet.name.as_str())).collect();
        Rows::new(&self.spool, (0, self.duplicates_at), (self.duplicates_at, self.end), names)
    }

    pub fn has_duplicates(&self) -> bool {
        self.end > self.duplicates_at
    }
}

/// Rows that are read while the file still is. What looks accepted may turn out to be a duplicate at the end.
pub struct Following {
    rows: Rows,
    taken: u64,
    grown: watch::Receiver<Grown>,
}

impl Following {
    /// The next so many rows with what is known of the sheets by now, fewer only at the end of the file. None after the
    /// last, where some of the rows were duplicates, and where the reading came to nothing.
    pub async fn next_rows(&mut self, most: usize) -> Option<io::Result<(Vec<JudgedRow>, Arc<[SheetRead]>)>> {
        let enough = |grown: &Grown| grown.whole.is_some() || grown.rows >= self.taken + most as u64;
        let grown = self.grown.wait_for(enough).await.ok()?.clone();
        if grown.whole.is_some_and(|duplicates| duplicates > 0) || grown.rows == self.taken {
            return None;
        }
        self.rows.grow(grown.bytes, &grown.sheets);
        let rows: io::Result<Vec<JudgedRow>> = self.rows.by_ref().take(most).collect();
        self.taken += rows.as_ref().map_or(0, |rows| rows.len() as u64);
        Some(rows.map(|rows| (rows, grown.sheets)))
    }
}

/// A position of its own in a file that others read and write too.
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
        let length = self.file.read_at(buffer, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

struct Lines {
    file: BufReader<Take<Cursor>>,
    end: u64,
    line: Vec<u8>,
}

impl Lines {
    fn new(spool: &File, from: u64, to: u64) -> io::Result<Lines> {
        let file = BufReader::with_capacity(1 << 16, Cursor::new(spool, from)?.take(to - from));
        Ok(Lines { file, end: to, line: Vec::new() })
    }

    fn end_at(&mut self, end: u64) {
        let part = self.file.get_mut();
        part.set_limit(part.limit() + end - self.end);
        self.end = end;
    }

    fn next_line(&mut self) -> io::Result<Option<(Place, Verdict)>> {
        self.line.clear();
        if self.file.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        match serde_json::from_slice(&self.line)? {
            Line::Row(place, verdict) | Line::Again(place, verdict) => Ok(Some((place, verdict))),
            Line::Sheet(..) | Line::Memory(_) | Line::End(_) | Line::Refused(_) => {
                Err(io::ErrorKind::InvalidData.into())
            }
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
    fn new(
        spool: &File,
        (rows_at, rows_end): (u64, u64),
        (duplicates_at, duplicates_end): (u64, u64),
        names: Vec<Arc<str>>,
    ) -> io::Result<Rows> {
        let mut duplicates = Lines::new(spool, duplicates_at, duplicates_end)?;
        let next_duplicate = duplicates.next_line()?;
        Ok(Rows { names, rows: Lines::new(spool, rows_at, rows_end)?, next_duplicate, duplicates })
    }

    /// There is more to read.
    fn grow(&mut self, end: u64, sheets: &[SheetRead]) {
        self.rows.end_at(end);
        if self.names.len() < sheets.len() {
            self.names = sheets.iter().map(|sheet| Arc::from(sheet.name.as_str())).collect();
        }
    }

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
    use inventory_base::item::Item;
    use inventory_rules::judge::{Kept, Skip, Skipped};
    use std::io::Write;

    fn sheet(name: &str) -> SheetRead {
        let (columns, others) = (vec![], vec![]);
        SheetRead {
            name: name.into(),
            loaded: true,
            skipped: None,
            header_row: Some(1),
            columns,
            others,
            tables: vec![],
        }
    }

    #[tokio::test]
    async fn rows_are_told_while_they_come_and_no_more_where_some_are_duplicates() {
        for duplicates in [0, 7] {
            let spool = Spool::create(&std::env::temp_dir()).unwrap();
            let mut following = spool.follow().unwrap();
            let mut bytes = 0;
            let mut write = |rows: std::ops::Range<u32>| {
                for row in rows {
                    let line =
                        serde_json::to_string(&Line::Row(Place(0, row), Verdict::Accepted(Item::new()))).unwrap();
                    (&spool.file).write_all(line.as_bytes()).unwrap();
                    (&spool.file).write_all(b"\n").unwrap();
                    bytes += line.len() as u64 + 1;
                }
                bytes
            };
            spool.grow(write(0..7), 7, &[sheet("A")]);
            let mut told = Vec::new();
            for _ in 0..2 {
                let (rows, sheets) = following.next_rows(3).await.unwrap().unwrap();
                assert_eq!(sheets[0].name, "A");
                told.extend(rows.into_iter().map(|row| row.row));
            }
            assert!(futures_util::poll!(std::pin::pin!(following.next_rows(3))).is_pending());
            let rows_end = write(7..10);
            let file = FileRead { sheets: vec![sheet("A")], ..FileRead::default() };
            let reading = spool.end(rows_end, rows_end + duplicates, 10, file);
            assert_eq!(reading.has_duplicates(), duplicates > 0);
            while let Some(rows) = following.next_rows(3).await {
                told.extend(rows.unwrap().0.into_iter().map(|row| row.row));
            }
            let expected = if duplicates > 0 { 0..6 } else { 0..10 };
            assert_eq!(told, expected.collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_reading_that_comes_to_nothing_ends_who_follows_it() {
        let spool = Spool::create(&std::env::temp_dir()).unwrap();
        let mut following = spool.follow().unwrap();
        drop(spool);
        assert!(following.next_rows(3).await.is_none());
    }

    #[test]
    fn duplicates_take_the_place_of_the_rows_they_are() {
        let kept = Kept { problems: vec![], cells: vec![], key: None };
        let lines = [
            Line::Row(Place(0, 1), Verdict::Skipped(Skipped { why: Skip::Header, says: "SKU".into() })),
            Line::Row(Place(0, 2), Verdict::Accepted(Item::new())),
            Line::Row(Place(0, 3), Verdict::Accepted(Item::new())),
            Line::Row(Place(1, 2), Verdict::Accepted(Item::new())),
            Line::Again(Place(0, 2), Verdict::Duplicate(kept.clone())),
            Line::Again(Place(1, 2), Verdict::Duplicate(kept.clone())),
        ];
        let spool = Spool::create(&std::env::temp_dir()).unwrap();
        let (mut bytes, mut duplicates_at) = (0, 0);
        for (i, line) in lines.iter().enumerate() {
            let text = serde_json::to_string(line).unwrap() + "\n";
            assert!(text.as_bytes().starts_with(if i < 4 { Line::ROW } else { Line::AGAIN }));
            if i == 4 {
                duplicates_at = bytes;
            }
            bytes += text.len() as u64;
            (&spool.file).write_all(text.as_bytes()).unwrap();
        }
        let file = FileRead { sheets: vec![sheet("A"), sheet("B")], ..FileRead::default() };
        let reading = spool.end(duplicates_at, bytes, 4, file);
        for _ in 0..2 {
            let rows: Vec<JudgedRow> = reading.rows().unwrap().map(Result::unwrap).collect();
            let told: Vec<_> =
                rows.iter().map(|row| (&*row.sheet, row.row, matches!(row.verdict, Verdict::Duplicate(_)))).collect();
            assert_eq!(told, [("A", 1, false), ("A", 2, true), ("A", 3, false), ("B", 2, true)]);
        }
    }
}
