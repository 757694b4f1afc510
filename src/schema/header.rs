//! Which row of a sheet names the columns, and which of its cells is which column.

use super::Schema;
use super::names::Known;

/// A title such as "Stock" over the table is a known name too, but alone it is no header.
const COLUMNS_OF_A_HEADER: usize = 2;
/// "Item" and "Code" are so general that it takes one more name to believe them.
const COLUMNS_BESIDE_A_FALLBACK: usize = 3;

/// A header row, matched: where each column of the rules stands in the sheet, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub row: u32,
    /// By the rules' columns: the sheet's column and the header as it stands there.
    pub columns: Vec<Option<(u32, String)>>,
    /// The sheet's further columns that have a header.
    pub others: Vec<(u32, String)>,
}

/// Why a row is not the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// Nothing of the key's columns is here; `known` says how many other columns were recognised.
    KeyMissing { column: String, known: usize },
    /// It would be the header, but names one column twice.
    NamedTwice { column: String, first: u32, second: u32 },
}

/// The cell taken for a column, so far.
struct Found {
    place: u32,
    known: Known,
    /// A second cell that says the same as well.
    again: Option<u32>,
}

impl Schema {
    /// Whether a cell with this text can name a column.
    pub fn knows_column(&self, text: &str) -> bool {
        self.names().find(text).is_some()
    }

    /// Matches the texts of one row, given with their columns, against the names of the rules' columns.
    pub fn match_header(&self, row: u32, texts: &[(u32, &str)]) -> Result<Header, HeaderFault> {
        let names = self.names();
        let mut columns: Vec<Option<Found>> = self.columns.iter().map(|_| None).collect();
        for &(place, text) in texts {
            let Some(known) = names.find(text) else { continue };
            let found = &mut columns[known.column];
            match found {
                Some(found) if known.fallback == found.known.fallback => found.again = found.again.or(Some(place)),
                Some(found) if known.fallback && !found.known.fallback => {}
                _ => *found = Some(Found { place, known, again: None }),
            }
        }
        let known = columns.iter().flatten().count();
        let mut enough = COLUMNS_OF_A_HEADER;
        for key in self.key.columns() {
            let Some(position) = self.position(key) else { continue };
            match &columns[position] {
                None => return Err(HeaderFault::KeyMissing { column: self.columns[position].title.clone(), known }),
                Some(found) if found.known.fallback => enough = COLUMNS_BESIDE_A_FALLBACK,
                Some(_) => {}
            }
        }
        if known < enough.min(self.columns.len()) {
            return Err(HeaderFault::KeyMissing { column: self.key.first_column().to_string(), known });
        }
        for found in columns.iter().flatten() {
            if let Some(second) = found.again {
                let column = self.columns[found.known.column].title.clone();
                return Err(HeaderFault::NamedTwice { column, first: found.place, second });
            }
        }
        let named = |place: u32| {
            let text = texts.iter().find(|(other, _)| *other == place).map_or("", |(_, text)| text.trim());
            (place, text.to_string())
        };
        let taken = |place: u32| columns.iter().flatten().any(|found| found.place == place);
        let others = texts.iter().filter(|(place, text)| !text.trim().is_empty() && !taken(*place));
        Ok(Header {
            row,
            others: others.map(|(place, _)| named(*place)).collect(),
            columns: columns.iter().map(|found| found.as_ref().map(|found| named(found.place))).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(texts: &[&str]) -> Result<Header, HeaderFault> {
        let texts: Vec<(u32, &str)> = texts.iter().enumerate().map(|(i, text)| (i as u32, *text)).collect();
        Schema::shipped().unwrap().match_header(3, &texts)
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
        let fault = HeaderFault::NamedTwice { column: "Unit price".into(), first: 1, second: 3 };
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
        let fault = HeaderFault::NamedTwice { column: "Unit price".into(), first: 1, second: 2 };
        assert_eq!(matched(&["SKU", "Cost", "Unit cost"]), Err(fault));
    }

    #[test]
    fn a_key_called_by_a_general_word_needs_more_beside_it() {
        assert!(matches!(matched(&["Item", "Name"]), Err(HeaderFault::KeyMissing { known: 2, .. })));
        assert!(matched(&["Item", "Name", "Qty"]).is_ok());
    }
}
