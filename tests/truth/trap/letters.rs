//! Text files in the older encodings.

use super::super::case::{Case, Form};
use super::super::language::{
    CHINESE, ENGLISH, FRENCH, GERMAN, GREEK, JAPANESE, KOREAN, POLISH, RUSSIAN, SPANISH, TAIWANESE, TURKISH,
};
use super::super::write::Letters;
use super::Trap;

const CSV: &[Form] = &[Form::Csv];

pub const TRAPS: &[Trap] = &[
    Trap::new("windows-1252", CSV, older).spoken(&[&ENGLISH, &GERMAN, &FRENCH, &SPANISH]),
    Trap::new("windows-1250", CSV, older).spoken(&[&POLISH]),
    Trap::new("windows-1251", CSV, older).spoken(&[&RUSSIAN]),
    Trap::new("windows-1253", CSV, older).spoken(&[&GREEK]),
    Trap::new("windows-1254", CSV, older).spoken(&[&TURKISH]),
    Trap::new("shift-jis", CSV, older).spoken(&[&JAPANESE]),
    Trap::new("gb18030", CSV, older).spoken(&[&CHINESE]),
    Trap::new("big5", CSV, older).spoken(&[&TAIWANESE]),
    Trap::new("euc-kr", CSV, older).spoken(&[&KOREAN]),
    Trap::new("utf-16", CSV, utf_16).spoken(&[&POLISH, &RUSSIAN, &GREEK, &JAPANESE, &KOREAN]),
    Trap::new("code-page-850", CSV, code_page_850).spoken(&[&GERMAN, &FRENCH, &SPANISH]),
];

/// All rows are what matters then.
fn save_in(case: &mut Case, letters: Letters) -> bool {
    case.text.letters = letters;
    for row in &mut case.sheet().rows {
        row.trap = row.trap.or(Some("encoding"));
    }
    true
}

fn older(case: &mut Case) -> bool {
    save_in(case, Letters::Older(case.list.language.encoding))
}

fn utf_16(case: &mut Case) -> bool {
    let letters = if case.rng.bool() { Letters::Utf16Le } else { Letters::Utf16Be };
    save_in(case, letters)
}

fn code_page_850(case: &mut Case) -> bool {
    save_in(case, Letters::Cp850)
}
