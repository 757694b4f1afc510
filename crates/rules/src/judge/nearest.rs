//! The row that came nearest to being a header, for the refusal of a file that has none.

use crate::schema::Schema;
use inventory_base::message::{Refusal, Rule, listed};
use inventory_workbook::RawRow;

use super::value::shown;

/// Cells quoted from it.
const CELLS_QUOTED: usize = 8;

pub(super) struct Nearest {
    sheet: String,
    row: u32,
    known: usize,
    found: String,
}

impl Nearest {
    /// The better of what was found so far and this row, in which so many columns are known.
    pub fn or_nearer(nearest: Option<Nearest>, sheet: &str, row: &RawRow<'_>, known: usize) -> Option<Nearest> {
        if known <= nearest.as_ref().map_or(0, |nearest| nearest.known) {
            return nearest;
        }
        let quoted: Vec<String> = row.cells.iter().map(|cell| format!("\"{}\"", shown(cell))).collect();
        Some(Nearest { sheet: sheet.to_string(), row: row.number, known, found: listed(&quoted, CELLS_QUOTED) })
    }
}

pub(super) fn refuse_without_header(schema: &Schema, nearest: Option<&Nearest>) -> Refusal {
    let key = schema.position(schema.key.first_column()).unwrap_or_default();
    let column = schema.columns[key].own_header();
    match nearest {
        Some(Nearest { sheet, row, found, .. }) => {
            let words = [("column", column), ("row", &row.to_string()), ("sheet", sheet), ("found", found)];
            Refusal::new(Rule::NoSheetFits, &words)
        }
        None => {
            let needed = schema.columns.iter().enumerate();
            let needed = needed.filter(|(position, column)| *position == key || column.required);
            let titles: Vec<&str> = needed.map(|(_, column)| column.own_header()).collect();
            Refusal::new(Rule::NoHeaderFound, &[("columns", &titles.join(", "))])
        }
    }
}
