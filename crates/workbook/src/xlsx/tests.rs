//! Excel workbooks as programs write them, and broken ones.

use std::ops::ControlFlow;

use super::*;
use crate::assembly::tests::shown;
use crate::zipped::tests::source_of;
use inventory_base::message::Rule;
use inventory_test_files::xlsx::{patched, sheet_of};
use rust_xlsxwriter::{Chart, ChartType, ExcelDateTime, Format, Formula, Workbook};

fn open(bytes: &[u8]) -> Result<(XlsxReader, Vec<Sheet>), Refusal> {
    XlsxReader::open(&source_of(bytes), &Budget::DEFAULT)
}

/// The rows of the first sheet, as text.
pub fn rows_within(bytes: &[u8], budget: &Budget) -> Result<Vec<String>, Refusal> {
    let (mut reader, sheets) = XlsxReader::open(&source_of(bytes), budget)?;
    let mut rows = Vec::new();
    reader.visit_rows(0, &sheets[0].name, budget, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub fn rows(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    rows_within(bytes, &Budget::default())
}

#[test]
fn cells_are_read_with_value_and_format() {
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
fn texts_are_borrowed_and_not_copied() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "shared").unwrap();
    sheet.write_formula(0, 1, Formula::new("\"own\"").set_result("own")).unwrap();
    sheet.write_with_format(0, 2, 1, &Format::new().set_num_format("000")).unwrap();
    let (mut reader, _) = open(&workbook.save_to_buffer().unwrap()).unwrap();
    reader
        .visit_rows(0, "Sheet1", &Budget::default(), &mut |row| {
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
    // 3 October 2026 in the 1904 date system, an elapsed time and a plain number.
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
fn a_format_decides_between_date_and_number_as_excel_does() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    // calamine takes the first for a number and the second for a date.
    let codes =
        ["[=0]\"none\";yyyy-mm-dd", "General/0", "[Red]dd.mm.yyyy", "General\"d\"", "#,##0\\ \"pcs/day\"", "0;dd"];
    for (column, code) in (0..).zip(codes) {
        sheet.write_with_format(0, column, 46_298, &Format::new().set_num_format(code)).unwrap();
    }
    let read = rows(&workbook.save_to_buffer().unwrap()).unwrap();
    let expected = codes.iter().enumerate().map(|(column, code)| {
        let date = if matches!(column, 0 | 2) { "date " } else { "" };
        format!("{column}={date}46298 as {code}")
    });
    assert_eq!(read, [format!("1:{}", expected.collect::<Vec<_>>().join("|"))]);
}

#[test]
fn cells_as_other_programs_write_them_are_read() {
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
        ("<row r='1'><c r='A1' t='d'><v>18:00:00</v></c></row>", &["1:0=date 0.75"]),
        // A formula whose result is an empty text.
        ("<row r='1'><c r='A1' t='str'><f>T(1)</f><v></v></c><c r='B1'><f>1</f><v>1</v></c></row>", &["1:1=1"]),
        // Values that are not finite numbers.
        ("<row r='1'><c r='A1'><v>NaN</v></c><c r='B1'><v>1e999</v></c></row>", &["1:0=unreadable|1=error #NUM!"]),
        // A style that does not exist.
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
    // If a cell cannot be read, its row cannot either, and the row before it may be incomplete.
    for (bad, last) in [
        // Beyond the last row and column, in the reference of the cell and of the row.
        ("<row r='1048577'><c r='A1048577'><v>1</v></c></row>", 2),
        ("<row r='1048577'><c><v>1</v></c></row>", 2),
        ("<row r='3'><c r='XFE3'><v>1</v></c></row>", 2),
        // A row out of order; a duplicate cell.
        ("<row r='1'><c r='B1'><v>1</v></c></row>", 2),
        ("<row r='3'><c r='A3'><v>1</v></c><c r='A3'><v>2</v></c></row>", 2),
        ("<row r='3'><c r='B3'><v>1</v></c><c r='A3'><v>2</v></c><c r='B3'><v>3</v></c></row>", 2),
        // No position; and a truncated sheet.
        ("<row r='3'><c r='?'><v>1</v></c></row>", 1),
        ("<row r='3'><c r='A3'></row></sheetData></worksheet><!--", 1),
    ] {
        let refusal = rows(&sheet_of(&format!("{good}{bad}"))).expect_err(bad);
        assert_eq!(refusal, refusal!(SheetDamaged { sheet: "Stock", row: last }), "{bad}");
    }
    let nothing_read = sheet_of("<row r='1'><c r='?'><v>7</v></c></row>");
    assert_eq!(rows(&nothing_read).unwrap_err().rule, Rule::FileDamaged);
}

#[test]
fn an_endless_row_is_refused_once_it_has_more_cells_than_columns() {
    let bytes = sheet_of(&format!("<row r='1'>{}</row>", "<c r='A1'><v>1</v></c>".repeat(1_000)));
    // A little later the text limit would be exceeded; this refusal shows that reading stopped before that.
    let budget = Budget { rows: 2, columns: 10, cell_bytes: 100, ..Budget::DEFAULT };
    assert_eq!(rows_within(&bytes, &budget).unwrap_err().rule, Rule::FileDamaged);
}

#[test]
fn input_over_the_budget_is_refused() {
    let budget = Budget { rows: 2, columns: 3, cell_bytes: 10, ..Budget::DEFAULT };
    let cell = |column: u32, text: &str| (column, text.to_owned());
    let cases = [
        (vec![vec![cell(0, "a")], vec![cell(2, "0123456789")]], None, ""),
        (vec![vec![cell(0, "a")], vec![], vec![cell(0, "b")]], None, ""),
        (vec![vec![cell(0, "a")], vec![cell(0, "b")], vec![cell(0, "c")]], Some(Rule::TooManyRows), "\"Sheet1\""),
        (vec![[0, 1, 2, 4].map(|column| cell(column, "a")).to_vec()], Some(Rule::TooManyColumns), "column E"),
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
        assert_eq!(refusal, refusal!(FileDamaged));
    }
}

#[test]
fn a_sheet_can_be_read_again_and_reading_can_stop_early() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for row in 0..3 {
        sheet.write(row, 0, row).unwrap();
    }
    let (mut reader, sheets) = open(&workbook.save_to_buffer().unwrap()).unwrap();
    for leave_after in [1, 3, 2, 9] {
        let mut numbers = Vec::new();
        reader
            .visit_rows(0, &sheets[0].name, &Budget::default(), &mut |row| {
                numbers.push(row.number);
                if numbers.len() == leave_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(numbers, (1..=leave_after.min(3) as u32).collect::<Vec<_>>());
    }
}
