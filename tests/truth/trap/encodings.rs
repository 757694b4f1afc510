//! Text files in legacy encodings.

use super::super::case::{Case, FileFormat};
use super::super::language::{
    CHINESE, ENGLISH, FRENCH, GERMAN, GREEK, JAPANESE, KOREAN, POLISH, RUSSIAN, SPANISH, TAIWANESE, TURKISH,
};
use super::super::write::TextEncoding;
use super::Trap;

const CSV: &[FileFormat] = &[FileFormat::Csv];

pub const TRAPS: &[Trap] = &[
    Trap::new("windows-1252", CSV, legacy).in_languages(&[&ENGLISH, &GERMAN, &FRENCH, &SPANISH]),
    Trap::new("windows-1250", CSV, legacy).in_languages(&[&POLISH]),
    Trap::new("windows-1251", CSV, legacy).in_languages(&[&RUSSIAN]),
    Trap::new("windows-1253", CSV, legacy).in_languages(&[&GREEK]),
    Trap::new("windows-1254", CSV, legacy).in_languages(&[&TURKISH]),
    Trap::new("shift-jis", CSV, legacy).in_languages(&[&JAPANESE]),
    Trap::new("gb18030", CSV, legacy).in_languages(&[&CHINESE]),
    Trap::new("big5", CSV, legacy).in_languages(&[&TAIWANESE]),
    Trap::new("euc-kr", CSV, legacy).in_languages(&[&KOREAN]),
    Trap::new("utf-16", CSV, utf_16).in_languages(&[&POLISH, &RUSSIAN, &GREEK, &JAPANESE, &KOREAN]),
    Trap::new("code-page-850", CSV, code_page_850).in_languages(&[&GERMAN, &FRENCH, &SPANISH]),
];

/// Saves the file in an encoding; the trap concerns all rows.
fn save_in(case: &mut Case, encoding: TextEncoding) -> bool {
    case.text.encoding = encoding;
    for row in &mut case.sheet().rows {
        row.trap = row.trap.or(Some("encoding"));
    }
    true
}

fn legacy(case: &mut Case) -> bool {
    save_in(case, TextEncoding::Legacy(case.list.language.encoding))
}

fn utf_16(case: &mut Case) -> bool {
    let encoding = if case.rng.bool() { TextEncoding::Utf16Le } else { TextEncoding::Utf16Be };
    save_in(case, encoding)
}

fn code_page_850(case: &mut Case) -> bool {
    save_in(case, TextEncoding::Cp850)
}
