//! Writes results as tables to docs/performance.md, each between a pair of markers; the text around them is unchanged.

use std::fmt::{self, Display, Formatter};
use std::fs;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");

pub struct Table<const COLUMNS: usize> {
    text: String,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub fn with_header(cells: [&str; COLUMNS]) -> Table<COLUMNS> {
        Table { text: format!("| {} |\n|{}\n", cells.join(" | "), "---|".repeat(COLUMNS)) }
    }

    pub fn add(&mut self, cells: [String; COLUMNS]) {
        self.text += &format!("| {} |\n", cells.join(" | "));
    }
}

impl<const COLUMNS: usize> Display for Table<COLUMNS> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Returns a whole number with thousands separators.
pub fn whole(number: impl Into<f64>) -> String {
    let digits = format!("{:.0}", number.into());
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Puts `text` between the markers of this name.
pub fn save(name: &str, text: &str) {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let document = fs::read_to_string(DOCUMENT).expect(DOCUMENT);
    let parts = document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = parts else {
        panic!("{DOCUMENT} has no {begin} with {end} after it");
    };
    fs::write(DOCUMENT, format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim())).expect(DOCUMENT);
}
