//! Which column of the sheet was taken for what, and how many values were read there.

use super::Report;
use crate::judge::{ColumnRead, SheetRead};
use crate::message::{count, listed};
use crate::schema::canonical_name;

/// Sheets whose columns are named; the page and `report.json` have all of them.
const SHEETS_NAMED: usize = 10;
/// Columns named that could have been taken as well.
const OTHERS_NAMED: usize = 8;

/// A line for each sheet that was loaded.
pub(super) fn say_columns(report: &Report) -> Vec<String> {
    let loaded: Vec<&SheetRead> = report.sheets.iter().filter(|sheet| !sheet.columns.is_empty()).collect();
    let more = loaded.len().saturating_sub(SHEETS_NAMED);
    let more = (more > 0).then(|| format!("The columns of {} more sheets are in the report.", count(more as u64)));
    let line = |sheet: &&SheetRead| {
        let of = if loaded.len() > 1 { format!(" of \"{}\"", sheet.name) } else { String::new() };
        let columns = sheet.columns.iter().enumerate().map(|(at, column)| say_column(column, at == 0));
        format!("Columns{of}: {}.", columns.collect::<Vec<_>>().join(", "))
    };
    loaded.iter().take(SHEETS_NAMED).map(line).chain(more).collect()
}

/// `SKU from "Item number" (A, 240 values)`, `Category (C, 96; 144 rows have none)`. What the figures are is said by the
/// first column of a sheet.
fn say_column(column: &ColumnRead, is_first: bool) -> String {
    let name = match says_title(column) {
        true => column.header.clone(),
        false => format!("{} from \"{}\"", title(column), column.header),
    };
    let values = match (column.values, column.empty) {
        (0, 0) => return format!("{name} ({})", column.column),
        (0, _) => "no values".to_string(),
        (1, _) if is_first => "1 value".to_string(),
        (values, _) if is_first => format!("{} values", count(values)),
        (values, _) => count(values),
    };
    let empty = match column.empty {
        _ if column.values == 0 => String::new(),
        0 => String::new(),
        1 => "; 1 row has none".to_string(),
        empty => format!("; {} rows have none", count(empty)),
    };
    format!("{name} ({}, {values}{empty})", column.column)
}

/// A sentence for each column that was chosen where others could have been taken.
pub(super) fn say_choices(report: &Report) -> Vec<String> {
    let with_sheets = report.sheets.iter().filter(|sheet| sheet.loaded).count() > 1;
    let choices = report.sheets.iter().flat_map(|sheet| sheet.columns.iter().map(move |column| (sheet, column)));
    let choices = choices.filter(|(_, column)| !column.instead_of.is_empty()).map(|(sheet, column)| {
        let place = if with_sheets { format!("Sheet \"{}\": ", sheet.name) } else { String::new() };
        let others = column.instead_of.iter().map(|other| format!("\"{}\" ({})", other.header, other.column));
        let others = listed(&others.collect::<Vec<_>>(), OTHERS_NAMED);
        let (title, header) = (title(column), &column.header);
        format!("{place}{title} was taken from \"{header}\" ({}), not from {others}.", column.column)
    });
    choices.collect()
}

/// What the rules call it; a report of an earlier version does not say.
pub(super) fn title(column: &ColumnRead) -> &str {
    if column.title.is_empty() { &column.attribute } else { &column.title }
}

/// Whether the header is what the rules call the column.
fn says_title(column: &ColumnRead) -> bool {
    canonical_name(&column.header) == canonical_name(title(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{LoadId, Upload};
    use crate::judge::OtherColumn;
    use crate::report::{Ending, Seconds};

    fn column(title: &str, header: &str, letter: &str, values: u64, empty: u64) -> ColumnRead {
        let attribute = title.to_lowercase();
        let (title, header, column) = (title.to_string(), header.to_string(), letter.to_string());
        ColumnRead { attribute, title, header, column, values, empty, instead_of: vec![] }
    }

    fn report(sheets: Vec<(&str, Vec<ColumnRead>)>) -> Report {
        let upload = r#"{"bucket":"","key":"a","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#;
        let upload: Upload = serde_json::from_str(upload).unwrap();
        let load = LoadId::of(&upload);
        let sheet = |(name, columns): (&str, _)| SheetRead {
            name: name.to_string(),
            loaded: true,
            skipped: None,
            header_row: Some(1),
            columns,
            others: vec![],
            tables: Vec::new(),
        };
        let sheets = sheets.into_iter().map(sheet).collect();
        Report { sheets, ..Report::stopped(load, upload, Ending::Done, String::new(), Seconds::default()) }
    }

    #[test]
    fn one_line_tells_which_column_was_taken_for_what_and_how_many_values_it_has() {
        let columns = vec![
            column("SKU", "Item number", "A", 240, 0),
            column("Name", "NAME", "B", 239, 1),
            column("Category", "Category", "C", 96, 144),
            column("Supplier", "Vendor", "D", 0, 240),
        ];
        let says = "Columns: SKU from \"Item number\" (A, 240 values), NAME (B, 239; 1 row has none), \
                    Category (C, 96; 144 rows have none), Supplier from \"Vendor\" (D, no values).";
        assert_eq!(say_columns(&report(vec![("Stock", columns)])), [says]);
    }

    #[test]
    fn of_several_sheets_each_has_its_line_and_of_many_the_number_of_the_rest() {
        let sheets = |n: usize| vec![("Leeds", vec![column("SKU", "SKU", "A", 1, 0)]); n];
        assert_eq!(say_columns(&report(sheets(2))), ["Columns of \"Leeds\": SKU (A, 1 value)."; 2]);
        let said = say_columns(&report(sheets(14)));
        assert_eq!((said.len(), said[10].as_str()), (11, "The columns of 4 more sheets are in the report."));
    }

    #[test]
    fn a_column_that_was_chosen_names_those_that_were_not() {
        let other = |header: &str, column: &str| OtherColumn { header: header.into(), column: column.into() };
        let instead_of = vec![other("Qty available", "E"), other("Qty reserved", "F")];
        let chosen = ColumnRead { instead_of, ..column("Quantity", "Qty on hand", "D", 5, 0) };
        let says = "Quantity was taken from \"Qty on hand\" (D), not from \"Qty available\" (E), \"Qty reserved\" (F).";
        assert_eq!(say_choices(&report(vec![("Stock", vec![chosen.clone()])])), [says]);
        let said = say_choices(&report(vec![("Leeds", vec![chosen]), ("York", vec![])]));
        assert_eq!(said, [format!("Sheet \"Leeds\": {says}")]);
    }
}
