//! What a file is, told by its bytes and never by its name: exports called `.xls` are web pages and text as often as not.

use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::compound::is_compound;
use super::source::Source;
use super::text::utf16_without_mark;
use inventory_base::message::{OUR_PAGE, Refusal, Rule};

/// The forms a file is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook of Excel 2007 and later, with or without macros.
    Xlsx,
    /// The same in binary parts.
    Xlsb,
    /// A workbook of Excel 97 to 2003.
    Xls,
    /// An OpenDocument spreadsheet.
    Ods,
    /// Text with a delimiter between the cells.
    Delimited,
    /// A web page with a table.
    Html,
    /// An XML spreadsheet of Excel 2002 and 2003.
    Xml2003,
}

impl Format {
    /// What she would call it, and the endings its names have; the first is the best.
    pub fn describe(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Format::Xlsx => ("an Excel workbook", &["xlsx", "xlsm", "xltx", "xltm"]),
            Format::Xlsb => ("a binary Excel workbook", &["xlsb"]),
            Format::Xls => ("an Excel 97 workbook", &["xls", "xlt"]),
            Format::Ods => ("an OpenDocument spreadsheet", &["ods", "ots"]),
            Format::Delimited => ("a CSV file", &["csv", "tsv", "txt", "tab", "prn"]),
            Format::Html => ("a web page", &["html", "htm"]),
            Format::Xml2003 => ("an XML spreadsheet of Excel 2003", &["xml"]),
        }
    }
}

/// Enough to see what a text begins with, whatever banner stands above it.
const HEAD_BYTES: usize = 16 * 1024;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How workbooks of Excel 2 to 4 begin.
const OLDER_THAN_97: &[&[u8]] = &[b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];

/// Beginnings of files that hold no list, and how she would name them.
const OTHER_KINDS: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1A\n", "a picture"),
    (b"\xFF\xD8\xFF", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"{\\rtf", "a text document (.rtf)"),
    (b"\x1F\x8B", "a compressed file (.gz)"),
    (b"7z\xBC\xAF\x27\x1C", "a compressed file (.7z)"),
    (b"Rar!\x1A\x07", "a compressed file (.rar)"),
    (b"\xFD7zXZ\0", "a compressed file (.xz)"),
    (b"\x28\xB5\x2F\xFD", "a compressed file (.zst)"),
];

/// How a web page begins. A list whose first cell merely starts with `<` is not one.
const WEB_PAGE_TAGS: &[&[u8]] =
    &[b"!doctype html", b"html", b"head", b"body", b"meta", b"title", b"style", b"script", b"table", b"div"];

/// Finds out what the file is.
pub fn sniff(source: &Source) -> Result<Format, Refusal> {
    let mut file = source.again();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;

    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return look_into_zip(source.again());
    }
    if is_compound(&head) {
        return look_into_compound(source.again());
    }
    if OLDER_THAN_97.iter().any(|start| head.starts_with(start)) {
        return Err(other_spreadsheet("a workbook of Excel 4 or older (.xls)"));
    }
    if let Some((_, kind)) = OTHER_KINDS.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(other_kind(kind));
    }
    if is_picture_with_inner_mark(&head) {
        return Err(other_kind("a picture"));
    }
    look_at_text(file, &head)
}

/// The streams of a compound file have their names in entries of 128 bytes. Looked for in the whole file and not by its
/// tables, which are as often damaged as not, and may be beyond what is kept in memory.
fn look_into_compound(mut file: Source) -> Result<Format, Refusal> {
    const ENTRY_BYTES: usize = 128;
    const NAME_BYTES: usize = 64;
    let (mut workbook, mut refusal) = (false, None);
    let mut chunk = vec![0; 512 * ENTRY_BYTES];
    loop {
        let mut length = 0;
        while length < chunk.len() {
            match file.read(&mut chunk[length..]).map_err(damaged)? {
                0 => break,
                read => length += read,
            }
        }
        for entry in chunk[..length].as_chunks::<ENTRY_BYTES>().0 {
            let letters = entry[..NAME_BYTES].as_chunks::<2>().0.iter();
            let name: Vec<u8> =
                letters.take_while(|letter| letter[1] == 0 && letter[0] != 0).map(|letter| letter[0]).collect();
            match name.as_slice() {
                b"EncryptedPackage" | b"EncryptionInfo" => {
                    return Err(Refusal::new(Rule::FileProtected, &[]));
                }
                b"Workbook" | b"WORKBOOK" | b"Book" | b"BOOK" => workbook = true,
                b"WordDocument" => refusal = Some(other_kind("a Word document")),
                b"PowerPoint Document" => refusal = Some(other_kind("a PowerPoint presentation")),
                b"__nameid_version1.0" => refusal = Some(other_kind("a mail message")),
                _ => {}
            }
        }
        if length < chunk.len() {
            break;
        }
    }
    match refusal {
        // A sheet inside a letter makes it no workbook.
        Some(refusal) => Err(refusal),
        None if workbook => Ok(Format::Xls),
        None => Err(damaged(())),
    }
}

/// WebP pictures and those of telephones carry their mark behind a length.
fn is_picture_with_inner_mark(head: &[u8]) -> bool {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|tail| tail.starts_with(mark));
    (at(0, b"RIFF") && at(8, b"WEBP")) || at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1")
}

fn look_at_text(file: Source, head: &[u8]) -> Result<Format, Refusal> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || utf16_without_mark(head).is_some() {
        return Ok(Format::Delimited);
    }
    if head.contains(&0) {
        return Err(refuse_zeros(head));
    }
    let text = head.strip_prefix(UTF8_MARK).unwrap_or(head);
    let Some(start) = text.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return if has_only_blanks(file).map_err(damaged)? {
            Err(Refusal::new(Rule::FileEmpty, &[]))
        } else {
            Ok(Format::Delimited)
        };
    };
    let text = &text[start..];
    if text.starts_with(b"%PDF-") {
        return Err(other_kind("a PDF"));
    }
    if is_ours(text) {
        return Err(Refusal::new(Rule::FileIsOurs, &[]));
    }
    if let Some(markup) = text.strip_prefix(b"<") {
        if is_web_page(markup) {
            return Ok(Format::Html);
        }
        if markup.starts_with(b"?xml") {
            return tell_xml(markup);
        }
    }
    Ok(Format::Delimited)
}

/// A report or a plan's index names its load and its upload, a line of an unpacked plan a fate; in JSON all three. A page
/// says who made it.
fn is_ours(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|there| there == word);
    if text.starts_with(b"<") {
        return has(OUR_PAGE.as_bytes());
    }
    text.starts_with(b"{") && ((has(b"\"load\"") && has(b"\"upload\"")) || (has(b"\"sheet\"") && has(b"\"fate\"")))
}

/// The rest of the file, from where the head ended.
fn has_only_blanks(mut file: Source) -> io::Result<bool> {
    let mut chunk = [0; HEAD_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(true),
            Ok(n) if chunk[..n].iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Zeros do not occur in text. Nothing but zeros is space that was set aside and never written.
fn refuse_zeros(head: &[u8]) -> Refusal {
    if head.iter().all(|&byte| byte == 0) {
        return Refusal::new(Rule::FileDamaged, &[]);
    }
    other_kind("of a kind that is not known here")
}

fn is_web_page(markup: &[u8]) -> bool {
    WEB_PAGE_TAGS.iter().any(|tag| {
        let (Some(start), next) = (markup.get(..tag.len()), markup.get(tag.len())) else {
            return false;
        };
        start.eq_ignore_ascii_case(tag) && next.is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

fn tell_xml(markup: &[u8]) -> Result<Format, Refusal> {
    let says = |words: &[u8]| markup.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words));
    if says(b"progid=\"Excel.Sheet\"") || says(b"urn:schemas-microsoft-com:office:spreadsheet") {
        Ok(Format::Xml2003)
    } else if says(b"<html") || says(b"<!doctype html") {
        Ok(Format::Html)
    } else {
        Err(other_kind("an XML file"))
    }
}

fn look_into_zip(file: Source) -> Result<Format, Refusal> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    // As calamine looks for them: some exporters write backslashes or capitals.
    let names: Vec<String> = archive
        .file_names_raw()
        .map(|name| String::from_utf8_lossy(name).replace('\\', "/").to_ascii_lowercase())
        .collect();
    let has = |name: &str| names.iter().any(|other| other.trim_start_matches('/') == name);
    let has_under = |folder: &str| names.iter().any(|other| other.trim_start_matches('/').starts_with(folder));

    if has("xl/workbook.xml") {
        return Ok(Format::Xlsx);
    }
    if has("xl/workbook.bin") {
        return Ok(Format::Xlsb);
    }
    if let Some(kind) = open_document_kind(&mut archive).map_err(damaged)? {
        return match kind {
            OpenDocument::Spreadsheet => Ok(Format::Ods),
            OpenDocument::Other => Err(other_kind("an OpenDocument file that holds no spreadsheet")),
        };
    }
    Err(if has("index/document.iwa") || has("index.zip") {
        if has_under("index/slide") { other_kind("a Keynote file") } else { other_spreadsheet("a Numbers file") }
    } else if has_under("word/") {
        other_kind("a Word document")
    } else if has_under("ppt/") {
        other_kind("a PowerPoint presentation")
    } else {
        other_kind("a zip archive")
    })
}

enum OpenDocument {
    Spreadsheet,
    Other,
}

/// OpenDocument files say what they are in a part of their own.
fn open_document_kind<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Option<OpenDocument>, ZipError> {
    const LONGEST_KIND_BYTES: u64 = 128;
    let part = match archive.by_name("mimetype") {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut kind = Vec::new();
    part.take(LONGEST_KIND_BYTES).read_to_end(&mut kind)?;
    Ok(if kind.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
        Some(OpenDocument::Spreadsheet)
    } else if kind.starts_with(b"application/vnd.oasis.opendocument.") {
        Some(OpenDocument::Other)
    } else {
        None
    })
}

/// What the libraries say about a broken file is for programmers; she is told what to do.
fn damaged<E>(_: E) -> Refusal {
    Refusal::new(Rule::FileDamaged, &[])
}

fn other_kind(kind: &str) -> Refusal {
    Refusal::new(Rule::FileIsOtherKind, &[("kind", kind)])
}

fn other_spreadsheet(kind: &str) -> Refusal {
    Refusal::new(Rule::SpreadsheetIsOtherKind, &[("kind", kind)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zipped::tests::{source_of, zip_of};
    use inventory_test_files::compound::compound;

    fn utf16(text: &str, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_list_is_known_by_its_bytes() {
        let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        let ods = "application/vnd.oasis.opendocument.spreadsheet";
        let cases: Vec<(Vec<u8>, Format)> = vec![
            (workbook, Format::Xlsx),
            (zip_of(&[("XL\\Workbook.xml", "")]), Format::Xlsx),
            (zip_of(&[("xl/workbook.bin", "")]), Format::Xlsb),
            (zip_of(&[("mimetype", ods), ("content.xml", "")]), Format::Ods),
            (compound("Workbook", vec![]), Format::Xls),
            (compound("Book", vec![]), Format::Xls),
            (b"  <!DOCTYPE html><table>".to_vec(), Format::Html),
            (b"\xEF\xBB\xBF<TABLE border=1>".to_vec(), Format::Html),
            (b"<?xml version='1.0'?><html>".to_vec(), Format::Html),
            (b"<?xml version='1.0'?><?mso-application progid=\"Excel.Sheet\"?>".to_vec(), Format::Xml2003),
            (utf16("SKU\tPrice\r\n", true), Format::Delimited),
            (utf16("SKU\tPrice\r\n", false), Format::Delimited),
            (b"SKU,Price\nA-17,2.50\n".to_vec(), Format::Delimited),
            (b"\xEF\xBB\xBFSKU;Price\n".to_vec(), Format::Delimited),
            ("Größe;Preis\n".as_bytes().to_vec(), Format::Delimited),
            (b"Gr\xF6\xDFe;Preis\n".to_vec(), Format::Delimited),
            (b"<none>,1\n".to_vec(), Format::Delimited),
            (b"<tablet>,1\n".to_vec(), Format::Delimited),
            (b"PK,1\n".to_vec(), Format::Delimited),
            (b"II,1\n".to_vec(), Format::Delimited),
            ([vec![b'\n'; 3 * HEAD_BYTES], b"SKU\n".to_vec()].concat(), Format::Delimited),
        ];
        for (bytes, format) in cases {
            assert_eq!(
                sniff(&source_of(&bytes)),
                Ok(format),
                "{:?}",
                String::from_utf8_lossy(&bytes[..20.min(bytes.len())])
            );
        }
    }

    #[test]
    fn what_is_no_list_is_refused_by_what_it_is() {
        let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
            (b"".to_vec(), Rule::FileEmpty, "empty"),
            (b" \r\n\t\n".to_vec(), Rule::FileEmpty, "empty"),
            (b"\xEF\xBB\xBF\r\n".to_vec(), Rule::FileEmpty, "empty"),
            (vec![b' '; 3 * HEAD_BYTES], Rule::FileEmpty, "empty"),
            (workbook[..workbook.len() / 2].to_vec(), Rule::FileDamaged, "damaged"),
            (vec![0; 4096], Rule::FileDamaged, "damaged"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0".to_vec(), Rule::FileDamaged, "damaged"),
            (compound("EncryptedPackage", vec![]), Rule::FileProtected, "password"),
            (compound("WordDocument", vec![]), Rule::FileIsOtherKind, "a Word document"),
            (compound("PowerPoint Document", vec![]), Rule::FileIsOtherKind, "a PowerPoint presentation"),
            (compound("__nameid_version1.0", vec![]), Rule::FileIsOtherKind, "a mail message"),
            (b"\x09\x04\x06\x00\0\0\x10\0\0\0".to_vec(), Rule::SpreadsheetIsOtherKind, "Excel 4 or older"),
            (zip_of(&[("mimetype", "application/vnd.oasis.opendocument.text")]), Rule::FileIsOtherKind, "OpenDocument"),
            (zip_of(&[("Index/Document.iwa", "")]), Rule::SpreadsheetIsOtherKind, "a Numbers file"),
            (zip_of(&[("Index/Document.iwa", ""), ("Index/Slide-1.iwa", "")]), Rule::FileIsOtherKind, "a Keynote file"),
            (zip_of(&[("word/document.xml", "")]), Rule::FileIsOtherKind, "a Word document"),
            (zip_of(&[("ppt/presentation.xml", "")]), Rule::FileIsOtherKind, "a PowerPoint presentation"),
            (zip_of(&[("stock.csv", "SKU")]), Rule::FileIsOtherKind, "a zip archive"),
            (zip_of::<&str>(&[]), Rule::FileIsOtherKind, "a zip archive"),
            (b"%PDF-1.7\n\0".to_vec(), Rule::FileIsOtherKind, "a PDF"),
            (b"\n%PDF-1.7\n".to_vec(), Rule::FileIsOtherKind, "a PDF"),
            (b"\x89PNG\r\n\x1A\n\0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\xFF\xD8\xFF\xE0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"GIF89a\x01\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\0\0\0\x18ftypheic".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\x1F\x8B\x08\0".to_vec(), Rule::FileIsOtherKind, "a compressed file"),
            (b"{\n  \"version\": 1, \"load\": null, \"upload\": {} }".to_vec(), Rule::FileIsOurs, "a report or a plan"),
            (
                b"<!DOCTYPE html><meta name=\"generator\" content=\"inventory-loader report\">".to_vec(),
                Rule::FileIsOurs,
                "a report or a plan",
            ),
            (b"{\"sheet\":\"Stock\",\"row\":2,\"fate\":\"new\"}".to_vec(), Rule::FileIsOurs, "a report or a plan"),
            (b"<?xml version='1.0'?><stock/>".to_vec(), Rule::FileIsOtherKind, "an XML file"),
            (b"\x7FELF\x02\x01\x01\0\0\0\0\0\x03\0>\0".to_vec(), Rule::FileIsOtherKind, "not known here"),
        ];
        for (bytes, rule, words) in cases {
            let refusal = sniff(&source_of(&bytes)).expect_err(words);
            assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
            assert!(refusal.message.contains(words), "{}", refusal.message);
            assert!(!refusal.message.contains('{') && !refusal.advice.contains('{'), "{}", refusal.message);
        }
    }
}
