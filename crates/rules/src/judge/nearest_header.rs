//! The row that looks most like a header, quoted when a file without a header is refused.

use crate::cell::display_text;
use crate::schema::Schema;
use inventory_base::message::{Refusal, listed, refusal};
use inventory_workbook::RawRow;

/// Cells quoted from it.
const CELLS_QUOTED: usize = 8;

pub(super) struct NearestHeader {
    sheet: String,
    row: u32,
    known: usize,
    found: String,
}

impl NearestHeader {
    /// Returns the better of the best row so far and this row, in which `known` columns were recognised.
    pub fn best_of(
        nearest: Option<NearestHeader>,
        sheet: &str,
        row: &RawRow<'_>,
        known: usize,
    ) -> Option<NearestHeader> {
        if known <= nearest.as_ref().map_or(0, |nearest| nearest.known) {
            return nearest;
        }
        let quoted: Vec<String> = row.cells.iter().map(|cell| format!("\"{}\"", display_text(cell))).collect();
        Some(NearestHeader { sheet: sheet.to_string(), row: row.number, known, found: listed(&quoted, CELLS_QUOTED) })
    }
}

pub(super) fn refuse_without_header(schema: &Schema, nearest: Option<&NearestHeader>) -> Refusal {
    let key = schema.position(schema.key.first_column()).unwrap_or_default();
    let column = schema.columns[key].own_header();
    match nearest {
        Some(NearestHeader { sheet, row, found, .. }) => refusal!(NoSheetFits { column, row, sheet, found }),
        None => {
            let needed = schema.columns.iter().enumerate();
            let needed = needed.filter(|(position, column)| *position == key || column.required);
            let titles: Vec<&str> = needed.map(|(_, column)| column.own_header()).collect();
            refusal!(NoHeaderFound { columns: titles.join(", ") })
        }
    }
}
