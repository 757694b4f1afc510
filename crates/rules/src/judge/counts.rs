//! Counts the rows with items that have a value, for each column of a sheet.

use crate::cell::is_blank;
use crate::schema::{Header, Schema};
use inventory_base::message::column_letters;
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::{ColumnRead, OtherColumn};

/// The columns of one sheet by index. Columns to the right of the last header are added once they have a value.
pub(super) struct ColumnCounts {
    rows: u64,
    columns: Vec<ColumnCount>,
}

#[derive(Clone, Copy, Default)]
struct ColumnCount {
    named: bool,
    values: u64,
    numbering: Numbering,
}

/// Whether the values of a column number its rows consecutively.
#[derive(Clone, Copy, Default, PartialEq)]
enum Numbering {
    #[default]
    NoValueYet,
    /// The column began with 0 or 1, and the next row should have this number.
    Next(f64),
    Broken,
}

/// A column without a header that has values in rows with items.
pub(super) struct UnnamedColumn {
    pub place: u32,
    pub values: u64,
    /// Whether it has values in at least half of the rows that are more than row numbers.
    pub is_part_of_list: bool,
}

impl ColumnCounts {
    pub fn new(header: &Header) -> ColumnCounts {
        let mut counts = ColumnCounts { rows: 0, columns: Vec::new() };
        for (place, _) in header.columns.iter().flatten().chain(&header.others) {
            counts.at(*place).named = true;
        }
        counts
    }

    /// Counts a row that is an item.
    pub fn note_row(&mut self, row: &RawRow<'_>) {
        self.rows += 1;
        for cell in row.cells.iter().filter(|cell| !is_blank(cell)) {
            let column = self.at(cell.column);
            column.values += 1;
            if !column.named {
                column.numbering.note(cell);
            }
        }
    }

    /// Column indexes are limited by the budget, so there is memory for all columns before this one.
    fn at(&mut self, place: u32) -> &mut ColumnCount {
        let place = place as usize;
        if self.columns.len() <= place {
            self.columns.resize(place + 1, ColumnCount::default());
        }
        &mut self.columns[place]
    }

    /// The columns of the rules that the sheet has, with their counts.
    pub fn describe(&self, schema: &Schema, header: &Header) -> Vec<ColumnRead> {
        let columns = schema.columns.iter().zip(header.columns.iter().zip(&header.instead_of));
        let columns = columns.filter_map(|(column, (found, instead_of))| {
            let (place, title) = found.as_ref()?;
            let values = self.columns.get(*place as usize).map_or(0, |column| column.values);
            Some(ColumnRead {
                attribute: column.name.clone(),
                title: column.title.clone(),
                header: title.clone(),
                column: column_letters(*place),
                values,
                empty: self.rows - values,
                instead_of: instead_of.iter().map(OtherColumn::from).collect(),
            })
        });
        columns.collect()
    }

    pub fn unnamed(&self) -> Vec<UnnamedColumn> {
        let columns = (0..).zip(&self.columns).filter(|(_, column)| !column.named && column.values > 0);
        let columns = columns.map(|(place, column)| UnnamedColumn {
            place,
            values: column.values,
            is_part_of_list: column.values * 2 >= self.rows && !column.numbering.is_certain(column.values),
        });
        columns.collect()
    }
}

impl Numbering {
    fn note(&mut self, cell: &RawCell<'_>) {
        let number = match &cell.value {
            RawValue::Number(number) => Some(*number),
            RawValue::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        *self = match (&self, number) {
            (Numbering::NoValueYet, Some(number @ (0.0 | 1.0))) => Numbering::Next(number + 1.0),
            (Numbering::Next(next), Some(number)) if *next == number => Numbering::Next(number + 1.0),
            _ => Numbering::Broken,
        };
    }

    /// A single number doesn't prove a numbering.
    fn is_certain(&self, values: u64) -> bool {
        matches!(self, Numbering::Next(_)) && values > 1
    }
}
