//! A file to test: its rows of cells, each with the truth about it.

use fastrand::Rng;
use jiff::civil::Date;

use super::list::{Attributes, Field, Item, List};
use super::write::CsvStyle;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileFormat {
    Csv,
    Xlsx,
    Ods,
    Xml2003,
    Html,
    Xls,
}

impl FileFormat {
    pub const ALL: [FileFormat; 6] =
        [FileFormat::Csv, FileFormat::Xlsx, FileFormat::Ods, FileFormat::Xml2003, FileFormat::Html, FileFormat::Xls];
    /// The file formats that store numbers and dates as such, with a number format.
    pub const WORKBOOKS: &'static [FileFormat] =
        &[FileFormat::Xlsx, FileFormat::Ods, FileFormat::Xml2003, FileFormat::Xls];

    pub fn extension(self) -> &'static str {
        match self {
            FileFormat::Csv => "csv",
            FileFormat::Xlsx => "xlsx",
            FileFormat::Ods => "ods",
            FileFormat::Xml2003 => "xml",
            FileFormat::Html => "html",
            FileFormat::Xls => "xls",
        }
    }

    pub fn is_workbook(self) -> bool {
        FileFormat::WORKBOOKS.contains(&self)
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
    /// The XML of an xlsx cell from after its address to its end.
    Raw(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub value: Value,
    /// The code of its number format; empty if it has none.
    pub format: &'static str,
    /// The identifier under which an xls stores that code, unless the writer chooses one.
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

/// What someone who knows the list would say about a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    Item(Attributes),
    /// A title, a header, a total: not an item.
    NoItem,
    /// An item about which the file doesn't say enough: it may be rejected, or loaded with a note.
    Unclear(Attributes),
}

#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub truth: Truth,
    /// The trap in this row.
    pub trap: Option<&'static str>,
    pub hidden: bool,
    /// The line in a text file, if it isn't made from the cells.
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

    /// Marks the item as one that cannot be determined from the file alone.
    pub fn make_unclear(&mut self) {
        if let Truth::Item(attributes) = &self.truth {
            self.truth = Truth::Unclear(attributes.clone());
        }
    }
}

/// Merged cells, of which only the first has a value. Rows and columns count from 0.
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

/// A file to be written, with the truth about it.
#[derive(Debug, Clone)]
pub struct Case {
    pub file_format: FileFormat,
    pub list: List,
    /// The fields of the columns of the first sheet; `None` for a column that isn't part of the list.
    pub columns: Vec<Option<Field>>,
    pub sheets: Vec<Sheet>,
    pub text: CsvStyle,
    pub cell_types: CellTypes,
    pub rng: Rng,
}

/// How a workbook stores values that are not text.
#[derive(Debug, Clone, Copy)]
pub struct CellTypes {
    pub numeric_keys: bool,
    pub typed_numbers: bool,
    pub typed_dates: bool,
    pub bools: bool,
    /// Whether formulas in an xls have the record number that older programs use.
    pub old_formulas: bool,
    price_format: &'static str,
    day_format: &'static str,
    count_format: &'static str,
}

impl CellTypes {
    pub fn any(rng: &mut Rng) -> CellTypes {
        let mut pick = |formats: &[&'static str]| formats[rng.usize(..formats.len())];
        let price_format = pick(&["", "0.00", "#,##0.00", "#,##0.00 \"€\"", "\"$\"#,##0.00", "#,##0.00\\ [$€-407]"]);
        let day_format = pick(&["yyyy-mm-dd", "dd.mm.yyyy", "d mmm yyyy", "m/d/yyyy"]);
        let count_format = pick(&["", "0", "#,##0"]);
        CellTypes {
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
    pub fn new(file_format: FileFormat, list: List, text: CsvStyle, cell_types: CellTypes, rng: Rng) -> Case {
        // In a workbook, an amount with a comma typed as text is reported, because a program with that locale would
        // have stored it as a number.
        let typed_numbers = cell_types.typed_numbers && list.notation.decimal == '.';
        let cell_types = CellTypes { typed_numbers, ..cell_types };
        let fields = list.fields();
        let columns = fields.iter().copied().map(Some).collect();
        let mut case = Case { file_format, list, columns, sheets: Vec::new(), text, cell_types, rng };
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

    /// Returns an item's row in a sheet with these columns.
    pub fn row(&self, item: &Item, fields: &[Field]) -> Row {
        let cells = fields.iter().map(|field| self.cell(item, *field)).collect();
        Row { cells, truth: Truth::Item(item.attributes(fields)), trap: None, hidden: false, line: None }
    }

    fn cell(&self, item: &Item, field: Field) -> Cell {
        let notation = &self.list.notation;
        let workbook = self.file_format.is_workbook();
        let text = |text: &Option<String>| text.as_ref().map_or(Cell::EMPTY, Cell::text);
        match field {
            Field::Sku if workbook && self.cell_types.numeric_keys && self.list.keys.are_numbers() => {
                Cell::number(item.sku.parse().expect("digits"), "0")
            }
            Field::Sku => Cell::text(&item.sku),
            Field::Name => Cell::text(&item.name),
            Field::Quantity if workbook && !self.cell_types.typed_numbers => {
                Cell::number(item.quantity.into(), self.cell_types.count_format)
            }
            Field::Quantity => Cell::text(notation.count(item.quantity)),
            Field::Price => match item.cents {
                Some(cents) if workbook && !self.cell_types.typed_numbers => {
                    Cell::number(f64::from(cents) / 100.0, self.cell_types.price_format)
                }
                Some(cents) => Cell::text(notation.amount(cents)),
                None => Cell::EMPTY,
            },
            Field::Category => text(&item.category),
            Field::Warehouse => text(&item.warehouse),
            Field::Supplier => text(&item.supplier),
            Field::Counted => match item.counted {
                Some(day) if workbook && !self.cell_types.typed_dates => {
                    Cell { value: Value::Day(day), format: self.cell_types.day_format, format_id: None }
                }
                Some(day) => Cell::text(notation.day(day)),
                None => Cell::EMPTY,
            },
            Field::Discontinued => match item.discontinued {
                Some(yes) if workbook && self.cell_types.bools => Cell::of(Value::Bool(yes)),
                Some(yes) => Cell::text(if yes { notation.yes_no.0 } else { notation.yes_no.1 }),
                None => Cell::EMPTY,
            },
        }
    }

    /// Returns the currency written with amounts; empty if there is none.
    pub fn currency(&self) -> &'static str {
        let (before, after) = self.list.notation.currency;
        match (self.file_format.is_workbook() && !self.cell_types.typed_numbers, self.cell_types.price_format) {
            (true, format) if format.contains('€') => "€",
            (true, format) if format.contains('$') => "$",
            (true, _) => "",
            (false, _) if before.is_empty() => after.trim(),
            (false, _) => before.trim(),
        }
    }

    /// Returns the first sheet, to which most traps are applied.
    pub fn sheet(&mut self) -> &mut Sheet {
        &mut self.sheets[0]
    }

    /// Returns the position of a field's column, if the list has it.
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns.iter().position(|other| *other == Some(field))
    }

    /// Makes room for a column of no field at this place; what is merged further to the right moves with its column.
    /// The caller inserts the cells.
    pub fn insert_column(&mut self, place: usize) {
        self.columns.insert(place, None);
        let moved = |column: &mut usize| *column += usize::from(*column >= place);
        for merge in &mut self.sheets[0].merges {
            moved(&mut merge.columns.0);
            moved(&mut merge.columns.1);
        }
    }

    /// Returns whether the first sheet consists of a header and rows of items that are no wider than it.
    pub fn is_plain(&self) -> bool {
        let rows = &self.sheets[0].rows;
        let plain = |row: &Row| row.line.is_none() && row.cells.len() <= self.columns.len();
        rows.iter().all(plain) && rows[1..].iter().all(|row| row.truth != Truth::NoItem)
    }

    /// Returns the rows of items without a trap, in random order.
    pub fn free_rows(&mut self) -> Vec<usize> {
        let rows = &self.sheets[0].rows;
        let mut free: Vec<_> =
            (0..rows.len()).filter(|row| rows[*row].is_item() && rows[*row].trap.is_none()).collect();
        self.rng.shuffle(&mut free);
        free
    }

    /// Returns one of these rows that `fits`.
    pub fn free_row(&mut self, fits: impl Fn(&Row) -> bool) -> Option<usize> {
        let free = self.free_rows();
        free.into_iter().find(|row| fits(&self.sheets[0].rows[*row]))
    }

    pub fn write(&self) -> Vec<u8> {
        super::write::write(self)
    }
}
