//! Judges rows before they are written to a sheet, so that an exported sheet reads back as the same items without any
//! rule being implemented twice.

use super::Verdict;
use super::heading::HeaderSearch;
use super::later_header::{LaterHeaderSearch, LaterRow};
use super::row::Layout;
use super::swallowed_rows::refuse_swallowed_rows;
use crate::schema::{HeaderFault, Schema};
use inventory_base::item::Item;
use inventory_base::message::Problem;
use inventory_workbook::{RawCell, RawRow, RawValue};

/// A sheet with its header in the first row and no other rows yet.
pub struct RowChecker<'a> {
    layout: Layout<'a>,
}

impl<'a> RowChecker<'a> {
    /// `None` unless the rules find all their columns under this header, in their own order.
    pub fn new(schema: &'a Schema, sheet: &str, header: &[&str]) -> Option<RowChecker<'a>> {
        let heading = HeaderSearch::new(schema).look_at(&row_of_texts(1, header)).ok()?;
        let found = &heading.header.columns;
        let in_order =
            |(place, found): (u32, &Option<(u32, String)>)| found.as_ref().is_some_and(|(at, _)| *at == place);
        let complete = found.len() == header.len() && (0..).zip(found).all(in_order);
        complete.then(|| Layout::new(schema, sheet, heading, None)).map(|layout| RowChecker { layout })
    }

    /// Returns the item that the row would be, or the problem that would reject it; `Err(None)` if it would not be
    /// taken for an item.
    pub fn judge(&self, row: &RawRow<'_>) -> Result<Item, Option<Box<Problem>>> {
        let Layout { schema, sheet, .. } = &self.layout;
        let kind = LaterHeaderSearch::new(schema, self.layout.heading()).classify(row, self.layout.heading(), sheet);
        if !matches!(kind, LaterRow::NotHeader) || refuse_swallowed_rows(row, &self.layout).is_some() {
            return Err(None);
        }
        match self.layout.judge(row) {
            Verdict::Accepted(item) => Ok(Item::from(&item)),
            Verdict::Rejected(kept) | Verdict::Duplicate(kept) => Err(kept.problems.into_iter().next().map(Box::new)),
            Verdict::Skipped(_) => Err(None),
        }
    }
}

/// Whether a sheet that begins with these rows would be read as a list of items. Empty rows are blank.
pub fn would_be_read(schema: &Schema, rows: &[Vec<String>]) -> bool {
    let mut search = HeaderSearch::new(schema);
    (1..).zip(rows).filter(|(_, texts)| !texts.is_empty()).any(|(number, texts)| {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        // A header that names a column twice refuses the whole file.
        !search.is_finished()
            && !matches!(search.look_at(&row_of_texts(number, &texts)), Err(HeaderFault::KeyMissing { .. }))
    })
}

fn row_of_texts<'t>(number: u32, texts: &[&'t str]) -> RawRow<'t> {
    let filled = (0..).zip(texts).filter(|(_, text)| !text.is_empty());
    let cell =
        |(column, text): (u32, &&'t str)| RawCell { column, value: RawValue::Text((*text).into()), format: None };
    RawRow { number, cells: filled.map(cell).collect(), fields: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [&str; 10] = [
        "SKU",
        "Name",
        "Category",
        "Warehouse",
        "Quantity",
        "Unit price",
        "Reorder level",
        "Supplier",
        "Last counted",
        "Discontinued",
    ];

    fn judged(texts: &[&str]) -> Result<Item, Option<&'static str>> {
        let schema = Schema::shipped().unwrap();
        let checker = RowChecker::new(&schema, "Stock", &HEADER).unwrap();
        checker.judge(&row_of_texts(2, texts)).map_err(|problem| problem.map(|problem| problem.rule.id()))
    }

    #[test]
    fn a_row_is_judged_as_it_will_be_when_read() {
        let item = judged(&["0012", "Bolt", "", "", "5"]).unwrap();
        assert_eq!(item.keys().collect::<Vec<_>>(), ["name", "quantity", "sku"]);
        assert_eq!(judged(&["0012", "Bolt", "", "", "-5"]), Err(Some("too-small")));
        assert_eq!(judged(&["", "Bolt"]), Err(None));
        assert_eq!(judged(&HEADER), Err(None));
        assert_eq!(judged(&["A", "Bolt\nB,Nut,,,7\nC,Pin,,,8", "", "", "5"]), Err(None));
    }

    #[test]
    fn a_header_must_name_all_columns_in_order() {
        let schema = Schema::shipped().unwrap();
        let mut swapped = HEADER;
        swapped.swap(0, 1);
        for header in [&swapped[..], &HEADER[..9], &["SKU"]] {
            assert!(RowChecker::new(&schema, "Stock", header).is_none(), "{header:?}");
        }
    }

    #[test]
    fn a_sheet_with_a_header_would_be_read() {
        let schema = Schema::shipped().unwrap();
        let row = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (rows, read) in [
            (vec![row(&["How to fill in"]), vec![], row(&["SKU", "a text"]), row(&["Name", "a text"])], false),
            (vec![row(&["How to fill in"]), vec![], row(&["SKU", "Name"])], true),
            (vec![row(&["SKU", "Name", "Price", "Unit price"])], true),
            (vec![], false),
        ] {
            assert_eq!(would_be_read(&schema, &rows), read, "{rows:?}");
        }
    }
}
