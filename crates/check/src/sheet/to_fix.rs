//! Writes `to-fix.xlsx`: the rows that could not be loaded, as they were sent, each with instructions. Once corrected, the
//! workbook can be uploaded and loaded as it is.

mod readdress;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_xlsxwriter::{Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};

use readdress::{is_about_others, readdressed};

use super::original::{CellFormats, column_of, has_room, write_original};
use super::tabs::Tabs;
use super::{CELL_UNITS, fit, write_text};
use crate::plan::{Counts, Fate, PlanRow};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Problem, Rule};
use inventory_rules::judge::{SheetRead, what_to_do_header};
use inventory_rules::schema::Duplicates;

/// The maximum number of rows, more than can be fixed by hand: with more rows, it is one mistake in all of them, to be
/// fixed in the original file.
const MAX_ROWS: usize = 100_000;
/// The maximum total size of their cells, because the workbook is in memory while it is stored.
const MAX_BYTES: usize = 64 << 20;
/// The rows are so similar that a higher level saves little.
const ZIP_LEVEL: u8 = 1;
/// The maximum number of sheets: each is an open file until the workbook is done.
const MAX_SHEETS: usize = 200;
/// The maximum number of problems with a note. Notes are in memory until the workbook is done, and take far more of it
/// than their text.
const MAX_NOTES: usize = 250;
/// The maximum length of a note, to be read at a glance; the last column has the full text.
const NOTE_UNITS: usize = 1_000;
/// In pixels, for a sentence or two.
const NOTE_SIZE: (u32, u32) = (320, 140);
/// Column widths in characters.
const NARROWEST: usize = 10;
const WIDEST: usize = 40;
const WHAT_TO_DO_WIDTH: u32 = 80;
/// The usual number of characters in a wrapped line of the last column, less than its width.
const CHARACTERS_PER_LINE: usize = 72;
/// In pixels; Excel's maximum height of a row is 546.
const LINE_HEIGHT: u32 = 20;
const MAX_LINES: usize = 27;
/// The maximum number of rows with a height of their own. Heights are in memory, too, each with room for a format.
const MAX_HEIGHTS: usize = 5_000;
/// The note on the header of the last column.
const ABOUT_WHAT_TO_DO: &str = "Cell addresses refer to this workbook. Where several rows are named together, their \
    numbers refer to the original file. Don't change this column; it is ignored when you load this workbook.";

/// Why the workbook could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ToFixError {
    #[error("the rows to fix could not be stored in temporary storage: {0}")]
    Scratch(#[from] io::Error),
    #[error("the workbook of rows to fix could not be written: {0}")]
    Workbook(#[from] XlsxError),
}

/// The workbook, and how many of the rows to fix it has.
#[derive(Debug)]
pub struct ToFixBook {
    packed: File,
    pub rows: u64,
    pub of: u64,
}

impl ToFixBook {
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        (&self.packed).rewind()?;
        (&self.packed).read_to_end(&mut content)?;
        Ok(content)
    }
}

/// Collects rows to fix on disk until all are known, because rows of one item are put together in the workbook.
#[derive(Debug)]
pub struct RowsToFix {
    folder: PathBuf,
    /// Whether the rules say which of the rows of one item counts, so that duplicates need no fixing.
    duplicates_decided: bool,
    file: BufWriter<File>,
    /// The size of the file.
    end: u64,
    rows: usize,
    /// The total size of the cells of these rows.
    bytes: usize,
    of: u64,
    sheets: Vec<SheetRows>,
}

/// The rows of one sheet.
#[derive(Debug)]
struct SheetRows {
    name: Arc<str>,
    rows: Vec<StoredRow>,
    /// For the digest of each problem that several rows share: the first of these rows.
    first: HashMap<u64, u32>,
    /// The number of columns up to the last one with a value.
    columns: u16,
    /// The number of rows that need 0, 1, 2… lines.
    lines: [usize; MAX_LINES + 1],
}

/// A row on disk. Sorts by its place in the workbook: by the first row of its item, then by its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct StoredRow {
    first: u32,
    row: u32,
    at: u64,
    length: usize,
}

impl RowsToFix {
    /// Stores rows in a folder for temporary files.
    pub fn new(folder: &Path, duplicates: Duplicates) -> io::Result<RowsToFix> {
        Ok(RowsToFix {
            folder: folder.to_path_buf(),
            duplicates_decided: duplicates != Duplicates::Reject,
            file: BufWriter::new(tempfile::tempfile_in(folder)?),
            end: 0,
            rows: 0,
            bytes: 0,
            of: 0,
            sheets: Vec::new(),
        })
    }

    /// Adds the next row of the plan; most have nothing to fix.
    pub fn add(&mut self, row: &PlanRow) -> io::Result<()> {
        let is_decided =
            self.duplicates_decided && row.problems.iter().any(|problem| problem.rule == Rule::KeyRepeated);
        if !matches!(row.fate, Fate::Rejected | Fate::Duplicate) || is_decided {
            return Ok(());
        }
        self.of += 1;
        // A row whose values are in the wrong columns must be fixed in the original file: a workbook doesn't show the extra
        // line breaks and separators, and there the row would look like any other.
        if row.problems.iter().any(|problem| problem.rule.is_about_columns()) {
            return Ok(());
        }
        // A value that doesn't fit into a cell isn't shortened, because it would be loaded as another value.
        if self.is_full() || !row.cells.iter().all(has_room) {
            return Ok(());
        }
        let Some(sheet) = sheet_of(&mut self.sheets, &row.sheet) else {
            return Ok(());
        };
        let line = serde_json::to_vec(row)?;
        self.file.write_all(&line)?;
        let repeated = row.problems.iter().find(|problem| is_about_others(problem));
        let first = repeated.map_or(row.row, |problem| *sheet.first.entry(digest(problem)).or_insert(row.row));
        sheet.rows.push(StoredRow { first, row: row.row, at: self.end, length: line.len() });
        sheet.lines[lines_of(&what_to_do(row, row.row))] += 1;
        let columns = row.cells.iter().filter_map(|cell| Some(column_of(&cell.cell)? + 1));
        sheet.columns = columns.fold(sheet.columns, u16::max);
        self.end += line.len() as u64;
        self.rows += 1;
        self.bytes += row.cells.iter().map(|cell| cell.value.len()).sum::<usize>();
        Ok(())
    }

    /// Whether there is no room for more rows; further ones are only counted.
    pub fn is_full(&self) -> bool {
        self.rows >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// Counts rows that needn't be read because there is no room for them.
    pub fn count(&mut self, rows: &Counts) {
        self.of += rows.of(Fate::Rejected) + if self.duplicates_decided { 0 } else { rows.of(Fate::Duplicate) };
    }

    /// Makes the workbook, unless there is no row to fix. `sheets` describes the sheets of the file.
    pub fn write(mut self, load: &LoadId, sheets: &[SheetRead]) -> Result<Option<ToFixBook>, ToFixError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.file.flush()?;
        let mut book = Workbook::new();
        book.set_tempdir(&self.folder)?.set_zip_compression_level(ZIP_LEVEL);
        let (mut tabs, mut formats) = (Tabs::default(), CellFormats::new());
        let mut remaining = Remaining { notes: MAX_NOTES, heights: MAX_HEIGHTS };
        for rows in &mut self.sheets {
            rows.rows.sort_unstable();
            let found = sheets.iter().find(|sheet| *sheet.name == *rows.name);
            let header_of = |row: &StoredRow| found.and_then(|sheet| sheet.header_row_at(row.row));
            // Rows below another header have other columns, and so a page of their own.
            let headers: BTreeSet<Option<u32>> = rows.rows.iter().map(header_of).collect();
            for header in headers {
                let page = book.add_worksheet_with_constant_memory()?;
                page.set_name(tabs.name(&rows.name))?;
                let mut page = Page::begin(page, found, header, rows, load, &mut formats, &mut remaining)?;
                for (place, row) in (1..).zip(rows.rows.iter().filter(|row| header_of(row) == header)) {
                    page.write_row(place, &read_back(self.file.get_ref(), row)?)?;
                }
                page.finish()?;
            }
        }
        // Written to disk first, so that the workbook is only in memory when nothing else is.
        let mut packed = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        book.save_to_writer(&mut packed)?;
        let packed = packed.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some(ToFixBook { packed, rows: self.rows as u64, of: self.of }))
    }
}

/// Returns the rows of a sheet; `None` if there is no room for another sheet. Rows come sheet by sheet.
fn sheet_of<'a>(sheets: &'a mut Vec<SheetRows>, name: &Arc<str>) -> Option<&'a mut SheetRows> {
    let is_known = sheets.last().is_some_and(|sheet| sheet.name == *name);
    if !is_known && sheets.len() < MAX_SHEETS {
        sheets.push(SheetRows {
            name: name.clone(),
            rows: Vec::new(),
            first: HashMap::new(),
            columns: 0,
            lines: [0; MAX_LINES + 1],
        });
    }
    sheets.last_mut().filter(|sheet| sheet.name == *name)
}

/// The worst that a collision can do is to put unrelated rows together.
fn digest(problem: &Problem) -> u64 {
    let mut hasher = DefaultHasher::new();
    problem.message.hash(&mut hasher);
    hasher.finish()
}

fn read_back(file: &File, row: &StoredRow) -> Result<PlanRow, io::Error> {
    let mut line = vec![0; row.length];
    file.read_exact_at(&mut line, row.at)?;
    Ok(serde_json::from_slice(&line)?)
}

/// How many more notes and heights may be kept in memory until the workbook is done.
struct Remaining {
    notes: usize,
    heights: usize,
}

/// A sheet of the workbook, written row by row.
struct Page<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a mut CellFormats,
    remaining: &'a mut Remaining,
    /// The last column, which says what to do.
    last: u16,
    widths: Vec<usize>,
    /// The number of lines that most rows need.
    lines: usize,
}

impl<'a> Page<'a> {
    /// Begins with the header that was in row `header`, each column under the same letter as in the file.
    fn begin(
        sheet: &'a mut Worksheet,
        found: Option<&SheetRead>,
        header: Option<u32>,
        rows: &SheetRows,
        load: &LoadId,
        formats: &'a mut CellFormats,
        remaining: &'a mut Remaining,
    ) -> Result<Page<'a>, XlsxError> {
        let below = header.map_or(0, |row| row + 1);
        let known = found.iter().flat_map(|sheet| sheet.columns_at(below));
        let known = known.map(|column| (&column.column, &column.header));
        let others = found.iter().flat_map(|sheet| sheet.others_at(below));
        let others = others.map(|column| (&column.column, &column.header));
        let header = known.chain(others).filter_map(|(letters, header)| Some((column_of(letters)?, header)));
        let header: BTreeMap<u16, &String> = header.collect();
        let last = header.last_key_value().map_or(0, |(column, _)| column + 1).max(rows.columns);
        let bold = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top);
        let words = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        sheet.set_freeze_panes(1, 0)?;
        for column in 0..last {
            sheet.set_column_format(column, formats.plain())?;
        }
        sheet.set_column_format(last, &words)?;
        // Not every program adapts the height of a row to its text.
        let lines = (1..=MAX_LINES).rev().max_by_key(|lines| rows.lines[*lines]).unwrap_or(1);
        sheet.set_default_row_height_pixels(LINE_HEIGHT * lines as u32);
        let widths = vec![NARROWEST; usize::from(last)];
        let mut page = Page { sheet, formats, remaining, last, widths, lines };
        for (column, header) in header {
            write_text(page.sheet, 0, column, &fit(header, CELL_UNITS), &bold)?;
            page.widen(column, header);
        }
        write_text(page.sheet, 0, last, &what_to_do_header(load), &bold)?;
        page.note(0, last, ABOUT_WHAT_TO_DO)?;
        Ok(page)
    }

    /// Writes a row, with notes on its cells as long as there is room for them.
    fn write_row(&mut self, place: u32, row: &PlanRow) -> Result<(), XlsxError> {
        let mut problems: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
        for problem in &row.problems {
            if let Some(column) = problem.cell.as_deref().and_then(column_of) {
                problems.entry(column).or_default().push(problem);
            }
        }
        for column in problems.keys() {
            self.sheet.write_blank(place, *column, self.formats.marked())?;
        }
        for cell in &row.cells {
            let Some(column) = column_of(&cell.cell) else {
                continue;
            };
            write_original(self.sheet, place, column, cell, problems.contains_key(&column), self.formats)?;
            self.widen(column, &cell.value);
        }
        for (column, problems) in problems {
            if let Some(notes) = self.remaining.notes.checked_sub(problems.len()) {
                self.remaining.notes = notes;
                self.note(place, column, &fit(&instructions(problems, place + 1), NOTE_UNITS))?;
            }
        }
        let words = what_to_do(row, place + 1);
        self.sheet.write_string(place, self.last, fit(&words, CELL_UNITS))?;
        let lines = lines_of(&words);
        if lines != self.lines && self.remaining.heights > 0 {
            self.remaining.heights -= 1;
            self.sheet.set_row_height_pixels(place, LINE_HEIGHT * lines as u32)?;
        }
        Ok(())
    }

    fn note(&mut self, place: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        let (width, height) = NOTE_SIZE;
        let note = Note::new(text).add_author_prefix(false).set_width(width).set_height(height);
        self.sheet.insert_note(place, column, &note)?;
        Ok(())
    }

    fn widen(&mut self, column: u16, text: &str) {
        if let Some(width) = self.widths.get_mut(usize::from(column)) {
            *width = text.chars().take(WIDEST).count().max(*width);
        }
    }

    fn finish(self) -> Result<(), XlsxError> {
        for (column, width) in (0..).zip(self.widths) {
            // The header is bold, and cells have padding.
            self.sheet.set_column_width(column, width as u32 + 2)?;
        }
        self.sheet.set_column_width(self.last, WHAT_TO_DO_WIDTH)?;
        Ok(())
    }
}

/// Returns the text of the last column for a row, which is row `place` of the new workbook.
fn what_to_do(row: &PlanRow, place: u32) -> String {
    format!("Row {} of the original file: {}", row.row, instructions(&row.problems, place))
}

/// Returns the minimum number of lines of a text in the last column.
fn lines_of(words: &str) -> usize {
    let lines: usize = words.lines().map(|line| line.chars().count().div_ceil(CHARACTERS_PER_LINE)).sum();
    lines.min(MAX_LINES)
}

/// Returns what is wrong and what to do, a line for each problem.
fn instructions<'a>(problems: impl IntoIterator<Item = &'a Problem>, place: u32) -> String {
    problems.into_iter().map(|problem| readdressed(problem, place)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
