//! Finds a sheet's header, which may take two rows, and recognises its rows if they are repeated further down.
//!
//! The header is the first row that names the columns of the key and at least two columns in all, alone or together with
//! the row directly above (`Reorder` above `level`). It must be among the first 50 rows with a value; rows above it are
//! titles.

use crate::cell::display_text;
use crate::schema::{Header, HeaderFault, Schema};
use inventory_workbook::RawRow;

use super::Skip;
use super::what_to_do::WhatToDoColumns;

/// Titles, logos and blank rows come before the header, but not more than this.
pub(super) const HEADER_SEARCH_ROWS: usize = 50;
/// A single cell that repeats the row above the header could also be an item's number.
const MIN_CELLS_TO_RECOGNISE: usize = 2;

/// The texts of a row with their columns, without blank cells.
type Texts = Vec<(u32, String)>;

/// A header and the texts of its rows.
pub(super) struct Heading {
    pub header: Header,
    /// The texts of the row in which the header ends.
    own: Texts,
    /// The texts of the row directly above, if there is one.
    above: Option<Texts>,
    /// Whether names were joined from both rows.
    joined: bool,
    /// Columns that are not part of the list.
    pub what_to_do: WhatToDoColumns,
}

impl Heading {
    /// Whether the header takes two rows.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// For the header of a table below another one: inherits the columns that are not part of the list.
    pub fn inherit_what_to_do(mut self, above: &Heading) -> Heading {
        if self.what_to_do.is_empty() {
            self.what_to_do = above.what_to_do.clone();
        }
        self
    }

    /// The verdict on the row directly above the header.
    pub fn row_above_skip(&self) -> Skip {
        if self.joined { Skip::Header } else { Skip::Title }
    }

    /// Whether the row repeats the header, as lists made for printing do on every page. Only the columns that are read
    /// count: the others may change from page to page, like a title with a page number.
    pub fn is_repeated(&self, row: &RawRow<'_>) -> bool {
        let mut cells = 0;
        let same = self.header.columns.iter().flatten().all(|(place, _)| {
            let text = text_at(&self.own, *place);
            let cell = row.cell(*place).map(display_text);
            cells += usize::from(text.is_some());
            cell.as_deref().filter(|text| !text.is_empty()) == text
        });
        same && cells >= MIN_CELLS_TO_RECOGNISE
    }

    /// Whether every cell of the row repeats the row directly above the header.
    pub fn repeats_row_above(&self, row: &RawRow<'_>) -> bool {
        let Some(above) = self.above.as_ref().filter(|above| above.len() >= MIN_CELLS_TO_RECOGNISE) else {
            return false;
        };
        let texts = row.cells.iter().map(|cell| (cell.column, display_text(cell))).filter(|(_, text)| !text.is_empty());
        texts.eq(above.iter().map(|(place, text)| (*place, text.as_str().into())))
    }
}

/// Searches the rows of one sheet, beginning with the first.
pub(super) struct HeaderSearch<'a> {
    schema: &'a Schema,
    looked_at: usize,
    /// The previous row and its number.
    above: Option<(u32, Texts)>,
    what_to_do: WhatToDoColumns,
}

impl<'a> HeaderSearch<'a> {
    pub fn new(schema: &'a Schema) -> HeaderSearch<'a> {
        HeaderSearch { schema, looked_at: 0, above: None, what_to_do: WhatToDoColumns::default() }
    }

    pub fn is_finished(&self) -> bool {
        self.looked_at >= HEADER_SEARCH_ROWS
    }

    /// Returns the header if it ends in this row: the row alone, or together with the one directly above.
    pub fn look_at(&mut self, row: &RawRow<'_>) -> Result<Heading, HeaderFault> {
        self.looked_at += 1;
        let texts = row.cells.iter().map(|cell| (cell.column, display_text(cell).into_owned()));
        let mut own: Texts = texts.filter(|(_, text)| !text.is_empty()).collect();
        self.what_to_do.take_out_of(&mut own);
        let above = self.above.take().filter(|(number, _)| number + 1 == row.number).map(|(_, texts)| texts);
        let alone = self.match_texts(row.number, &own);
        let joined = above.as_ref().and_then(|above| self.join(row.number, above, &own, &alone));
        let (joined, header) = match joined {
            Some(header) => (true, header),
            None => (false, alone),
        };
        match header {
            Ok(header) => Ok(Heading { header, own, above, joined, what_to_do: std::mem::take(&mut self.what_to_do) }),
            Err(fault) => {
                self.above = Some((row.number, own));
                Err(fault)
            }
        }
    }

    fn match_texts(&self, row: u32, texts: &Texts) -> Result<Header, HeaderFault> {
        let borrowed: Vec<(u32, &str)> = texts.iter().map(|(place, text)| (*place, text.as_str())).collect();
        self.schema.match_header(row, &borrowed)
    }

    /// Joins both rows to one header if that is clearly better than the lower row alone. A title above may happen to be
    /// a column name, but it can't form a name with the cell below it by accident. The rows are also joined if the
    /// upper one contradicts the lower one: `Difference` above `Qty`.
    fn join(
        &self,
        row: u32,
        above: &Texts,
        own: &Texts,
        alone: &Result<Header, HeaderFault>,
    ) -> Option<Result<Header, HeaderFault>> {
        let both = self.match_texts(row, &self.stack(above, own));
        if alone.as_ref().is_ok_and(|alone| self.is_contradicted(above, alone)) {
            return Some(both);
        }
        let both = both.ok()?;
        let is_of_both = |(place, name): &(u32, String)| {
            text_at(above, *place).is_some() && text_at(own, *place).is_some_and(|lower| lower != name)
        };
        let better = match alone {
            Ok(alone) => {
                let mut columns = alone.columns.iter().zip(&both.columns);
                let gains =
                    columns.clone().any(|(alone, both)| alone.is_none() && both.as_ref().is_some_and(is_of_both));
                gains && columns.all(|(alone, both)| alone.is_none() || both.is_some())
            }
            Err(HeaderFault::NamedTwice { .. }) => true,
            Err(HeaderFault::KeyMissing { known, .. }) => {
                let columns = both.columns.iter().flatten();
                columns.clone().count() > known + usize::from(!columns.clone().any(is_of_both))
            }
        };
        better.then_some(Ok(both))
    }

    /// Whether the row above makes something else of a quantity or a price. A single cell there is a title.
    fn is_contradicted(&self, above: &Texts, alone: &Header) -> bool {
        above.len() >= MIN_CELLS_TO_RECOGNISE
            && alone.columns.iter().flatten().any(|(place, lower)| {
                text_at(above, *place)
                    .is_some_and(|upper| self.schema.is_contradicted(lower, &format!("{upper} {lower}")))
            })
    }

    /// Combines two rows: texts above each other are joined, unless only the lower one is a name. A text above an empty
    /// cell is kept: its cells are merged.
    fn stack(&self, above: &Texts, own: &Texts) -> Texts {
        let mut both = own.clone();
        for (place, upper) in above {
            match both.iter_mut().find(|(other, _)| other == place) {
                Some((_, lower)) => {
                    let joined = format!("{upper} {lower}");
                    let is_contradicted =
                        above.len() >= MIN_CELLS_TO_RECOGNISE && self.schema.is_contradicted(lower, &joined);
                    if is_contradicted || self.schema.knows_column(&joined) || !self.schema.knows_column(lower) {
                        *lower = joined;
                    }
                }
                None => both.push((*place, upper.clone())),
            }
        }
        both.sort_unstable_by_key(|(place, _)| *place);
        both
    }
}

fn text_at(texts: &Texts, place: u32) -> Option<&str> {
    texts.iter().find(|(other, _)| *other == place).map(|(_, text)| text.as_str())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use inventory_workbook::{RawCell, RawValue};
    use std::borrow::Cow;

    /// A row of texts; an empty text is a missing cell.
    pub fn row<'a>(number: u32, texts: &[&'a str]) -> RawRow<'a> {
        let cells = (0..).zip(texts).filter(|(_, text)| !text.is_empty());
        let cell = |(column, text): (u32, &&'a str)| RawCell {
            column,
            value: RawValue::Text(Cow::Borrowed(text)),
            format: None,
        };
        RawRow { number, cells: cells.map(cell).collect(), fields: None }
    }

    /// The header found in a sheet that begins with these rows.
    pub fn heading(schema: &Schema, rows: &[&[&str]]) -> Heading {
        let mut search = HeaderSearch::new(schema);
        let mut found = (1..).zip(rows).map(|(number, texts)| search.look_at(&row(number, texts)));
        found.find_map(Result::ok).expect("a header")
    }

    /// The columns with their headers.
    fn columns_of(rows: &[&[&str]]) -> String {
        let schema = Schema::shipped().unwrap();
        let columns = schema.columns.iter().zip(heading(&schema, rows).header.columns);
        let named = columns.filter_map(|(column, found)| Some(format!("{}={}", column.name, found?.1)));
        named.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_header_is_joined_with_the_row_above_if_both_halves_form_a_name() {
        let lower = ["SKU", "Name", "Qty", "level", "out"];
        assert_eq!(
            columns_of(&[&["Item", "Item", "", "Reorder", "Phased"], &lower]),
            "sku=Item SKU, name=Item Name, quantity=Qty, reorder_level=Reorder level, discontinued=Phased out"
        );
        // A blank row between them makes them two tables.
        assert_eq!(
            columns_of(&[&["Item", "Item", "", "Reorder", "Phased"], &[" "], &lower]),
            "sku=SKU, name=Name, quantity=Qty"
        );
    }

    #[test]
    fn a_title_above_a_header_does_not_name_a_column() {
        let lower = ["", "SKU", "Name", "Price"];
        for title in [&["Stock"][..], &["Stock", "", "Leeds", "", "Supplier"], &["Albion", "Item"]] {
            let columns = columns_of(&[title, &lower]);
            assert!(!columns.contains("quantity") && !columns.contains("supplier"), "{title:?}: {columns}");
            assert!(columns.ends_with("unit_price=Price"), "{title:?}: {columns}");
        }
    }

    #[test]
    fn the_row_above_distinguishes_headers_that_are_named_twice() {
        assert_eq!(
            columns_of(&[&["Item", "Item", "", "Supplier"], &["number", "name", "Qty", "name"]]),
            "sku=Item number, name=Item name, quantity=Qty, supplier=Supplier name"
        );
        assert_eq!(
            columns_of(&[&["", "Item", "", "Supplier"], &["SKU", "Name", "Qty", "Name"]]),
            "sku=SKU, name=Item Name, quantity=Qty, supplier=Supplier Name"
        );
    }

    #[test]
    fn the_search_ends_after_a_fixed_number_of_rows() {
        let schema = Schema::shipped().unwrap();
        let mut search = HeaderSearch::new(&schema);
        for number in 1..=HEADER_SEARCH_ROWS as u32 {
            assert!(!search.is_finished());
            assert!(search.look_at(&row(number, &["Count of 3 October"])).is_err());
        }
        assert!(search.is_finished());
    }
}
