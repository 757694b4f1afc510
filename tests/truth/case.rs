//! One file: rows of cells as the program keeps them, and beside each row what it says of the stock.

use fastrand::Rng;
use jiff::civil::Date;

use super::list::{Attributes, Field, Item, List};
use super::write::TextHabits;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    Csv,
    Xlsx,
    Ods,
    Xml2003,
    Html,
    Xls,
}

impl Form {
    pub const ALL: [Form; 6] = [Form::Csv, Form::Xlsx, Form::Ods, Form::Xml2003, Form::Html, Form::Xls];
    /// Forms that keep numbers and dates as such, with the format they are shown in.
    pub const WORKBOOKS: &'static [Form] = &[Form::Xlsx, Form::Ods, Form::Xml2003, Form::Xls];

    pub fn extension(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Xlsx => "xlsx",
            Form::Ods => "ods",
            Form::Xml2003 => "xml",
            Form::Html => "html",
            Form::Xls => "xls",
        }
    }

    pub fn is_workbook(self) -> bool {
        Form::WORKBOOKS.contains(&self)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Empty,
    Text(String),
    Number(f64),
    Day(Date),
    /// Seconds since midnight.
    Time(u32),
    Bool(bool),
    Error(&'static str),
    /// A formula whose result is stored as a number.
    Formula(&'static str, f64),
    /// A formula whose result is stored as a text.
    TextFormula(&'static str, String),
    /// An xlsx's own words for the cell, from behind its address to its end.
    Raw(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub value: Value,
    /// The code of its number format; empty where it has none.
    pub format: &'static str,
    /// The identifier under which an xls keeps that code, where it isn't one of its own choice.
    pub format_id: Option<u16>,
}

impl Cell {
    pub const EMPTY: Cell = Cell { value: Value::Empty, format: "", format_id: None };

    pub fn text(text: impl Into<String>) -> Cell {
        let text = text.into();
        if text.is_empty() { Cell::EMPTY } else { Cell { value: Value::Text(text), ..Cell::EMPTY } }
    }

    pub fn number(number: f64, format: &'static str) -> Cell {
        Cell { value: Value::Number(number), format, format_id: None }
    }

    pub fn of(value: Value) -> Cell {
        Cell { value, ..Cell::EMPTY }
    }

    pub fn is_empty(&self) -> bool {
        self.value == Value::Empty
    }
}

/// What a person who knows the list would say of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    Item(Attributes),
    /// A title, a header, a total: no item.
    NoItem,
    /// An item of which the file doesn't say enough: it may be rejected, or loaded below a note.
    Unclear(Attributes),
}

#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub truth: Truth,
    /// The trap that lies in this row.
    pub trap: Option<&'static str>,
    pub hidden: bool,
    /// The line as it is in a text file, where it isn't made from the cells.
    pub line: Option<String>,
}

impl Row {
    pub fn no_item(cells: Vec<Cell>) -> Row {
        Row { cells, truth: Truth::NoItem, trap: None, hidden: false, line: None }
    }

    pub fn texts(texts: &[&str]) -> Row {
        Row::no_item(texts.iter().map(|text| Cell::text(*text)).collect())
    }

    pub fn attributes(&mut self) -> Option<&mut Attributes> {
        match &mut self.truth {
            Truth::Item(attributes) | Truth::Unclear(attributes) => Some(attributes),
            Truth::NoItem => None,
        }
    }

    pub fn is_item(&self) -> bool {
        matches!(self.truth, Truth::Item(_))
    }

    /// Nobody can say from the file alone what this item is.
    pub fn make_unclear(&mut self) {
        if let Truth::Item(attributes) = &self.truth {
            self.truth = Truth::Unclear(attributes.clone());
        }
    }
}

/// Cells shown as one, of which only the first has a value. Rows and columns count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    pub rows: (usize, usize),
    pub columns: (usize, usize),
}

#[derive(Debug, Clone, Default)]
pub struct Sheet {
    pub name: String,
    pub rows: Vec<Row>,
    pub merges: Vec<Merge>,
}

/// A file in the making.
#[derive(Debug, Clone)]
pub struct Case {
    pub form: Form,
    pub list: List,
    /// What is in the columns of the first sheet; none where it is no part of the list.
    pub columns: Vec<Option<Field>>,
    pub sheets: Vec<Sheet>,
    pub text: TextHabits,
    pub ways: Ways,
    pub rng: Rng,
}

/// How a workbook keeps what is no text.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    pub numeric_keys: bool,
    pub typed_numbers: bool,
    pub typed_dates: bool,
    pub bools: bool,
    /// In an xls, whether formulas have the number that older programs give them.
    pub old_formulas: bool,
    price_format: &'static str,
    day_format: &'static str,
    count_format: &'static str,
}

impl Ways {
    pub fn any(rng: &mut Rng) -> Ways {
        let mut pick = |formats: &[&'static str]| formats[rng.usize(..formats.len())];
        let price_format = pick(&["", "0.00", "#,##0.00", "#,##0.00 \"€\"", "\"$\"#,##0.00", "#,##0.00\\ [$€-407]"]);
        let day_format = pick(&["yyyy-mm-dd", "dd.mm.yyyy", "d mmm yyyy", "m/d/yyyy"]);
        let count_format = pick(&["", "0", "#,##0"]);
        Ways {
            numeric_keys: rng.bool(),
            typed_numbers: rng.u8(..6) == 0,
            typed_dates: rng.u8(..6) == 0,
            bools: rng.bool(),
            old_formulas: rng.bool(),
            price_format,
            day_format,
            count_format,
        }
    }
}

impl Case {
    pub fn new(form: Form, list: List, text: TextHabits, ways: Ways, rng: Rng) -> Case {
        // In a workbook an amount with a comma is asked about, for its owner's program would have made a number of it.
        let typed_numbers = ways.typed_numbers && list.habits.decimal == '.';
        let ways = Ways { typed_numbers, ..ways };
        let fields = list.fields();
        let columns = fields.iter().copied().map(Some).collect();
        let mut case = Case { form, list, columns, sheets: Vec::new(), text, ways, rng };
        let mut rows = vec![case.header(&fields)];
        rows.extend(case.list.items.iter().map(|item| case.row(item, &fields)));
        case.sheets.push(Sheet { name: "Stock".to_string(), rows, merges: Vec::new() });
        case
    }

    pub fn header(&self, fields: &[Field]) -> Row {
        let title = |field: &Field| {
            let column = self.list.columns.iter().find(|(other, _)| other == field);
            Cell::text(column.map_or(field.attribute(), |(_, title)| title))
        };
        Row::no_item(fields.iter().map(title).collect())
    }

    /// An item's row, in a sheet with these columns.
    pub fn row(&self, item: &Item, fields: &[Field]) -> Row {
        let cells = fields.iter().map(|field| self.cell(item, *field)).collect();
        Row { cells, truth: Truth::Item(item.attributes(fields)), trap: None, hidden: false, line: None }
    }

    fn cell(&self, item: &Item, field: Field) -> Cell {
        let habits = &self.list.habits;
        let workbook = self.form.is_workbook();
        let text = |text: &Option<String>| text.as_ref().map_or(Cell::EMPTY, Cell::text);
        match field {
            Field::Sku if workbook && self.ways.numeric_keys && self.list.keys.are_numbers() => {
                Cell::number(item.sku.parse().expect("digits"), "0")
            }
            Field::Sku => Cell::text(&item.sku),
            Field::Name => Cell::text(&item.name),
            Field::Quantity if workbook && !self.ways.typed_numbers => {
                Cell::number(item.quantity.into(), self.ways.count_format)
            }
            Field::Quantity => Cell::text(habits.count(item.quantity)),
            Field::Price => match item.cents {
                Some(cents) if workbook && !self.ways.typed_numbers => {
                    Cell::number(f64::from(cents) / 100.0, self.ways.price_format)
                }
                Some(cents) => Cell::text(habits.amount(cents)),
                None => Cell::EMPTY,
            },
            Field::Category => text(&item.category),
            Field::Warehouse => text(&item.warehouse),
            Field::Supplier => text(&item.supplier),
            Field::Counted => match item.counted {
                Some(day) if workbook && !self.ways.typed_dates => {
                    Cell { value: Value::Day(day), format: self.ways.day_format, format_id: None }
                }
                Some(day) => Cell::text(habits.day(day)),
                None => Cell::EMPTY,
            },
            Field::Discontinued => match item.discontinued {
                Some(yes) if workbook && self.ways.bools => Cell::of(Value::Bool(yes)),
                Some(yes) => Cell::text(if yes { habits.yes_no.0 } else { habits.yes_no.1 }),
                None => Cell::EMPTY,
            },
        }
    }

    /// What stands beside amounts for their currency; empty where nothing does.
    pub fn currency(&self) -> &'static str {
        let (before, after) = self.list.habits.currency;
        match (self.form.is_workbook() && !self.ways.typed_numbers, self.ways.price_format) {
            (true, format) if format.contains('€') => "€",
            (true, format) if format.contains('$') => "$",
            (true, _) => "",
            (false, _) if before.is_empty() => after.trim(),
            (false, _) => before.trim(),
        }
    }

    /// The first sheet, in which most traps are laid.
    pub fn sheet(&mut self) -> &mut Sheet {
        &mut self.sheets[0]
    }

    /// Where the column of a field is, in a list that has it.
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns.iter().position(|other| *other == Some(field))
    }

    /// Whether the first sheet is a header with rows of items below it, as wide as it, and nothing else.
    pub fn is_plain(&self) -> bool {
        let rows = &self.sheets[0].rows;
        let plain = |row: &Row| row.line.is_none() && row.cells.len() <= self.columns.len();
        rows.iter().all(plain) && rows[1..].iter().all(|row| row.truth != Truth::NoItem)
    }

    /// Rows of items without a trap, in random order.
    pub fn free_rows(&mut self) -> Vec<usize> {
        let rows = &self.sheets[0].rows;
        let mut free: Vec<_> =
            (0..rows.len()).filter(|row| rows[*row].is_item() && rows[*row].trap.is_none()).collect();
        self.rng.shuffle(&mut free);
        free
    }

    /// One of them that `fits`.
    pub fn free_row(&mut self, fits: impl Fn(&Row) -> bool) -> Option<usize> {
        let free = self.free_rows();
        free.into_iter().find(|row| fits(&self.sheets[0].rows[*row]))
    }

    pub fn write(&self) -> Vec<u8> {
        super::write::write(self)
    }
}
