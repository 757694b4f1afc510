//! Detects a file's format from its bytes, never from its name: exports called `.xls` are just as often web pages or
//! text.

use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::compound::is_compound;
use super::source::Source;
use super::text::utf16_without_bom;
use inventory_base::message::{REPORT_GENERATOR, Refusal, Rule};

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook of Excel 2007 and later, with or without macros.
    Xlsx,
    /// The same with binary parts.
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
    /// What a user would call the format, and its file name extensions; the first is the preferred one.
    pub fn describe(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Format::Xlsx => ("an Excel workbook", &["xlsx", "xlsm", "xltx", "xltm"]),
            Format::Xlsb => ("a binary Excel workbook", &["xlsb"]),
            Format::Xls => ("an Excel 97 workbook", &["xls", "xlt"]),
            Format::Ods => ("an OpenDocument spreadsheet", &["ods", "ots"]),
            Format::Delimited => ("a CSV file", &["csv", "tsv", "txt", "tab", "prn"]),
            Format::Html => ("a web page", &["html", "htm"]),
            Format::Xml2003 => ("an Excel 2003 XML spreadsheet", &["xml"]),
        }
    }
}

/// Enough to see how a text begins, below any blank lines.
const HEAD_BYTES: usize = 16 * 1024;

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// The first bytes of Excel 2 to 4 workbooks.
const EXCEL_2_TO_4: &[&[u8]] = &[b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];

/// The first bytes of files that contain no list, and what a user would call them.
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

/// The tags that a web page can begin with. A list whose first cell merely begins with `<` is not a web page.
const WEB_PAGE_TAGS: &[&[u8]] =
    &[b"!doctype html", b"html", b"head", b"body", b"meta", b"title", b"style", b"script", b"table", b"div"];

/// Detects the format of the file.
pub fn sniff(source: &Source) -> Result<Format, Refusal> {
    let mut file = source.from_start();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;

    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return sniff_zip(source.from_start());
    }
    if is_compound(&head) {
        return sniff_compound(source.from_start());
    }
    if EXCEL_2_TO_4.iter().any(|start| head.starts_with(start)) {
        return Err(other_spreadsheet("a workbook from Excel 4 or older (.xls)"));
    }
    if let Some((_, kind)) = OTHER_KINDS.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(other_kind(kind));
    }
    if is_picture_with_inner_signature(&head) {
        return Err(other_kind("a picture"));
    }
    sniff_text(file, &head)
}

/// Looks for the names of the streams of a compound file, which are in entries of 128 bytes. Scans the whole file
/// instead of following its tables, which are often damaged and can exceed the memory limit.
fn sniff_compound(mut file: Source) -> Result<Format, Refusal> {
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
            let units = entry[..NAME_BYTES].as_chunks::<2>().0.iter();
            let name: Vec<u8> = units.take_while(|unit| unit[1] == 0 && unit[0] != 0).map(|unit| unit[0]).collect();
            match name.as_slice() {
                b"EncryptedPackage" | b"EncryptionInfo" => {
                    return Err(Refusal::new(Rule::FileProtected, &[]));
                }
                b"Workbook" | b"WORKBOOK" | b"Book" | b"BOOK" => workbook = true,
                b"WordDocument" => refusal = Some(other_kind("a Word document")),
                b"PowerPoint Document" => refusal = Some(other_kind("a PowerPoint presentation")),
                b"__nameid_version1.0" => refusal = Some(other_kind("an email message")),
                _ => {}
            }
        }
        if length < chunk.len() {
            break;
        }
    }
    match refusal {
        // A sheet embedded in a document does not make it a workbook.
        Some(refusal) => Err(refusal),
        None if workbook => Ok(Format::Xls),
        None => Err(damaged(())),
    }
}

/// WebP and HEIC pictures have their signature after a length.
fn is_picture_with_inner_signature(head: &[u8]) -> bool {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|tail| tail.starts_with(mark));
    (at(0, b"RIFF") && at(8, b"WEBP")) || at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1")
}

fn sniff_text(file: Source, head: &[u8]) -> Result<Format, Refusal> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || utf16_without_bom(head).is_some() {
        return Ok(Format::Delimited);
    }
    if head.contains(&0) {
        return Err(refuse_zeros(head));
    }
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head);
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
    if is_loader_output(text) {
        return Err(Refusal::new(Rule::FileIsOurs, &[]));
    }
    if let Some(markup) = text.strip_prefix(b"<") {
        if is_web_page(markup) {
            return Ok(Format::Html);
        }
        if markup.starts_with(b"?xml") {
            return sniff_xml(markup);
        }
    }
    Ok(Format::Delimited)
}

/// Whether the text is the loader's own output. A report or a plan's index has `load` and `upload`, a line of an
/// unpacked plan has `sheet` and `fate`, both in JSON; a page names its generator.
fn is_loader_output(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|there| there == word);
    if text.starts_with(b"<") {
        return has(REPORT_GENERATOR.as_bytes());
    }
    text.starts_with(b"{") && ((has(b"\"load\"") && has(b"\"upload\"")) || (has(b"\"sheet\"") && has(b"\"fate\"")))
}

/// Whether the rest of the file, after the sample, is only whitespace.
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

/// Text contains no zero bytes. A file of nothing but zeros was allocated and never written.
fn refuse_zeros(head: &[u8]) -> Refusal {
    if head.iter().all(|&byte| byte == 0) {
        return Refusal::new(Rule::FileDamaged, &[]);
    }
    other_kind("of an unknown kind")
}

fn is_web_page(markup: &[u8]) -> bool {
    WEB_PAGE_TAGS.iter().any(|tag| {
        let (Some(start), next) = (markup.get(..tag.len()), markup.get(tag.len())) else {
            return false;
        };
        start.eq_ignore_ascii_case(tag) && next.is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

fn sniff_xml(markup: &[u8]) -> Result<Format, Refusal> {
    let contains = |words: &[u8]| markup.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words));
    if contains(b"progid=\"Excel.Sheet\"") || contains(b"urn:schemas-microsoft-com:office:spreadsheet") {
        Ok(Format::Xml2003)
    } else if contains(b"<html") || contains(b"<!doctype html") {
        Ok(Format::Html)
    } else {
        Err(other_kind("an XML file"))
    }
}

fn sniff_zip(file: Source) -> Result<Format, Refusal> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    // Matched as calamine does: some exporters write backslashes or capitals.
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
            OpenDocument::Other => Err(other_kind("an OpenDocument file of another kind")),
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

/// Reads the part in which OpenDocument files declare their kind.
fn open_document_kind<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Option<OpenDocument>, ZipError> {
    const MAX_MIMETYPE_BYTES: u64 = 128;
    let part = match archive.by_name("mimetype") {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut kind = Vec::new();
    part.take(MAX_MIMETYPE_BYTES).read_to_end(&mut kind)?;
    Ok(if kind.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
        Some(OpenDocument::Spreadsheet)
    } else if kind.starts_with(b"application/vnd.oasis.opendocument.") {
        Some(OpenDocument::Other)
    } else {
        None
    })
}

/// Discards the library's error: it is of use to programmers only, and the refusal says what to do.
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
    fn a_list_is_recognised_by_its_bytes() {
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
    fn files_that_are_not_lists_are_refused_by_kind() {
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
            (compound("__nameid_version1.0", vec![]), Rule::FileIsOtherKind, "an email message"),
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
            (b"\x7FELF\x02\x01\x01\0\0\0\0\0\x03\0>\0".to_vec(), Rule::FileIsOtherKind, "of an unknown kind"),
        ];
        for (bytes, rule, words) in cases {
            let refusal = sniff(&source_of(&bytes)).expect_err(words);
            assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
            assert!(refusal.message.contains(words), "{}", refusal.message);
            assert!(!refusal.message.contains('{') && !refusal.advice.contains('{'), "{}", refusal.message);
        }
    }
}
