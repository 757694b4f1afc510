//! Stores the child's lines in a file until all of them are known: only then is it certain that an accepted row isn't a
//! duplicate.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Take};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use inventory_rules::judge::{FileRead, Place, SheetRead, Verdict};

use super::Line;

/// The file with the lines of rows, and how much of it has been written.
#[derive(Debug)]
pub struct Spool {
    file: File,
    written: watch::Sender<Written>,
}

/// The part of a spool that can be read so far.
#[derive(Debug, Clone, Default)]
struct Written {
    bytes: u64,
    rows: u64,
    sheets: Arc<[SheetRead]>,
    /// Set when all rows are there: how many bytes of duplicates follow them.
    complete: Option<u64>,
}

impl Spool {
    /// Creates an unnamed file in `folder`.
    pub fn create(folder: &Path) -> io::Result<Spool> {
        Ok(Spool { file: tempfile::tempfile_in(folder)?, written: watch::Sender::default() })
    }

    /// Returns the rows as they are written.
    pub fn follow(&self) -> io::Result<IncomingRows> {
        let rows = Rows::new(&self.file, (0, 0), (0, 0), Vec::new())?;
        Ok(IncomingRows { rows, taken: 0, written: self.written.subscribe() })
    }

    pub(super) fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 16, self.file.try_clone()?))
    }

    /// Announces how much has been written so far.
    pub(super) fn grow(&self, bytes: u64, rows: u64, sheets: &[SheetRead]) {
        self.written.send_modify(|written| {
            (written.bytes, written.rows) = (bytes, rows);
            if *written.sheets != *sheets {
                written.sheets = sheets.into();
            }
        });
    }

    /// Announces that everything has been written: rows up to `revised_at`, duplicates up to `end`.
    pub(super) fn end(self, revised_at: u64, end: u64, rows: u64, file: FileRead) -> Reading {
        self.grow(revised_at, rows, &file.sheets);
        self.written.send_modify(|written| written.complete = Some(end - revised_at));
        Reading { spool: self.file, revised_at, end, rows, file, peak_memory: None }
    }
}

/// A file that has been read and judged completely.
#[derive(Debug)]
pub struct Reading {
    spool: File,
    revised_at: u64,
    end: u64,
    /// Rows with at least one value, in all sheets.
    pub rows: u64,
    pub file: FileRead,
    /// The child's peak memory in bytes, if it reported it.
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
    /// Returns all rows in the order of the file, each with its final verdict.
    pub fn rows(&self) -> io::Result<Rows> {
        let names = self.file.sheets.iter().map(|sheet| Arc::from(sheet.name.as_str())).collect();
        Rows::new(&self.spool, (0, self.revised_at), (self.revised_at, self.end), names)
    }

    pub fn has_revised_verdicts(&self) -> bool {
        self.end > self.revised_at
    }
}

/// Rows that can be read while the file is still being judged. A row that looks accepted may turn out to be a duplicate
/// at the end.
pub struct IncomingRows {
    rows: Rows,
    taken: u64,
    written: watch::Receiver<Written>,
}

impl IncomingRows {
    /// Returns the next `most` rows (fewer only at the end of the file) and what is known about the sheets so far;
    /// `None` after the last row, if some of the rows were duplicates, or if reading the file failed.
    pub async fn next_rows(&mut self, most: usize) -> Option<io::Result<(Vec<JudgedRow>, Arc<[SheetRead]>)>> {
        let enough = |written: &Written| written.complete.is_some() || written.rows >= self.taken + most as u64;
        let written = self.written.wait_for(enough).await.ok()?.clone();
        if written.complete.is_some_and(|duplicates| duplicates > 0) || written.rows == self.taken {
            return None;
        }
        self.rows.grow(written.bytes, &written.sheets);
        let rows: io::Result<Vec<JudgedRow>> = self.rows.by_ref().take(most).collect();
        self.taken += rows.as_ref().map_or(0, |rows| rows.len() as u64);
        Some(rows.map(|rows| (rows, written.sheets)))
    }
}

/// An independent read position in a file that others read and write too.
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

/// An iterator over the rows of a file, with their final verdicts.
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
        (revised_at, duplicates_end): (u64, u64),
        names: Vec<Arc<str>>,
    ) -> io::Result<Rows> {
        let mut duplicates = Lines::new(spool, revised_at, duplicates_end)?;
        let next_duplicate = duplicates.next_line()?;
        Ok(Rows { names, rows: Lines::new(spool, rows_at, rows_end)?, next_duplicate, duplicates })
    }

    /// Extends the rows that can be read up to `end`.
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
    use inventory_rules::judge::{RejectedRow, Skip, Skipped};
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
    async fn rows_can_be_read_as_they_are_written_but_not_to_the_end_if_some_are_duplicates() {
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
            let mut numbers = Vec::new();
            for _ in 0..2 {
                let (rows, sheets) = following.next_rows(3).await.unwrap().unwrap();
                assert_eq!(sheets[0].name, "A");
                numbers.extend(rows.into_iter().map(|row| row.row));
            }
            assert!(futures_util::poll!(std::pin::pin!(following.next_rows(3))).is_pending());
            let rows_end = write(7..10);
            let file = FileRead { sheets: vec![sheet("A")], ..FileRead::default() };
            let reading = spool.end(rows_end, rows_end + duplicates, 10, file);
            assert_eq!(reading.has_revised_verdicts(), duplicates > 0);
            while let Some(rows) = following.next_rows(3).await {
                numbers.extend(rows.unwrap().0.into_iter().map(|row| row.row));
            }
            let expected = if duplicates > 0 { 0..6 } else { 0..10 };
            assert_eq!(numbers, expected.collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn incoming_rows_end_if_reading_the_file_fails() {
        let spool = Spool::create(&std::env::temp_dir()).unwrap();
        let mut following = spool.follow().unwrap();
        drop(spool);
        assert!(following.next_rows(3).await.is_none());
    }

    #[test]
    fn duplicates_replace_the_accepted_rows_in_their_places() {
        let kept = RejectedRow { problems: vec![], cells: vec![], key: None };
        let lines = [
            Line::Row(Place(0, 1), Verdict::Skipped(Skipped { why: Skip::Header, says: "SKU".into() })),
            Line::Row(Place(0, 2), Verdict::Accepted(Item::new())),
            Line::Row(Place(0, 3), Verdict::Accepted(Item::new())),
            Line::Row(Place(1, 2), Verdict::Accepted(Item::new())),
            Line::Again(Place(0, 2), Verdict::Duplicate(kept.clone())),
            Line::Again(Place(1, 2), Verdict::Duplicate(kept.clone())),
        ];
        let spool = Spool::create(&std::env::temp_dir()).unwrap();
        let (mut bytes, mut revised_at) = (0, 0);
        for (i, line) in lines.iter().enumerate() {
            let text = serde_json::to_string(line).unwrap() + "\n";
            assert!(text.as_bytes().starts_with(if i < 4 { Line::ROW } else { Line::AGAIN }));
            if i == 4 {
                revised_at = bytes;
            }
            bytes += text.len() as u64;
            (&spool.file).write_all(text.as_bytes()).unwrap();
        }
        let file = FileRead { sheets: vec![sheet("A"), sheet("B")], ..FileRead::default() };
        let reading = spool.end(revised_at, bytes, 4, file);
        for _ in 0..2 {
            let rows: Vec<JudgedRow> = reading.rows().unwrap().map(Result::unwrap).collect();
            let found: Vec<_> =
                rows.iter().map(|row| (&*row.sheet, row.row, matches!(row.verdict, Verdict::Duplicate(_)))).collect();
            assert_eq!(found, [("A", 1, false), ("A", 2, true), ("A", 3, false), ("B", 2, true)]);
        }
    }
}
