//! Workbooks of Excel 2007 and later, streamed: memory does not grow with the rows, the shared texts aside.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::BufReader;
use std::ops::ControlFlow;

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::assembly::{DAYS_TO_1904, MAX_COLUMNS, MAX_ROWS, NOT_TEXT_BYTES, damaged_after, days_from_iso, finite};
use super::budget::{Budget, Meter};
use super::source::Source;
use super::survey::{SheetSurvey, Survey};
use super::xlsx_style::{CellStyle, date_value};
use super::{RawCell, RawRow, RawValue, Sheet, recycle};
use crate::message::{Refusal, Rule};

/// A workbook whose texts and formats are in memory and whose sheets are not.
pub struct XlsxReader {
    workbook: Xlsx<BufReader<Source>>,
    survey: Survey,
}

/// A cell with a value, and the number of its style.
type Held<'a> = (Cell<DataRef<'a>>, usize);

/// In place of a style: the text is an error that calamine does not know.
const ODD_ERROR: usize = usize::MAX;
/// In place of a style: a formula without a result, which calamine takes for an empty cell.
const NO_RESULT: usize = usize::MAX - 1;

impl XlsxReader {
    /// Reads all but the sheets. Chart and dialog sheets have no rows and are not listed.
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsxReader, Vec<Sheet>), Refusal> {
        let mut survey = Survey::begin(source, budget)?;
        let workbook: Xlsx<_> = Xlsx::new(BufReader::new(source.again())).map_err(|error| match error {
            XlsxError::Password => Refusal::new(Rule::FileProtected, &[]),
            _ => survey.stopped().unwrap_or_else(|| Refusal::new(Rule::FileDamaged, &[])),
        })?;
        // calamine finds a sheet by its name, so the second of two would silently be the first again. Excel never writes
        // that, nor a workbook without a sheet.
        let all = workbook.sheets_metadata();
        let mut names = HashSet::new();
        if all.is_empty() || !all.iter().all(|sheet| names.insert(sheet.name.as_str())) {
            return Err(Refusal::new(Rule::FileDamaged, &[]));
        }
        let sheets = all
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| Sheet { name: sheet.name.clone(), visible: sheet.visible == SheetVisible::Visible })
            .collect();
        Ok((XlsxReader { workbook, survey }, sheets))
    }

    /// What stands in the sheet besides its cells.
    pub fn survey(&mut self, sheet: &str) -> Result<&SheetSurvey, Refusal> {
        self.survey.sheet(sheet)
    }

    /// Hands over the rows of the sheet in ascending order, each with its cells in ascending order.
    pub fn visit_rows(
        &mut self,
        sheet: &str,
        budget: &Budget,
        visit: &mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let epoch = if self.workbook.has_1904_epoch() { DAYS_TO_1904 } else { 0.0 };
        let survey = &mut self.survey;
        let mut reader = match self.workbook.worksheet_cells_reader(sheet) {
            Ok(reader) => reader,
            Err(_) => return Err(survey.stopped().unwrap_or_else(|| damaged_after(sheet, 0))),
        };
        // The reader lends its styles only between two cells, so what is needed of them is copied once for the sheet.
        let styles = CellStyle::all(reader.styles());

        let mut meter = Meter::new(sheet, budget);
        let mut held: Vec<Held<'_>> = Vec::new();
        let mut spare: Vec<RawCell<'static>> = Vec::new();
        let mut number = 0; // of the row being read; 0 before the first
        let mut last_whole = 0; // the last row of which everything was read
        let (mut odd_errors, mut without_result) = (0, 0); // that were met so far
        loop {
            let next = match reader.next_cell_with_style_id() {
                Ok(next) => next,
                // calamine does not say where it met it, and can go on behind it.
                Err(XlsxError::CellError(_)) => {
                    let error = survey.sheet(sheet)?.odd_errors.get(odd_errors);
                    let error = error.ok_or_else(|| damaged_after(sheet, last_whole))?;
                    odd_errors += 1;
                    Some((Cell::new((error.row, error.column), DataRef::String(error.shown.clone())), ODD_ERROR))
                }
                Err(_) => return Err(survey.stopped().unwrap_or_else(|| damaged_after(sheet, last_whole))),
            };
            let next_number = next.as_ref().map(|(cell, _)| cell.get_position().0.saturating_add(1));
            if next_number != Some(number) {
                if !held.is_empty() {
                    let cells = build_cells(&mut held, &styles, epoch, spare);
                    let row = RawRow { number, cells, fields: None };
                    if row.cells.windows(2).any(|pair| pair[0].column == pair[1].column) {
                        return Err(damaged_after(sheet, last_whole));
                    }
                    meter.count_row()?;
                    if visit(&row).is_break() {
                        return Ok(());
                    }
                    spare = recycle(row.cells);
                    held.clear();
                    last_whole = number;
                }
                let Some(next_number) = next_number else {
                    // The rows count only if there was nothing in the sheet that misled their reader.
                    return survey.sheet(sheet).map(|_| ());
                };
                if next_number < number || next_number > MAX_ROWS {
                    return Err(damaged_after(sheet, last_whole));
                }
                number = next_number;
            }
            let Some((cell, mut style)) = next else { return Ok(()) };
            let (row, column) = cell.get_position();
            if column >= MAX_COLUMNS {
                return Err(damaged_after(sheet, last_whole));
            }
            let bytes = match cell.get_value() {
                DataRef::Empty => {
                    if survey.without_result(sheet, without_result, row) != Some((row, column)) {
                        continue;
                    }
                    without_result += 1;
                    style = NO_RESULT;
                    NOT_TEXT_BYTES
                }
                DataRef::SharedString(text) => text.len(),
                DataRef::String(text) => text.len(),
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
                _ => NOT_TEXT_BYTES,
            };
            // A formula that comes to no text, and a text that was emptied.
            if bytes == 0 {
                continue;
            }
            meter.count_cell(number, column, bytes)?;
            // More cells than columns: some stand twice, and a file could go on like that for ever.
            if held.len() >= budget.columns as usize {
                return Err(damaged_after(sheet, last_whole));
            }
            held.push((cell, style));
        }
    }
}

/// Makes the row's cells out of what was read. They borrow their texts from it and from the workbook.
fn build_cells<'a>(
    held: &'a mut [Held<'_>],
    styles: &'a [CellStyle],
    epoch: f64,
    spare: Vec<RawCell<'static>>,
) -> Vec<RawCell<'a>> {
    // Every known program writes cells in order; the order of the file is kept for two in one place, which is refused.
    if !held.is_sorted_by_key(|(cell, _)| cell.get_position().1) {
        held.sort_by_key(|(cell, _)| cell.get_position().1);
    }
    let mut cells = recycle(spare);
    cells.extend(held.iter().map(|(cell, number)| {
        let style = styles.get(*number);
        RawCell {
            column: cell.get_position().1,
            value: match cell.get_value() {
                DataRef::String(error) if *number == ODD_ERROR => RawValue::Error(Cow::Borrowed(error)),
                DataRef::Empty if *number == NO_RESULT => RawValue::NoResult,
                DataRef::DateTime(time) => date_value(time, style, epoch),
                value => raw_value(value),
            },
            format: style.and_then(|style| style.code.as_deref()).map(Cow::Borrowed),
        }
    }));
    cells
}

fn raw_value<'a>(value: &'a DataRef<'_>) -> RawValue<'a> {
    match value {
        DataRef::SharedString(text) => RawValue::Text(Cow::Borrowed(text)),
        DataRef::String(text) | DataRef::DurationIso(text) => RawValue::Text(Cow::Borrowed(text)),
        DataRef::Int(number) => RawValue::Number(*number as f64),
        DataRef::Float(number) => finite(*number, RawValue::Number),
        DataRef::DateTimeIso(text) => match days_from_iso(text) {
            Some(days) => RawValue::Date(days),
            None => RawValue::Text(Cow::Borrowed(text)),
        },
        DataRef::Bool(yes) => RawValue::Bool(*yes),
        DataRef::Error(error) => RawValue::Error(Cow::Owned(error.to_string())),
        // Both are dealt with before.
        DataRef::Empty | DataRef::DateTime(_) => RawValue::Text(Cow::Borrowed("")),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::workbook::assembly::tests::shown;
    use crate::workbook::zipped::tests::source_of;
    use rust_xlsxwriter::{Chart, ChartType, ExcelDateTime, Format, Formula, Workbook};
    use std::io::{Cursor, Read, Write};
    use zip::write::SimpleFileOptions;
    use zip::{ZipArchive, ZipWriter};

    fn open(bytes: &[u8]) -> Result<(XlsxReader, Vec<Sheet>), Refusal> {
        XlsxReader::open(&source_of(bytes), &Budget::DEFAULT)
    }

    /// The workbook with one of its parts changed.
    pub fn patched(workbook: &[u8], part: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(workbook)).unwrap();
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut found = false;
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let name = entry.name().unwrap();
            if name == part {
                found = true;
                text = change(&text);
            }
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        assert!(found, "no part {part}");
        zip.finish().unwrap().into_inner()
    }

    /// A workbook with one sheet of these rows, written by hand.
    pub fn sheet_of(rows: &str) -> Vec<u8> {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_name("Stock").unwrap();
        patched(&workbook.save_to_buffer().unwrap(), "xl/worksheets/sheet1.xml", |xml| {
            assert!(xml.contains("<sheetData/>"));
            xml.replace("<sheetData/>", &format!("<sheetData>{rows}</sheetData>"))
        })
    }

    /// The rows of the first sheet, shown.
    pub fn rows_within(bytes: &[u8], budget: &Budget) -> Result<Vec<String>, Refusal> {
        let (mut reader, sheets) = XlsxReader::open(&source_of(bytes), budget)?;
        let mut rows = Vec::new();
        reader.visit_rows(&sheets[0].name, budget, &mut |row| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    pub fn rows(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
        rows_within(bytes, &Budget::default())
    }

    #[test]
    fn cells_come_with_value_and_format() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let as_code = |code: &str| Format::new().set_num_format(code);
        let day = ExcelDateTime::from_ymd(2026, 10, 3).unwrap();
        sheet.write(0, 0, "SKU").unwrap();
        sheet.write(0, 2, " ").unwrap();
        sheet.write_with_format(2, 0, 123, &as_code("00000")).unwrap();
        sheet.write_with_format(2, 1, 0.15, &as_code("0.00%")).unwrap();
        sheet.write_with_format(2, 2, 19.99, &Format::new().set_bold()).unwrap();
        sheet.write_with_format(2, 3, &day, &as_code("yyyy-mm-dd")).unwrap();
        sheet.write_with_format(2, 4, 1.5, &as_code("[h]:mm")).unwrap();
        sheet.write(2, 5, true).unwrap();
        sheet.write_formula(2, 6, Formula::new("NA()").set_result("#N/A")).unwrap();
        sheet.write_formula(2, 8, Formula::new("\"a\"&\"b\"").set_result("ab")).unwrap();
        sheet.write_blank(2, 9, &as_code("0.00")).unwrap();
        sheet.write_with_format(2, 10, "0012", &as_code("@")).unwrap();
        sheet.write_blank(3, 0, &as_code("0.00")).unwrap();
        sheet.write(4, 16_383, 1).unwrap();
        let bytes = workbook.save_to_buffer().unwrap();
        let wide = Budget { columns: 16_384, ..Budget::default() };
        assert_eq!(
            rows_within(&bytes, &wide).unwrap(),
            [
                "1:0=\"SKU\"|2=\" \"",
                "3:0=123 as 00000|1=0.15 as 0.00%|2=19.99|3=date 46298 as yyyy-mm-dd|4=1.5 as [h]:mm|5=true|\
                 6=error #N/A|8=\"ab\"|10=\"0012\" as @",
                "5:16383=1",
            ]
        );
    }

    #[test]
    fn texts_are_lent_and_not_copied() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "shared").unwrap();
        sheet.write_formula(0, 1, Formula::new("\"own\"").set_result("own")).unwrap();
        sheet.write_with_format(0, 2, 1, &Format::new().set_num_format("000")).unwrap();
        let (mut reader, _) = open(&workbook.save_to_buffer().unwrap()).unwrap();
        reader
            .visit_rows("Sheet1", &Budget::default(), &mut |row| {
                for cell in &row.cells[..2] {
                    assert!(matches!(cell.value, RawValue::Text(Cow::Borrowed(_))), "{cell:?}");
                }
                assert!(matches!(row.cells[2].format, Some(Cow::Borrowed("000"))));
                ControlFlow::Continue(())
            })
            .unwrap();
    }

    #[test]
    fn a_date_is_the_same_day_in_both_date_systems() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        // 3 October 2026 in the system of 1904, an elapsed time and a plain number.
        sheet.write_with_format(0, 0, 44_836, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
        sheet.write_with_format(0, 1, 1.5, &Format::new().set_num_format("[h]:mm")).unwrap();
        sheet.write(0, 2, 44_836).unwrap();
        let bytes = workbook.save_to_buffer().unwrap();
        let in_1904 = patched(&bytes, "xl/workbook.xml", |xml| {
            assert!(xml.contains("<workbookPr "));
            xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" ")
        });
        assert_eq!(rows(&bytes).unwrap(), ["1:0=date 44836 as yyyy-mm-dd|1=1.5 as [h]:mm|2=44836"]);
        assert_eq!(rows(&in_1904).unwrap(), ["1:0=date 46298 as yyyy-mm-dd|1=1.5 as [h]:mm|2=44836"]);
    }

    #[test]
    fn what_other_programs_write_is_read() {
        let cases: &[(&str, &[&str])] = &[
            // Cells and rows without references.
            ("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>", &["1:0=1|1=2", "2:0=3"]),
            ("<row r='4'><c><v>1</v></c></row><row><c r='B5'><v>2</v></c></row>", &["4:0=1", "5:1=2"]),
            // Cells out of order within their row.
            ("<row r='1'><c r='C1'><v>3</v></c><c r='A1'><v>1</v></c></row>", &["1:0=1|2=3"]),
            ("<row r='1'><c r='A1' t='inlineStr'><is><t>a</t></is></c></row>", &["1:0=\"a\""]),
            ("<row r='1'><c r='A1' t='inlineStr'><is><t></t></is></c></row>", &[]),
            ("<row r='1'><c r='A1' t='d'><v>2026-10-03</v></c></row>", &["1:0=date 46298"]),
            ("<row r='1'><c r='A1' t='d'><v>2026-10-03T12:00:00Z</v></c></row>", &["1:0=date 46298.5"]),
            ("<row r='1'><c r='A1' t='d'><v>soon</v></c></row>", &["1:0=\"soon\""]),
            // A formula that comes to no text.
            ("<row r='1'><c r='A1' t='str'><f>T(1)</f><v></v></c></row>", &[]),
            // Numbers that are none.
            ("<row r='1'><c r='A1'><v>NaN</v></c><c r='B1'><v>1e999</v></c></row>", &["1:0=error #NUM!|1=error #NUM!"]),
            // A style there is none of.
            ("<row r='1'><c r='A1' s='99'><v>1</v></c></row>", &["1:0=1"]),
            ("<row r='1048576'><c r='A1048576'><v>1</v></c></row>", &["1048576:0=1"]),
            ("", &[]),
        ];
        for (xml, expected) in cases {
            assert_eq!(rows(&sheet_of(xml)).unwrap(), *expected, "{xml}");
        }
    }

    #[test]
    fn a_damaged_sheet_is_refused_with_the_last_row_that_was_read() {
        let good = "<row r='1'><c r='A1'><v>1</v></c></row><row r='2'><c r='A2'><v>2</v></c></row>";
        // Where a cell cannot be read, neither can its row: the row before it may then be unfinished.
        for (bad, last) in [
            // Beyond the last row and column, in the reference of the cell and of the row.
            ("<row r='1048577'><c r='A1048577'><v>1</v></c></row>", 2),
            ("<row r='1048577'><c><v>1</v></c></row>", 2),
            ("<row r='3'><c r='XFE3'><v>1</v></c></row>", 2),
            // A row that goes back; a cell that stands twice.
            ("<row r='1'><c r='B1'><v>1</v></c></row>", 2),
            ("<row r='3'><c r='A3'><v>1</v></c><c r='A3'><v>2</v></c></row>", 2),
            ("<row r='3'><c r='B3'><v>1</v></c><c r='A3'><v>2</v></c><c r='B3'><v>3</v></c></row>", 2),
            // No position, no such shared text, no such kind of cell; and the end in the middle.
            ("<row r='3'><c r='?'><v>1</v></c></row>", 1),
            ("<row r='3'><c r='A3' t='s'><v>7</v></c></row>", 1),
            ("<row r='3'><c r='A3' t='x'><v>7</v></c></row>", 1),
            ("<row r='3'><c r='A3'></row></sheetData></worksheet><!--", 1),
        ] {
            let refusal = rows(&sheet_of(&format!("{good}{bad}"))).expect_err(bad);
            let last = last.to_string();
            assert_eq!(refusal, Refusal::new(Rule::SheetDamaged, &[("sheet", "Stock"), ("row", &last)]), "{bad}");
        }
        let nothing_read = sheet_of("<row r='1'><c r='A1' t='s'><v>7</v></c></row>");
        assert_eq!(rows(&nothing_read).unwrap_err().rule, Rule::FileDamaged);
    }

    #[test]
    fn a_row_that_goes_on_for_ever_is_refused_once_it_has_more_cells_than_columns() {
        let bytes = sheet_of(&format!("<row r='1'>{}</row>", "<c r='A1'><v>1</v></c>".repeat(1_000)));
        // The text alone would be too much a little later; that this is said shows where the reading ended.
        let budget = Budget { rows: 2, columns: 10, cell_bytes: 100, ..Budget::DEFAULT };
        assert_eq!(rows_within(&bytes, &budget).unwrap_err().rule, Rule::FileDamaged);
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        let budget = Budget { rows: 2, columns: 3, cell_bytes: 10, ..Budget::DEFAULT };
        let cell = |column: u32, text: &str| (column, text.to_owned());
        let cases = [
            (vec![vec![cell(0, "a")], vec![cell(2, "0123456789")]], None, ""),
            (vec![vec![cell(0, "a")], vec![], vec![cell(0, "b")]], None, ""),
            (vec![vec![cell(0, "a")], vec![cell(0, "b")], vec![cell(0, "c")]], Some(Rule::TooManyRows), "\"Sheet1\""),
            (vec![vec![cell(0, "a"), cell(4, "b")]], Some(Rule::TooManyColumns), "column E"),
            (vec![vec![], vec![cell(1, "01234567890")]], Some(Rule::CellTooLong), "B2"),
        ];
        for (table, rule, place) in cases {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            for (row, cells) in table.iter().enumerate() {
                for (column, text) in cells {
                    sheet.write(row as u32, *column as u16, text).unwrap();
                }
            }
            let refusal = rows_within(&workbook.save_to_buffer().unwrap(), &budget).err();
            assert_eq!(refusal.as_ref().map(|refusal| refusal.rule), rule, "{table:?}");
            if let Some(refusal) = refusal {
                assert!(refusal.message.contains(place), "{}", refusal.message);
            }
        }
    }

    #[test]
    fn hidden_sheets_are_listed_as_such_and_charts_are_not_listed() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_name("Stock").unwrap().write(0, 0, 1).unwrap();
        workbook.add_worksheet().set_name("Old").unwrap().set_hidden(true);
        workbook.add_worksheet().set_name("Older").unwrap().set_very_hidden(true);
        let mut chart = Chart::new(ChartType::Column);
        chart.add_series().set_values("Stock!$A$1:$A$1");
        workbook.add_chartsheet().set_name("Chart").unwrap().insert_chart(0, 0, &chart).unwrap();
        let (_, sheets) = open(&workbook.save_to_buffer().unwrap()).unwrap();
        let listed: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect();
        assert_eq!(listed, [("Stock", true), ("Old", false), ("Older", false)]);
    }

    #[test]
    fn workbooks_that_cannot_be_opened_are_refused() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_name("First").unwrap();
        workbook.add_worksheet().set_name("Second").unwrap();
        let bytes = workbook.save_to_buffer().unwrap();
        let damaged = [
            bytes[..bytes.len() / 2].to_vec(),
            patched(&bytes, "xl/workbook.xml", |_| "<workbook>".to_owned()),
            patched(&bytes, "xl/workbook.xml", |_| "<workbook></workbook>".to_owned()),
            // Two sheets of one name: the second would be read as the first.
            patched(&bytes, "xl/workbook.xml", |xml| xml.replace("\"Second\"", "\"First\"")),
        ];
        for bytes in damaged {
            let refusal = open(&bytes).err().unwrap();
            assert_eq!(refusal, Refusal::new(Rule::FileDamaged, &[]));
        }
    }

    #[test]
    fn a_sheet_can_be_read_again_and_left_early() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for row in 0..3 {
            sheet.write(row, 0, row).unwrap();
        }
        let (mut reader, sheets) = open(&workbook.save_to_buffer().unwrap()).unwrap();
        for leave_after in [1, 3, 2, 9] {
            let mut numbers = Vec::new();
            reader
                .visit_rows(&sheets[0].name, &Budget::default(), &mut |row| {
                    numbers.push(row.number);
                    if numbers.len() == leave_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
                .unwrap();
            assert_eq!(numbers, (1..=leave_after.min(3) as u32).collect::<Vec<_>>());
        }
    }
}
