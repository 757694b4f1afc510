//! Which row of a sheet names the columns, and which of its cells is which column.

use std::collections::HashMap;

use super::{Column, Schema, SchemaError};

/// A header row, matched: where each column of the rules stands in the sheet, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub row: u32,
    /// By the rules' columns: the sheet's column and the header as it stands there.
    pub columns: Vec<Option<(u32, String)>>,
}

/// Why a row is not the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFault {
    /// Nothing of the key's columns is here; `known` says how many other columns were recognised.
    KeyMissing { column: String, known: usize },
    /// It would be the header, but names one column twice.
    NamedTwice { column: String, first: u32, second: u32 },
}

/// A name without case, blanks and punctuation: `Unit-Price ` and `unit price` are the same header.
pub fn canonical_name(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn names(column: &Column) -> impl Iterator<Item = &str> {
    [column.title.as_str(), column.name.as_str()].into_iter().chain(column.aliases.iter().map(String::as_str))
}

/// No two columns may be found under the same header.
pub(super) fn check_names(columns: &[Column]) -> Result<(), SchemaError> {
    let mut taken: HashMap<String, &Column> = HashMap::new();
    for column in columns {
        for name in names(column) {
            let other = taken.insert(canonical_name(name), column);
            if let Some(other) = other.filter(|other| other.name != column.name) {
                let (first, second) = (other.name.clone(), column.name.clone());
                return Err(SchemaError::HeaderTwice { header: name.to_string(), first, second });
            }
        }
    }
    Ok(())
}

impl Schema {
    /// Matches the texts of one row, given with their columns, against the names of the rules' columns.
    pub fn match_header(&self, row: u32, texts: &[(u32, &str)]) -> Result<Header, HeaderFault> {
        let mut columns: Vec<Option<(u32, String)>> = vec![None; self.columns.len()];
        let mut twice = None;
        for &(place, text) in texts {
            let wanted = canonical_name(text);
            let found = self.columns.iter().position(|column| names(column).any(|name| canonical_name(name) == wanted));
            let Some(found) = found.filter(|_| !wanted.is_empty()) else {
                continue;
            };
            match &columns[found] {
                Some((first, _)) => twice = twice.or(Some((found, *first, place))),
                None => columns[found] = Some((place, text.trim().to_string())),
            }
        }
        let known = columns.iter().flatten().count();
        for key in self.key.columns() {
            let Some(position) = self.position(key) else { continue };
            if columns[position].is_none() {
                return Err(HeaderFault::KeyMissing { column: self.columns[position].title.clone(), known });
            }
        }
        // A title such as "Stock" over the table is a known name too, but alone it is no header.
        if known < self.columns.len().min(2) {
            return Err(HeaderFault::KeyMissing { column: self.key.partition.clone(), known });
        }
        match twice {
            Some((column, first, second)) => {
                Err(HeaderFault::NamedTwice { column: self.columns[column].title.clone(), first, second })
            }
            None => Ok(Header { row, columns }),
        }
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
        let header = matched(&["  Article No. ", "comment", "UNIT-PRICE", "qty"]).unwrap();
        assert_eq!(header.row, 3);
        assert_eq!(header.columns[0], Some((0, "Article No.".into())));
        assert_eq!(header.columns[4], Some((3, "qty".into())));
        assert_eq!(header.columns[5], Some((2, "UNIT-PRICE".into())));
        assert_eq!(header.columns.iter().flatten().count(), 3);
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
}
