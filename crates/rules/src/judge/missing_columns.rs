//! Refuses a header that lacks a required column, instead of reporting a problem in each row.

use crate::schema::{Header, NamedCell, Schema};
use inventory_base::message::{Note, Refusal, cell_address, listed, note, refusal};

use super::{ColumnRead, SheetRead};

/// Unknown names that are quoted.
const NAMES_QUOTED: usize = 8;

pub(super) fn refuse_missing_columns(schema: &Schema, sheet: &str, header: &Header) -> Option<Refusal> {
    let columns = schema.columns.iter().zip(&header.columns);
    let missing = columns.filter(|(column, found)| column.required && found.is_none());
    let titles: Vec<&str> = missing.map(|(column, _)| column.own_header()).collect();
    if titles.is_empty() {
        return None;
    }
    let row = header.row;
    let unknown = unknown_names(schema, header, |place| cell_address(place, header.row));
    let found = match unknown.len() {
        0 => format!("All the names in row {row} are of other columns."),
        1 => format!("Of the names in row {row}, this one is not known: {}.", unknown.concat()),
        _ => format!("Of the names in row {row}, these are not known: {}.", listed(&unknown, NAMES_QUOTED)),
    };
    let columns: Vec<String> = titles.iter().map(|title| format!("the {title}")).collect();
    let names: Vec<String> = titles.iter().map(|title| format!("\"{title}\"")).collect();
    let (columns, names) = (columns.join(" or "), names.join(" and "));
    Some(refusal!(ColumnMissing { sheet, columns, found, names, row }))
}

/// Notes that tables lack the column that totals are grouped by, such as the warehouse, if there are several sheets or
/// other tables have it: the tabs or the titles above the tables may name it.
pub(super) fn note_missing_group(schema: &Schema, sheets: &[SheetRead]) -> Option<Note> {
    let per = schema.totals.per.as_ref()?;
    let column = schema.columns.iter().find(|column| column.name == *per)?;
    let has_it = |columns: &[ColumnRead]| columns.iter().any(|column| column.attribute == *per);
    let loaded: Vec<&SheetRead> = sheets.iter().filter(|sheet| sheet.loaded).collect();
    let mut without = Vec::new();
    let mut is_named = loaded.len() > 1;
    for sheet in loaded {
        let lacking: Vec<u32> =
            sheet.columns_by_table().filter(|(_, columns)| !has_it(columns)).map(|(row, _)| row).collect();
        is_named |= lacking.len() <= sheet.tables.len();
        // If no table of a sheet has it, only the sheet is named.
        match lacking.len() > sheet.tables.len() {
            true => without.push(format!("\"{}\"", sheet.name)),
            false => without.extend(lacking.iter().map(|row| format!("\"{}\" from row {row} on", sheet.name))),
        }
    }
    let sheets = listed(&without, NAMES_QUOTED);
    (is_named && !without.is_empty()).then(|| note!(SheetsWithoutGroup { column: column.title, sheets }))
}

/// The names in the header that the rules don't know, each with its place as formatted by `say_place`.
pub(super) fn unknown_names(schema: &Schema, header: &Header, say_place: impl Fn(u32) -> String) -> Vec<String> {
    schema.unknown_in(header).map(|(place, name)| format!("\"{name}\" ({})", say_place(*place))).collect()
}

/// Refuses a header in which two cells could be the same column, and says how to choose.
pub(super) fn refuse_named_twice(
    sheet: &str,
    row: u32,
    column: &str,
    first: &NamedCell,
    second: &NamedCell,
) -> Refusal {
    let quoted = |(place, text): &NamedCell| format!("\"{text}\" ({})", cell_address(*place, row));
    let header = &first.1;
    refusal!(ColumnNamedTwice { sheet, column, first: quoted(first), second: quoted(second), header })
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged, judged_by, refused};
    use inventory_base::message::Rule;

    #[test]
    fn a_missing_required_column_is_reported_once_with_the_unknown_names() {
        let refusal = refused(b"SKU,Our count,Name,Price,Remark\nA,5,Bolt,1.5,\nB,6,Nut,1.5,\n");
        assert_eq!(refusal.rule, Rule::ColumnMissing);
        let message = "Sheet \"Stock\" has no column for the Quantity. \
                       Of the names in row 1, these are not known: \"Our count\" (B1), \"Remark\" (E1).";
        assert_eq!(refusal.message, message);
        assert!(refusal.advice.starts_with("Enter \"Quantity\" in row 1, above"), "{}", refusal.advice);
    }

    #[test]
    fn known_names_are_not_listed_as_unknown_and_a_shortened_list_says_so() {
        let refusal = refused(b"SKU,Description,Name,Price,Remark\nA,big,Bolt,1.5,\n");
        let message = "Sheet \"Stock\" has no column for the Quantity. \
                       Of the names in row 1, this one is not known: \"Remark\" (E1).";
        assert_eq!(refusal.message, message);
        let header: String = (1..=20).map(|n| format!(",Shelf {n}")).collect();
        let refusal = refused(format!("SKU,Name{header}\nA,Bolt\n").as_bytes());
        assert!(refusal.message.ends_with("\"Shelf 8\" (J1), and 12 more."), "{}", refusal.message);
    }

    #[test]
    fn several_missing_columns_are_reported_together() {
        let refusal = refused(b"Stock\nSKU,Price\nA,5\n");
        let message = "Sheet \"Stock\" has no column for the Name or the Quantity. \
                       All the names in row 2 are of other columns.";
        assert_eq!(refusal.message, message);
        assert!(refusal.advice.starts_with("Enter \"Name\" and \"Quantity\" in row 2, above"), "{}", refusal.advice);
    }

    #[test]
    fn a_missing_price_is_noted_with_the_columns_that_may_be_it() {
        let notes = |header: &str| {
            let (_, file) =
                judged_by(format!("SKU,Name,Qty,{header}\nA,Bolt,5,1,2\n").as_bytes(), |rules| rules).unwrap();
            let notes = file.notes.into_iter().filter(|note| note.rule == Rule::ColumnMayBeMeant);
            notes.map(|note| note.message).collect::<Vec<_>>()
        };
        let says =
            |headers: &str| vec![format!("Sheet \"Stock\" has no column for the Unit price, but {headers} may be it.")];
        assert_eq!(notes("EK,VK netto"), says("\"VK netto\" (E)"));
        assert_eq!(notes("Old price,New price"), says("one of \"Old price\" (D), \"New price\" (E)"));
        for header in ["Price,RRP", "Price group,Total price", "Cost,Bin"] {
            assert!(notes(header).is_empty(), "{header}");
        }
    }

    #[test]
    fn an_optional_column_or_one_with_a_default_may_be_missing() {
        assert!(judged(b"SKU,Name,Qty\nA,Bolt,5\n").is_ok());
        let with_default = |rules: String| {
            rules.replacen("title = \"Quantity\"\n", "title = \"Quantity\"\ndefault = 1\n", 1).replacen(
                "type = \"integer\"\nrequired = true",
                "type = \"integer\"",
                1,
            )
        };
        assert!(judged_by(b"SKU,Name\nA,Bolt\n", with_default).is_ok());
    }

    #[test]
    fn a_sheet_without_items_needs_no_columns_but_one_with_items_refuses_the_whole_file() {
        let book = |prices: &[[&str; 3]]| {
            let mut book = rust_xlsxwriter::Workbook::new();
            let sheet = book.add_worksheet().set_name("Stock").unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
            sheet.write_row(1, 0, ["A", "Bolt", "5"]).unwrap();
            let sheet = book.add_worksheet().set_name("Prices").unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Price"]).unwrap();
            for (row, price) in (1..).zip(prices) {
                sheet.write_row(row, 0, *price).unwrap();
            }
            book.save_to_buffer().unwrap()
        };
        assert!(judged(&book(&[["", "", "in EUR"]])).is_ok());
        let refusal = refused(&book(&[["", "", "in EUR"], ["B", "Nut", "1.5"]]));
        assert!(refusal.message.starts_with("Sheet \"Prices\" has no column for the Quantity."), "{}", refusal.message);
    }

    #[test]
    fn sheets_without_a_warehouse_column_are_noted_if_their_names_may_be_warehouses() {
        let notes = |sheets: &[(&str, &str)]| {
            let mut book = rust_xlsxwriter::Workbook::new();
            for (row, (name, header)) in (1..).zip(sheets) {
                let sheet = book.add_worksheet().set_name(*name).unwrap();
                sheet.write_row(0, 0, ["SKU", "Name", "Quantity", header]).unwrap();
                sheet.write_row(1, 0, [format!("A-{row}"), "Bolt".into(), "5".into(), "LDS".into()]).unwrap();
            }
            let (_, file) = judged_by(&book.save_to_buffer().unwrap(), |rules| rules).unwrap();
            let notes = file.notes.into_iter().filter(|note| note.rule == Rule::SheetsWithoutGroup);
            notes.map(|note| note.message).collect::<Vec<_>>()
        };
        let says = |sheets: &str| vec![format!("There is no column for the Warehouse on {sheets}.")];
        assert_eq!(notes(&[("Leeds", "Bin"), ("York", "Bin")]), says("\"Leeds\", \"York\""));
        assert_eq!(notes(&[("Leeds", "Warehouse"), ("York", "Bin")]), says("\"York\""));
        assert!(notes(&[("Leeds", "Warehouse"), ("York", "Warehouse")]).is_empty());
        assert!(notes(&[("Leeds", "Bin")]).is_empty());
    }

    #[test]
    fn a_table_that_alone_has_no_warehouse_is_named_by_its_first_row() {
        let notes = |text: &str| {
            let (_, file) = judged_by(text.as_bytes(), |rules| rules).unwrap();
            let notes = file.notes.into_iter().filter(|note| note.rule == Rule::SheetsWithoutGroup);
            notes.map(|note| note.message).collect::<Vec<_>>()
        };
        let says = |row: u32| vec![format!("There is no column for the Warehouse on \"Stock\" from row {row} on.")];
        let (with, without) = ("SKU,Name,Qty,Warehouse\nA,Bolt,5,LDS\n", "SKU,Qty,Name,Bin\nB,5,Nut,7\n");
        assert_eq!(notes(&format!("{with}{without}")), says(3));
        assert_eq!(notes(&format!("{without}{with}")), says(1));
        let neither = "SKU,Name,Qty,Bin\nA,Bolt,5,7\n";
        assert!(notes(&format!("{neither}{without}")).is_empty());
    }
}
