//! Tests with workbooks built record by record.

use std::ops::ControlFlow;

use super::*;
use crate::assembly::tests::shown;
use crate::assembly::{SheetExtras, damaged_after};
use crate::budget::Budget;
use crate::row::MergedArea;
use inventory_base::message::Rule;
use inventory_test_files::xls::*;

/// A number in the first style.
fn at(row: u16, column: u16) -> Vec<u8> {
    number(row, column, 0, 1.5)
}

fn special(kind: u8, value: u8) -> [u8; 8] {
    [kind, 0, value, 0, 0, 0, 0xFF, 0xFF]
}

/// The record that a program that calculates leaves.
fn calculated() -> Vec<u8> {
    record(0x01C1, &[0xC1, 1, 0, 0, 0x54, 0x8D, 1, 0])
}

fn read_stream(stream: &[u8], budget: &Budget) -> Result<Vec<String>, Refusal> {
    let book = Book::read(stream, budget)?;
    let mut rows = Vec::new();
    let records = book.sheet("Stock").expect("a sheet");
    records.visit_rows("Stock", stream, &book.shared, budget, &mut |row| {
        rows.push(shown(row));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn read(globals: &[Vec<u8>], cells: &[Vec<u8>]) -> Result<Vec<String>, Refusal> {
    read_stream(&book(globals, cells), &Budget::DEFAULT)
}

#[test]
fn every_cell_is_read_with_its_value_and_format() {
    let globals = [
        format(164, "00000"),
        style(0),
        style(164),
        style(14),
        record(0x00FC, &[vec![0; 8], text("A-17"), text("Bolt")].concat()),
    ];
    let cells = [
        record(LABEL_SST, &[le(&[0, 0, 0]), le(&[1, 0])].concat()),
        record(LABEL, &[le(&[0, 1, 1]), text("own")].concat()),
        record(RSTRING, &[le(&[0, 2, 0]), text("rich"), le(&[1, 0, 1])].concat()),
        record(RK, &[le(&[0, 3, 1]), (123_u32 << 2 | 2).to_le_bytes().to_vec()].concat()),
        record(
            MUL_RK,
            &[
                le(&[0, 4, 0]),
                (1999_u32 << 2 | 3).to_le_bytes().to_vec(),
                le(&[2]),
                (46298_u32 << 2 | 2).to_le_bytes().to_vec(),
                le(&[5]),
            ]
            .concat(),
        ),
        record(BOOL_ERR, &[le(&[0, 6, 0]), vec![1, 0]].concat()),
        record(BOOL_ERR, &[le(&[0, 7, 0]), vec![0x2A, 1]].concat()),
        record(0x0201, &le(&[0, 8, 0])),
        number(1, 0, 1, 700.0),
        number(2, 0, 0, f64::NAN),
    ];
    let row = "1:0=\"Bolt\"|1=\"own\" as 00000|2=\"rich\"|3=123 as 00000|4=19.99|5=date 46298 as mm-dd-yy|6=true|\
               7=error #N/A";
    assert_eq!(read(&globals, &cells).unwrap(), [row, "2:0=700 as 00000", "3:0=error #NUM!"]);
}

#[test]
fn a_number_is_a_date_only_if_its_format_is_a_date_format() {
    let formats = |ids: &[u16], more: &[Vec<u8>], value: f64| {
        let globals: Vec<_> = more.iter().cloned().chain(ids.iter().map(|id| style(*id))).collect();
        let cells: Vec<_> = (0..ids.len() as u16).map(|at| number(at, 0, at, value)).collect();
        read(&globals, &cells).unwrap()
    };
    // The file's own formats, with numbers that Excel would not use for them: some programs start at 50.
    let own = [format(50, "00000"), format(57, "0.00"), format(58, "dd.mm.yyyy"), format(59, "yyyy-mm-dd")];
    assert_eq!(
        formats(&[50, 57, 58, 59], &own, 46298.0),
        ["1:0=46298 as 00000", "2:0=46298 as 0.00", "3:0=date 46298 as dd.mm.yyyy", "4:0=date 46298 as yyyy-mm-dd",]
    );
    // Excel's built-in formats: a date, an elapsed time, a number, an unknown one, the general one; then a style that
    // does not exist.
    let known = formats(&[14, 46, 2, 63, 0], &[], 1.5);
    assert_eq!(known, ["1:0=date 1.5 as mm-dd-yy", "2:0=1.5 as [h]:mm:ss", "3:0=1.5 as 0.00", "4:0=1.5", "5:0=1.5"]);
    assert_eq!(read(&[style(14)], &[number(0, 0, 1, 1.5)]).unwrap(), ["1:0=1.5"]);
    // The general format is recognised under any name.
    let general = [format(0, "Standard"), format(165, "GENERAL"), format(166, "Standard")];
    assert_eq!(formats(&[0, 165, 166], &general, 7.0), ["1:0=7", "2:0=7", "3:0=7"]);
}

#[test]
fn locale_dependent_formats_are_dates_only_if_the_country_is_known() {
    let styles = [style(27), style(36), style(50), style(58), style(71)];
    let country = |program, machine| record(0x008C, &le(&[program, machine]));
    let font = |name: &str| {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        record(0x0031, &[vec![0; 14], vec![name.chars().count() as u8, 1], units].concat())
    };
    let with = |more: Vec<u8>, value: f64| {
        let globals = [vec![more], styles.to_vec()].concat();
        let cells: Vec<_> = (0..5).map(|at| number(at, 0, at, value)).collect();
        let rows = read(&globals, &cells).unwrap();
        assert!(rows.windows(2).all(|pair| pair[0][1..] == pair[1][1..]), "{rows:?}");
        rows[0].clone()
    };
    for unknown in [vec![], country(1, 49), font("Arial")] {
        assert_eq!(with(unknown.clone(), 46298.0), "1:0=date or 46298");
        assert_eq!(with(unknown.clone(), 0.5), "1:0=date or 0.5");
        // What would be a date in the year 7905 or 1900 is a number.
        assert_eq!(with(unknown.clone(), 2_193_312.0), "1:0=2193312");
        assert_eq!(with(unknown, 12.0), "1:0=12");
    }
    for eastern in [
        country(86, 86),
        country(1, 81),
        font("宋体"),
        font("맑은 고딕"),
        font("ＭＳ Ｐゴシック"),
        record(0x0042, &le(&[936])),
    ] {
        assert_eq!(with(eastern, 46298.0), "1:0=date 46298");
    }
}

#[test]
fn both_date_systems_give_the_same_day() {
    let later = [record(0x0022, &le(&[1])), style(14), style(0)];
    assert_eq!(
        read(&later, &[number(0, 0, 0, 44836.0), number(1, 0, 1, 44836.0)]).unwrap(),
        ["1:0=date 46298 as mm-dd-yy", "2:0=44836"]
    );
}

#[test]
fn formulas_of_every_kind_are_read_with_their_results() {
    let string = |said: &str| record(STRING, &text(said));
    let cells = [
        formula(0x0406, 0, 0, 12_f64.to_le_bytes()),
        formula(0x0206, 1, 0, 7.5_f64.to_le_bytes()),
        formula(0x0006, 2, 0, special(1, 1)),
        formula(0x0006, 3, 0, special(2, 0x07)),
        formula(0x0006, 4, 0, special(0, 0)),
        record(0x04BC, &[0; 10]),
        string("Bolt"),
        formula(0x0406, 5, 0, special(0, 0)),
        string("M8"),
        formula(0x0006, 6, 0, special(0, 0)),
        string(""),
        formula(0x0006, 7, 0, special(3, 0)),
        formula(0x0006, 8, 0, 0_f64.to_le_bytes()),
        // A formula whose text record is missing does not take the text of the next cell.
        formula(0x0006, 9, 0, special(0, 0)),
        formula(0x0006, 10, 0, special(0, 0)),
        string("own"),
    ];
    let expected = [
        "1:0=12",
        "2:0=7.5",
        "3:0=true",
        "4:0=error #DIV/0!",
        "5:0=\"Bolt\"",
        "6:0=\"M8\"",
        "9:0=0",
        "10:0=no result",
        "11:0=\"own\"",
    ];
    assert_eq!(read(&[style(0)], &cells).unwrap(), expected);
}

#[test]
fn formulas_from_a_program_that_does_not_calculate_have_no_results() {
    let cells =
        [number(0, 0, 0, 0.0), formula(0x0006, 1, 0, 0_f64.to_le_bytes()), formula(0x0006, 2, 0, special(3, 0))];
    assert_eq!(read(&[], &cells).unwrap(), ["1:0=0", "2:0=no result", "3:0=no result"]);
    // A program that does calculate says so, or some formula has another result.
    assert_eq!(read(&[calculated()], &cells).unwrap(), ["1:0=0", "2:0=0"]);
    assert_eq!(read(&[record(0x01C1, &[0; 8])], &cells).unwrap()[1], "2:0=no result");
    let more = [cells.to_vec(), vec![formula(0x0006, 3, 0, 5_f64.to_le_bytes())]].concat();
    assert_eq!(read(&[], &more).unwrap(), ["1:0=0", "2:0=0", "4:0=5"]);
}

#[test]
fn cells_may_be_written_in_any_order_but_only_once() {
    let cells = [at(5, 1), at(0, 2), at(5, 0), at(0, 0)];
    assert_eq!(read(&[], &cells).unwrap(), ["1:0=1.5|2=1.5", "6:0=1.5|1=1.5"]);
    let twice = [cells.to_vec(), vec![at(5, 1)]].concat();
    assert_eq!(read(&[], &twice).unwrap_err(), damaged_after("Stock", 1));
}

#[test]
fn excel_95_workbooks_are_read_in_their_code_page() {
    let globals = [
        record(0x0042, &le(&[1251])),
        record(0x0031, &[vec![0; 14], vec![5], b"Arial".to_vec()].concat()),
        record(0x041E, &[&le(&[164])[..], &[10], b"dd.mm.yyyy"].concat()),
        record(0x00E0, &le(&[0, 0, 0, 0, 0, 0, 0, 0])),
        record(0x00E0, &le(&[0, 164, 0, 0, 0, 0, 0, 0])),
    ];
    let cells = [record(LABEL, &[&le(&[0, 0, 0, 5])[..], b"\xC3\xE0\xE9\xEA\xE0"].concat()), number(1, 0, 1, 34_800.0)];
    let stream = book_of(0x0500, &[&[5][..], b"Stock"].concat(), &globals, &cells);
    let rows = read_stream(&stream, &Budget::DEFAULT).unwrap();
    assert_eq!(rows, ["1:0=\"Гайка\"", "2:0=date 34800 as dd.mm.yyyy"]);
}

#[test]
fn texts_are_right_whichever_code_page_the_workbook_declares() {
    let label = record(LABEL, &[le(&[0, 0, 0, 5]), vec![0], b"Gr\xF6\xDFe".to_vec()].concat());
    for code_page in [1200, 1252, 932] {
        let rows = read(&[record(0x0042, &le(&[code_page]))], std::slice::from_ref(&label)).unwrap();
        assert_eq!(rows, ["1:0=\"Größe\""], "{code_page}");
    }
}

#[test]
fn hidden_rows_and_merged_cells_are_reported_and_chart_cells_ignored() {
    let hidden = |row: u16| record(0x0208, &[le(&[row, 0, 1, 0, 0, 0]), vec![0x20, 0, 0, 0]].concat());
    let chart = [record(BOF, &le(&[0x0600, 0x20])), at(9, 9), record(EOF, &[])].concat();
    let merged = record(0x00E5, &le(&[2, 0, 0, 0, 1, 1, 3, 2, 3]));
    let stream = book(&[], &[hidden(1), hidden(2), at(1, 0), chart, at(3, 0), merged]);
    let book = Book::read(&stream, &Budget::DEFAULT).unwrap();
    let sheet = book.sheet("Stock").unwrap();
    let areas = vec![
        MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 1 },
        MergedArea { first_row: 2, last_row: 4, first_column: 2, last_column: 3 },
    ];
    assert_eq!(sheet.extras, SheetExtras { hidden_rows: 1, areas });
    assert_eq!(read_stream(&stream, &Budget::DEFAULT).unwrap(), ["2:0=1.5", "4:0=1.5"]);
}

#[test]
fn protected_damaged_and_oversized_workbooks_are_refused() {
    let claim = |place: u32| record(0x0085, &[&place.to_le_bytes()[..], &[0, 0, 1, 0, b'B']].concat());
    let one = book(&[], &[at(0, 0)]);
    // Where the sheet begins in a book with only this record before it.
    let start = book(&[claim(0)], &[]).len() as u32 - 4 - 20;
    let cases = [
        (book(&[record(0x002F, &le(&[1, 1]))], &[]), Rule::FileProtected),
        (book(&[], &[record(0x00E5, &le(&[900, 0]))]), Rule::FileDamaged),
        (book(&[], &[record(MUL_RK, &le(&[0, 5, 0, 0, 0, 2]))]), Rule::FileDamaged),
        (book(&[], &[record(NUMBER, &[0; 3])]), Rule::FileDamaged),
        (book(&[], &[record(NUMBER, &[0; 8])]), Rule::FileDamaged),
        (book(&[], &[record(LABEL_SST, &[0; 10])]), Rule::FileDamaged),
        (book(&[], &[record(0x0003, &[0; 15])]), Rule::FileDamaged),
        (book(&[], &[record(BOOL_ERR, &[0, 0, 0, 0, 0, 0, 1, 9])]), Rule::FileDamaged),
        (book(&[record(0x00FC, &[0; 9])], &[]), Rule::FileDamaged),
        // A sheet that is not there, one that is not a sheet, one that belongs to another, one without an end.
        (book(&[claim(0x7FFF_FFFF)], &[]), Rule::FileDamaged),
        (book(&[claim(30)], &[]), Rule::FileDamaged),
        (book(&[claim(start)], &vec![at(0, 0); 20]), Rule::FileDamaged),
        (one[..one.len() - 4].to_vec(), Rule::FileDamaged),
        (one[..60].to_vec(), Rule::FileDamaged),
        (b"\x09\x08".to_vec(), Rule::FileDamaged),
        (record(NUMBER, &[0; 14]), Rule::FileDamaged),
    ];
    for (case, (stream, rule)) in cases.iter().enumerate() {
        let refusal = read_stream(stream, &Budget::DEFAULT).expect_err(rule.id());
        assert_eq!(refusal.rule, *rule, "{case}");
    }
    let broken = [at(0, 0), record(LABEL_SST, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0])];
    assert_eq!(read(&[], &broken).unwrap_err(), damaged_after("Stock", 1));
    let texts = record(0x00FC, &[vec![0; 8], text("A"), text("B")].concat());
    for budget in [
        Budget { whole_cells: 1, ..Budget::DEFAULT },
        Budget { shared_texts: 1, ..Budget::DEFAULT },
        Budget { shared_text_bytes: 1, ..Budget::DEFAULT },
    ] {
        let stream = book(std::slice::from_ref(&texts), &[at(0, 0), at(1, 0)]);
        assert_eq!(read_stream(&stream, &budget).unwrap_err().rule, Rule::FileHoldsTooMuch);
    }
}

#[test]
fn distant_cells_and_declared_dimensions_cost_nothing() {
    let dimensions = record(0x0200, &[&[0; 4][..], &[0xFF; 4], &le(&[0, 256, 0])].concat());
    assert_eq!(read(&[], &[dimensions, at(0, 0), at(0xFFFF, 255)]).unwrap(), ["1:0=1.5", "65536:255=1.5"]);
}
