//! Binary workbooks of Excel 2007 and later, streamed. Parsed here and not with calamine, which reports no number
//! formats, takes errors of formulas for empty cells, and panics on data outside a record.

mod parts;
pub mod records;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufReader;

use super::assembly::{Assembly, DAYS_TO_1904, MAX_COLUMNS, MAX_ROWS, SheetExtras, Visit, finite};
use super::budget::Budget;
use super::number_format::CellFormat;
use super::scan::damaged;
use super::source::Source;
use super::survey::{attribute, each_start};
use super::zipped::{Unpacked, Zipped};
use super::{MergedArea, RawValue, Sheet};
use inventory_base::message::Refusal;

use parts::{has_results, is_zero, read_formats, read_texts};
use records::{Body, Records};

const BOOK: &str = "xl/workbook.bin";

/// A binary workbook of which only the texts and formats are in memory, not the sheets.
pub struct XlsbReader {
    zipped: Zipped,
    parts: HashMap<String, String>,
    values: Values,
    unpacked: Unpacked,
}

/// What all sheets share.
struct Values {
    texts: Vec<String>,
    formats: Vec<CellFormat>,
    epoch: f64,
    /// Whether the workbook says that a program has calculated it.
    is_calculated: bool,
}

impl XlsbReader {
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsbReader, Vec<Sheet>), Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        let texts = read_texts(&mut zipped, budget, &mut unpacked)?;
        let formats = read_formats(&mut zipped, budget, &mut unpacked)?;
        let relations = zipped.read_small("xl/_rels/workbook.bin.rels", budget, &mut unpacked)?.ok_or_else(damaged)?;
        let mut paths = HashMap::new();
        each_start(std::str::from_utf8(&relations).map_err(|_| damaged())?, "Relationship", &mut |tag| {
            if let (Some(id), Some(path)) = (attribute(tag, "Id")?, attribute(tag, "Target")?) {
                let kind = attribute(tag, "Type")?.unwrap_or_default();
                let path = path.strip_prefix('/').map_or_else(|| format!("xl/{path}"), str::to_owned);
                paths.insert(id, (path, kind.ends_with("/worksheet")));
            }
            Ok(())
        })?;

        let book = zipped.read_small(BOOK, budget, &mut unpacked)?.ok_or_else(damaged)?;
        let mut records = Records::new(book.as_slice());
        let (mut sheets, mut parts, mut epoch) = (Vec::new(), HashMap::new(), 0.0);
        let mut is_calculated = false;
        let mut names = HashSet::new();
        while let Some((kind, body)) = records.next().map_err(|_| damaged())? {
            match kind {
                // BrtWbProp
                0x0099 if body.u8(0).is_some_and(|flags| flags & 1 != 0) => epoch = DAYS_TO_1904,
                // BrtCalcProp: the version that calculated last, manual or automatic mode, and whether to calculate on
                // opening.
                0x009D => {
                    let by = body.u32(0).zip(body.u32(4)).is_some_and(|(by, mode)| by != 0 && mode != 0);
                    is_calculated = by && body.u8(24).is_some_and(|flags| flags & 1 == 0);
                }
                // BrtBundleSh
                0x009C => {
                    let sheet = read_sheet(body).ok_or_else(damaged)?;
                    // Excel never writes two sheets of one name; it would be unclear which is meant.
                    if !names.insert(sheet.0.name.clone()) {
                        return Err(damaged());
                    }
                    let (path, has_rows) = paths.get(&sheet.1).ok_or_else(damaged)?;
                    if *has_rows {
                        parts.insert(sheet.0.name.clone(), path.clone());
                        sheets.push(sheet.0);
                    }
                }
                _ => {}
            }
        }
        if names.is_empty() {
            return Err(damaged());
        }
        let values = Values { texts, formats, epoch, is_calculated };
        Ok((XlsbReader { zipped, parts, values, unpacked }, sheets))
    }

    /// Passes on the rows; returns what else the sheet has, if it was read to its end.
    pub fn visit_rows(
        &mut self,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let part = self.parts.get(sheet).ok_or_else(damaged)?;
        let is_calculated = self.values.is_calculated || has_results(&mut self.zipped, part, budget, self.unpacked);
        let part = self.zipped.part(part, budget, self.unpacked)?.ok_or_else(damaged)?;
        let mut records = Records::new(BufReader::new(part));
        let mut assembly = Assembly::new(sheet, budget, visit);
        let mut extras = SheetExtras::default();
        let (mut row, mut hidden, mut in_rows, mut values) = (0_u32, false, false, 0_u64);
        let mut next_column = 0;
        loop {
            let (kind, body) = match records.next() {
                Ok(Some(record)) => record,
                // A complete sheet ends with a BrtEndSheet record.
                Ok(None) => return Err(assembly.damaged()),
                Err(error) => {
                    let refusal = records.get_ref().get_ref().refuse(error);
                    let broken = refusal.rule == inventory_base::message::Rule::FileDamaged;
                    return Err(if broken { assembly.damaged() } else { refusal });
                }
            };
            match kind {
                // BrtBeginSheetData
                0x0091 => in_rows = true,
                // BrtRowHdr and BrtEndSheetData
                0x0000 | 0x0092 if in_rows => {
                    if values > 0 {
                        extras.hidden_rows += u64::from(hidden);
                        if assembly.end_row(row)?.is_break() {
                            return Ok(None);
                        }
                    }
                    if kind == 0x0092 {
                        in_rows = false;
                        continue;
                    }
                    let next = body.u32(0).filter(|&next| next < MAX_ROWS && next + 1 > row);
                    row = next.ok_or_else(|| assembly.damaged())? + 1;
                    // 4 bytes of style, 2 of height, then the flags.
                    hidden = body.u8(11).is_some_and(|flags| flags & 0x10 != 0);
                    values = 0;
                    next_column = 0;
                }
                0x0001..=0x0012 | 0x003D | 0x003E if in_rows => {
                    // The short forms do not give their column: it is the next one.
                    let is_short = matches!(kind, 0x000C..=0x0012 | 0x003D);
                    let (column, body) =
                        if is_short { (Some(next_column), Some(body)) } else { (body.u32(0), body.after(4)) };
                    let column = column.filter(|&column| column < MAX_COLUMNS && row > 0);
                    let column = column.ok_or_else(|| assembly.damaged())?;
                    next_column = column + 1;
                    // BrtCellBlank, BrtShortBlank
                    if matches!(kind, 0x0001 | 0x000C) {
                        continue;
                    }
                    let value = match body {
                        Some(body) if !is_calculated && is_zero(kind, body) => Some((RawValue::NoResult, None)),
                        body => body.and_then(|body| self.values.value(kind, body)),
                    };
                    let (value, format) = value.ok_or_else(|| assembly.damaged())?;
                    values += 1;
                    assembly.push(row, column, value, format)?;
                }
                // BrtMergeCell
                0x00B0 => extras.add_merged(read_merged(body).ok_or_else(|| assembly.damaged())?)?,
                // BrtEndSheet
                0x0082 => return Ok(Some(extras)),
                _ => {}
            }
        }
    }
}

impl Values {
    /// `body` is the record after the column.
    fn value(&self, kind: u16, body: Body<'_>) -> Option<(RawValue<'static>, Option<Cow<'static, str>>)> {
        let style = (body.u32(0)? & 0x00FF_FFFF) as usize;
        let format = self.formats.get(style);
        let value = match kind {
            // BrtCellRk, BrtShortRk
            0x0002 | 0x000D => self.number(body.short_number(4)?, format),
            // BrtCellError, BrtFmlaError, BrtShortError
            0x0003 | 0x000B | 0x000E => RawValue::Error(Cow::Borrowed(error_shown(body.u8(4)?))),
            // BrtCellBool, BrtFmlaBool, BrtShortBool
            0x0004 | 0x000A | 0x000F => RawValue::Bool(body.u8(4)? != 0),
            // BrtCellReal, BrtFmlaNum, BrtShortReal
            0x0005 | 0x0009 | 0x0010 => self.number(body.f64(4)?, format),
            // BrtCellSt, BrtFmlaString, BrtShortSt
            0x0006 | 0x0008 | 0x0011 => RawValue::Text(Cow::Owned(body.text(4)?.0)),
            // BrtCellRString and its short form: flags, then the text without its formatting runs.
            0x003D | 0x003E => RawValue::Text(Cow::Owned(body.text(5)?.0)),
            // BrtCellIsst, BrtShortIsst
            _ => match self.texts.get(body.u32(4)? as usize) {
                Some(text) => RawValue::Text(Cow::Owned(text.clone())),
                None => RawValue::Unreadable,
            },
        };
        Some((value, format.and_then(CellFormat::owned_code)))
    }

    fn number(&self, number: f64, format: Option<&CellFormat>) -> RawValue<'static> {
        match format {
            Some(format) => format.value(number, self.epoch),
            None => finite(number, RawValue::Number),
        }
    }
}

/// A sheet and the ID of its relationship.
fn read_sheet(body: Body<'_>) -> Option<(Sheet, String)> {
    let visible = body.u32(0)? == 0;
    let (relation, end) = body.text(8)?;
    let (name, _) = body.text(end)?;
    Some((Sheet { name, visible }, relation))
}

/// First and last row, first and last column, all from 0.
fn read_merged(body: Body<'_>) -> Option<MergedArea> {
    Some(MergedArea {
        first_row: body.u32(0)?.saturating_add(1),
        last_row: body.u32(4)?.saturating_add(1).min(MAX_ROWS),
        first_column: body.u32(8)?,
        last_column: body.u32(12)?.min(MAX_COLUMNS - 1),
    })
}

pub fn error_shown(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        0x2B => "#GETTING_DATA",
        _ => "#ERROR!",
    }
}

#[cfg(test)]
mod tests {
    use super::super::assembly::tests::shown;
    use super::super::zipped::tests::{source_of, zip_of};
    use super::records::tests::{record, text};
    use super::*;
    use inventory_base::message::Rule;
    use std::ops::ControlFlow;

    fn le(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn cell(kind: u16, column: u32, style: u32, value: &[u8]) -> Vec<u8> {
        record(kind, &[le(&[column, style]), value.to_vec()].concat())
    }

    fn row(number: u32, hidden: bool) -> Vec<u8> {
        record(0, &[le(&[number - 1, 0]), vec![0, 0, 0, if hidden { 0x10 } else { 0 }, 0]].concat())
    }

    /// A workbook with a sheet of these records, a hidden sheet and a chart.
    fn book(rows: &[Vec<u8>], flags: u8) -> Vec<u8> {
        book_with(rows, flags, &[])
    }

    /// The same with these records among its settings.
    fn book_with(rows: &[Vec<u8>], flags: u8, settings: &[u8]) -> Vec<u8> {
        let sheet = |state: u32, id: &str, name: &str| record(0x9C, &[le(&[state, 1]), text(id), text(name)].concat());
        let workbook = [
            record(0x83, &[]),
            record(0x99, &[flags, 0, 0, 0]),
            sheet(0, "rId1", "Stock"),
            sheet(1, "rId2", "Old"),
            sheet(0, "rId3", "Chart"),
            settings.to_vec(),
            record(0x84, &[]),
        ]
        .concat();
        let relation = |id: &str, kind: &str, target: &str| {
            format!("<Relationship Id='{id}' Type='http://x/{kind}' Target='{target}'/>")
        };
        let relations = format!(
            "<Relationships>{}{}{}</Relationships>",
            relation("rId1", "worksheet", "worksheets/sheet1.bin"),
            relation("rId2", "worksheet", "/xl/worksheets/sheet1.bin"),
            relation("rId3", "chartsheet", "chartsheets/sheet1.bin"),
        );
        let xf = |id: u16| record(0x2F, &[vec![0, 0], id.to_le_bytes().to_vec(), vec![0; 12]].concat());
        let styles = [
            record(0x2C, &[170_u16.to_le_bytes().to_vec(), text("00000")].concat()),
            record(0x272, &[1]),
            xf(14),
            record(0x269, &le(&[4])),
            xf(0),
            xf(14),
            xf(170),
            xf(46),
            xf(57),
            record(0x26A, &[]),
        ]
        .concat();
        let texts = [record(0x9F, &le(&[9, 0xFFFF_FFFF])), record(0x13, &[vec![0], text("A-17")].concat())].concat();
        let mut sheet = [record(0x81, &[]), record(0x91, &[])].concat();
        sheet.extend(rows.concat());
        zip_of(&[
            ("xl/workbook.bin", workbook),
            ("xl/_rels/workbook.bin.rels", relations.into_bytes()),
            ("xl/styles.bin", styles),
            ("xl/sharedStrings.bin", texts),
            ("xl/worksheets/sheet1.bin", sheet),
        ])
    }

    fn end() -> Vec<u8> {
        [record(0x92, &[]), record(0xB0, &le(&[0, 1, 2, 3])), record(0xB0, &le(&[0, 0, 0, 1])), record(0x82, &[])]
            .concat()
    }

    fn read(bytes: &[u8]) -> Result<(Vec<String>, Option<SheetExtras>), Refusal> {
        let (mut reader, sheets) = XlsbReader::open(&source_of(bytes), &Budget::DEFAULT)?;
        let mut rows = Vec::new();
        let extras = reader.visit_rows(&sheets[0].name, &Budget::DEFAULT, &mut |row| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        })?;
        Ok((rows, extras))
    }

    #[test]
    fn cells_are_read_with_value_and_format_and_formulas_with_their_errors() {
        let rows = [
            row(2, false),
            cell(7, 0, 0, &le(&[0])),
            cell(6, 1, 0, &text("own")),
            cell(2, 2, 2, &le(&[123 << 2 | 2])),
            cell(5, 3, 0, &19.99_f64.to_le_bytes()),
            cell(5, 4, 1, &46_298_f64.to_le_bytes()),
            cell(5, 5, 3, &1.5_f64.to_le_bytes()),
            cell(4, 6, 0, &[1]),
            cell(3, 7, 0, &[0x2A]),
            cell(0x0B, 8, 0, &[0x07, 0, 0]),
            cell(9, 9, 0, &2.5_f64.to_le_bytes()),
            cell(8, 10, 0, &text("")),
            cell(1, 11, 0, &[]),
            cell(7, 12, 0, &le(&[1])),
            row(5, true),
            cell(0x0A, 0, 0, &[0]),
            row(6, true),
            end(),
        ];
        let expected = |date: u32| {
            vec![
                format!(
                    "2:0=\"A-17\"|1=\"own\"|2=123 as 00000|3=19.99|4=date {date} as mm-dd-yy|5=1.5 as [h]:mm:ss|\
                     6=true|7=error #N/A|8=error #DIV/0!|9=2.5|12=unreadable"
                ),
                "5:0=false".to_owned(),
            ]
        };
        let area = MergedArea { first_row: 1, last_row: 2, first_column: 2, last_column: 3 };
        let across = MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 1 };
        let extras = Some(SheetExtras { hidden_rows: 1, areas: vec![area, across] });
        assert_eq!(read(&book(&rows, 0)).unwrap(), (expected(46_298), extras.clone()));
        assert_eq!(read(&book(&rows, 1)).unwrap(), (expected(47_760), extras));
    }

    #[test]
    fn formulas_that_are_all_0_have_no_result_unless_something_shows_they_were_calculated() {
        let zeros = |more: Vec<u8>, settings: &[u8]| {
            let number = |kind, column, number: f64| cell(kind, column, 0, &number.to_le_bytes());
            let formulas = [number(9, 0, 0.0), cell(8, 1, 0, &text("")), number(5, 2, 0.0), more].concat();
            read(&book_with(&[row(1, false), formulas, end()], 0, settings)).unwrap().0
        };
        let settings = |by: u32, mode: u32, flags: u8| {
            let numbers = [le(&[by, mode, 100]), 0.001_f64.to_le_bytes().to_vec(), le(&[1])].concat();
            record(0x9D, &[numbers, vec![flags, 0]].concat())
        };
        for doubtful in [vec![], settings(0, 1, 0), settings(191_029, 0, 0), settings(191_029, 1, 1)] {
            assert_eq!(zeros(vec![], &doubtful), ["1:0=no result|1=no result|2=0"], "{doubtful:?}");
            assert_eq!(zeros(cell(0x0A, 3, 0, &[0]), &doubtful), ["1:0=0|2=0|3=false"], "{doubtful:?}");
        }
        assert_eq!(zeros(vec![], &settings(191_029, 1, 0xFE)), ["1:0=0|2=0"]);
    }

    #[test]
    fn cells_without_a_column_are_in_the_next_one() {
        let short = |kind: u16, style: u32, value: &[u8]| record(kind, &[le(&[style]), value.to_vec()].concat());
        let rows = [
            row(1, false),
            cell(0x3E, 1, 0, &[vec![1], text("rich"), le(&[1, 0])].concat()),
            short(0x0D, 2, &le(&[123 << 2 | 2])),
            short(0x0C, 0, &[]),
            short(0x12, 0, &le(&[0])),
            short(0x10, 4, &46_298_f64.to_le_bytes()),
            cell(1, 8, 0, &[]),
            short(0x0F, 0, &[1]),
            row(2, false),
            short(0x3D, 0, &[vec![0], text("M8")].concat()),
            short(0x11, 0, &text("own")),
            short(0x0E, 0, &[0x2A]),
            end(),
        ];
        let expected =
            ["1:1=\"rich\"|2=123 as 00000|4=\"A-17\"|5=date or 46298|9=true", "2:0=\"M8\"|1=\"own\"|2=error #N/A"];
        assert_eq!(read(&book(&rows, 0)).unwrap().0, expected);
    }

    #[test]
    fn an_east_asian_font_decides_what_locale_dependent_formats_show() {
        let font = |name: &str| record(0x2B, &[vec![0; 21], text(name)].concat());
        let xf = record(0x2F, &[0, 0, 57, 0, 0, 0]);
        let value = |name: &str| {
            let styles = [font("Calibri"), font(name), record(0x269, &le(&[1])), xf.clone()].concat();
            let mut zipped = Zipped::open(&source_of(&zip_of(&[("xl/styles.bin", styles)]))).unwrap();
            read_formats(&mut zipped, &Budget::DEFAULT, &mut Unpacked::default()).unwrap()[0].value(46_298.0, 0.0)
        };
        assert_eq!(value("Arial"), RawValue::DateOrNumber(46_298.0));
        assert_eq!(value("等线"), RawValue::Date(46_298.0));
    }

    #[test]
    fn hidden_sheets_are_listed_as_such_and_charts_are_not_listed() {
        let (_, sheets) = XlsbReader::open(&source_of(&book(&[end()], 0)), &Budget::DEFAULT).unwrap();
        let listed: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.visible)).collect();
        assert_eq!(listed, [("Stock", true), ("Old", false)]);
    }

    #[test]
    fn a_damaged_sheet_is_refused_with_the_last_row_that_was_read() {
        let good = [row(1, false), cell(4, 0, 0, &[1]), row(2, false), cell(4, 0, 0, &[1]), row(3, false)].concat();
        for bad in [
            // A truncated sheet, a column out of range, a row out of order, a row out of range, a record that is too
            // short, an incomplete cell, and a record that is too long.
            vec![],
            [cell(4, 16_384, 0, &[1]), end()].concat(),
            [row(2, false), end()].concat(),
            [row(1_048_577, false), end()].concat(),
            [cell(5, 0, 0, &[1, 2]), end()].concat(),
            [record(6, &[1]), end()].concat(),
            vec![6, 0xFF, 0xFF, 0xFF, 0x7F, 0],
        ] {
            let refusal = read(&book(&[good.clone(), bad.clone()], 0)).expect_err("damaged");
            assert_eq!(refusal, Refusal::new(Rule::SheetDamaged, &[("sheet", "Stock"), ("row", "2")]), "{bad:?}");
        }
        assert_eq!(XlsbReader::open(&source_of(&zip_of(&[(BOOK, "")])), &Budget::DEFAULT).err().unwrap(), damaged());
    }

    #[test]
    fn input_over_the_budget_is_refused() {
        let bytes = book(&[row(1, false), cell(4, 0, 0, &[1]), cell(4, 1, 0, &[1]), end()], 0);
        let limits = [
            (Budget { shared_texts: 0, ..Budget::DEFAULT }, Rule::FileHoldsTooMuch),
            (Budget { shared_text_bytes: 3, ..Budget::DEFAULT }, Rule::FileHoldsTooMuch),
            (Budget { unpacked_bytes: 600, ..Budget::DEFAULT }, Rule::FileUnpacksTooLarge),
            (Budget { cells: 1, ..Budget::DEFAULT }, Rule::FileHoldsTooMuch),
            (Budget { columns: 1, ..Budget::DEFAULT }, Rule::TooManyColumns),
        ];
        for (budget, rule) in limits {
            let mut visit = |_: &crate::RawRow<'_>| ControlFlow::Continue(());
            let refused = XlsbReader::open(&source_of(&bytes), &budget)
                .and_then(|(mut reader, _)| reader.visit_rows("Stock", &budget, &mut visit));
            assert_eq!(refused.unwrap_err().rule, rule);
        }
    }
}
