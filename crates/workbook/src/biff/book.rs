//! The records before the sheets: they define how the texts, numbers and dates of all sheets are read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::sheet::{SharedData, SheetRecords};
use super::text::{Pieces, TextEncoding};
use super::{BOF, EOF, Record, Records};
use crate::assembly::DAYS_TO_1904;
use crate::budget::{Budget, holds_too_much};
use crate::number_format::{CellFormat, is_eastern_country, is_eastern_name};
use crate::row::Sheet;
use crate::scan::damaged;
use inventory_base::message::{Refusal, count, refusal};

/// A little more than the number of styles that Excel allows in a workbook.
const MAX_FORMATS: usize = 65_536;

/// A workbook with what its sheets share, and with the positions of its cells.
pub struct Book {
    pub shared: SharedData,
    /// Worksheets, in the order of their tabs.
    sheets: Vec<(Sheet, SheetRecords)>,
}

/// A sheet as the workbook's directory lists it.
struct SheetEntry {
    sheet: Sheet,
    at: usize,
    has_rows: bool,
}

impl Book {
    /// Reads the workbook. Refuses it if it is protected, damaged before the first cell, or has too many cells.
    pub fn read(stream: &[u8], budget: &Budget) -> Result<Book, Refusal> {
        let mut globals = Globals::read(stream, budget)?;
        let mut names = HashSet::new();
        if globals.sheets.is_empty() || !globals.sheets.iter().all(|entry| names.insert(entry.sheet.name.as_str())) {
            return Err(damaged());
        }
        let mut sheets = Vec::new();
        let (mut cells, mut bytes) = (0, 0);
        for entry in std::mem::take(&mut globals.sheets).into_iter().filter(|entry| entry.has_rows) {
            let (sheet, length) = SheetRecords::find(stream, entry.at, budget, &mut cells)?;
            // Sheets never share records: a file that claims so could make the reader read the same ones again and
            // again.
            bytes += length;
            if bytes > stream.len() {
                return Err(damaged());
            }
            sheets.push((entry.sheet, sheet));
        }
        let is_calculated = globals.recalculated || sheets.iter().any(|(_, sheet)| sheet.has_results);
        let formats = globals.formats();
        let Globals { encoding, texts, epoch, .. } = globals;
        let shared = SharedData { encoding, texts, formats, epoch, is_calculated };
        Ok(Book { shared, sheets })
    }

    pub fn sheets(&self) -> impl Iterator<Item = &Sheet> {
        self.sheets.iter().map(|(sheet, _)| sheet)
    }

    pub fn sheet(&self, name: &str) -> Option<&SheetRecords> {
        self.sheets.iter().find(|(sheet, _)| sheet.name == name).map(|(_, records)| records)
    }
}

/// The records before those of the first sheet.
struct Globals {
    encoding: TextEncoding,
    texts: Vec<String>,
    epoch: f64,
    codes: HashMap<u16, Arc<str>>,
    /// The number format of each style.
    styles: Vec<u16>,
    /// Whether something shows that the workbook was made in East Asia or Thailand.
    is_eastern: bool,
    /// Whether a program that calculates has saved the workbook.
    recalculated: bool,
    sheets: Vec<SheetEntry>,
}

impl Globals {
    fn read(stream: &[u8], budget: &Budget) -> Result<Globals, Refusal> {
        let mut records = Records::from(stream, 0);
        let first = records.next().ok_or_else(damaged)??;
        let version = first.body.u16(0).filter(|_| first.kind == BOF).ok_or_else(damaged)?;
        let mut globals = Globals {
            encoding: match version {
                0x0500 => TextEncoding::of_code_page(1252),
                0x0002 | 0x0007 | 0x0200 | 0x0300 | 0x0400 => return Err(damaged()),
                _ => TextEncoding::Unicode,
            },
            texts: Vec::new(),
            epoch: 0.0,
            codes: HashMap::new(),
            styles: Vec::new(),
            is_eastern: false,
            recalculated: false,
            sheets: Vec::new(),
        };
        while let Some(record) = records.next() {
            let record = record?;
            match record.kind {
                EOF => return Ok(globals),
                // FilePass
                0x002F => return Err(refusal!(FileProtected)),
                // SST
                0x00FC => globals.read_texts(record, records, budget)?,
                _ => globals.take(record, records).ok_or_else(damaged)?,
            }
            if globals.codes.len().max(globals.styles.len()) > MAX_FORMATS {
                return Err(damaged());
            }
        }
        Err(damaged())
    }

    /// `next` is the records after this one.
    fn take(&mut self, Record { kind, body, .. }: Record<'_>, next: Records<'_>) -> Option<()> {
        let pieces = |at: usize| Some(Pieces::new(body.0.get(at..)?, next));
        match kind {
            // CodePage. From Excel 97 on texts are in UTF-16 whatever this says: some programs write the code page of
            // their machine.
            0x0042 => {
                let page = body.u16(0)?;
                self.is_eastern |= matches!(page, 874 | 932 | 936 | 949 | 950);
                if self.encoding != TextEncoding::Unicode {
                    self.encoding = TextEncoding::of_code_page(page);
                }
            }
            // Date1904
            0x0022 if body.u16(0)? == 1 => self.epoch = DAYS_TO_1904,
            // Country: of the program, and of the machine.
            0x008C => self.is_eastern |= [body.u16(0)?, body.u16(2)?].into_iter().any(is_eastern_country),
            // Font: attributes, then its name.
            0x0031 => {
                let name = pieces(14).and_then(|mut name| name.short_text(self.encoding));
                self.is_eastern |= name.is_some_and(|name| is_eastern_name(&name));
            }
            // Format
            0x041E => {
                let mut code = pieces(2)?;
                let code = match self.encoding {
                    TextEncoding::Unicode => code.text(self.encoding)?,
                    TextEncoding::CodePage(_) => code.short_text(self.encoding)?,
                };
                self.codes.insert(body.u16(0)?, code.into());
            }
            // XF
            0x00E0 => self.styles.push(body.u16(2)?),
            // RecalcId: the version that calculated last; 0 requests a recalculation.
            0x01C1 => self.recalculated |= body.u32(4).is_some_and(|by| by != 0),
            // BoundSheet
            0x0085 => {
                let mut name = pieces(6)?.short_text(self.encoding)?;
                name.retain(|c| c != '\0');
                let visible = body.u8(4)? & 3 == 0;
                let at = body.u32(0)? as usize;
                self.sheets.push(SheetEntry { sheet: Sheet { name, visible }, at, has_rows: body.u8(5)? == 0 });
            }
            _ => {}
        }
        Some(())
    }

    /// Reads the texts that all sheets share. The declared count is ignored: some programs miscount.
    fn read_texts(&mut self, sst: Record<'_>, next: Records<'_>, budget: &Budget) -> Result<(), Refusal> {
        let mut pieces = Pieces::new(sst.body.0.get(8..).ok_or_else(damaged)?, next);
        let mut bytes = 0;
        while !pieces.is_at_end() {
            let text = pieces.text(TextEncoding::Unicode).ok_or_else(damaged)?;
            bytes += text.len() as u64;
            if bytes > budget.shared_text_bytes {
                let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
                return Err(holds_too_much("too much text", &limit));
            }
            if self.texts.len() as u64 >= budget.shared_texts {
                return Err(holds_too_much("too many different texts", &count(budget.shared_texts)));
            }
            self.texts.push(text);
        }
        Ok(())
    }

    fn formats(&self) -> Vec<CellFormat> {
        self.styles.iter().map(|id| CellFormat::new(*id, self.codes.get(id), self.is_eastern)).collect()
    }
}
