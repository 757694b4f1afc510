//! The letters of a text file, whatever form they are in: found out from all of its bytes, then read as UTF-8.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::source::Source;
use crate::message::{Refusal, Rule};

const CHUNK_BYTES: usize = 64 * 1024;

/// Marks at the start of a file, in the order to look for them.
const MARKS: [(&[u8], &Encoding); 3] = [(b"\xEF\xBB\xBF", UTF_8), (b"\xFF\xFE", UTF_16LE), (b"\xFE\xFF", UTF_16BE)];

/// A text file whose letters can be told.
#[derive(Debug, Clone)]
pub struct Text {
    source: Source,
    encoding: &'static Encoding,
    /// Behind the mark.
    start: u64,
}

impl Text {
    /// Goes through the whole file once, so that what is read later is right to its end.
    pub fn open(source: &Source) -> Result<Text, Refusal> {
        let mut head = Vec::with_capacity(CHUNK_BYTES);
        source.again().take(CHUNK_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;
        let (start, encoding) = match MARKS.iter().find(|(mark, _)| head.starts_with(mark)) {
            Some((mark, encoding)) => (mark.len() as u64, Some(*encoding)),
            None => (0, utf16_without_mark(&head)),
        };
        let mut text = Text { source: source.again(), encoding: encoding.unwrap_or(UTF_8), start };
        if text.encoding == UTF_8 {
            let letters = text.look_at_letters().map_err(damaged)?;
            text.encoding = letters.tell(encoding.is_some())?;
        } else {
            text.check_utf16()?;
        }
        Ok(text)
    }

    pub fn is_windows_1252(&self) -> bool {
        self.encoding == WINDOWS_1252
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

    fn check_utf16(&self) -> Result<(), Refusal> {
        let mut input = self.source.again();
        input.seek(SeekFrom::Start(self.start)).map_err(damaged)?;
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let (mut chunk, mut out) = (vec![0; CHUNK_BYTES], vec![0; 4 * CHUNK_BYTES]);
        let (mut line, mut blank) = (1_u32, true);
        loop {
            let read = input.read(&mut chunk).map_err(damaged)?;
            let (_, _, written, wrong) = decoder.decode_to_utf8(&chunk[..read], &mut out, read == 0);
            if wrong {
                return Err(letters_unknown(line));
            }
            if out[..written].contains(&0) {
                return Err(not_text());
            }
            line = line.saturating_add(count_lines(&out[..written]));
            blank &= out[..written].trim_ascii().is_empty();
            if read == 0 {
                // By its bytes such a file has at least its mark, so this is not seen before.
                return if blank { Err(Refusal::new(Rule::FileEmpty, &[])) } else { Ok(()) };
            }
        }
    }
}

/// What the bytes of a file without a mark of UTF-16 say about its letters.
#[derive(Debug, Default)]
struct Letters {
    /// Letters beyond ASCII that are UTF-8, and bytes that are not.
    known: u64,
    unknown: u64,
    line: u32,
    first_unknown_line: Option<u32>,
    /// Bytes that no letter has in Windows-1252.
    undefined: bool,
    zeros: bool,
}

impl Letters {
    /// Returns how many bytes it took: a letter cut at the end waits for the rest of it.
    fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        self.zeros |= bytes.contains(&0);
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
            self.undefined |= !valid.is_ascii() && valid.iter().any(|&byte| has_no_letter(byte));
            self.line = self.line.saturating_add(count_lines(valid));
            at += good;
            if cut {
                return at;
            }
            self.unknown += 1;
            self.undefined |= bytes[at..at + skip].iter().any(|&byte| has_no_letter(byte));
            self.first_unknown_line.get_or_insert(self.line.saturating_add(1));
            at += skip;
            if at == bytes.len() {
                return at;
            }
        }
    }

    fn tell(&self, marked: bool) -> Result<&'static Encoding, Refusal> {
        if self.zeros {
            return Err(not_text());
        }
        match self.first_unknown_line {
            None => Ok(UTF_8),
            // Text that is UTF-8 but for a few letters was cut or patched together; as Windows-1252 all its other
            // letters would be wrong.
            Some(line) if marked || self.undefined || self.known > self.unknown => Err(letters_unknown(line)),
            Some(_) => Ok(WINDOWS_1252),
        }
    }
}

fn has_no_letter(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
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
        Text::open(&Source::new(file).unwrap())
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
            assert_eq!(text.is_windows_1252(), encoding == WINDOWS_1252);
        }
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
            // Bytes that are no letter in Windows-1252.
            (b"a\nb\x81\xFF\n".to_vec(), Rule::LettersUnknown, "line 2"),
            // Half a letter of two halves.
            (b"\xFF\xFEa\0\n\0\x00\xD8b\0".to_vec(), Rule::LettersUnknown, "line 1"),
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
