//! Detects a file's format from its bytes, never from its name: exports called `.xls` are just as often web pages or
//! text.

mod foreign;

use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::compound::is_compound;
use super::format::{Format, Signature};
use super::source::Source;
use super::text::utf16_without_bom;
use inventory_base::message::{REPORT_GENERATOR, Refusal, refusal};

/// Enough to see how a text begins, below any blank lines.
const HEAD_BYTES: usize = 16 * 1024;

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// Returns the format of the file: the first of these that recognises it.
pub fn sniff(source: &Source, formats: &[&'static Format]) -> Result<&'static Format, Refusal> {
    let mut file = source.from_start();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;

    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return sniff_zip(source.from_start(), formats);
    }
    if is_compound(&head) {
        return sniff_compound(source.from_start(), formats);
    }
    let signature =
        if foreign::of_known_kind(&head).is_some() { Signature::Binary(&head) } else { signature_of(&head, file)? };
    find(formats, &signature).ok_or_else(|| foreign::refusal(&signature))
}

fn find(formats: &[&'static Format], signature: &Signature<'_>) -> Option<&'static Format> {
    formats.iter().copied().find(|format| (format.recognises)(signature))
}

fn sniff_zip(file: Source, formats: &[&'static Format]) -> Result<&'static Format, Refusal> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    // Matched as calamine does: some exporters write backslashes or capitals.
    let parts: Vec<String> = archive
        .file_names_raw()
        .map(|name| String::from_utf8_lossy(name).replace('\\', "/").to_ascii_lowercase())
        .map(|name| name.trim_start_matches('/').to_owned())
        .collect();
    let has_part = |format: &Format| parts.iter().any(|part| (format.recognises)(&Signature::ZipPart(part)));
    if let Some(format) = formats.iter().find(|format| has_part(format)) {
        return Ok(format);
    }
    let mime_type = mime_type(&mut archive).map_err(damaged)?;
    let format = mime_type.as_deref().and_then(|mime_type| find(formats, &Signature::MimeType(mime_type)));
    format.ok_or_else(|| foreign::archive(&parts, mime_type.as_deref()))
}

/// The part in which OpenDocument files declare their kind.
fn mime_type<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Option<Vec<u8>>, ZipError> {
    const MAX_MIMETYPE_BYTES: u64 = 128;
    let part = match archive.by_name("mimetype") {
        Ok(part) => part,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut kind = Vec::new();
    part.take(MAX_MIMETYPE_BYTES).read_to_end(&mut kind)?;
    Ok(Some(kind))
}

/// Looks for the names of the streams of a compound file, which are in entries of 128 bytes. Scans the whole file
/// instead of following its tables, which are often damaged and can exceed the memory limit.
fn sniff_compound(mut file: Source, formats: &[&'static Format]) -> Result<&'static Format, Refusal> {
    const ENTRY_BYTES: usize = 128;
    const NAME_BYTES: usize = 64;
    let (mut found, mut foreign) = (None, None);
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
                b"" => {}
                // Longer than a name can be: this is text.
                name if name.len() == NAME_BYTES / 2 => {}
                b"EncryptedPackage" | b"EncryptionInfo" => {
                    return Err(refusal!(FileProtected));
                }
                name => {
                    let at = formats.iter().position(|format| (format.recognises)(&Signature::Stream(name)));
                    found = found.into_iter().chain(at).min();
                    foreign = foreign::with_stream(name).or(foreign);
                }
            }
        }
        if length < chunk.len() {
            break;
        }
    }
    match (foreign, found) {
        // A sheet embedded in a document does not make it a workbook.
        (Some(refusal), _) => Err(refusal),
        (None, Some(found)) => Ok(formats[found]),
        (None, None) => Err(damaged(())),
    }
}

/// The signature of a file that begins with that of no other kind: usually text, or binary data.
fn signature_of(head: &[u8], file: Source) -> Result<Signature<'_>, Refusal> {
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || utf16_without_bom(head).is_some() {
        return Ok(Signature::Text(b""));
    }
    if head.contains(&0) {
        return Ok(Signature::Binary(head));
    }
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head).trim_ascii_start();
    if text.is_empty() && has_only_blanks(file).map_err(damaged)? {
        return Err(refusal!(FileEmpty));
    }
    if text.starts_with(b"%PDF-") {
        return Err(foreign::other_kind("a PDF"));
    }
    if is_loader_output(text) {
        return Err(refusal!(FileIsOurs));
    }
    Ok(Signature::Text(text))
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

/// Discards the library's error: it is of use to programmers only, and the refusal says what to do.
fn damaged<E>(_: E) -> Refusal {
    refusal!(FileDamaged)
}

#[cfg(test)]
mod tests;
