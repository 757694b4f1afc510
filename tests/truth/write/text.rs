//! Delimited text, in the encodings in which programs save it.

use encoding_rs::Encoding;
use fastrand::Rng;

use super::super::case::{Case, Row};
use super::super::language::Language;
use super::shown;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
    /// A legacy encoding, by its WHATWG name.
    Legacy(&'static str),
    /// The encoding of DOS programs, which some programs still use.
    Cp850,
}

#[derive(Debug, Clone, Copy)]
pub struct CsvStyle {
    pub delimiter: char,
    pub quotes_all: bool,
    pub windows_lines: bool,
    /// The number of empty fields, beyond the named columns, at the end of each row.
    pub padding: usize,
    /// Whether empty fields at the end of a row are omitted.
    pub drops_empty: bool,
    pub encoding: TextEncoding,
}

impl CsvStyle {
    pub fn any(language: &Language, rng: &mut Rng) -> CsvStyle {
        let delimiters = if language.decimal == ',' { [';', ';', '\t', ',', '|'] } else { [',', ',', ';', '\t', '|'] };
        let encoding = [
            TextEncoding::Utf8,
            TextEncoding::Utf8,
            TextEncoding::Utf8Marked,
            TextEncoding::Utf16Le,
            TextEncoding::Utf16Be,
        ];
        CsvStyle {
            delimiter: delimiters[rng.usize(..delimiters.len())],
            quotes_all: rng.u8(..5) == 0,
            windows_lines: rng.bool(),
            padding: 0,
            drops_empty: false,
            encoding: encoding[rng.usize(..encoding.len())],
        }
    }
}

impl TextEncoding {
    /// Returns whether this encoding can represent the text.
    pub fn can_write(self, text: &str) -> bool {
        match self {
            TextEncoding::Legacy(name) => !legacy_encoding(name).encode(text).2,
            TextEncoding::Cp850 => text.chars().all(|c| cp850(c).is_some()),
            TextEncoding::Utf8 | TextEncoding::Utf8Marked | TextEncoding::Utf16Le | TextEncoding::Utf16Be => true,
        }
    }
}

fn legacy_encoding(name: &str) -> &'static Encoding {
    Encoding::for_label(name.as_bytes()).expect("a WHATWG encoding")
}

pub fn csv(case: &Case) -> Vec<u8> {
    encode(&text(case), case.text.encoding)
}

/// Returns the text of the file before it is encoded.
pub fn text(case: &Case) -> String {
    let style = case.text;
    let line_end = if style.windows_lines { "\r\n" } else { "\n" };
    let rows = &case.sheets[0].rows;
    let width = case.columns.len() + style.padding;
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.line.clone().unwrap_or_else(|| line(row, width, style)));
        text.push_str(line_end);
    }
    text
}

/// Returns a row's line, without the line end.
pub fn line(row: &Row, width: usize, style: CsvStyle) -> String {
    let mut fields: Vec<String> = row.cells.iter().map(shown).collect();
    fields.resize(fields.len().max(width), String::new());
    if style.drops_empty {
        let used = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        fields.truncate(used);
    }
    let quoted = fields.iter().map(|field| quote(field, style));
    quoted.collect::<Vec<_>>().join(&style.delimiter.to_string())
}

pub fn quote(field: &str, style: CsvStyle) -> String {
    let needed = field.contains([style.delimiter, '"', '\n', '\r']);
    if needed || style.quotes_all { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_string() }
}

fn encode(text: &str, encoding: TextEncoding) -> Vec<u8> {
    let marked = format!("\u{FEFF}{text}");
    match encoding {
        TextEncoding::Utf8 => text.into(),
        TextEncoding::Utf8Marked => marked.into(),
        TextEncoding::Utf16Le => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        TextEncoding::Utf16Be => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        TextEncoding::Legacy(name) => legacy_encoding(name).encode(text).0.into_owned(),
        TextEncoding::Cp850 => text.chars().filter_map(cp850).collect(),
    }
}

fn cp850(c: char) -> Option<u8> {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
    match u8::try_from(c) {
        Ok(byte) if byte < 0x80 => Some(byte),
        _ => {
            let place = UPPER.chars().position(|other| other == c)?;
            u8::try_from(0x80 + place).ok()
        }
    }
}
