//! `to-fix.xlsx`: the rows that could not go in, as they were sent, with what to do beside them in words. Corrected and
//! uploaded, it is loaded as it is.

mod here;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_xlsxwriter::{Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};

use here::{is_about_others, say_here};

use super::kept::{Looks, column_of, has_room, write_kept};
use super::tabs::Tabs;
use super::{CELL_UNITS, fit, write_text};
use crate::plan::{Counts, Fate, PlanRow};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Problem, Rule};
use inventory_rules::judge::{SheetRead, what_to_do_header};
use inventory_rules::schema::Duplicates;

/// More than anybody mends by hand: whoever has more rows has one mistake in all of them, and mends it in the file itself.
const ROWS_AT_MOST: usize = 100_000;
/// Of what stands in their cells: the workbook is in memory on its way to where it is kept.
const BYTES_AT_MOST: usize = 64 << 20;
/// Rows are alike, and more effort saves little.
const ZIP_LEVEL: u8 = 1;
/// Each is a file of its own until the workbook is done, and a process has only so many.
const SHEETS_AT_MOST: usize = 200;
/// Problems with a note of their own. Notes are in memory until the workbook is done, and take far more of it than they
/// say.
const NOTES_AT_MOST: usize = 250;
/// A note is read at a glance; the column beside has all of it.
const NOTE_UNITS: usize = 1_000;
/// In pixels: a sentence or two.
const NOTE_SIZE: (u32, u32) = (320, 140);
/// In letters.
const NARROWEST: usize = 10;
const WIDEST: usize = 40;
const WHAT_TO_DO_WIDTH: u32 = 80;
/// Where words are wrapped, a line of the last column rarely takes as many as there is room for.
const LETTERS_PER_LINE: usize = 72;
/// In pixels; Excel takes 546 at most.
const LINE_HEIGHT: u32 = 20;
const LINES_AT_MOST: usize = 27;
/// Rows that are not as high as most of their sheet. Heights are in memory, too, each with room for a format.
const HEIGHTS_AT_MOST: usize = 5_000;
/// On the header of the last column.
const ABOUT_WHAT_TO_DO: &str = "Cells are named as they are in this workbook, and rows that share a cell or a value as in \
    the file that was loaded. When you load this one, this column is passed over: leave it as it is.";

/// Why the workbook could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ToFixError {
    #[error("the rows to mend could not be set aside in temporary storage: {0}")]
    Scratch(#[from] io::Error),
    #[error("the workbook of rows to mend could not be written: {0}")]
    Workbook(#[from] XlsxError),
}

/// The workbook, and how many of the rows to mend it has.
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

/// Rows to mend, set aside on disk until all are known: those of one item stand together in the workbook.
#[derive(Debug)]
pub struct RowsToFix {
    folder: PathBuf,
    /// Of the rows of one item, the rules say which counts: there is nothing to mend.
    decided: bool,
    file: BufWriter<File>,
    /// Where it ends.
    end: u64,
    rows: usize,
    /// That stand in the cells of these rows.
    bytes: usize,
    of: u64,
    sheets: Vec<SheetRows>,
}

/// The rows of one sheet.
#[derive(Debug)]
struct SheetRows {
    name: Arc<str>,
    rows: Vec<Aside>,
    /// The first row of those that say the same of one another.
    first: HashMap<u64, u32>,
    /// One more than the last that has a value.
    columns: u16,
    /// How many rows need so many lines, from none on.
    lines: [usize; LINES_AT_MOST + 1],
}

/// A row on disk, and where it stands in the workbook: by the first row of its item, then by its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Aside {
    first: u32,
    row: u32,
    at: u64,
    length: usize,
}

impl RowsToFix {
    /// Sets rows aside in a folder for temporary files.
    pub fn new(folder: &Path, duplicates: Duplicates) -> io::Result<RowsToFix> {
        Ok(RowsToFix {
            folder: folder.to_path_buf(),
            decided: duplicates != Duplicates::Reject,
            file: BufWriter::new(tempfile::tempfile_in(folder)?),
            end: 0,
            rows: 0,
            bytes: 0,
            of: 0,
            sheets: Vec::new(),
        })
    }

    /// Takes a row of the plan, in its order; most have nothing to mend.
    pub fn add(&mut self, row: &PlanRow) -> io::Result<()> {
        let is_decided = self.decided && row.problems.iter().any(|problem| problem.rule == Rule::KeyRepeated);
        if !matches!(row.fate, Fate::Rejected | Fate::Duplicate) || is_decided {
            return Ok(());
        }
        self.of += 1;
        // A row whose values are in the wrong columns is fixed where it was written: a workbook has no line breaks and
        // separators too many, and sent back as it is the row would look like any other.
        if row.problems.iter().any(|problem| problem.rule.is_about_columns()) {
            return Ok(());
        }
        // What does not fit into a cell is not cut: it would come back as another value.
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
        sheet.rows.push(Aside { first, row: row.row, at: self.end, length: line.len() });
        sheet.lines[lines_of(&what_to_do(row, row.row))] += 1;
        let columns = row.cells.iter().filter_map(|cell| Some(column_of(&cell.cell)? + 1));
        sheet.columns = columns.fold(sheet.columns, u16::max);
        self.end += line.len() as u64;
        self.rows += 1;
        self.bytes += row.cells.iter().map(|cell| cell.value.len()).sum::<usize>();
        Ok(())
    }

    /// Whether there is no room for more: they are only counted.
    pub fn is_full(&self) -> bool {
        self.rows >= ROWS_AT_MOST || self.bytes >= BYTES_AT_MOST
    }

    /// Counts rows that need not be looked at, because there is no room for them.
    pub fn count(&mut self, rows: &Counts) {
        self.of += rows.of(Fate::Rejected) + if self.decided { 0 } else { rows.of(Fate::Duplicate) };
    }

    /// Makes the workbook, unless there is no row to mend. `sheets` is what was found out about those of the file.
    pub fn write(mut self, load: &LoadId, sheets: &[SheetRead]) -> Result<Option<ToFixBook>, ToFixError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.file.flush()?;
        let mut book = Workbook::new();
        book.set_tempdir(&self.folder)?.set_zip_compression_level(ZIP_LEVEL);
        let (mut tabs, mut looks) = (Tabs::default(), Looks::new());
        let mut room = Room { notes: NOTES_AT_MOST, heights: HEIGHTS_AT_MOST };
        for rows in &mut self.sheets {
            rows.rows.sort_unstable();
            let found = sheets.iter().find(|sheet| *sheet.name == *rows.name);
            let header_of = |aside: &Aside| found.and_then(|sheet| sheet.header_row_at(aside.row));
            // Rows below another header have columns of their own, and a page for them.
            let headers: BTreeSet<Option<u32>> = rows.rows.iter().map(header_of).collect();
            for header in headers {
                let page = book.add_worksheet_with_constant_memory()?;
                page.set_name(tabs.name(&rows.name))?;
                let mut page = Page::begin(page, found, header, rows, load, &mut looks, &mut room)?;
                for (place, aside) in (1..).zip(rows.rows.iter().filter(|aside| header_of(aside) == header)) {
                    page.write_row(place, &read_back(self.file.get_ref(), aside)?)?;
                }
                page.finish()?;
            }
        }
        // It is in memory only when all else is gone from there.
        let mut packed = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        book.save_to_writer(&mut packed)?;
        let packed = packed.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some(ToFixBook { packed, rows: self.rows as u64, of: self.of }))
    }
}

/// The rows of a sheet, if there is room for one more. They come sheet by sheet.
fn sheet_of<'a>(sheets: &'a mut Vec<SheetRows>, name: &Arc<str>) -> Option<&'a mut SheetRows> {
    let is_known = sheets.last().is_some_and(|sheet| sheet.name == *name);
    if !is_known && sheets.len() < SHEETS_AT_MOST {
        sheets.push(SheetRows {
            name: name.clone(),
            rows: Vec::new(),
            first: HashMap::new(),
            columns: 0,
            lines: [0; LINES_AT_MOST + 1],
        });
    }
    sheets.last_mut().filter(|sheet| sheet.name == *name)
}

/// Should two ever have the same, some rows stand together that need not.
fn digest(problem: &Problem) -> u64 {
    let mut hasher = DefaultHasher::new();
    problem.message.hash(&mut hasher);
    hasher.finish()
}

fn read_back(file: &File, aside: &Aside) -> Result<PlanRow, io::Error> {
    let mut line = vec![0; aside.length];
    file.read_exact_at(&mut line, aside.at)?;
    Ok(serde_json::from_slice(&line)?)
}

/// How many there may still be of what is in memory until the workbook is done.
struct Room {
    notes: usize,
    heights: usize,
}

/// A sheet of the workbook, row by row.
struct Page<'a> {
    sheet: &'a mut Worksheet,
    looks: &'a mut Looks,
    room: &'a mut Room,
    /// The column that says what to do, after all others.
    last: u16,
    widths: Vec<usize>,
    /// So many lines most rows need.
    lines: usize,
}

impl<'a> Page<'a> {
    /// Begins with the header, the one in row `header`: each column under the letter that it had.
    fn begin(
        sheet: &'a mut Worksheet,
        found: Option<&SheetRead>,
        header: Option<u32>,
        rows: &SheetRows,
        load: &LoadId,
        looks: &'a mut Looks,
        room: &'a mut Room,
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
            sheet.set_column_format(column, looks.plain())?;
        }
        sheet.set_column_format(last, &words)?;
        // Not every program makes a row as high as its words need.
        let lines = (1..=LINES_AT_MOST).rev().max_by_key(|lines| rows.lines[*lines]).unwrap_or(1);
        sheet.set_default_row_height_pixels(LINE_HEIGHT * lines as u32);
        let widths = vec![NARROWEST; usize::from(last)];
        let mut page = Page { sheet, looks, room, last, widths, lines };
        for (column, header) in header {
            write_text(page.sheet, 0, column, &fit(header, CELL_UNITS), &bold)?;
            page.widen(column, header);
        }
        write_text(page.sheet, 0, last, &what_to_do_header(load), &bold)?;
        page.note(0, last, ABOUT_WHAT_TO_DO)?;
        Ok(page)
    }

    /// Writes a row, with notes on its cells as long as there is room for some.
    fn write_row(&mut self, place: u32, row: &PlanRow) -> Result<(), XlsxError> {
        let mut problems: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
        for problem in &row.problems {
            if let Some(column) = problem.cell.as_deref().and_then(column_of) {
                problems.entry(column).or_default().push(problem);
            }
        }
        for column in problems.keys() {
            self.sheet.write_blank(place, *column, self.looks.marked())?;
        }
        for cell in &row.cells {
            let Some(column) = column_of(&cell.cell) else {
                continue;
            };
            write_kept(self.sheet, place, column, cell, problems.contains_key(&column), self.looks)?;
            self.widen(column, &cell.value);
        }
        for (column, problems) in problems {
            if let Some(notes) = self.room.notes.checked_sub(problems.len()) {
                self.room.notes = notes;
                self.note(place, column, &fit(&say(problems, place + 1), NOTE_UNITS))?;
            }
        }
        let words = what_to_do(row, place + 1);
        self.sheet.write_string(place, self.last, fit(&words, CELL_UNITS))?;
        let lines = lines_of(&words);
        if lines != self.lines && self.room.heights > 0 {
            self.room.heights -= 1;
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
            // The header is bold, and there is some room around a text.
            self.sheet.set_column_width(column, width as u32 + 2)?;
        }
        self.sheet.set_column_width(self.last, WHAT_TO_DO_WIDTH)?;
        Ok(())
    }
}

/// What the last column says of a row, which is row `place` here.
fn what_to_do(row: &PlanRow, place: u32) -> String {
    format!("Row {} of the loaded file: {}", row.row, say(&row.problems, place))
}

/// How many lines the words take there, at least.
fn lines_of(words: &str) -> usize {
    let lines: usize = words.lines().map(|line| line.chars().count().div_ceil(LETTERS_PER_LINE)).sum();
    lines.min(LINES_AT_MOST)
}

/// What is wrong and what to do, problem by problem.
fn say<'a>(problems: impl IntoIterator<Item = &'a Problem>, place: u32) -> String {
    problems.into_iter().map(|problem| say_here(problem, place)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
