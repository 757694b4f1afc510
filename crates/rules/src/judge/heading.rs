//! The search for a sheet's header, which may take two rows, and how to know its rows again further down.

use crate::schema::{Header, HeaderFault, Schema};
use inventory_workbook::RawRow;

use super::Skip;
use super::value::shown;
use super::what_to_do::WhatToDo;

/// Titles, logos and blank rows stand above the header, but not this many.
pub(super) const HEADER_SEARCH_ROWS: usize = 50;
/// A single cell that says what stood above the header may also be the number of an item.
const CELLS_TO_KNOW_A_ROW_BY: usize = 2;

/// The texts of a row with their columns; cells of nothing but blanks are not here.
type Texts = Vec<(u32, String)>;

/// A header, and what its rows say.
pub(super) struct Heading {
    pub header: Header,
    /// The row in which the header ends.
    own: Texts,
    /// The row just above it, where there is one.
    above: Option<Texts>,
    /// Whether names were put together from both.
    joined: bool,
    /// Columns that are no part of the list.
    pub what_to_do: WhatToDo,
}

impl Heading {
    /// Whether it takes two rows.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// The header of a table below another one. What is no part of the list stays none.
    pub fn below(mut self, above: &Heading) -> Heading {
        if self.what_to_do.is_empty() {
            self.what_to_do = above.what_to_do.clone();
        }
        self
    }

    /// What the row just above the header is.
    pub fn above_is(&self) -> Skip {
        if self.joined { Skip::Header } else { Skip::Title }
    }

    /// Lists that were made for printing have the header on each page once more. Beside the columns that are read, a
    /// header may change from page to page, as a title with a page number does.
    pub fn is_again(&self, row: &RawRow<'_>) -> bool {
        let mut cells = 0;
        let same = self.header.columns.iter().flatten().all(|(place, _)| {
            let said = text_at(&self.own, *place);
            let cell = row.cell(*place).map(shown);
            cells += usize::from(said.is_some());
            cell.as_deref().filter(|text| !text.is_empty()) == said
        });
        same && cells >= CELLS_TO_KNOW_A_ROW_BY
    }

    /// Whether the row says in every cell what the row just above the header says.
    pub fn is_above_again(&self, row: &RawRow<'_>) -> bool {
        let Some(above) = self.above.as_ref().filter(|above| above.len() >= CELLS_TO_KNOW_A_ROW_BY) else {
            return false;
        };
        let said = row.cells.iter().map(|cell| (cell.column, shown(cell))).filter(|(_, text)| !text.is_empty());
        said.eq(above.iter().map(|(place, text)| (*place, text.as_str().into())))
    }
}

/// Looks at the rows of one sheet, from the first on.
pub(super) struct HeaderSearch<'a> {
    schema: &'a Schema,
    looked_at: usize,
    /// The last row and its number.
    above: Option<(u32, Texts)>,
    what_to_do: WhatToDo,
}

impl<'a> HeaderSearch<'a> {
    pub fn new(schema: &'a Schema) -> HeaderSearch<'a> {
        HeaderSearch { schema, looked_at: 0, above: None, what_to_do: WhatToDo::default() }
    }

    pub fn is_over(&self) -> bool {
        self.looked_at >= HEADER_SEARCH_ROWS
    }

    /// The header, if it ends in this row: the row alone, or with the one just above it.
    pub fn look_at(&mut self, row: &RawRow<'_>) -> Result<Heading, HeaderFault> {
        self.looked_at += 1;
        let texts = row.cells.iter().map(|cell| (cell.column, shown(cell).into_owned()));
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
        let lent: Vec<(u32, &str)> = texts.iter().map(|(place, text)| (*place, text.as_str())).collect();
        self.schema.match_header(row, &lent)
    }

    /// The header of both rows, where it is plainly better than the lower one's. A title above can be a name by chance.
    /// That it becomes one together with what stands below it cannot.
    /// So it is where the upper half says that the lower one is not what it seems: `Difference` over `Qty`.
    fn join(
        &self,
        row: u32,
        above: &Texts,
        own: &Texts,
        alone: &Result<Header, HeaderFault>,
    ) -> Option<Result<Header, HeaderFault>> {
        let both = self.match_texts(row, &self.stack(above, own));
        if alone.as_ref().is_ok_and(|alone| self.is_belied(above, alone)) {
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

    /// Whether the row above makes no quantity or price of what would be taken for one. One cell there is a title.
    fn is_belied(&self, above: &Texts, alone: &Header) -> bool {
        above.len() >= CELLS_TO_KNOW_A_ROW_BY
            && alone.columns.iter().flatten().any(|(place, lower)| {
                text_at(above, *place).is_some_and(|upper| self.schema.is_belied(lower, &format!("{upper} {lower}")))
            })
    }

    /// Two rows as one: what stands over and under each other is joined, unless only the lower half is a name. So is a
    /// name of which the lower half is empty: its cells are merged.
    fn stack(&self, above: &Texts, own: &Texts) -> Texts {
        let mut both = own.clone();
        for (place, upper) in above {
            match both.iter_mut().find(|(other, _)| other == place) {
                Some((_, lower)) => {
                    let joined = format!("{upper} {lower}");
                    let is_belied = above.len() >= CELLS_TO_KNOW_A_ROW_BY && self.schema.is_belied(lower, &joined);
                    if is_belied || self.schema.knows_column(&joined) || !self.schema.knows_column(lower) {
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

    /// A row of texts, in which an empty one is no cell.
    pub fn row<'a>(number: u32, texts: &[&'a str]) -> RawRow<'a> {
        let cells = (0..).zip(texts).filter(|(_, text)| !text.is_empty());
        let cell = |(column, text): (u32, &&'a str)| RawCell {
            column,
            value: RawValue::Text(Cow::Borrowed(text)),
            format: None,
        };
        RawRow { number, cells: cells.map(cell).collect(), fields: None }
    }

    /// What is found in a sheet that begins with these rows.
    pub fn heading(schema: &Schema, rows: &[&[&str]]) -> Heading {
        let mut search = HeaderSearch::new(schema);
        let mut found = (1..).zip(rows).map(|(number, texts)| search.look_at(&row(number, texts)));
        found.find_map(Result::ok).expect("a header")
    }

    /// The columns with their names.
    fn told(rows: &[&[&str]]) -> String {
        let schema = Schema::shipped().unwrap();
        let columns = schema.columns.iter().zip(heading(&schema, rows).header.columns);
        let told = columns.filter_map(|(column, found)| Some(format!("{}={}", column.name, found?.1)));
        told.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_header_by_itself_is_joined_with_the_row_above_where_both_halves_make_a_name() {
        let lower = ["SKU", "Name", "Qty", "level", "out"];
        assert_eq!(
            told(&[&["Item", "Item", "", "Reorder", "Phased"], &lower]),
            "sku=Item SKU, name=Item Name, quantity=Qty, reorder_level=Reorder level, discontinued=Phased out"
        );
        // A blank row between them makes two tables of it.
        assert_eq!(
            told(&[&["Item", "Item", "", "Reorder", "Phased"], &[" "], &lower]),
            "sku=SKU, name=Name, quantity=Qty"
        );
    }

    #[test]
    fn a_title_above_a_header_gives_no_column_its_name() {
        let lower = ["", "SKU", "Name", "Price"];
        for title in [&["Stock"][..], &["Stock", "", "Leeds", "", "Supplier"], &["Albion", "Item"]] {
            let told = told(&[title, &lower]);
            assert!(!told.contains("quantity") && !told.contains("supplier"), "{title:?}: {told}");
            assert!(told.ends_with("unit_price=Price"), "{title:?}: {told}");
        }
    }

    #[test]
    fn what_is_named_twice_below_is_told_apart_by_the_row_above() {
        assert_eq!(
            told(&[&["Item", "Item", "", "Supplier"], &["number", "name", "Qty", "name"]]),
            "sku=Item number, name=Item name, quantity=Qty, supplier=Supplier name"
        );
        assert_eq!(
            told(&[&["", "Item", "", "Supplier"], &["SKU", "Name", "Qty", "Name"]]),
            "sku=SKU, name=Item Name, quantity=Qty, supplier=Supplier Name"
        );
    }

    #[test]
    fn the_search_ends_after_so_many_rows() {
        let schema = Schema::shipped().unwrap();
        let mut search = HeaderSearch::new(&schema);
        for number in 1..=HEADER_SEARCH_ROWS as u32 {
            assert!(!search.is_over());
            assert!(search.look_at(&row(number, &["Count of 3 October"])).is_err());
        }
        assert!(search.is_over());
    }
}
