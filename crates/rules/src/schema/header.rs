//! Recognises the row of a sheet that names the columns, and which cell is which column.

use super::Schema;

/// A title such as "Stock" above the table is a known name too, but on its own it is not a header.
const MIN_HEADER_COLUMNS: usize = 2;
/// "Item" and "Code" are so general that a header with one of them as its key needs one more known column.
const MIN_COLUMNS_WITH_FALLBACK_KEY: usize = 3;

/// A cell that names a column: its column in the sheet, and its text.
pub type NamedCell = (u32, String);

/// A header row with the sheet's column for each column of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub row: u32,
    /// In the order of the rules' columns.
    pub columns: Vec<Option<NamedCell>>,
    /// In the order of the rules' columns: the other cells that could have been this column.
    pub instead_of: Vec<Vec<NamedCell>>,
    /// The sheet's other columns that have a header.
    pub others: Vec<NamedCell>,
}

/// Why a row is not the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// A key column is missing; `known` is the number of columns that were recognised.
    KeyMissing { column: String, known: usize },
    /// It would be the header, but two of its cells could be the same column, and the rules don't decide which.
    NamedTwice { column: String, first: NamedCell, second: NamedCell },
}

/// How well a cell's text matches a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Name,
    Fallback,
    /// Not a name of the column, but it matches its `candidates`.
    Words,
}

/// A cell that could be a column.
#[derive(Clone, Copy)]
struct Candidate<'t> {
    place: u32,
    text: &'t str,
    fit: Fit,
}

impl Candidate<'_> {
    fn named(&self) -> NamedCell {
        (self.place, self.text.trim().to_string())
    }
}

impl Schema {
    /// Whether a cell with this text can name a column.
    pub fn knows_column(&self, text: &str) -> bool {
        self.names().find(text).is_some()
    }

    /// Whether a header names a number column, but together with the cell above it is excluded by that column's
    /// `never`.
    pub fn is_contradicted(&self, header: &str, with_above: &str) -> bool {
        let names = self.names();
        let is_number = |column: &usize| self.columns[*column].kind.is_number();
        let column = names.find(header).map(|known| known.column).filter(is_number);
        column.is_some_and(|column| names.find(with_above).is_none() && names.excludes(column, with_above))
    }

    /// Whether a column with this header holds the numbers of invoices or orders.
    pub fn is_document_number(&self, header: &str) -> bool {
        self.names().is_document_number(header)
    }

    /// Whether a quantity with this header is a difference or a forecast.
    pub fn is_not_stock(&self, header: &str) -> bool {
        self.names().is_not_stock(header)
    }

    /// Whether the text is the full name of a column.
    pub fn is_name(&self, text: &str) -> bool {
        self.names().is_name(text)
    }

    /// The columns of a header that the rules don't know.
    pub fn unknown_in<'h>(&self, header: &'h Header) -> impl Iterator<Item = &'h NamedCell> {
        header.others.iter().filter(|(_, text)| !self.knows_column(text))
    }

    /// The columns of the rules that a header lacks, each with the cells that match its `candidates`.
    pub fn possible_headers<'h>(&self, header: &'h Header) -> Vec<(&super::Column, Vec<&'h NamedCell>)> {
        let lacking = (0..self.columns.len()).filter(|position| header.columns[*position].is_none());
        let meant = lacking.map(|position| {
            let could_be = |(_, text): &&NamedCell| self.names().could_be(text).any(|column| column == position);
            (&self.columns[position], header.others.iter().filter(could_be).collect::<Vec<_>>())
        });
        meant.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    /// Matches the texts of a row, given with their columns, against the names of the rules' columns.
    pub fn match_header(&self, row: u32, texts: &[(u32, &str)]) -> Result<Header, HeaderFault> {
        let names = self.names();
        let mut found: Vec<Vec<Candidate<'_>>> = self.columns.iter().map(|_| Vec::new()).collect();
        let mut unnamed = Vec::new();
        for &(place, text) in texts {
            match names.find(text) {
                Some(known) => {
                    let fit = if known.fallback { Fit::Fallback } else { Fit::Name };
                    found[known.column].push(Candidate { place, text, fit });
                }
                None => unnamed.push(Candidate { place, text, fit: Fit::Words }),
            }
        }
        let known = found.iter().filter(|cells| !cells.is_empty()).count();
        let mut enough = MIN_HEADER_COLUMNS;
        for key in self.key.columns() {
            let Some(position) = self.position(key) else {
                continue;
            };
            match found[position].iter().map(|cell| cell.fit).min() {
                None => {
                    return Err(HeaderFault::KeyMissing { column: self.columns[position].title.clone(), known });
                }
                Some(Fit::Name) => {}
                Some(_) => enough = MIN_COLUMNS_WITH_FALLBACK_KEY,
            }
        }
        if known < enough.min(self.columns.len()) {
            return Err(HeaderFault::KeyMissing { column: self.key.first_column().to_string(), known });
        }
        for cell in unnamed {
            names.could_be(cell.text).for_each(|column| found[column].push(cell));
        }
        let (mut columns, mut instead_of) = (Vec::new(), Vec::new());
        for (position, cells) in found.iter().enumerate() {
            let taken = self.choose(position, cells)?;
            let others = cells.iter().filter(|cell| taken.is_some_and(|taken| taken.place != cell.place));
            instead_of.push(others.map(Candidate::named).collect());
            columns.push(taken.map(|cell| cell.named()));
        }
        let is_taken = |place: u32| columns.iter().flatten().any(|(taken, _)| *taken == place);
        let others = texts.iter().filter(|(place, text)| !text.trim().is_empty() && !is_taken(*place));
        let others = others.map(|(place, text)| (*place, text.trim().to_string())).collect();
        Ok(Header { row, columns, instead_of, others })
    }

    /// Chooses the cell that is the column: the one that is preferred to each of the others.
    fn choose<'c, 't>(
        &self,
        column: usize,
        cells: &'c [Candidate<'t>],
    ) -> Result<Option<&'c Candidate<'t>>, HeaderFault> {
        let names = self.names();
        let is_before = |one: &Candidate<'_>, other: &Candidate<'_>| match () {
            _ if names.prefers(column, one.text, other.text) => true,
            _ if names.prefers(column, other.text, one.text) => false,
            _ => one.fit == Fit::Name && other.fit != Fit::Name,
        };
        let rival = |one: &Candidate<'_>| cells.iter().find(|other| other.place != one.place && !is_before(one, other));
        let named = || cells.iter().filter(|cell| cell.fit != Fit::Words);
        if let Some(taken) = named().find(|cell| rival(cell).is_none()) {
            return Ok(Some(taken));
        }
        // A cell that only matches `candidates` is never taken for the column.
        let Some((first, second)) = named().min_by_key(|cell| cell.fit).and_then(|cell| Some((cell, rival(cell)?)))
        else {
            return Ok(None);
        };
        let (first, second) = if first.place < second.place { (first, second) } else { (second, first) };
        let column = self.columns[column].title.clone();
        Err(HeaderFault::NamedTwice { column, first: first.named(), second: second.named() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(texts: &[&str]) -> Result<Header, HeaderFault> {
        let texts: Vec<(u32, &str)> = texts.iter().enumerate().map(|(i, text)| (i as u32, *text)).collect();
        Schema::shipped().unwrap().match_header(3, &texts)
    }

    fn twice(column: &str, first: (u32, &str), second: (u32, &str)) -> HeaderFault {
        let named = |(place, text): (u32, &str)| (place, text.to_string());
        HeaderFault::NamedTwice { column: column.into(), first: named(first), second: named(second) }
    }

    /// Returns the header that was chosen and those it was preferred to, or the two between which the rules don't
    /// decide.
    fn choice(schema: &Schema, column: &str, texts: &[&str]) -> String {
        let texts: Vec<(u32, &str)> = (0..).zip(texts.iter().copied()).collect();
        match schema.match_header(1, &texts) {
            Err(HeaderFault::NamedTwice { first, second, .. }) => {
                format!("{} or {}", first.1, second.1)
            }
            Err(fault) => format!("{fault:?}"),
            Ok(header) => {
                let position = schema.position(column).unwrap();
                let taken = header.columns[position].as_ref().map_or("nothing", |(_, text)| text.as_str());
                let others: Vec<&str> = header.instead_of[position].iter().map(|(_, text)| text.as_str()).collect();
                if others.is_empty() { taken.to_string() } else { format!("{taken}, not {}", others.join(", ")) }
            }
        }
    }

    #[test]
    fn only_a_pair_in_the_rules_decides_between_two_candidates() {
        let schema = Schema::shipped().unwrap();
        for (column, texts, says) in [
            ("sku", ["Item ID", "SKU", "Name", "Qty"], "SKU, not Item ID"),
            ("sku", ["Item code", "SKU", "Name", "Qty"], "Item code or SKU"),
            ("name", ["SKU", "Title", "Product name", "Qty"], "Title or Product name"),
            ("name", ["SKU", "Description", "Product name", "Qty"], "Product name, not Description"),
            ("quantity", ["SKU", "Name", "Qty available", "Qty on hand"], "Qty on hand, not Qty available"),
            ("quantity", ["SKU", "Name", "Quantity", "Stock"], "Quantity or Stock"),
            ("quantity", ["SKU", "Name", "Counted", "On hand"], "Counted or On hand"),
            ("quantity", ["SKU", "Name", "Available", "Shop qty"], "Available or Shop qty"),
            ("unit_price", ["SKU", "Name", "Price", "Sale price"], "Price or Sale price"),
            ("unit_price", ["SKU", "Name", "Sale price", "Regular price"], "Regular price, not Sale price"),
            ("unit_price", ["SKU", "Name", "Retail price", "Wholesale price"], "Retail price, not Wholesale price"),
        ] {
            assert_eq!(choice(&schema, column, &texts), says, "{texts:?}");
        }
    }

    #[test]
    fn a_cost_is_never_taken_as_the_price_if_there_is_another_candidate() {
        let schema = Schema::shipped().unwrap();
        for other in [
            "Our shop price",
            "RRP",
            "MSRP",
            "VK netto",
            "UVP",
            "Endkundenpreis",
            "Prix conseillé",
            "Precio al público",
        ] {
            assert_eq!(choice(&schema, "unit_price", &["SKU", "Cost", other, "Qty"]), format!("Cost or {other}"));
            assert_eq!(choice(&schema, "unit_price", &["SKU", "Price", other]), format!("Price, not {other}"));
        }
        for other in ["Total price", "Price group", "Price date", "Weight"] {
            assert_eq!(choice(&schema, "unit_price", &["SKU", "Cost", other, "Qty"]), "Cost", "{other}");
        }
        assert_eq!(choice(&schema, "unit_price", &["SKU", "Cost", "Retail price"]), "Retail price, not Cost");
    }

    #[test]
    fn reserved_quantities_and_differences_are_not_candidates_for_the_quantity() {
        let schema = Schema::shipped().unwrap();
        for other in [
            "Qty reserved",
            "Quantity in transit",
            "Allocated qty",
            "Committed",
            "On order",
            "Qty on order",
            "Difference",
            "Variance qty",
            "Forecasted Quantity",
            "Reservierte Menge",
            "Mengendifferenz",
            "Quantité réservée",
            "Écart",
            "Cantidad reservada",
            "Mengeneinheit",
            "Bestandswert",
            "Qty per box",
            "Diferencia",
        ] {
            for taken in ["Available", "On hand", "Counted", "Gezählte Menge", "Quantité comptée", "Cantidad contada"]
            {
                assert_eq!(choice(&schema, "quantity", &["SKU", "Name", taken, other]), taken, "{other}");
            }
            assert_eq!(choice(&schema, "quantity", &["SKU", "Name", other]), "nothing", "{other}");
        }
    }

    #[test]
    fn a_column_with_a_fixed_header_has_no_other() {
        let with = |header: &str| {
            let line = format!("name = \"unit_price\"\nheader = \"{header}\"");
            Schema::from_toml(&super::super::SHIPPED.replacen("name = \"unit_price\"", &line, 1)).unwrap()
        };
        let texts = ["SKU", "Name", "Price", "Sale price", "Shop price"];
        for header in ["Sale price", "SHOP PRICE"] {
            let taken = choice(&with(header), "unit_price", &texts);
            assert!(taken.eq_ignore_ascii_case(header), "{taken}");
        }
        assert_eq!(choice(&with("List price"), "unit_price", &texts), "nothing");
    }

    #[test]
    fn headers_match_regardless_of_case_spaces_and_punctuation() {
        let header = matched(&["  Article No. ", "comment", "UNIT-PRICE", "qty", " "]).unwrap();
        assert_eq!(header.row, 3);
        assert_eq!(header.columns[0], Some((0, "Article No.".into())));
        assert_eq!(header.columns[4], Some((3, "qty".into())));
        assert_eq!(header.columns[5], Some((2, "UNIT-PRICE".into())));
        assert_eq!(header.columns.iter().flatten().count(), 3);
        assert_eq!(header.others, [(1, "comment".into())]);
    }

    #[test]
    fn a_row_without_the_key_is_not_a_header() {
        assert_eq!(matched(&["Name", "Qty"]), Err(HeaderFault::KeyMissing { column: "SKU".into(), known: 2 }));
        assert!(matches!(matched(&["SKU"]), Err(HeaderFault::KeyMissing { known: 1, .. })));
    }

    #[test]
    fn two_cells_with_the_same_name_are_reported() {
        let fault = twice("Unit price", (1, "Price"), (3, "Unit Price"));
        assert_eq!(matched(&["SKU", "Price", "Qty", "Unit Price"]), Err(fault));
    }

    #[test]
    fn a_fallback_counts_only_if_there_is_no_better_name() {
        for texts in [["SKU", "Name", "Description"], ["SKU", "Description", "Name"]] {
            let header = matched(&texts).unwrap();
            assert_eq!(header.columns[1].as_ref().unwrap().1, "Name");
            assert_eq!(header.others.len(), 1);
        }
        assert_eq!(matched(&["SKU", "Description"]).unwrap().columns[1], Some((1, "Description".into())));
        let fault = twice("Unit price", (1, "Cost"), (2, "Unit cost"));
        assert_eq!(matched(&["SKU", "Cost", "Unit cost"]), Err(fault));
    }

    #[test]
    fn a_key_with_a_general_name_needs_more_known_columns() {
        assert!(matches!(matched(&["Item", "Name"]), Err(HeaderFault::KeyMissing { known: 2, .. })));
        assert!(matched(&["Item", "Name", "Qty"]).is_ok());
    }
}
