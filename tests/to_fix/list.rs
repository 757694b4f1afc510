//! A list of stock with mistakes of every kind, and its correct content.

use calamine::{CellErrorType, Data, ExcelDateTime, ExcelDateTimeType};
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};

pub const HEADER: [&str; 8] =
    ["Shelf", "SKU", "Name", "Quantity", "Unit price", "Last counted", "Discontinued", "Supplier"];
const SKU: usize = 1;
const TITLE: &str = "Count of 3 October";

/// A sheet of the list; the first one has a title above its header.
pub struct Sheet {
    pub name: &'static str,
    header_row: u32,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub correct: [Data; 8],
    pub sent: [Data; 8],
}

/// The sheets of a list, with the rows as sent and as they should be.
pub struct List {
    pub sheets: Vec<Sheet>,
}

pub fn date(days: f64) -> Data {
    Data::DateTime(ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false))
}

fn text(text: impl Into<String>) -> Data {
    Data::String(text.into())
}

/// Puts one mistake into a row.
fn put_mistake(sent: &mut [Data; 8], kind: usize) {
    let (place, wrong) = match kind {
        0 => (3, text("many")),
        1 => (3, Data::Empty),
        2 => (3, Data::Float(-5.0)),
        3 => (4, text("12,50")),
        4 => (4, text("on request")),
        5 => (4, Data::Error(CellErrorType::NA)),
        6 => (5, text("03/04/2026")),
        7 => (6, text("ask Tom")),
        8 => (SKU, Data::Empty),
        9 => (2, Data::Empty),
        10 => (2, Data::Error(CellErrorType::Ref)),
        _ => (SKU, date(46085.0)),
    };
    sent[place] = wrong;
}
const KINDS: usize = 12;

impl List {
    /// Makes a list of `rows` rows in these sheets: 80 have one or two mistakes, and 8 are four items listed twice.
    pub fn with_88_mistakes(prefix: &str, rows: usize, sheets: &[&'static str], random: &mut fastrand::Rng) -> List {
        let row = |number: usize| -> Row {
            let correct = [
                text(format!("S{}", number % 7)),
                text(format!("{prefix}-{number:04}")),
                text(format!("Item {number}, \"new\"")),
                Data::Float((number % 50) as f64),
                Data::Float((100 + number) as f64 / 100.0),
                date(46_000.0 + (number % 300) as f64),
                Data::Bool(number.is_multiple_of(3)),
                if number.is_multiple_of(2) { text(format!("00{number}")) } else { Data::Empty },
            ];
            Row { sent: correct.clone(), correct }
        };
        let mut list: Vec<Row> = (0..rows).map(row).collect();
        let mut order: Vec<usize> = (0..rows).collect();
        random.shuffle(&mut order);
        for (number, place) in order[..80].iter().enumerate() {
            put_mistake(&mut list[*place].sent, number % KINDS);
            if random.u8(..4) == 0 {
                put_mistake(&mut list[*place].sent, 7);
            }
        }
        for pair in order[80..88].chunks(2) {
            let [first, second] = [pair[0], pair[1]];
            list[second].sent[SKU] = list[first].correct[SKU].clone();
        }
        let share = rows.div_ceil(sheets.len());
        let mut list = list.into_iter();
        let sheet = |(at, &name): (usize, &&'static str)| Sheet {
            name,
            header_row: if at == 0 { 3 } else { 1 },
            rows: list.by_ref().take(share).collect(),
        };
        List { sheets: sheets.iter().enumerate().map(sheet).collect() }
    }

    pub fn to_xlsx(&self) -> Vec<u8> {
        let mut book = Workbook::new();
        for sheet in &self.sheets {
            let page = book.add_worksheet().set_name(sheet.name).expect("a name");
            if sheet.header_row > 1 {
                page.write_string(0, 0, TITLE).expect("a title");
            }
            page.write_row(sheet.header_row - 1, 0, HEADER).expect("the header");
            for (place, row) in (sheet.header_row..).zip(&sheet.rows) {
                for (column, cell) in (0..).zip(&row.sent) {
                    write(page, place, column, cell);
                }
            }
        }
        book.save_to_buffer().expect("a workbook")
    }

    /// Returns the row with this number in Excel.
    pub fn row(&self, sheet: &str, number: u32) -> &Row {
        let sheet = self.sheets.iter().find(|found| found.name == sheet).expect("a sheet");
        &sheet.rows[(number - sheet.header_row - 1) as usize]
    }

    /// Returns the rows that are not loaded: those with mistakes, and both rows of an item listed twice.
    pub fn rows_left_out(&self) -> impl Iterator<Item = &Row> {
        let rows = || self.sheets.iter().flat_map(|sheet| &sheet.rows);
        rows().filter(move |row| {
            let same = rows().filter(|other| other.sent[SKU] == row.sent[SKU] && row.sent[SKU] != Data::Empty);
            row.sent != row.correct || same.filter(|other| !matches!(other.sent[SKU], Data::DateTime(_))).count() > 1
        })
    }
}

/// Writes a cell as spreadsheet programs do.
pub fn write(page: &mut Worksheet, row: u32, column: u16, cell: &Data) {
    let written = match cell {
        Data::String(text) => page.write_string(row, column, text),
        Data::Float(number) => page.write_number(row, column, *number),
        Data::Bool(yes) => page.write_boolean(row, column, *yes),
        Data::DateTime(date) => {
            let code = if usize::from(column) == SKU { "d-mmm" } else { "yyyy-mm-dd" };
            page.write_number_with_format(row, column, date.as_f64(), &Format::new().set_num_format(code))
        }
        Data::Error(error) => page.write_formula(row, column, Formula::new("A1").set_result(error.to_string())),
        Data::Empty => return,
        other => panic!("{other:?}"),
    };
    written.expect("a cell");
}
