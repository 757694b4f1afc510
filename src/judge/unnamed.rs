//! Columns in which items have values and the header has no name: nobody would miss them without a word.

use crate::message::{Note, Rule, cell_address, column_letters, count};
use crate::schema::Header;
use crate::workbook::RawRow;

use super::value::is_blank;

/// Columns named in the note; more are counted.
const COLUMNS_NAMED: usize = 8;

/// The columns of one sheet by their place, those beyond the last name included once they have a value.
pub(super) struct Unnamed {
    header_row: u32,
    columns: Vec<Column>,
}

#[derive(Clone, Copy)]
enum Column {
    Named,
    /// With the values it has in rows of items.
    Unnamed(u64),
}

impl Unnamed {
    pub fn new(header: &Header) -> Unnamed {
        let mut columns = Vec::new();
        for (place, _) in header.columns.iter().flatten().chain(&header.others) {
            *column_at(&mut columns, *place) = Column::Named;
        }
        Unnamed { header_row: header.row, columns }
    }

    /// Counts a row that is an item.
    pub fn note_row(&mut self, row: &RawRow<'_>) {
        for cell in &row.cells {
            if let Column::Unnamed(values) = column_at(&mut self.columns, cell.column) {
                *values += u64::from(!is_blank(cell));
            }
        }
    }

    pub fn tell(&self, sheet: &str) -> Option<Note> {
        let unnamed: Vec<(u32, u64)> = (0..)
            .zip(&self.columns)
            .filter_map(|(place, column)| match column {
                Column::Unnamed(values @ 1..) => Some((place, *values)),
                _ => None,
            })
            .collect();
        let named = &unnamed[..unnamed.len().min(COLUMNS_NAMED)];
        let values = |n: u64| if n == 1 { "1 value".to_string() } else { format!("{} values", count(n)) };
        let mut columns: Vec<String> =
            named.iter().map(|(place, n)| format!("{} ({})", column_letters(*place), values(*n))).collect();
        if unnamed.len() > named.len() {
            columns.push(format!("{} more", count((unnamed.len() - named.len()) as u64)));
        }
        let cells: Vec<String> = named.iter().map(|(place, _)| cell_address(*place, self.header_row)).collect();
        let words = [("columns", columns.join(", ")), ("cells", cells.join(", "))];
        let words = words.each_ref().map(|(place, word)| (*place, word.as_str()));
        (!unnamed.is_empty()).then(|| Note::of_sheet(Rule::ColumnWithoutName, sheet, &words))
    }
}

/// The place of a column is within the budget, so there is room for all before it.
fn column_at(columns: &mut Vec<Column>, place: u32) -> &mut Column {
    let place = place as usize;
    if columns.len() <= place {
        columns.resize(place + 1, Column::Unnamed(0));
    }
    &mut columns[place]
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::judged_by;
    use super::*;

    fn told(list: &str) -> Vec<(String, String)> {
        let (_, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
        let notes = file.notes.into_iter().filter(|note| note.rule == Rule::ColumnWithoutName);
        notes.map(|note| (note.message, note.advice)).collect()
    }

    #[test]
    fn values_of_items_without_a_name_above_them_are_counted() {
        let told = told("SKU,Name,Qty,,,\nA,Bolt,5,1.50,,\nB,Nut,many,2.50,,x\nC,Pin,5, ,,\n");
        assert_eq!(
            told,
            [(
                "Sheet \"Stock\" has values in columns that have no name: D (2 values), F (1 value).".to_string(),
                "What stands in them was left out; if it should be loaded, write the name of the column in D1, F1, \
                 and upload the file again."
                    .to_string()
            )]
        );
    }

    #[test]
    fn values_in_rows_that_are_no_items_and_in_columns_with_a_name_are_not() {
        assert!(told(",,,Leeds\nSKU,Name,Qty,,Remark\nA,Bolt,5,,new\n,,,counted by Ann\nTotal,,5,5\n").is_empty());
    }

    #[test]
    fn of_many_columns_some_are_named() {
        let told = told(&format!("SKU,Name,Qty\nA,Bolt,5{}\n", ",x".repeat(20)));
        assert!(told[0].0.ends_with("K (1 value), 12 more."), "{}", told[0].0);
    }
}
