//! Detects the encoding of a text that is not UTF-8 and does not declare one. The guess is made from the whole file,
//! and is accepted only if no other encoding fits as well: a wrong one turns `Śruba` into `Œruba`, which no later check
//! would notice.

mod languages;
mod words;

use std::collections::HashSet;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_8859_2, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_13, KOI8_U, SHIFT_JIS, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
    WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

use languages::{Script, foreign_letters, script_of};
pub use words::{WORDS_SHOWN, add_words};
use words::{shortened, words_of};

/// The single-byte encodings that the detector distinguishes.
const SINGLE: [&Encoding; 18] = [
    WINDOWS_1252,
    WINDOWS_1250,
    WINDOWS_1254,
    WINDOWS_1257,
    WINDOWS_1258,
    ISO_8859_2,
    ISO_8859_4,
    ISO_8859_13,
    WINDOWS_1251,
    KOI8_U,
    IBM866,
    ISO_8859_5,
    WINDOWS_1253,
    ISO_8859_7,
    WINDOWS_1255,
    WINDOWS_1256,
    ISO_8859_6,
    WINDOWS_874,
];
/// The detector has decided long before this.
const MAX_DETECTOR_BYTES: usize = 4 << 20;
/// Longer lines are taken in pieces.
const LINE_BYTES: usize = 16 << 10;
const SAMPLE_BYTES: usize = 200;
/// With fewer lines in each half of the file, the detector's guess is chance.
const MIN_LINES_PER_HALF: u64 = 2;
/// Short Chinese words are valid Korean as well, byte for byte.
const MIN_LINES_PER_KOREAN_HALF: u64 = 4;
/// At most one odd character in this many is accepted, as a typing mistake.
const ONE_ODD_IN: u64 = 50;
/// At most one letter in this many may be of another language.
const ONE_FOREIGN_IN: u64 = 20;

/// With fewer distinct letters, a text can be in any language.
const MIN_LETTERS_FOR_LANGUAGE: usize = 4;

/// With fewer distinct bytes beyond ASCII, a text is not Chinese, Japanese or Korean.
const MIN_EAST_ASIAN_BYTES: usize = 6;

/// With fewer letters beyond ASCII, a guess is chance if another language has these letters too.
const MIN_LETTERS_FOR_GUESS: u64 = 8;

/// Neighbours are counted by kind: four kinds of ASCII, and each byte beyond it.
const KINDS: usize = 4 + 128;
const CAPITAL: usize = 0;
const SMALL: usize = 1;
const DIGIT: usize = 2;
const OTHER: usize = 3;

/// The result of the detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Every plausible encoding reads this text as Windows-1252 does.
    Alike,
    Guessed(&'static Encoding),
    /// With possible readings of one of its words.
    Unclear(Vec<String>),
}

/// What is known about the bytes of a text, gathered in one pass.
pub struct Evidence {
    whole: EncodingDetector,
    halves: [EncodingDetector; 2],
    /// Lines with bytes beyond ASCII.
    lines: u64,
    fed: usize,
    /// How often each byte beyond ASCII occurs between two neighbours.
    seen: Vec<u32>,
    line: Vec<u8>,
    sample: Vec<u8>,
}

impl Evidence {
    pub fn new() -> Evidence {
        let detector = || EncodingDetector::new(Iso2022JpDetection::Deny);
        Evidence {
            whole: detector(),
            halves: [detector(), detector()],
            lines: 0,
            fed: 0,
            seen: vec![0; KINDS * 128 * KINDS],
            line: Vec::new(),
            sample: Vec::new(),
        }
    }

    /// Takes the next chunk of the text, which may be split anywhere.
    pub fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n' || *byte == b'\r') {
            self.line.extend_from_slice(piece);
            if self.line.len() >= LINE_BYTES || piece.ends_with(b"\n") || piece.ends_with(b"\r") {
                self.end_line();
            }
        }
    }

    /// In none of these encodings can a line break be part of a character.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_ascii() {
            self.lines += 1;
            if self.sample.is_empty() {
                let first = line.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
                let start = line[..first].iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
                self.sample = line[start..line.len().min(start + SAMPLE_BYTES)].to_vec();
            }
            for (at, &byte) in line.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()) {
                let before = at.checked_sub(1).map_or(OTHER, |at| kind_of(line[at]));
                let after = line.get(at + 1).map_or(OTHER, |byte| kind_of(*byte));
                let seen = &mut self.seen[(before * 128 + usize::from(byte - 0x80)) * KINDS + after];
                *seen = seen.saturating_add(1);
            }
            if self.fed < MAX_DETECTOR_BYTES {
                self.fed += line.len();
                self.whole.feed(&line, false);
                self.halves[(self.lines % 2) as usize].feed(&line, false);
            }
        }
        self.line = line;
        self.line.clear();
    }

    pub fn decide(mut self) -> Found {
        self.end_line();
        self.whole.feed(b"", true);
        let guess = self.whole.guess(None, Utf8Detection::Deny);
        let occurrences: Vec<Occurrence> = self.occurrences().collect();
        let readings: Vec<Reading> = SINGLE.iter().filter_map(|encoding| read_as(encoding, &occurrences)).collect();
        let of_guess = readings.iter().find(|reading| reading.encoding == guess);
        let is_one_byte = SINGLE.contains(&guess);
        // A list in two-byte characters has dozens of different bytes.
        let has_few =
            occurrences.iter().map(|occurrence| occurrence.byte).collect::<HashSet<_>>().len() < MIN_EAST_ASIAN_BYTES;
        let western = readings.iter().find(|reading| reading.encoding == WINDOWS_1252);
        // For symbols without letters the detector has no evidence.
        let is_believable = |western: &Reading| match is_one_byte {
            true => of_guess.is_some() || western.all == 0,
            false => has_few || !self.sample_fits(guess),
        };
        if let Some(western) = western.filter(|western| is_believable(western))
            && readings.iter().all(|reading| self.read_alike(reading, western))
        {
            return Found::Alike;
        }
        let lines = if guess == EUC_KR { MIN_LINES_PER_KOREAN_HALF } else { MIN_LINES_PER_HALF };
        let halves_agree = self.lines >= 2 * lines
            && self.halves.iter_mut().all(|half| {
                half.feed(b"", true);
                half.guess(None, Utf8Detection::Deny) == guess
            });
        let is_unrivalled = match of_guess {
            Some(of_guess) => of_guess.is_language() && !readings.iter().any(|rival| self.rivals(rival, of_guess)),
            None => !is_one_byte && !has_few,
        };
        if halves_agree && is_unrivalled {
            // GB18030 is a superset of GBK.
            return Found::Guessed(if guess == GBK { GB18030 } else { guess });
        }
        // The detector recognises Latin letters by their frequency, and takes Hungarian and Lithuanian for Western.
        if let Some(only) = self.only_language(&readings).filter(|_| of_guess.is_some_and(Reading::is_latin)) {
            return Found::Guessed(only);
        }
        let mut words = Vec::new();
        let guess = (!is_one_byte).then_some(guess);
        for encoding in readings.iter().map(|reading| reading.encoding).chain(guess) {
            let word = self.word_in(encoding);
            if !word.is_empty() && !words.contains(&word) {
                words.push(word);
            }
        }
        Found::Unclear(words)
    }

    fn occurrences(&self) -> impl Iterator<Item = Occurrence> {
        let seen = self.seen.iter().enumerate().filter(|(_, seen)| **seen > 0);
        seen.map(|(at, seen)| Occurrence {
            before: at / KINDS / 128,
            byte: at / KINDS % 128,
            after: at % KINDS,
            seen: (*seen).into(),
        })
    }

    /// The encoding in which all of the text is in one language, if it is in none in every other encoding that reads it
    /// differently.
    fn only_language(&self, readings: &[Reading]) -> Option<&'static Encoding> {
        let only = readings.iter().find(|reading| reading.is_latin() && reading.foreign_letters == 0)?;
        let others = readings.iter().filter(|other| other.is_latin() && !self.read_alike(other, only));
        let letters = only.counts.iter().filter(|count| **count > 0).count();
        let is_sure = letters >= MIN_LETTERS_FOR_LANGUAGE && self.lines >= 2 * MIN_LINES_PER_HALF;
        (is_sure && { others }.all(|other| !other.is_language())).then_some(only.encoding)
    }

    fn read_alike(&self, one: &Reading, other: &Reading) -> bool {
        (0..128).all(|at| one.counts[at] == 0 || one.letters[at] == other.letters[at])
    }

    /// Whether a different reading in Latin letters also fits a language. If all letters fit both, the guess of a
    /// Western text is kept once there are enough of them: hardly any other language can do with the small set that it
    /// happens to share.
    fn rivals(&self, rival: &Reading, guessed: &Reading) -> bool {
        let is_western =
            guessed.encoding == WINDOWS_1252 && guessed.foreign_letters == 0 && guessed.all >= MIN_LETTERS_FOR_GUESS;
        let is_as_good = !is_western && rival.foreign_letters <= guessed.foreign_letters;
        is_as_good && rival.is_latin() && !self.read_alike(rival, guessed)
    }

    fn sample_fits(&self, encoding: &'static Encoding) -> bool {
        let mut scripts = EastAsian::default();
        encoding.decode_without_bom_handling(&self.sample).0.chars().for_each(|c| scripts.note(c));
        scripts.fits(if encoding == GBK { GB18030 } else { encoding })
    }

    /// The first word that is not ASCII.
    fn word_in(&self, encoding: &'static Encoding) -> String {
        let (text, _) = encoding.decode_without_bom_handling(&self.sample);
        words_of(&text).next().map(|word| shortened(word).into_owned()).unwrap_or_default()
    }
}

/// A byte beyond ASCII between two neighbours, and how often it occurs.
struct Occurrence {
    before: usize,
    byte: usize,
    after: usize,
    seen: u64,
}

/// Reads the text in a single-byte encoding; `None` if that makes no sense.
fn read_as(encoding: &'static Encoding, occurrences: &[Occurrence]) -> Option<Reading> {
    let letters = std::array::from_fn(|at| decode_byte(encoding, at));
    let mut reading = Reading { encoding, letters, counts: [0; 128], all: 0, foreign_letters: 0 };
    let (mut all, mut odd, mut lone, mut alone, mut in_words) = (0, 0, 0, 0, 0);
    for occurrence in occurrences {
        let c = reading.letters[occurrence.byte].filter(|c| !c.is_control())?;
        reading.counts[occurrence.byte] += occurrence.seen;
        all += occurrence.seen;
        let (before, after) = (reading.neighbour(occurrence.before), reading.neighbour(occurrence.after));
        let kind = match () {
            () if is_odd(before, c, after) => &mut odd,
            () if is_lone(before, c, after) => &mut lone,
            () if !is_letter(c) => continue,
            () if is_letter(before) || is_letter(after) || is_one_letter_word(c) || is_symbol(c) => &mut in_words,
            () => &mut alone,
        };
        *kind += occurrence.seen;
    }
    // A few lone letters are codes, such as those of threads.
    if lone > in_words {
        odd += lone;
    }
    // A text has words.
    if in_words == 0 {
        odd += alone;
    }
    if odd * ONE_ODD_IN > all {
        return None;
    }
    let letters = reading.letters.iter().zip(reading.counts);
    let letters: Vec<(char, u64)> = letters.filter_map(|(c, n)| Some(((*c)?, n))).filter(|(_, n)| *n > 0).collect();
    reading.all = letters.iter().filter(|(c, _)| c.is_alphabetic() && !is_symbol(*c)).map(|(_, n)| n).sum();
    reading.foreign_letters = foreign_letters(encoding, &letters).unwrap_or(reading.all);
    Some(reading)
}

/// A text as read in a single-byte encoding.
struct Reading {
    encoding: &'static Encoding,
    letters: [Option<char>; 128],
    /// How often each byte occurs.
    counts: [u64; 128],
    /// All of its letters.
    all: u64,
    /// The number of letters that are foreign to the best-matching language.
    foreign_letters: u64,
}

impl Reading {
    fn neighbour(&self, kind: usize) -> char {
        match kind {
            CAPITAL => 'A',
            SMALL => 'a',
            DIGIT => '0',
            OTHER => ' ',
            beyond => self.letters[beyond - 4].unwrap_or(' '),
        }
    }

    fn is_language(&self) -> bool {
        self.foreign_letters * ONE_FOREIGN_IN <= self.all
    }

    fn is_latin(&self) -> bool {
        [WINDOWS_1252, WINDOWS_1250, WINDOWS_1254, WINDOWS_1257].contains(&self.encoding)
    }
}

fn kind_of(byte: u8) -> usize {
    match byte {
        b'A'..=b'Z' => CAPITAL,
        b'a'..=b'z' => SMALL,
        b'0'..=b'9' => DIGIT,
        0..0x80 => OTHER,
        _ => 4 + usize::from(byte - 0x80),
    }
}

fn decode_byte(encoding: &'static Encoding, at: usize) -> Option<char> {
    let byte = [0x80 + at as u8];
    let text = encoding.decode_without_bom_handling_and_without_replacement(&byte)?;
    text.chars().next()
}

/// Whether a character is a letter, including combining marks and the digits of scripts that have their own.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(script_of(c), Script::Thai | Script::Hebrew | Script::Arabic)
}

/// Whether a character is in a place where no one would write it.
fn is_odd(before: char, c: char, after: char) -> bool {
    // A mathematical symbol, accents without a letter, and box-drawing characters.
    if matches!(c, 'ƒ' | '\u{2c7}' | '\u{2d8}'..='\u{2dd}' | '\u{2500}'..='\u{259f}') {
        return true;
    }
    let (has_before, has_after) = (is_letter(before), is_letter(after));
    if !is_letter(c) {
        let joins = matches!(c, '’' | '‘' | '·' | '°' | '\u{ad}' | '\u{a0}' | '×' | '®' | '™' | '²' | '³');
        let is_dash = matches!(c, '\u{2013}' | '\u{2014}') && !(before.is_lowercase() && after.is_lowercase());
        return has_before && has_after && !joins && !is_dash;
    }
    let script = script_of(c);
    let is_other = |other: char| is_letter(other) && !script.is_compatible_with(script_of(other));
    if is_other(before) || is_other(after) {
        return true;
    }
    // A diameter sign, and ordinal indicators.
    if matches!(c, 'Ø' | 'ø' | 'º' | 'ª' | 'µ') {
        return false;
    }
    c.is_uppercase() && has_before && (before.is_lowercase() || after.is_lowercase())
}

/// Whether a letter is alone where a symbol would be: next to a digit, or as a capital.
fn is_lone(before: char, c: char, after: char) -> bool {
    let is_for_a_symbol = before == '0' || after == '0' || c.is_uppercase();
    is_letter(c) && !is_symbol(c) && !is_letter(before) && !is_letter(after) && is_for_a_symbol
}

/// Letters that are used as symbols.
fn is_symbol(c: char) -> bool {
    matches!(c, 'Ø' | 'ø' | 'º' | 'ª' | 'µ')
}

/// Whether a letter is a word of its own in French, Spanish, Italian or Portuguese.
fn is_one_letter_word(c: char) -> bool {
    matches!(c, 'à' | 'á' | 'è' | 'é' | 'ó')
}

/// Counts of a text's letters by script, to distinguish East Asian encodings.
#[derive(Debug, Default)]
pub struct EastAsian {
    hangul: u64,
    kana: u64,
    han: u64,
}

impl EastAsian {
    pub fn note(&mut self, c: char) {
        match script_of(c) {
            Script::Hangul => self.hangul += 1,
            Script::Kana => self.kana += 1,
            Script::Han => self.han += 1,
            _ => {}
        }
    }

    /// Whether the text looks like the language written in this encoding. The same bytes are nearly always valid in the
    /// other encodings too, but hardly ever as characters in use.
    pub fn fits(&self, encoding: &'static Encoding) -> bool {
        let all = self.hangul + self.kana + self.han;
        if encoding == EUC_KR {
            self.hangul * 2 > all
        } else if encoding == EUC_JP || encoding == SHIFT_JIS {
            self.kana * 10 > all && self.hangul == 0
        } else if encoding == GB18030 || encoding == BIG5 {
            self.han * 2 > all && self.kana * 20 <= all
        } else {
            true
        }
    }
}

/// The name of an encoding for people, with its technical name.
pub fn name_of(encoding: &'static Encoding) -> String {
    let people = match encoding.name() {
        "windows-1250" | "ISO-8859-2" | "ISO-8859-16" => "Central European",
        "windows-1251" | "KOI8-R" | "KOI8-U" | "IBM866" | "ISO-8859-5" | "x-mac-cyrillic" => "Cyrillic",
        "windows-1252" | "ISO-8859-15" | "macintosh" => "Western European",
        "windows-1253" | "ISO-8859-7" => "Greek",
        "windows-1254" => "Turkish",
        "windows-1255" | "ISO-8859-8" | "ISO-8859-8-I" => "Hebrew",
        "windows-1256" | "ISO-8859-6" => "Arabic",
        "windows-1257" | "ISO-8859-4" | "ISO-8859-13" => "Baltic",
        "windows-1258" => "Vietnamese",
        "windows-874" => "Thai",
        "Shift_JIS" | "EUC-JP" | "ISO-2022-JP" => "Japanese",
        "EUC-KR" => "Korean",
        "GBK" | "gb18030" => "Simplified Chinese",
        "Big5" => "Traditional Chinese",
        name => return name.replace("windows-", "Windows-"),
    };
    let name = if encoding == GB18030 { "GB18030" } else { encoding.name() };
    format!("{people} ({})", name.replace("windows-", "Windows-").replace("macintosh", "Macintosh"))
}

#[cfg(test)]
mod tests;
