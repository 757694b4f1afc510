//! Workbooks of Excel 97 to 2003. calamine reads them whole, so they are looked through first and kept small.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, SheetType, SheetVisible, Xls, XlsError, XlsOptions};

use super::assembly::{Assembly, DAYS_TO_1904, Visit, days_from_iso, finite};
use super::biff::{self, Book};
use super::budget::{Budget, holds_too_much};
use super::compound::Compound;
use super::scan::damaged;
use super::source::Source;
use super::{RawValue, Sheet};
use crate::message::{Refusal, Rule, count};

/// UTF-16, which is what the newer of these workbooks are in whatever they say: some claim the code page of the machine
/// they were made on, and would be read with it as one wrong letter for two.
const UTF16_CODE_PAGE: u16 = 1200;

/// An old workbook, all of it in memory.
pub struct XlsReader {
    workbook: Xls<Cursor<Vec<u8>>>,
    book: Book,
}

impl XlsReader {
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsReader, Vec<Sheet>), Refusal> {
        if source.length() > budget.whole_file_bytes {
            let limit = format!("{} MB", count(budget.whole_file_bytes >> 20));
            return Err(holds_too_much("too much for the old form .xls", &limit));
        }
        let mut bytes = Vec::new();
        source.again().read_to_end(&mut bytes).map_err(|_| damaged())?;
        let book = {
            let compound = Compound::read(&bytes).ok_or_else(damaged)?;
            let stream = compound.stream("Workbook").or_else(|| compound.stream("Book")).ok_or_else(damaged)?;
            biff::look_through(&stream, budget)?
        };
        let mut options = XlsOptions::default();
        options.force_codepage = book.is_unicode.then_some(UTF16_CODE_PAGE);
        let workbook = Xls::new_with_options(Cursor::new(bytes), options).map_err(|error| match error {
            XlsError::Password => Refusal::new(Rule::FileProtected, &[]),
            _ => damaged(),
        })?;
        let all = workbook.sheets_metadata();
        let mut names = HashSet::new();
        if all.is_empty() || !all.iter().all(|sheet| names.insert(sheet.name.as_str())) {
            return Err(damaged());
        }
        let sheets = all
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| Sheet { name: sheet.name.clone(), visible: sheet.visible == SheetVisible::Visible })
            .collect();
        Ok((XlsReader { workbook, book }, sheets))
    }

    /// What stands in a sheet besides its cells: hidden rows with a value, merged places.
    pub fn beside(&self, sheet: &str) -> (u64, u64) {
        let place = self.workbook.sheets_metadata().iter().position(|other| other.name == sheet);
        let found = place.and_then(|place| self.book.sheets.get(place));
        found.map_or((0, 0), |sheet| (sheet.hidden_rows, sheet.merged))
    }

    pub fn visit_rows(&mut self, sheet: &str, budget: &Budget, visit: Visit<'_>) -> Result<(), Refusal> {
        let range: Range<Data> = self.workbook.worksheet_range(sheet).map_err(|_| damaged())?;
        let epoch = if self.workbook.has_1904_epoch() { DAYS_TO_1904 } else { 0.0 };
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut assembly = Assembly::new(sheet, budget, visit);
        for (row, cells) in (first_row + 1..).zip(range.rows()) {
            for (column, value) in (first_column..).zip(cells) {
                if let Some(value) = raw_value(value, epoch) {
                    assembly.push(row, column, value, None)?;
                }
            }
            if assembly.end_row(row)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn raw_value(value: &Data, epoch: f64) -> Option<RawValue<'static>> {
    Some(match value {
        Data::Empty => return None,
        Data::String(text) | Data::DurationIso(text) => RawValue::Text(Cow::Owned(text.clone())),
        Data::Int(number) => RawValue::Number(*number as f64),
        Data::Float(number) => finite(*number, RawValue::Number),
        Data::DateTime(time) if time.is_duration() => finite(time.as_f64(), RawValue::Number),
        // Formats 50 to 58 are dates in Eastern Asia and free elsewhere. A column of numbers takes the number back.
        Data::DateTime(time) => finite(time.as_f64() + epoch, RawValue::Date),
        Data::DateTimeIso(text) => match days_from_iso(text) {
            Some(days) => RawValue::Date(days),
            None => RawValue::Text(Cow::Owned(text.clone())),
        },
        Data::Bool(yes) => RawValue::Bool(*yes),
        Data::Error(error) => RawValue::Error(Cow::Owned(error.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::assembly::tests::shown;
    use super::super::biff::tests::{book, record};
    use super::super::compound::tests::compound_of;
    use super::super::zipped::tests::source_of;
    use super::*;

    fn le(numbers: &[u16]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn read(globals: &[Vec<u8>], cells: &[Vec<u8>]) -> Result<Vec<String>, Refusal> {
        let bytes = compound_of("Workbook", &book(globals, cells));
        let (mut reader, sheets) = XlsReader::open(&source_of(&bytes), &Budget::DEFAULT)?;
        let mut rows = Vec::new();
        reader.visit_rows(&sheets[0].name, &Budget::DEFAULT, &mut |row| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    fn number(row: u16, style: u16, number: f64) -> Vec<u8> {
        record(0x0203, &[le(&[row, 0, style]), number.to_le_bytes().to_vec()].concat())
    }

    fn style(format: u16) -> Vec<u8> {
        record(0x00E0, &[le(&[0, format]), vec![0; 16]].concat())
    }

    #[test]
    fn dates_come_in_both_date_systems_and_with_their_number() {
        // Format 57 is free outside of Eastern Asia: a column of numbers finds the number in the date.
        let styles = [style(0), style(14), style(57), style(46)];
        let cells = [number(0, 1, 46_298.0), number(1, 2, 12.0), number(2, 3, 1.5), number(3, 0, 7.0)];
        assert_eq!(read(&styles, &cells).unwrap(), ["1:0=date 46298", "2:0=date 12", "3:0=1.5", "4:0=7"]);
        let later = [vec![record(0x0022, &le(&[1]))], styles.to_vec()].concat();
        assert_eq!(read(&later, &cells[..1]).unwrap(), ["1:0=date 47760"]);
    }

    #[test]
    fn texts_are_right_whatever_code_page_the_workbook_claims() {
        let label = record(0x0204, &[le(&[0, 0, 0, 5]), vec![0], b"Gr\xF6\xDFe".to_vec()].concat());
        for code_page in [1200, 1252, 932] {
            let rows = read(&[record(0x0042, &le(&[code_page]))], std::slice::from_ref(&label)).unwrap();
            assert_eq!(rows, ["1:0=\"Größe\""], "{code_page}");
        }
    }

    #[test]
    fn protected_and_damaged_workbooks_are_refused() {
        assert_eq!(read(&[record(0x002F, &le(&[1, 1, 1]))], &[]).unwrap_err().rule, Rule::FileProtected);
        let bytes = compound_of("Workbook", &book(&[], &[number(0, 0, 1.0)]));
        for cut in [2_000, 600, 100] {
            let refusal = XlsReader::open(&source_of(&bytes[..cut]), &Budget::DEFAULT).err().unwrap();
            assert_eq!(refusal.rule, Rule::FileDamaged, "{cut}");
        }
        let small = Budget { whole_file_bytes: 1_000, ..Budget::DEFAULT };
        assert_eq!(XlsReader::open(&source_of(&bytes), &small).err().unwrap().rule, Rule::FileHoldsTooMuch);
    }
}
