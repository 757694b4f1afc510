//! Files that no format recognises: what a user would call them, and the refusal that says so.

use super::Signature;
use inventory_base::message::{Refusal, refusal};

/// The first bytes of Excel 2 to 4 workbooks.
const EXCEL_2_TO_4: &[&[u8]] = &[b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];

/// The first bytes of files that contain no list.
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

/// The refusal of a file that is neither a zip archive nor a compound file.
pub fn refusal(signature: &Signature<'_>) -> Refusal {
    match signature {
        Signature::Binary(head) => of_known_kind(head).unwrap_or_else(|| with_zeros(head)),
        // Any other text is delimited text.
        Signature::Text(text) if text.starts_with(b"<?xml") => other_kind("an XML file"),
        _ => other_kind("of an unknown kind"),
    }
}

/// The refusal of a file that begins with the signature of something else.
pub fn of_known_kind(head: &[u8]) -> Option<Refusal> {
    if EXCEL_2_TO_4.iter().any(|start| head.starts_with(start)) {
        return Some(other_spreadsheet("a workbook from Excel 4 or older (.xls)"));
    }
    if let Some((_, kind)) = OTHER_KINDS.iter().find(|(start, _)| head.starts_with(start)) {
        return Some(other_kind(kind));
    }
    is_picture_with_inner_signature(head).then(|| other_kind("a picture"))
}

/// WebP and HEIC pictures have their signature after a length.
fn is_picture_with_inner_signature(head: &[u8]) -> bool {
    let at = |from: usize, mark: &[u8]| head.get(from..).is_some_and(|tail| tail.starts_with(mark));
    (at(0, b"RIFF") && at(8, b"WEBP")) || at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1")
}

/// The refusal of a file with zero bytes, which text does not contain. A file of nothing but zeros was allocated and
/// never written.
fn with_zeros(head: &[u8]) -> Refusal {
    if head.iter().all(|&byte| byte == 0) { refusal!(FileDamaged) } else { other_kind("of an unknown kind") }
}

/// The refusal of a compound file, because of a stream that its program names so.
pub fn with_stream(name: &[u8]) -> Option<Refusal> {
    match name {
        b"WordDocument" => Some(other_kind("a Word document")),
        b"PowerPoint Document" => Some(other_kind("a PowerPoint presentation")),
        b"__nameid_version1.0" => Some(other_kind("an email message")),
        _ => None,
    }
}

/// The refusal of a zip archive with the parts of these names, and this content of its part `mimetype`, if it has one.
pub fn archive(parts: &[String], mime_type: Option<&[u8]>) -> Refusal {
    let has = |name: &str| parts.iter().any(|part| part == name);
    let has_under = |folder: &str| parts.iter().any(|part| part.starts_with(folder));
    if mime_type.is_some_and(|kind| kind.starts_with(b"application/vnd.oasis.opendocument.")) {
        other_kind("an OpenDocument file of another kind")
    } else if has("index/document.iwa") || has("index.zip") {
        if has_under("index/slide") { other_kind("a Keynote file") } else { other_spreadsheet("a Numbers file") }
    } else if has_under("word/") {
        other_kind("a Word document")
    } else if has_under("ppt/") {
        other_kind("a PowerPoint presentation")
    } else {
        other_kind("a zip archive")
    }
}

pub fn other_kind(kind: &str) -> Refusal {
    refusal!(FileIsOtherKind { kind })
}

fn other_spreadsheet(kind: &str) -> Refusal {
    refusal!(SpreadsheetIsOtherKind { kind })
}
