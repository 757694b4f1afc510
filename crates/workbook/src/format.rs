//! What a file format is to the rest of the crate: how a file of it is recognised and opened, and how its rows are read.
//! A format is described by a [`Format`] in its own module, which is listed in `formats.rs`.

use encoding_rs::Encoding;

use super::assembly::{SheetExtras, Visit};
use super::budget::Budget;
use super::row::Sheet;
use super::source::Source;
use super::text::Text;
use inventory_base::message::{Note, Refusal, note};

/// A file format.
pub struct Format {
    /// What a user would call a file of this format: `an Excel workbook`.
    pub name: &'static str,
    /// Its file name extensions; the first is the preferred one.
    pub endings: &'static [&'static str],
    pub recognises: fn(&Signature<'_>) -> bool,
    pub open: fn(&Input<'_>) -> Result<Opened, Refusal>,
    /// The note on a file, given its name, that has an ending of another format. Usually
    /// [`advise_to_rename`](Self::advise_to_rename).
    pub misnamed: fn(&Format, &str) -> Note,
}

/// Something in a file's bytes from which its format is known. Which of these a file has depends on its first bytes; it
/// is never recognised by its name.
pub enum Signature<'a> {
    /// The name of a part of a zip archive, in lower case and with slashes: `xl/workbook.xml`.
    ZipPart(&'a str),
    /// The content of the part `mimetype` of a zip archive in which no format recognised a part.
    MimeType(&'a [u8]),
    /// The name of a stream of a compound file, as all Office files before 2007 are.
    Stream(&'a [u8]),
    /// The beginning of a file that is none of these and not text, among them compressed files.
    Binary(&'a [u8]),
    /// The beginning of a text without its byte order mark and blanks. Empty if it is in UTF-16, or begins with many
    /// blanks.
    Text(&'a [u8]),
}

/// The file to open.
pub struct Input<'a> {
    pub source: &'a Source,
    pub file_name: &'a str,
    pub budget: &'a Budget,
    /// The encoding that the rules give for text that is not Unicode.
    pub encoding: Option<&'static Encoding>,
}

/// An open file.
pub struct Opened {
    pub reader: Box<dyn SheetReader>,
    /// In the order of their tabs, including hidden ones.
    pub sheets: Vec<Sheet>,
    /// A remark on how the file was read.
    pub note: Option<Note>,
}

/// Reads the rows of an open file.
pub trait SheetReader: Send {
    /// Passes on the rows of a sheet, given by its index among the sheets and by its name: in ascending order, each
    /// with its cells in ascending order. Returns what else the sheet has; `None` if the visitor stopped before that was
    /// known. Can be called again.
    fn visit_rows(
        &mut self,
        index: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal>;

    /// Whether the file is all text: its numbers are typed, in the notation of its author.
    fn is_text(&self) -> bool {
        false
    }

    /// The separator between the values of a line.
    fn separator(&self) -> Option<char> {
        None
    }
}

impl Format {
    /// A note with the advice to rename the file.
    pub fn advise_to_rename(&self, file_name: &str) -> Note {
        note!(ExtensionDiffers { name: file_name, kind: self.name, ending: format!(".{}", self.endings[0]) })
    }
}

impl Input<'_> {
    /// The file as text, in the encoding that it declares or that is detected.
    pub fn text(&self) -> Result<Text, Refusal> {
        Text::open(self.source, self.encoding)
    }

    /// The sheet of a file that has no sheets, under the name with which Excel would show it: `2026/stock.csv` is
    /// `stock`.
    pub fn only_sheet(&self) -> Sheet {
        let last = self.file_name.rsplit('/').next().unwrap_or(self.file_name);
        let name = match last.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => last,
        };
        Sheet { name: name.to_owned(), visible: true }
    }
}

impl Opened {
    pub fn new(reader: impl SheetReader + 'static, sheets: Vec<Sheet>) -> Opened {
        Opened { reader: Box::new(reader), sheets, note: None }
    }
}

/// Whether the text contains these words, in capitals or not.
pub fn contains_ignoring_case(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words))
}

#[cfg(test)]
mod tests {
    use super::super::zipped::tests::source_of;
    use super::*;

    #[test]
    fn the_sheet_is_named_after_the_file() {
        let cases = [
            ("stock.csv", "stock"),
            ("uploads/2026/Q3 stock.csv", "Q3 stock"),
            ("stock.v2.txt", "stock.v2"),
            ("stock", "stock"),
            (".csv", ".csv"),
        ];
        let (source, budget) = (source_of(b""), Budget::DEFAULT);
        for (file_name, sheet) in cases {
            let input = Input { source: &source, file_name, budget: &budget, encoding: None };
            assert_eq!(input.only_sheet(), Sheet { name: sheet.to_owned(), visible: true });
        }
    }
}
