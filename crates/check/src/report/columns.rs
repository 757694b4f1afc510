//! Describes which columns of the sheet were read as what, and how many values each has.

use super::Report;
use inventory_base::message::{count, listed};
use inventory_rules::judge::{ColumnRead, OtherColumn, SheetRead};
use inventory_rules::schema::canonical_name;

/// The number of tables whose columns are named; the page and `report.json` have more.
const TABLES_NAMED: usize = 10;
/// The number of alternative columns that are named.
const OTHERS_NAMED: usize = 8;

/// The columns of one table of a sheet.
pub(super) struct TableColumns<'r> {
    pub columns: &'r [ColumnRead],
    /// The columns that the rules don't know, or that others were chosen over.
    pub others: &'r [OtherColumn],
    /// The sheet of the table, if several sheets were loaded.
    pub sheet: Option<&'r str>,
    /// The row of the header, if there is another table above.
    pub header_row: Option<u32>,
}

/// Returns the tables of all loaded sheets, in the order of the file.
pub(super) fn tables(report: &Report) -> Vec<TableColumns<'_>> {
    let loaded: Vec<&SheetRead> = report.sheets.iter().filter(|sheet| !sheet.columns.is_empty()).collect();
    let is_named = loaded.len() > 1;
    loaded.into_iter().flat_map(|sheet| of_sheet(sheet, is_named)).collect()
}

fn of_sheet(sheet: &SheetRead, is_named: bool) -> impl Iterator<Item = TableColumns<'_>> {
    let others = [&sheet.others].into_iter().chain(sheet.tables.iter().map(|table| &table.others));
    sheet.columns_by_table().zip(others).enumerate().map(move |(above, ((row, columns), others))| TableColumns {
        columns,
        others,
        sheet: is_named.then_some(sheet.name.as_str()),
        header_row: (above > 0).then_some(row),
    })
}

/// Returns `3 more tables`, or `3 more sheets` if no sheet has two tables.
pub(super) fn describe_more(tables: &[TableColumns<'_>], shown: usize) -> Option<String> {
    let what = if tables.iter().any(|table| table.header_row.is_some()) { "table" } else { "sheet" };
    Some(match tables.len().checked_sub(shown)? {
        0 => return None,
        1 => format!("1 more {what}"),
        more => format!("{} more {what}s", count(more as u64)),
    })
}

/// Returns a line for each table.
pub(super) fn describe_columns(report: &Report) -> Vec<String> {
    let tables = tables(report);
    let more = describe_more(&tables, TABLES_NAMED).map(|more| format!("The columns of {more} are in the report."));
    let line = |table: &TableColumns<'_>| {
        let of = table.sheet.map(|sheet| format!(" of \"{sheet}\"")).unwrap_or_default();
        let from = table.header_row.map(|row| format!(" from row {row}")).unwrap_or_default();
        let columns = table.columns.iter().enumerate().map(|(at, column)| describe_column(column, at == 0));
        format!("Columns{of}{from}: {}.", columns.collect::<Vec<_>>().join(", "))
    };
    tables.iter().take(TABLES_NAMED).map(line).chain(more).collect()
}

/// Returns, for example, `SKU from "Item number" (A, 240 values)`, or `Category (C, 96; 144 rows have none)`. Only the
/// first column of a table says that the figures are values.
fn describe_column(column: &ColumnRead, is_first: bool) -> String {
    let name = match header_is_title(column) {
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

/// Returns a sentence for each column that was chosen over others.
pub(super) fn describe_choices(report: &Report) -> Vec<String> {
    let of_table = |table: TableColumns<'_>| {
        let place = match (table.sheet, table.header_row) {
            (None, None) => String::new(),
            (Some(sheet), None) => format!("Sheet \"{sheet}\": "),
            (None, Some(row)) => format!("From row {row}: "),
            (Some(sheet), Some(row)) => format!("Sheet \"{sheet}\", from row {row}: "),
        };
        let chosen = table.columns.iter().filter(|column| !column.instead_of.is_empty());
        chosen.map(|column| format!("{place}{}", describe_choice(column))).collect::<Vec<_>>()
    };
    tables(report).into_iter().flat_map(of_table).collect()
}

fn describe_choice(column: &ColumnRead) -> String {
    let others = column.instead_of.iter().map(|other| format!("\"{}\" ({})", other.header, other.column));
    let others = listed(&others.collect::<Vec<_>>(), OTHERS_NAMED);
    format!("{} was read from \"{}\" ({}), not from {others}.", title(column), column.header, column.column)
}

/// Returns the column's title in the rules, or its attribute if the report is of a version without titles.
pub(super) fn title(column: &ColumnRead) -> &str {
    if column.title.is_empty() { &column.attribute } else { &column.title }
}

/// Whether the header is the column's title in the rules.
fn header_is_title(column: &ColumnRead) -> bool {
    canonical_name(&column.header) == canonical_name(title(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Seconds;
    use inventory_base::ending::Ending;
    use inventory_base::load_id::LoadId;
    use inventory_base::upload::Upload;
    use inventory_rules::judge::TableRead;

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
    fn a_line_describes_the_columns_of_a_table_and_their_number_of_values() {
        let columns = vec![
            column("SKU", "Item number", "A", 240, 0),
            column("Name", "NAME", "B", 239, 1),
            column("Category", "Category", "C", 96, 144),
            column("Supplier", "Vendor", "D", 0, 240),
        ];
        let expected = "Columns: SKU from \"Item number\" (A, 240 values), NAME (B, 239; 1 row has none), \
                    Category (C, 96; 144 rows have none), Supplier from \"Vendor\" (D, no values).";
        assert_eq!(describe_columns(&report(vec![("Stock", columns)])), [expected]);
    }

    #[test]
    fn each_sheet_has_its_own_line_and_those_beyond_the_limit_are_counted() {
        let sheets = |n: usize| vec![("Leeds", vec![column("SKU", "SKU", "A", 1, 0)]); n];
        assert_eq!(describe_columns(&report(sheets(2))), ["Columns of \"Leeds\": SKU (A, 1 value)."; 2]);
        let lines = describe_columns(&report(sheets(14)));
        assert_eq!((lines.len(), lines[10].as_str()), (11, "The columns of 4 more sheets are in the report."));
        assert_eq!(describe_columns(&report(sheets(11)))[10], "The columns of 1 more sheet are in the report.");
    }

    fn with_table_below(mut report: Report, columns: Vec<ColumnRead>) -> Report {
        report.sheets[0].tables.push(TableRead { header_row: 40, columns, others: vec![] });
        report
    }

    #[test]
    fn tables_below_each_other_have_their_own_lines_with_the_first_row() {
        let (above, below) = (vec![column("SKU", "SKU", "A", 30, 0)], vec![column("SKU", "Art.-Nr.", "B", 12, 0)]);
        let one_sheet = with_table_below(report(vec![("Leeds", above.clone())]), below.clone());
        let expected = ["Columns: SKU (A, 30 values).", "Columns from row 40: SKU from \"Art.-Nr.\" (B, 12 values)."];
        assert_eq!(describe_columns(&one_sheet), expected);
        let sheets = vec![("Leeds", above.clone()), ("York", above)];
        let two_sheets = with_table_below(report(sheets.clone()), below.clone());
        let expected = "Columns of \"Leeds\" from row 40: SKU from \"Art.-Nr.\" (B, 12 values).";
        assert_eq!(describe_columns(&two_sheets)[1], expected);
        let many = (0..9).fold(report(sheets), |report, _| with_table_below(report, below.clone()));
        assert_eq!(describe_columns(&many)[10], "The columns of 1 more table are in the report.");
    }

    #[test]
    fn the_sentence_about_a_chosen_column_names_the_alternatives() {
        let other = |header: &str, column: &str| OtherColumn { header: header.into(), column: column.into() };
        let instead_of = vec![other("Qty available", "E"), other("Qty reserved", "F")];
        let chosen = ColumnRead { instead_of, ..column("Quantity", "Qty on hand", "D", 5, 0) };
        let expected =
            "Quantity was read from \"Qty on hand\" (D), not from \"Qty available\" (E), \"Qty reserved\" (F).";
        assert_eq!(describe_choices(&report(vec![("Stock", vec![chosen.clone()])])), [expected]);
        let sku = || vec![column("SKU", "SKU", "A", 5, 0)];
        let below = with_table_below(report(vec![("Leeds", sku())]), vec![chosen.clone()]);
        assert_eq!(describe_choices(&below), [format!("From row 40: {expected}")]);
        let sheets = report(vec![("Leeds", vec![chosen.clone()]), ("York", sku())]);
        assert_eq!(describe_choices(&sheets), [format!("Sheet \"Leeds\": {expected}")]);
        let below = with_table_below(report(vec![("Leeds", sku()), ("York", sku())]), vec![chosen]);
        assert_eq!(describe_choices(&below), [format!("Sheet \"Leeds\", from row 40: {expected}")]);
    }
}
