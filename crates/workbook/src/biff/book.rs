//! What stands before the sheets: how texts, numbers and dates of all of them are to be understood.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::sheet::SheetRecords;
use super::text::{Letters, Pieces};
use super::{BOF, EOF, Record, Records};
use crate::Sheet;
use crate::assembly::DAYS_TO_1904;
use crate::budget::{Budget, holds_too_much};
use crate::number_format::{CellFormat, is_eastern_country, is_eastern_name};
use crate::scan::damaged;
use inventory_base::message::{Refusal, Rule, count};

/// The most styles that Excel lets a workbook have, and some more.
const MOST_FORMATS: usize = 65_536;

/// A workbook whose texts and formats are known, and the places of whose cells are.
pub struct Book {
    pub(super) letters: Letters,
    pub(super) texts: Vec<String>,
    /// By the style of a cell. A style that there is not has the general format, as everywhere.
    pub(super) formats: Vec<CellFormat>,
    /// Days from 30 December 1899 to the first of the workbook's own.
    pub(super) epoch: f64,
    /// Whether the program that wrote the workbook calculates. One that does not writes 0 or an empty text as the
    /// result of each formula.
    pub(super) is_calculated: bool,
    /// Those that can have rows, in the order of their tabs.
    sheets: Vec<(Sheet, SheetRecords)>,
}

/// A sheet as it is announced.
struct Announced {
    sheet: Sheet,
    at: usize,
    has_rows: bool,
}

impl Book {
    /// Refuses what is protected, what is damaged before the first cell, and what has more cells than are read.
    pub fn read(stream: &[u8], budget: &Budget) -> Result<Book, Refusal> {
        let mut globals = Globals::read(stream, budget)?;
        let mut names = HashSet::new();
        if globals.sheets.is_empty() || !globals.sheets.iter().all(|one| names.insert(one.sheet.name.as_str())) {
            return Err(damaged());
        }
        let mut sheets = Vec::new();
        let (mut cells, mut passed) = (0, 0);
        for announced in std::mem::take(&mut globals.sheets).into_iter().filter(|one| one.has_rows) {
            let (sheet, length) = SheetRecords::find(stream, announced.at, budget, &mut cells)?;
            // No two sheets share records: a file that says so could make the same be read again and again.
            passed += length;
            if passed > stream.len() {
                return Err(damaged());
            }
            sheets.push((announced.sheet, sheet));
        }
        let is_calculated = globals.recalculated || sheets.iter().any(|(_, sheet)| sheet.has_results);
        let formats = globals.formats();
        let Globals { letters, texts, epoch, .. } = globals;
        Ok(Book { letters, texts, formats, epoch, is_calculated, sheets })
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
    letters: Letters,
    texts: Vec<String>,
    epoch: f64,
    codes: HashMap<u16, Arc<str>>,
    /// The number of each style's format.
    styles: Vec<u16>,
    /// Whether something says that the workbook was made in Eastern Asia or in Thailand.
    is_eastern: bool,
    /// Whether a program that calculates left its mark.
    recalculated: bool,
    sheets: Vec<Announced>,
}

impl Globals {
    fn read(stream: &[u8], budget: &Budget) -> Result<Globals, Refusal> {
        let mut records = Records::from(stream, 0);
        let first = records.next().ok_or_else(damaged)??;
        let version = first.body.u16(0).filter(|_| first.kind == BOF).ok_or_else(damaged)?;
        let mut globals = Globals {
            letters: match version {
                0x0500 => Letters::of_code_page(1252),
                0x0002 | 0x0007 | 0x0200 | 0x0300 | 0x0400 => return Err(damaged()),
                _ => Letters::Unicode,
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
                0x002F => return Err(Refusal::new(Rule::FileProtected, &[])),
                // SST
                0x00FC => globals.read_texts(record, records, budget)?,
                _ => globals.take(record, records).ok_or_else(damaged)?,
            }
            if globals.codes.len().max(globals.styles.len()) > MOST_FORMATS {
                return Err(damaged());
            }
        }
        Err(damaged())
    }

    /// `next` are the records after it.
    fn take(&mut self, Record { kind, body, .. }: Record<'_>, next: Records<'_>) -> Option<()> {
        let pieces = |at: usize| Some(Pieces::new(body.0.get(at..)?, next));
        match kind {
            // CodePage. From Excel 97 on texts are in UTF-16 whatever it says: some claim the page of their machine.
            0x0042 => {
                let page = body.u16(0)?;
                self.is_eastern |= matches!(page, 874 | 932 | 936 | 949 | 950);
                if self.letters != Letters::Unicode {
                    self.letters = Letters::of_code_page(page);
                }
            }
            // Date1904
            0x0022 if body.u16(0)? == 1 => self.epoch = DAYS_TO_1904,
            // Country: of the program, of the machine.
            0x008C => self.is_eastern |= [body.u16(0)?, body.u16(2)?].into_iter().any(is_eastern_country),
            // Font: how it looks, then its name.
            0x0031 => {
                let name = pieces(14).and_then(|mut name| name.short_text(self.letters));
                self.is_eastern |= name.is_some_and(|name| is_eastern_name(&name));
            }
            // Format
            0x041E => {
                let mut code = pieces(2)?;
                let code = match self.letters {
                    Letters::Unicode => code.text(self.letters)?,
                    Letters::Bytes(_) => code.short_text(self.letters)?,
                };
                self.codes.insert(body.u16(0)?, code.into());
            }
            // XF
            0x00E0 => self.styles.push(body.u16(2)?),
            // RecalcId: which program calculated last; 0 asks for it to be done anew.
            0x01C1 => self.recalculated |= body.u32(4).is_some_and(|by| by != 0),
            // BoundSheet
            0x0085 => {
                let mut name = pieces(6)?.short_text(self.letters)?;
                name.retain(|letter| letter != '\0');
                let visible = body.u8(4)? & 3 == 0;
                let at = body.u32(0)? as usize;
                self.sheets.push(Announced { sheet: Sheet { name, visible }, at, has_rows: body.u8(5)? == 0 });
            }
            _ => {}
        }
        Some(())
    }

    /// The texts that all sheets share. How many it claims to have is passed over: writers are known to miscount.
    fn read_texts(&mut self, sst: Record<'_>, next: Records<'_>, budget: &Budget) -> Result<(), Refusal> {
        let mut pieces = Pieces::new(sst.body.0.get(8..).ok_or_else(damaged)?, next);
        let mut bytes = 0;
        while !pieces.is_over() {
            let text = pieces.text(Letters::Unicode).ok_or_else(damaged)?;
            bytes += text.len() as u64;
            if bytes > budget.shared_text_bytes {
                let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
                return Err(holds_too_much("too long texts in all", &limit));
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
