//! Which row of a sheet names the columns, and which of its cells is which column.

use super::Schema;

/// A title such as "Stock" over the table is a known name too, but alone it is no header.
const COLUMNS_OF_A_HEADER: usize = 2;
/// "Item" and "Code" are so general that it takes one more name to believe them.
const COLUMNS_BESIDE_A_FALLBACK: usize = 3;

/// A cell with a name in it: the sheet's column, and the header as it stands there.
pub type NamedCell = (u32, String);

/// A header row, matched: where each column of the rules stands in the sheet, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub row: u32,
    /// By the rules' columns.
    pub columns: Vec<Option<NamedCell>>,
    /// By the rules' columns: what could have been taken as well.
    pub instead_of: Vec<Vec<NamedCell>>,
    /// The sheet's further columns that have a header.
    pub others: Vec<NamedCell>,
}

/// Why a row is not the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// Nothing of the key's columns is here; `known` says how many other columns were recognised.
    KeyMissing { column: String, known: usize },
    /// It would be the header, but two of its cells could be one column, and the rules do not say which.
    NamedTwice { column: String, first: NamedCell, second: NamedCell },
}

/// How sure it is that a cell names a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Name,
    Fallback,
    /// No name of the column, but it has the words of one.
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

    /// Whether a header is a column of numbers, and is none with what stands above it.
    pub fn is_belied(&self, header: &str, with_above: &str) -> bool {
        let names = self.names();
        let is_number = |column: &usize| self.columns[*column].kind.is_number();
        let column = names.find(header).map(|known| known.column).filter(is_number);
        column.is_some_and(|column| names.find(with_above).is_none() && names.excludes(column, with_above))
    }

    /// Whether a column with this header says of a row that it is part of an invoice or an order.
    pub fn numbers_document(&self, header: &str) -> bool {
        self.names().numbers_document(header)
    }

    /// Whether a quantity with this header is a difference or a forecast.
    pub fn is_no_stock(&self, header: &str) -> bool {
        self.names().is_no_stock(header)
    }

    /// Whether a cell says the name of a column, in full.
    pub fn is_name(&self, text: &str) -> bool {
        self.names().is_name(text)
    }

    /// The columns of a header that have no name of ours.
    pub fn unknown_in<'h>(&self, header: &'h Header) -> impl Iterator<Item = &'h NamedCell> {
        header.others.iter().filter(|(_, text)| !self.knows_column(text))
    }

    /// The columns of the rules that a header lacks, each with the cells that have the words of its names.
    pub fn may_be_meant<'h>(&self, header: &'h Header) -> Vec<(&super::Column, Vec<&'h NamedCell>)> {
        let lacking = (0..self.columns.len()).filter(|position| header.columns[*position].is_none());
        let meant = lacking.map(|position| {
            let could_be = |(_, text): &&NamedCell| self.names().could_be(text).any(|column| column == position);
            (&self.columns[position], header.others.iter().filter(could_be).collect::<Vec<_>>())
        });
        meant.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    /// Matches the texts of one row, given with their columns, against the names of the rules' columns.
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
        let mut enough = COLUMNS_OF_A_HEADER;
        for key in self.key.columns() {
            let Some(position) = self.position(key) else {
                continue;
            };
            match found[position].iter().map(|cell| cell.fit).min() {
                None => {
                    return Err(HeaderFault::KeyMissing { column: self.columns[position].title.clone(), known });
                }
                Some(Fit::Name) => {}
                Some(_) => enough = COLUMNS_BESIDE_A_FALLBACK,
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

    /// The cell that is the column: the one that comes before each of the others by the rules.
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
        // What has only the words of a column is not taken for it.
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

    /// The header taken for a column, and those it was taken instead of; or the two between which nothing decides.
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
    fn of_two_candidates_for_a_column_only_a_written_pair_decides() {
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
    fn a_cost_never_becomes_a_price_while_another_candidate_is_there() {
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
    fn reserved_quantities_and_differences_are_no_candidates_for_the_quantity() {
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
    fn a_header_that_the_rules_name_alone_is_the_column() {
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
    fn headers_are_found_without_regard_to_case_blanks_and_punctuation() {
        let header = matched(&["  Article No. ", "comment", "UNIT-PRICE", "qty", " "]).unwrap();
        assert_eq!(header.row, 3);
        assert_eq!(header.columns[0], Some((0, "Article No.".into())));
        assert_eq!(header.columns[4], Some((3, "qty".into())));
        assert_eq!(header.columns[5], Some((2, "UNIT-PRICE".into())));
        assert_eq!(header.columns.iter().flatten().count(), 3);
        assert_eq!(header.others, [(1, "comment".into())]);
    }

    #[test]
    fn a_row_without_the_key_is_no_header() {
        assert_eq!(matched(&["Name", "Qty"]), Err(HeaderFault::KeyMissing { column: "SKU".into(), known: 2 }));
        assert!(matches!(matched(&["SKU"]), Err(HeaderFault::KeyMissing { known: 1, .. })));
    }

    #[test]
    fn two_columns_for_one_name_are_named() {
        let fault = twice("Unit price", (1, "Price"), (3, "Unit Price"));
        assert_eq!(matched(&["SKU", "Price", "Qty", "Unit Price"]), Err(fault));
    }

    #[test]
    fn a_fallback_counts_only_where_nothing_better_is_there() {
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
    fn a_key_called_by_a_general_word_needs_more_beside_it() {
        assert!(matches!(matched(&["Item", "Name"]), Err(HeaderFault::KeyMissing { known: 2, .. })));
        assert!(matched(&["Item", "Name", "Qty"]).is_ok());
    }
}
