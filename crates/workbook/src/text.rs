//! Text files in any encoding: detected from all bytes of the file, then read as UTF-8.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::{
    CoderResult, Decoder, DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};

use super::encoding::{EastAsian, Evidence, Found, WORDS_SHOWN, add_words, name_of};
use super::source::Source;
use inventory_base::message::{Note, Refusal, Rule};

const CHUNK_BYTES: usize = 64 * 1024;
const ESCAPE: u8 = 0x1B;
/// The part of a text in which it may declare its encoding.
const DECLARED_BYTES: usize = 4 * 1024;

/// Byte order marks, in the order to look for them.
const MARKS: [(&[u8], &Encoding); 3] = [(b"\xEF\xBB\xBF", UTF_8), (b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)];

/// A text file whose encoding is known.
#[derive(Debug, Clone)]
pub struct Text {
    source: Source,
    encoding: &'static Encoding,
    /// After the byte order mark.
    start: u64,
    /// A note on the encoding, if there is something to say.
    note: Option<Note>,
}

/// How the encoding of a text that is not Unicode is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EncodingSource {
    ByRules,
    /// The file declares it.
    Declared,
    Alike,
    Guessed,
}

impl Text {
    /// Reads the whole file once, so that later reading cannot fail at its end. `set` is the encoding that the rules
    /// give for files that are not Unicode.
    pub fn open(source: &Source, set: Option<&'static Encoding>) -> Result<Text, Refusal> {
        let mut head = Vec::with_capacity(CHUNK_BYTES);
        source.from_start().take(CHUNK_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;
        let (start, encoding) = match MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
            Some((mark, encoding)) => (mark.len() as u64, Some(*encoding)),
            None => (0, utf16_without_bom(&head)),
        };
        let mut text = Text { source: source.from_start(), encoding: encoding.unwrap_or(UTF_8), start, note: None };
        if text.encoding != UTF_8 {
            text.check_characters()?;
            return Ok(text);
        }
        let scan = text.scan_utf8().map_err(damaged)?;
        let declared = declared_in(&head[..head.len().min(DECLARED_BYTES)]);
        let Some(line) = scan.first_not_utf8(encoding.is_some(), set.or(declared))? else { return Ok(text) };
        let (encoding, found_by) = match (set, declared) {
            (Some(set), _) => (set, EncodingSource::ByRules),
            // XML that is not in the encoding it declares is damaged, so no other is tried.
            (None, Some(declared)) if declared != UTF_8 || head.starts_with(b"<?xml") => {
                (declared, EncodingSource::Declared)
            }
            _ => text.find_encoding()?,
        };
        if encoding == UTF_8 {
            return Err(unreadable_text(line));
        }
        text.encoding = encoding;
        let words = text.check_characters()?;
        text.note = Some(text.describe(found_by, &words));
        Ok(text)
    }

    /// A note on how its characters were decoded.
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    fn find_encoding(&self) -> Result<(&'static Encoding, EncodingSource), Refusal> {
        let mut source = self.source.from_start();
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
            Found::Alike => Ok((WINDOWS_1252, EncodingSource::Alike)),
            Found::Guessed(encoding) => Ok((encoding, EncodingSource::Guessed)),
            Found::Unclear(words) => Err(unclear(&words)),
        }
    }

    fn describe(&self, source: EncodingSource, words: &[String]) -> Note {
        let words = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let words = if words.is_empty() { "(none to show)" } else { &words };
        let encoding = name_of(self.encoding);
        let (rule, by) = match source {
            EncodingSource::Alike => (Rule::ReadAsWindows1252, ""),
            EncodingSource::Guessed => (Rule::EncodingGuessed, ""),
            EncodingSource::ByRules => (Rule::EncodingSet, "the rules say"),
            EncodingSource::Declared => (Rule::EncodingSet, "the file itself says"),
        };
        Note::new(rule, &[("encoding", &encoding), ("words", words), ("by", by)])
    }

    /// The text in UTF-8, after the byte order mark.
    pub fn reader(&self) -> io::Result<TextReader> {
        let mut source = self.source.from_start();
        source.seek(SeekFrom::Start(self.start))?;
        let decoding =
            (self.encoding != UTF_8).then(|| Decoding::new(self.encoding.new_decoder_without_bom_handling()));
        Ok(TextReader { input: BufReader::with_capacity(CHUNK_BYTES, source), decoding })
    }

    /// The whole text, for the few formats that are not streamed.
    pub fn read_whole(&self) -> Result<String, Refusal> {
        let mut text = String::new();
        self.reader().and_then(|mut reader| reader.read_to_string(&mut text)).map_err(damaged)?;
        Ok(text)
    }

    fn scan_utf8(&self) -> io::Result<Utf8Scan> {
        let mut source = self.source.from_start();
        source.seek(SeekFrom::Start(self.start))?;
        let mut scan = Utf8Scan::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut kept = 0;
        loop {
            let read = source.read(&mut chunk[kept..])?;
            let end = kept + read;
            let used = scan.take(&chunk[..end], read == 0);
            if read == 0 {
                return Ok(scan);
            }
            chunk.copy_within(used..end, 0);
            kept = end - used;
        }
    }

    /// Decodes the whole text to check that every character is valid in its encoding. Returns some words with
    /// characters beyond ASCII.
    fn check_characters(&self) -> Result<Vec<String>, Refusal> {
        let mut input = self.source.from_start();
        input.seek(SeekFrom::Start(self.start)).map_err(damaged)?;
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let (mut chunk, mut out) = (vec![0; CHUNK_BYTES], vec![0; 4 * CHUNK_BYTES]);
        let (mut line, mut blank, mut words, mut scripts) = (1_u32, true, Vec::new(), EastAsian::default());
        let is_unicode = self.encoding == UTF_16LE || self.encoding == UTF_16BE;
        loop {
            let read = input.read(&mut chunk).map_err(damaged)?;
            let (result, _, written) = decoder.decode_to_utf8_without_replacement(&chunk[..read], &mut out, read == 0);
            let text = std::str::from_utf8(&out[..written]).map_err(damaged)?;
            if out[..written].contains(&0) {
                return Err(not_text());
            }
            let unused = if is_unicode { None } else { text.find(is_not_text) };
            if unused.is_some() || result != DecoderResult::InputEmpty {
                let good = &out[..unused.unwrap_or(written)];
                return Err(unreadable_text(line.saturating_add(count_lines(good))));
            }
            line = line.saturating_add(count_lines(&out[..written]));
            blank &= text.trim_ascii().is_empty();
            if !is_unicode && !text.is_ascii() {
                text.chars().for_each(|c| scripts.note(c));
                add_words(&mut words, text);
            }
            if read == 0 {
                break;
            }
        }
        if blank {
            // Such a file has at least a byte order mark, so the check on its bytes does not find it empty.
            return Err(Refusal::new(Rule::FileEmpty, &[]));
        }
        if !scripts.fits(self.encoding) { Err(unclear(&words)) } else { Ok(words) }
    }
}

/// Whether a character stands for a position that its encoding does not use: decoders map these to control, private-use
/// or replacement characters.
fn is_not_text(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fffd}')
}

/// The encoding that a web page or XML declares at its beginning, if any.
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

/// The result of scanning a file without a UTF-16 mark as UTF-8.
#[derive(Debug, Default)]
struct Utf8Scan {
    /// Characters beyond ASCII that are valid UTF-8, and bytes that are not.
    valid: u64,
    invalid: u64,
    line: u32,
    first_invalid_line: Option<u32>,
    /// Escape characters, by which some Japanese encodings switch from ASCII without a byte beyond it.
    escapes: bool,
    zeros: bool,
}

impl Utf8Scan {
    /// Returns how many bytes it took: a character cut off at the end waits for its rest.
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
            let text = &rest[..good];
            if !text.is_ascii() {
                self.valid += text.iter().filter(|&&byte| byte >= 0xC0).count() as u64;
            }
            self.line = self.line.saturating_add(count_lines(text));
            at += good;
            if cut {
                return at;
            }
            self.invalid += 1;
            self.first_invalid_line.get_or_insert(self.line.saturating_add(1));
            at += skip;
            if at == bytes.len() {
                return at;
            }
        }
    }

    /// The line of the first character that is not UTF-8, if the text can be in another encoding. `named` is the
    /// encoding that the rules or the file name.
    fn first_not_utf8(&self, marked: bool, named: Option<&'static Encoding>) -> Result<Option<u32>, Refusal> {
        if self.zeros {
            return Err(not_text());
        }
        match self.first_invalid_line {
            None if self.escapes && self.valid == 0 && !marked => match named {
                Some(named) if named == ISO_2022_JP => Ok(Some(1)),
                _ => Err(unclear(&[])),
            },
            None => Ok(None),
            // Text that is UTF-8 except for a few characters was truncated or patched together; in another encoding all
            // its other characters would be wrong.
            Some(line) if marked || self.valid > self.invalid => Err(unreadable_text(line)),
            Some(line) => Ok(Some(line)),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|&&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Detects UTF-16 without a byte order mark, as some systems export it: text in Latin letters then has a zero in nearly
/// every other byte, on one side.
pub fn utf16_without_bom(head: &[u8]) -> Option<&'static Encoding> {
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

/// Reads a text as UTF-8, whatever its encoding in the file.
pub struct TextReader {
    input: BufReader<Source>,
    decoding: Option<Decoding>,
}

struct Decoding {
    decoder: Decoder,
    /// Decoded and not yet passed on, from `at` on.
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl TextReader {
    /// Skips this many bytes of the decoded text.
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
    Refusal::new(Rule::FileIsOtherKind, &[("kind", "of an unknown kind")])
}

/// `readings` are possible readings of one of its words.
fn unclear(readings: &[String]) -> Refusal {
    let readings: Vec<String> = readings.iter().take(WORDS_SHOWN).map(|word| format!("\"{word}\"")).collect();
    let example = if readings.is_empty() { String::new() } else { format!(", for example {}", readings.join(" or ")) };
    Refusal::new(Rule::EncodingUnclear, &[("example", &example)])
}

fn unreadable_text(line: u32) -> Refusal {
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

    fn utf16(text: &str, mark: bool, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    }

    #[test]
    fn text_is_read_in_every_supported_encoding() {
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
            let noted = text.note().map(|note| note.rule);
            assert_eq!(noted, (encoding == WINDOWS_1252).then_some(Rule::ReadAsWindows1252));
        }
    }

    #[test]
    fn a_page_is_read_in_its_declared_encoding_unless_it_is_unicode() {
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
            // Text that declares UTF-8 but is not, and text that declares nothing known, is read like any other.
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
    fn characters_at_chunk_boundaries_are_decoded_whole() {
        for shift in 0..5 {
            let text = "x".repeat(shift) + &"aü€😀\n".repeat(30_000);
            assert_eq!(open(text.as_bytes()).unwrap().read_whole().unwrap(), text);
            assert_eq!(open(&utf16(&text, true, u16::to_le_bytes)).unwrap().read_whole().unwrap(), text);
        }
    }

    #[test]
    fn undecodable_text_is_refused_with_its_line() {
        let cases: Vec<(Vec<u8>, Rule, &str)> = vec![
            // UTF-8 by its mark, or by most of its characters.
            (b"\xEF\xBB\xBFa\n\nGr\xF6\xDFe\n".to_vec(), Rule::LettersUnknown, "line 3"),
            ("Größe Füße\nL\u{e4}nge ".bytes().chain([0xFF]).collect(), Rule::LettersUnknown, "line 2"),
            // A DOS file: in every supported encoding its bytes are unused, or symbols within a word.
            (b"SKU;Name\nA;M\x81ller\nB;Gr\x94\xE1e\nC;L\x84nge\n".to_vec(), Rule::EncodingUnclear, "reliably"),
            // 7-bit Japanese.
            (b"SKU,Name\nA,\x1B$B%\\%k%H\x1B(B\n".to_vec(), Rule::EncodingUnclear, "reliably"),
            // Half of a surrogate pair.
            (b"\xFF\xFEa\0\n\0\x00\xD8b\0".to_vec(), Rule::LettersUnknown, "line 2"),
            (b"a,b\nc\0,d\n".to_vec(), Rule::FileIsOtherKind, "of an unknown kind"),
        ];
        for (bytes, rule, words) in cases {
            let refusal = open(&bytes).unwrap_err();
            assert_eq!(refusal.rule, rule, "{words}: {}", refusal.message);
            assert!(refusal.message.contains(words), "{}", refusal.message);
        }
    }

    #[test]
    fn a_file_of_only_whitespace_is_empty_in_utf_16_too() {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            for text in ["", "\r\n", "\t \r\n"] {
                assert_eq!(open(&utf16(text, true, to_bytes)).unwrap_err().rule, Rule::FileEmpty, "{text:?}");
            }
            // Not blank, although made of the same bytes as spaces.
            assert!(open(&utf16("\u{2020}", true, to_bytes)).is_ok());
        }
    }

    #[test]
    fn the_start_of_the_text_can_be_skipped() {
        let text = open(&utf16("aü€x", true, u16::to_le_bytes)).unwrap();
        let mut reader = text.reader().unwrap();
        reader.skip("aü€".len() as u64).unwrap();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "x");
    }
}
