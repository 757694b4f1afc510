//! What a file is, told by its bytes and never by its name: exports called `.xls` are web pages and text as often as not.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::message::{Refusal, Rule};

/// The forms a file is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook of Excel 2007 and later, with or without macros.
    Xlsx,
    /// Text with a delimiter between the cells.
    Delimited,
}

/// Enough to see what a text begins with, whatever banner stands above it.
const HEAD_BYTES: usize = 16 * 1024;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

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

/// Finds out what the file is, and leaves it at its start.
pub fn sniff(file: &File) -> Result<Format, Refusal> {
    let format = look(file);
    rewind(file)?;
    format
}

fn look(file: &File) -> Result<Format, Refusal> {
    rewind(file)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;

    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return look_into_zip(file);
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(Refusal::new(Rule::FileProtectedOrOld, &[]));
    }
    if let Some((_, kind)) = OTHER_KINDS.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(other_kind(kind));
    }
    if is_picture_with_inner_mark(&head) {
        return Err(other_kind("a picture"));
    }
    look_at_text(file, &head)
}

/// WebP pictures and those of telephones carry their mark behind a length.
fn is_picture_with_inner_mark(head: &[u8]) -> bool {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|tail| tail.starts_with(mark));
    (at(0, b"RIFF") && at(8, b"WEBP")) || at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1")
}

fn look_at_text(file: &File, head: &[u8]) -> Result<Format, Refusal> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Err(letters_unknown());
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
    if let Some(markup) = text.strip_prefix(b"<") {
        if is_web_page(markup) {
            return Err(other_kind("a web page"));
        }
        if markup.starts_with(b"?xml") {
            return Err(refuse_xml(markup));
        }
    }
    Ok(Format::Delimited)
}

/// The rest of the file, from where the head ended.
fn has_only_blanks(mut file: &File) -> io::Result<bool> {
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

/// Zeros do not occur in text that is read here. Nothing but zeros is space that was set aside and never written; every
/// other byte a zero is UTF-16 without its mark, as some systems export it.
fn refuse_zeros(head: &[u8]) -> Refusal {
    let zeros = |bytes: &mut dyn Iterator<Item = &u8>| bytes.filter(|&&byte| byte == 0).count();
    let even = zeros(&mut head.iter().step_by(2));
    let odd = zeros(&mut head.iter().skip(1).step_by(2));
    if even + odd == head.len() {
        return Refusal::new(Rule::FileDamaged, &[]);
    }
    // Text in Latin letters has nearly all of its zeros on one side.
    let (few, many) = (even.min(odd), even.max(odd));
    if many >= head.len() * 2 / 5 && few <= many / 20 {
        return letters_unknown();
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

fn refuse_xml(markup: &[u8]) -> Refusal {
    let says = |words: &[u8]| markup.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words));
    if says(b"progid=\"Excel.Sheet\"") || says(b"urn:schemas-microsoft-com:office:spreadsheet") {
        other_spreadsheet("an XML spreadsheet of Excel 2003")
    } else if says(b"<html") || says(b"<!doctype html") {
        other_kind("a web page")
    } else {
        other_kind("an XML file")
    }
}

fn look_into_zip(file: &File) -> Result<Format, Refusal> {
    rewind(file)?;
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
        return Err(other_spreadsheet("a binary workbook (.xlsb)"));
    }
    if let Some(kind) = open_document_kind(&mut archive).map_err(damaged)? {
        return Err(match kind {
            OpenDocument::Spreadsheet => other_spreadsheet("an OpenDocument spreadsheet (.ods)"),
            OpenDocument::Other => other_kind("an OpenDocument file that holds no spreadsheet"),
        });
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

fn rewind(mut file: &File) -> Result<(), Refusal> {
    file.rewind().map_err(damaged)
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

fn letters_unknown() -> Refusal {
    Refusal::new(Rule::LettersUnknown, &[("row", "1")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn zip_of(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn utf16(text: &str, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_list_is_known_by_its_bytes() {
        let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        let cases: Vec<(Vec<u8>, Format)> = vec![
            (workbook, Format::Xlsx),
            (zip_of(&[("XL\\Workbook.xml", "")]), Format::Xlsx),
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
                sniff(&file_of(&bytes)),
                Ok(format),
                "{:?}",
                String::from_utf8_lossy(&bytes[..20.min(bytes.len())])
            );
        }
    }

    #[test]
    fn what_is_no_list_is_refused_by_what_it_is() {
        let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        let ods = "application/vnd.oasis.opendocument.spreadsheet";
        let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
            (b"".to_vec(), Rule::FileEmpty, "empty"),
            (b" \r\n\t\n".to_vec(), Rule::FileEmpty, "empty"),
            (b"\xEF\xBB\xBF\r\n".to_vec(), Rule::FileEmpty, "empty"),
            (vec![b' '; 3 * HEAD_BYTES], Rule::FileEmpty, "empty"),
            (workbook[..workbook.len() / 2].to_vec(), Rule::FileDamaged, "damaged"),
            (vec![0; 4096], Rule::FileDamaged, "damaged"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0".to_vec(), Rule::FileProtectedOrOld, "password"),
            (zip_of(&[("xl/workbook.bin", "")]), Rule::SpreadsheetIsOtherKind, "(.xlsb)"),
            (zip_of(&[("mimetype", ods), ("content.xml", "")]), Rule::SpreadsheetIsOtherKind, "(.ods)"),
            (zip_of(&[("mimetype", "application/vnd.oasis.opendocument.text")]), Rule::FileIsOtherKind, "OpenDocument"),
            (zip_of(&[("Index/Document.iwa", "")]), Rule::SpreadsheetIsOtherKind, "a Numbers file"),
            (zip_of(&[("Index/Document.iwa", ""), ("Index/Slide-1.iwa", "")]), Rule::FileIsOtherKind, "a Keynote file"),
            (zip_of(&[("word/document.xml", "")]), Rule::FileIsOtherKind, "a Word document"),
            (zip_of(&[("ppt/presentation.xml", "")]), Rule::FileIsOtherKind, "a PowerPoint presentation"),
            (zip_of(&[("stock.csv", "SKU")]), Rule::FileIsOtherKind, "a zip archive"),
            (zip_of(&[]), Rule::FileIsOtherKind, "a zip archive"),
            (b"%PDF-1.7\n\0".to_vec(), Rule::FileIsOtherKind, "a PDF"),
            (b"\n%PDF-1.7\n".to_vec(), Rule::FileIsOtherKind, "a PDF"),
            (b"\x89PNG\r\n\x1A\n\0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\xFF\xD8\xFF\xE0\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"GIF89a\x01\0".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\0\0\0\x18ftypheic".to_vec(), Rule::FileIsOtherKind, "a picture"),
            (b"\x1F\x8B\x08\0".to_vec(), Rule::FileIsOtherKind, "a compressed file"),
            (b"  <!DOCTYPE html><table>".to_vec(), Rule::FileIsOtherKind, "a web page"),
            (b"\xEF\xBB\xBF<TABLE border=1>".to_vec(), Rule::FileIsOtherKind, "a web page"),
            (b"<?xml version='1.0'?><html>".to_vec(), Rule::FileIsOtherKind, "a web page"),
            (b"<?xml version='1.0'?><stock/>".to_vec(), Rule::FileIsOtherKind, "an XML file"),
            (
                b"<?xml version='1.0'?><?mso-application progid=\"Excel.Sheet\"?>".to_vec(),
                Rule::SpreadsheetIsOtherKind,
                "2003",
            ),
            (utf16("SKU\tPrice\r\n", true), Rule::LettersUnknown, "line 1"),
            (utf16("SKU\tPrice\r\n", false), Rule::LettersUnknown, "line 1"),
            (b"\x7FELF\x02\x01\x01\0\0\0\0\0\x03\0>\0".to_vec(), Rule::FileIsOtherKind, "not known here"),
        ];
        for (bytes, rule, words) in cases {
            let refusal = sniff(&file_of(&bytes)).expect_err(words);
            assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
            assert!(refusal.message.contains(words), "{}", refusal.message);
            assert!(!refusal.message.contains('{') && !refusal.advice.contains('{'), "{}", refusal.message);
        }
    }

    #[test]
    fn the_file_is_left_at_its_start() {
        let workbook = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        for bytes in [workbook.as_slice(), b"SKU,Price\n", b"%PDF-1.7"] {
            let mut file = file_of(bytes);
            let _ = sniff(&file);
            assert_eq!(file.stream_position().unwrap(), 0);
        }
    }
}
