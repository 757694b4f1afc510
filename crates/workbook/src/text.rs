//! The letters of a text file, whatever form they are in: found out from all of its bytes, then read as UTF-8.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::{
    CoderResult, Decoder, DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};

use super::encoding::{EastAsian, Evidence, Found, WORDS_SHOWN, add_words, name_of};
use super::source::Source;
use inventory_base::message::{Note, Refusal, Rule};

const CHUNK_BYTES: usize = 64 * 1024;
const ESCAPE: u8 = 0x1B;
/// Where a text says which encoding it is in, if it does.
const DECLARED_BYTES: usize = 4 * 1024;

/// Marks at the start of a file, in the order to look for them.
const MARKS: [(&[u8], &Encoding); 3] = [(b"\xEF\xBB\xBF", UTF_8), (b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)];

/// A text file whose letters can be told.
#[derive(Debug, Clone)]
pub struct Text {
    source: Source,
    encoding: &'static Encoding,
    /// Behind the mark.
    start: u64,
    /// What is to be said of the encoding.
    note: Option<Note>,
}

/// How an encoding that is no Unicode came to be known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    ByRules,
    /// The file says so itself.
    Declared,
    Alike,
    Guessed,
}

impl Text {
    /// Goes through the whole file once, so that what is read later is right to its end. `set` is what the rules say of a
    /// file that is no Unicode.
    pub fn open(source: &Source, set: Option<&'static Encoding>) -> Result<Text, Refusal> {
        let mut head = Vec::with_capacity(CHUNK_BYTES);
        source.again().take(CHUNK_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;
        let (start, encoding) = match MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
            Some((mark, encoding)) => (mark.len() as u64, Some(*encoding)),
            None => (0, utf16_without_mark(&head)),
        };
        let mut text = Text { source: source.again(), encoding: encoding.unwrap_or(UTF_8), start, note: None };
        if text.encoding != UTF_8 {
            text.check_letters()?;
            return Ok(text);
        }
        let letters = text.look_at_letters().map_err(damaged)?;
        let declared = declared_in(&head[..head.len().min(DECLARED_BYTES)]);
        let Some(line) = letters.first_not_utf8(encoding.is_some(), set.or(declared))? else { return Ok(text) };
        let known = match (set, declared) {
            (Some(set), _) => (set, Known::ByRules),
            // XML that is not in the encoding it names is in none.
            (None, Some(declared)) if declared != UTF_8 || head.starts_with(b"<?xml") => (declared, Known::Declared),
            _ => text.find_encoding()?,
        };
        if known.0 == UTF_8 {
            return Err(letters_unknown(line));
        }
        text.encoding = known.0;
        let words = text.check_letters()?;
        text.note = Some(text.describe(known.1, &words));
        Ok(text)
    }

    /// What is to be said of how its letters were read.
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    fn find_encoding(&self) -> Result<(&'static Encoding, Known), Refusal> {
        let mut source = self.source.again();
        source.seek(SeekFrom::Start(self.start)).map_err(damaged)?;
        let mut evidence = Evidence::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match source.read(&mut chunk).map_err(damaged)? {
                0 => break,
                read => evidence.take(&chunk[..read]),
            }
        }
        match evidence.decide() {
            Found::Alike => Ok((WINDOWS_1252, Known::Alike)),
            Found::Guessed(encoding) => Ok((encoding, Known::Guessed)),
            Found::Unclear(words) => Err(unclear(&words)),
        }
    }

    fn describe(&self, known: Known, words: &[String]) -> Note {
        let words = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let words = if words.is_empty() { "(no such word)" } else { &words };
        let encoding = name_of(self.encoding);
        let (rule, by) = match known {
            Known::Alike => (Rule::ReadAsWindows1252, ""),
            Known::Guessed => (Rule::EncodingGuessed, ""),
            Known::ByRules => (Rule::EncodingSet, "the rules say"),
            Known::Declared => (Rule::EncodingSet, "the file itself says"),
        };
        Note::new(rule, &[("encoding", &encoding), ("words", words), ("by", by)])
    }

    /// The text in UTF-8, from behind the mark.
    pub fn reader(&self) -> io::Result<TextReader> {
        let mut source = self.source.again();
        source.seek(SeekFrom::Start(self.start))?;
        let decoding =
            (self.encoding != UTF_8).then(|| Decoding::new(self.encoding.new_decoder_without_bom_handling()));
        Ok(TextReader { input: BufReader::with_capacity(CHUNK_BYTES, source), decoding })
    }

    /// The whole of it, for the few forms that are not streamed.
    pub fn read_whole(&self) -> Result<String, Refusal> {
        let mut text = String::new();
        self.reader().and_then(|mut reader| reader.read_to_string(&mut text)).map_err(damaged)?;
        Ok(text)
    }

    fn look_at_letters(&self) -> io::Result<Letters> {
        let mut source = self.source.again();
        source.seek(SeekFrom::Start(self.start))?;
        let mut letters = Letters::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut kept = 0;
        loop {
            let read = source.read(&mut chunk[kept..])?;
            let end = kept + read;
            let used = letters.take(&chunk[..end], read == 0);
            if read == 0 {
                return Ok(letters);
            }
            chunk.copy_within(used..end, 0);
            kept = end - used;
        }
    }

    /// Reads all of it, to see that every letter is one of its encoding. Returns some words with letters beyond ASCII.
    fn check_letters(&self) -> Result<Vec<String>, Refusal> {
        let mut input = self.source.again();
        input.seek(SeekFrom::Start(self.start)).map_err(damaged)?;
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let (mut chunk, mut out) = (vec![0; CHUNK_BYTES], vec![0; 4 * CHUNK_BYTES]);
        let (mut line, mut blank, mut words, mut letters) = (1_u32, true, Vec::new(), EastAsian::default());
        let is_unicode = self.encoding == UTF_16LE || self.encoding == UTF_16BE;
        loop {
            let read = input.read(&mut chunk).map_err(damaged)?;
            let (result, _, written) = decoder.decode_to_utf8_without_replacement(&chunk[..read], &mut out, read == 0);
            let text = std::str::from_utf8(&out[..written]).map_err(damaged)?;
            if out[..written].contains(&0) {
                return Err(not_text());
            }
            let unknown = if is_unicode { None } else { text.find(is_no_letter) };
            if unknown.is_some() || result != DecoderResult::InputEmpty {
                let good = &out[..unknown.unwrap_or(written)];
                return Err(letters_unknown(line.saturating_add(count_lines(good))));
            }
            line = line.saturating_add(count_lines(&out[..written]));
            blank &= text.trim_ascii().is_empty();
            if !is_unicode && !text.is_ascii() {
                text.chars().for_each(|c| letters.note(c));
                add_words(&mut words, text);
            }
            if read == 0 {
                break;
            }
        }
        if blank {
            // By its bytes such a file has at least its mark, so this is not seen before.
            return Err(Refusal::new(Rule::FileEmpty, &[]));
        }
        if !letters.fits(self.encoding) { Err(unclear(&words)) } else { Ok(words) }
    }
}

/// What some encodings have in places that they do not use: control characters, and what each program shows otherwise.
fn is_no_letter(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fffd}')
}

/// The encoding that a web page or XML names at its beginning, where it is one.
fn declared_in(head: &[u8]) -> Option<&'static Encoding> {
    let text = head.trim_ascii_start();
    if !text.starts_with(b"<") {
        return None;
    }
    let name: &[u8] = if text.starts_with(b"<?xml") { b"encoding" } else { b"charset" };
    let text = if text.starts_with(b"<?xml") { text.split(|byte| *byte == b'>').next()? } else { text };
    let at = text.windows(name.len()).position(|part| part.eq_ignore_ascii_case(name))?;
    let value = text[at + name.len()..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|byte| b"\"'>;/ \t\r\n".contains(byte)).unwrap_or(value.len());
    Encoding::for_label_no_replacement(&value[..end]).filter(|named| named.is_ascii_compatible())
}

/// What the bytes of a file without a mark of UTF-16 say about its letters.
#[derive(Debug, Default)]
struct Letters {
    /// Letters beyond ASCII that are UTF-8, and bytes that are not.
    known: u64,
    unknown: u64,
    line: u32,
    first_unknown_line: Option<u32>,
    /// By which some encodings of Japanese leave ASCII without a byte beyond it.
    escapes: bool,
    zeros: bool,
}

impl Letters {
    /// Returns how many bytes it took: a letter cut at the end waits for the rest of it.
    fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        self.zeros |= bytes.contains(&0);
        self.escapes |= bytes.contains(&ESCAPE);
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let (good, skip, cut) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), 0, true),
                Err(error) => match error.error_len() {
                    None if !last => (error.valid_up_to(), 0, true),
                    wrong => (error.valid_up_to(), wrong.unwrap_or(rest.len() - error.valid_up_to()), false),
                },
            };
            let valid = &rest[..good];
            if !valid.is_ascii() {
                self.known += valid.iter().filter(|&&byte| byte >= 0xC0).count() as u64;
            }
            self.line = self.line.saturating_add(count_lines(valid));
            at += good;
            if cut {
                return at;
            }
            self.unknown += 1;
            self.first_unknown_line.get_or_insert(self.line.saturating_add(1));
            at += skip;
            if at == bytes.len() {
                return at;
            }
        }
    }

    /// The line of the first letter that is not UTF-8, where the text can be in another encoding. `named` is the one that
    /// the rules or the file name.
    fn first_not_utf8(&self, marked: bool, named: Option<&'static Encoding>) -> Result<Option<u32>, Refusal> {
        if self.zeros {
            return Err(not_text());
        }
        match self.first_unknown_line {
            None if self.escapes && self.known == 0 && !marked => match named {
                Some(named) if named == ISO_2022_JP => Ok(Some(1)),
                _ => Err(unclear(&[])),
            },
            None => Ok(None),
            // Text that is UTF-8 but for a few letters was cut or patched together; in another encoding all its other
            // letters would be wrong.
            Some(line) if marked || self.known > self.unknown => Err(letters_unknown(line)),
            Some(line) => Ok(Some(line)),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|&&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Every other byte a zero: UTF-16 without its mark, as some systems export it. Text in Latin letters has nearly all of
/// its zeros on one side.
pub fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    if !head.contains(&0) {
        return None;
    }
    let zeros = |bytes: &mut dyn Iterator<Item = &u8>| bytes.filter(|&&byte| byte == 0).count();
    let even = zeros(&mut head.iter().step_by(2));
    let odd = zeros(&mut head.iter().skip(1).step_by(2));
    let (few, many) = (even.min(odd), even.max(odd));
    if many < head.len() * 2 / 5 || few > many / 20 {
        return None;
    }
    Some(if odd > even { UTF_16LE } else { UTF_16BE })
}

/// A text in UTF-8, whatever it is in the file.
pub struct TextReader {
    input: BufReader<Source>,
    decoding: Option<Decoding>,
}

struct Decoding {
    decoder: Decoder,
    /// Decoded and not yet handed over, from `at` on.
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl TextReader {
    /// Passes over so many bytes of the text as it is handed over.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        io::copy(&mut self.by_ref().take(bytes), &mut io::sink()).map(|_| ())
    }
}

impl Decoding {
    fn new(decoder: Decoder) -> Decoding {
        Decoding { decoder, ready: Vec::new(), at: 0, ended: false }
    }

    fn fill(&mut self, input: &mut BufReader<Source>) -> io::Result<()> {
        self.at = 0;
        self.ready.clear();
        while self.ready.is_empty() && !self.ended {
            let available = input.fill_buf()?;
            let last = available.is_empty();
            self.ready.resize(CHUNK_BYTES, 0);
            let (result, read, written, _) = self.decoder.decode_to_utf8(available, &mut self.ready, last);
            self.ready.truncate(written);
            self.ended = last && result == CoderResult::InputEmpty;
            input.consume(read);
        }
        Ok(())
    }
}

impl Read for TextReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoding) = &mut self.decoding else {
            return self.input.read(out);
        };
        if decoding.at == decoding.ready.len() {
            decoding.fill(&mut self.input)?;
        }
        let length = (&decoding.ready[decoding.at..]).read(out)?;
        decoding.at += length;
        Ok(length)
    }
}

fn damaged<E>(_: E) -> Refusal {
    Refusal::new(Rule::FileDamaged, &[])
}

fn not_text() -> Refusal {
    Refusal::new(Rule::FileIsOtherKind, &[("kind", "of a kind that is not known here")])
}

/// `readings` are some of what a word of it could be.
fn unclear(readings: &[String]) -> Refusal {
    let readings: Vec<String> = readings.iter().take(WORDS_SHOWN).map(|word| format!("\"{word}\"")).collect();
    let example = if readings.is_empty() { String::new() } else { format!(", for example {}", readings.join(" or ")) };
    Refusal::new(Rule::EncodingUnclear, &[("example", &example)])
}

fn letters_unknown(line: u32) -> Refusal {
    Refusal::new(Rule::LettersUnknown, &[("row", &line.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn open(bytes: &[u8]) -> Result<Text, Refusal> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Text::open(&Source::try_from(file).unwrap(), None)
    }

    fn utf16(text: &str, mark: bool, turn: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()).flat_map(turn).collect()
    }

    #[test]
    fn letters_are_read_in_whatever_form_they_are() {
        let text = "SKU;Größe;Preis\r\nA-17;Füße 😀;12,50 €\r\n";
        let latin = "SKU;Größe;Preis\r\nA-17;Füße;12,50 €\r\n";
        let cases: Vec<(Vec<u8>, &str, &Encoding)> = vec![
            (text.into(), text, UTF_8),
            (format!("\u{FEFF}{text}").into(), text, UTF_8),
            (utf16(text, true, u16::to_le_bytes), text, UTF_16LE),
            (utf16(text, true, u16::to_be_bytes), text, UTF_16BE),
            (utf16(text, false, u16::to_le_bytes), text, UTF_16LE),
            (utf16(text, false, u16::to_be_bytes), text, UTF_16BE),
            (WINDOWS_1252.encode(latin).0.into_owned(), latin, WINDOWS_1252),
            (b"caf\xE9".to_vec(), "café", WINDOWS_1252),
            (b"plain".to_vec(), "plain", UTF_8),
            (b"".to_vec(), "", UTF_8),
        ];
        for (bytes, expected, encoding) in cases {
            let text = open(&bytes).unwrap();
            assert_eq!((text.read_whole().unwrap().as_str(), text.encoding), (expected, encoding));
            let told = text.note().map(|note| note.rule);
            assert_eq!(told, (encoding == WINDOWS_1252).then_some(Rule::ReadAsWindows1252));
        }
    }

    #[test]
    fn a_page_is_read_as_it_says_unless_it_is_unicode() {
        let page = |encoding: &str, bytes: &[u8]| {
            let head = format!(
                "<html><head><meta http-equiv=Content-Type content='text/html; charset={encoding}'></head><table>"
            );
            [head.as_bytes(), b"<tr><td>", bytes, b"</td></tr></table></html>"].concat()
        };
        let cases: [(&str, &[u8], &str, Option<Rule>); 5] = [
            ("windows-1250", b"\x8Cruba", "Śruba", Some(Rule::EncodingSet)),
            ("Shift_JIS", b"\x83\x7B\x83\x8B\x83\x67", "ボルト", Some(Rule::EncodingSet)),
            ("windows-1250", "Śruba".as_bytes(), "Śruba", None),
            // One that says UTF-8 and is not, and one that says nothing known, are read as any other text.
            ("utf-8", b"Gr\xF6\xDFe", "Größe", Some(Rule::ReadAsWindows1252)),
            ("x", b"Gr\xF6\xDFe", "Größe", Some(Rule::ReadAsWindows1252)),
        ];
        for (encoding, bytes, word, rule) in cases {
            let text = open(&page(encoding, bytes)).unwrap();
            assert!(text.read_whole().unwrap().contains(&format!("<td>{word}<")), "{encoding}");
            assert_eq!(text.note().map(|note| note.rule), rule, "{encoding}");
        }
        let refusal = open(&page("shift_jis", b"\x83\x20")).unwrap_err();
        assert_eq!(refusal.rule, Rule::LettersUnknown);
    }

    #[test]
    fn letters_at_the_edge_of_what_is_read_at_once_are_whole() {
        for shift in 0..5 {
            let text = "x".repeat(shift) + &"aü€😀\n".repeat(30_000);
            assert_eq!(open(text.as_bytes()).unwrap().read_whole().unwrap(), text);
            assert_eq!(open(&utf16(&text, true, u16::to_le_bytes)).unwrap().read_whole().unwrap(), text);
        }
    }

    #[test]
    fn text_that_is_neither_is_refused_with_its_line() {
        let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
            // UTF-8 by its mark, or by most of its letters.
            (b"\xEF\xBB\xBFa\n\nGr\xF6\xDFe\n".to_vec(), Rule::LettersUnknown, "line 3"),
            ("Größe Füße\nL\u{e4}nge ".bytes().chain([0xFF]).collect(), Rule::LettersUnknown, "line 2"),
            // A DOS file: no letters in any encoding that is known here, or marks within a word.
            (b"SKU;Name\nA;M\x81ller\nB;Gr\x94\xE1e\nC;L\x84nge\n".to_vec(), Rule::EncodingUnclear, "reliably"),
            // Japanese of seven bits.
            (b"SKU,Name\nA,\x1B$B%\\%k%H\x1B(B\n".to_vec(), Rule::EncodingUnclear, "reliably"),
            // Half a letter of two halves.
            (b"\xFF\xFEa\0\n\0\x00\xD8b\0".to_vec(), Rule::LettersUnknown, "line 2"),
            (b"a,b\nc\0,d\n".to_vec(), Rule::FileIsOtherKind, "not known"),
        ];
        for (bytes, rule, words) in cases {
            let refusal = open(&bytes).unwrap_err();
            assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
            assert!(refusal.message.contains(words), "{}", refusal.message);
        }
    }

    #[test]
    fn a_file_of_blanks_alone_is_empty_in_utf_16_too() {
        for turn in [u16::to_le_bytes, u16::to_be_bytes] {
            for text in ["", "\r\n", "\t \r\n"] {
                assert_eq!(open(&utf16(text, true, turn)).unwrap_err().rule, Rule::FileEmpty, "{text:?}");
            }
            // Of the same bytes as blanks, and none.
            assert!(open(&utf16("\u{2020}", true, turn)).is_ok());
        }
    }

    #[test]
    fn a_part_of_the_text_can_be_passed_over() {
        let text = open(&utf16("aü€x", true, u16::to_le_bytes)).unwrap();
        let mut reader = text.reader().unwrap();
        reader.skip("aü€".len() as u64).unwrap();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "x");
    }
}
