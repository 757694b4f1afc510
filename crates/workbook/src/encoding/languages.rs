//! The letters of the languages that each encoding serves, and the scripts of letters.

use encoding_rs::{
    Encoding, ISO_8859_2, ISO_8859_4, ISO_8859_13, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254, WINDOWS_1257,
};

/// Lower-case letters beyond ASCII: German, French, Spanish, Portuguese, Italian and Catalan, Danish and Norwegian,
/// Swedish and Finnish, Dutch, Icelandic.
const WESTERN: [&str; 9] = [
    "äöüßéèàç",
    "àâæçéèêëîïôœùûüÿ",
    "áéíñóúüç",
    "àáâãçéêíóôõúü",
    "àèéìíîïòóùúç",
    "æøåéèêóôü",
    "åäöéü",
    "áàéèêëíïóöúü",
    "áðéíóúýþæö",
];
/// Polish, Czech, Slovak, Hungarian, Croatian and Slovene, Romanian, German.
const CENTRAL: [&str; 7] =
    ["ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ", "äöüßé"];
/// Turkish.
const TURKISH: [&str; 1] = ["çğıiöşüâîû"];
/// Lithuanian, Latvian, Estonian.
const BALTIC: [&str; 3] = ["ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"];

/// The number of letters that are foreign to the best-matching language of the encoding. In an encoding for a script
/// rather than for languages, Latin letters are foreign.
pub fn foreign_letters(encoding: &'static Encoding, letters: &[(char, u64)]) -> Option<u64> {
    let languages: &[&str] = if encoding == WINDOWS_1252 {
        &WESTERN
    } else if encoding == WINDOWS_1250 || encoding == ISO_8859_2 {
        &CENTRAL
    } else if encoding == WINDOWS_1254 {
        &TURKISH
    } else if encoding == WINDOWS_1257 || encoding == ISO_8859_13 || encoding == ISO_8859_4 {
        &BALTIC
    } else {
        let latin = |(c, _): &&(char, u64)| script_of(*c) == Script::Latin;
        return Some(letters.iter().filter(latin).map(|(_, n)| n).sum());
    };
    let is_letter = |c: char| c.is_alphabetic() && !matches!(c, 'º' | 'ª' | 'µ' | 'Ø' | 'ø');
    let lower_case = |c: char| c.to_lowercase().next().unwrap_or(c);
    let foreign_to = |language: &&str| -> u64 {
        let foreign = letters.iter().filter(|(c, _)| is_letter(*c) && !language.contains(lower_case(*c)));
        foreign.map(|(_, n)| n).sum()
    };
    languages.iter().map(foreign_to).min()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// No particular script: digits, symbols, and letters used with any script.
    Common,
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Thai,
    Hangul,
    Kana,
    Han,
    Other,
}

impl Script {
    /// Whether letters of both scripts can occur in one word.
    pub fn is_compatible_with(self, other: Script) -> bool {
        self == other || self == Script::Common || other == Script::Common
    }
}

pub fn script_of(c: char) -> Script {
    match c {
        'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' if c.is_alphabetic() => Script::Latin,
        '\u{370}'..='\u{3ff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{6ff}' => Script::Arabic,
        '\u{e00}'..='\u{e7f}' => Script::Thai,
        '\u{ac00}'..='\u{d7a3}' => Script::Hangul,
        '\u{3041}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9d}' => Script::Kana,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => Script::Han,
        c if !c.is_alphabetic() || matches!(c, 'ª' | 'º' | 'µ') => Script::Common,
        _ => Script::Other,
    }
}
