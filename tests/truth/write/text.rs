//! Text with delimiters, in the encodings in which programs save it.

use encoding_rs::Encoding;
use fastrand::Rng;

use super::super::case::{Case, Row};
use super::super::language::Language;
use super::shown;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
    /// One of the older encodings, by its name at the WHATWG.
    Older(&'static str),
    /// What programs for DOS write, and some still do.
    Cp850,
}

#[derive(Debug, Clone, Copy)]
pub struct TextHabits {
    pub delimiter: char,
    pub quotes_all: bool,
    pub windows_lines: bool,
    /// Columns without a name up to which every row is filled with empty fields; with none, fields that are empty at the
    /// end of a row are still written.
    pub padding: usize,
    /// Empty fields at the end of a row are not written.
    pub drops_empty: bool,
    pub letters: Letters,
}

impl TextHabits {
    pub fn any(language: &Language, rng: &mut Rng) -> TextHabits {
        let delimiters = if language.decimal == ',' { [';', ';', '\t', ',', '|'] } else { [',', ',', ';', '\t', '|'] };
        let letters = [Letters::Utf8, Letters::Utf8, Letters::Utf8Marked, Letters::Utf16Le, Letters::Utf16Be];
        TextHabits {
            delimiter: delimiters[rng.usize(..delimiters.len())],
            quotes_all: rng.u8(..5) == 0,
            windows_lines: rng.bool(),
            padding: 0,
            drops_empty: false,
            letters: letters[rng.usize(..letters.len())],
        }
    }
}

impl Letters {
    /// Whether a text file in these can have this text.
    pub fn can_say(self, text: &str) -> bool {
        match self {
            Letters::Older(name) => !older(name).encode(text).2,
            Letters::Cp850 => text.chars().all(|letter| cp850(letter).is_some()),
            Letters::Utf8 | Letters::Utf8Marked | Letters::Utf16Le | Letters::Utf16Be => true,
        }
    }
}

fn older(name: &str) -> &'static Encoding {
    Encoding::for_label(name.as_bytes()).expect("an encoding of the WHATWG")
}

pub fn csv(case: &Case) -> Vec<u8> {
    encode(&text(case), case.text.letters)
}

/// The file before it is put into bytes.
pub fn text(case: &Case) -> String {
    let habits = case.text;
    let line_end = if habits.windows_lines { "\r\n" } else { "\n" };
    let rows = &case.sheets[0].rows;
    let width = case.columns.len() + habits.padding;
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.line.clone().unwrap_or_else(|| line(row, width, habits)));
        text.push_str(line_end);
    }
    text
}

/// A row's line, without its end.
pub fn line(row: &Row, width: usize, habits: TextHabits) -> String {
    let mut fields: Vec<String> = row.cells.iter().map(shown).collect();
    fields.resize(fields.len().max(width), String::new());
    if habits.drops_empty {
        let used = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        fields.truncate(used);
    }
    let quoted = fields.iter().map(|field| quote(field, habits));
    quoted.collect::<Vec<_>>().join(&habits.delimiter.to_string())
}

pub fn quote(field: &str, habits: TextHabits) -> String {
    let needed = field.contains([habits.delimiter, '"', '\n', '\r']);
    if needed || habits.quotes_all { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_string() }
}

fn encode(text: &str, letters: Letters) -> Vec<u8> {
    let marked = format!("\u{FEFF}{text}");
    match letters {
        Letters::Utf8 => text.into(),
        Letters::Utf8Marked => marked.into(),
        Letters::Utf16Le => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Letters::Utf16Be => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Letters::Older(name) => older(name).encode(text).0.into_owned(),
        Letters::Cp850 => text.chars().filter_map(cp850).collect(),
    }
}

fn cp850(letter: char) -> Option<u8> {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
    match u8::try_from(letter) {
        Ok(byte) if byte < 0x80 => Some(byte),
        _ => {
            let place = UPPER.chars().position(|other| other == letter)?;
            u8::try_from(0x80 + place).ok()
        }
    }
}
