use super::super::assembly::tests::shown;
use super::super::zipped::tests::{source_of, zip_of};
use super::records::tests::{record, text};
use super::*;
use inventory_base::message::{Rule, refusal};
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
    [record(0x92, &[]), record(0xB0, &le(&[0, 1, 2, 3])), record(0xB0, &le(&[0, 0, 0, 1])), record(0x82, &[])].concat()
}

fn read(bytes: &[u8]) -> Result<(Vec<String>, Option<SheetExtras>), Refusal> {
    let (mut reader, sheets) = XlsbReader::open(&source_of(bytes), &Budget::DEFAULT)?;
    let mut rows = Vec::new();
    let extras = reader.visit_rows(0, &sheets[0].name, &Budget::DEFAULT, &mut |row| {
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
        assert_eq!(refusal, refusal!(SheetDamaged { sheet: "Stock", row: 2 }), "{bad:?}");
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
            .and_then(|(mut reader, _)| reader.visit_rows(0, "Stock", &budget, &mut visit));
        assert_eq!(refused.unwrap_err().rule, rule);
    }
}
