//! The list of file formats.

use super::format::Format;
use super::{delimited, html, ods, xls, xlsb, xlsx, xml2003};

/// In the order in which they are asked whether a file is theirs. Delimited text recognises nearly any text, so it comes
/// last.
pub const FORMATS: &[&Format] = &[
    &xlsx::FORMAT, // Excel 2007 and later
    &xlsb::FORMAT, // the same with binary parts
    &ods::FORMAT,  // LibreOffice
    &xls::FORMAT,  // Excel 95 to 2003
    &xml2003::FORMAT,
    &html::FORMAT,
    &delimited::FORMAT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_belongs_to_one_format() {
        let mut endings: Vec<&str> = FORMATS.iter().flat_map(|format| format.endings).copied().collect();
        assert!(endings.iter().all(|ending| *ending == ending.to_ascii_lowercase() && !ending.starts_with('.')));
        let all = endings.len();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), all, "an ending is listed twice");
    }
}
