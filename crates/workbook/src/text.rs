//! Text files in any encoding: detected from all bytes of the file, then read as UTF-8.

mod reader;
mod utf8_scan;

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::encoding::{EastAsian, Evidence, Found, WORDS_SHOWN, add_words, name_of};
use super::source::Source;
use inventory_base::message::{Note, Refusal, note, refusal};

pub use reader::TextReader;
use utf8_scan::{Utf8Scan, count_lines};

const CHUNK_BYTES: usize = 64 * 1024;
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
        match source {
            EncodingSource::Alike => note!(ReadAsWindows1252),
            EncodingSource::Guessed => note!(EncodingGuessed { encoding, words }),
            EncodingSource::ByRules => note!(EncodingSet { encoding, words, by: "the rules say" }),
            EncodingSource::Declared => note!(EncodingSet { encoding, words, by: "the file itself says" }),
        }
    }

    /// The text in UTF-8, after the byte order mark.
    pub fn reader(&self) -> io::Result<TextReader> {
        let mut source = self.source.from_start();
        source.seek(SeekFrom::Start(self.start))?;
        Ok(TextReader::new(source, self.encoding))
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
            return Err(refusal!(FileEmpty));
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

fn damaged<E>(_: E) -> Refusal {
    refusal!(FileDamaged)
}

fn not_text() -> Refusal {
    refusal!(FileIsOtherKind { kind: "of an unknown kind" })
}

/// `readings` are possible readings of one of its words.
fn unclear(readings: &[String]) -> Refusal {
    let readings: Vec<String> = readings.iter().take(WORDS_SHOWN).map(|word| format!("\"{word}\"")).collect();
    let example = if readings.is_empty() { String::new() } else { format!(", for example {}", readings.join(" or ")) };
    refusal!(EncodingUnclear { example })
}

fn unreadable_text(line: u32) -> Refusal {
    refusal!(LettersUnknown { row: line })
}

#[cfg(test)]
mod tests;
