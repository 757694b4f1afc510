//! Texts in records: UTF-16 from Excel 97 on, a code page before that, continued in the next record when one is full.

use encoding_rs::{self as encodings, Encoding};

use super::{CONTINUE, Records};
use crate::xlsb::records::Body;

/// The encoding of a workbook's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-16, or its lower bytes only.
    Unicode,
    /// A code page; `None` if it is not supported.
    CodePage(Option<&'static Encoding>),
}

impl TextEncoding {
    pub fn of_code_page(number: u16) -> TextEncoding {
        TextEncoding::CodePage(match number {
            367 | 1252 | 32769 => Some(encodings::WINDOWS_1252),
            866 => Some(encodings::IBM866),
            874 => Some(encodings::WINDOWS_874),
            932 => Some(encodings::SHIFT_JIS),
            936 => Some(encodings::GBK),
            949 => Some(encodings::EUC_KR),
            950 => Some(encodings::BIG5),
            1250 => Some(encodings::WINDOWS_1250),
            1251 => Some(encodings::WINDOWS_1251),
            1253 => Some(encodings::WINDOWS_1253),
            1254 => Some(encodings::WINDOWS_1254),
            1255 => Some(encodings::WINDOWS_1255),
            1256 => Some(encodings::WINDOWS_1256),
            1257 => Some(encodings::WINDOWS_1257),
            1258 => Some(encodings::WINDOWS_1258),
            10000 | 32768 => Some(encodings::MACINTOSH),
            10007 => Some(encodings::X_MAC_CYRILLIC),
            _ => None,
        })
    }
}

/// Reads the body of a record and of the records that continue it.
pub struct Pieces<'a> {
    piece: &'a [u8],
    next: Records<'a>,
}

impl<'a> Pieces<'a> {
    /// `next` is the records after the one whose body this is (the rest of it, if some was already read).
    pub(super) fn new(body: &'a [u8], next: Records<'a>) -> Pieces<'a> {
        Pieces { piece: body, next }
    }

    fn next_record(&mut self) -> Option<()> {
        let record = self.next.next()?.ok().filter(|record| record.kind == CONTINUE)?;
        self.piece = record.body.0;
        Some(())
    }

    pub fn is_at_end(&mut self) -> bool {
        while self.piece.is_empty() {
            if self.next_record().is_none() {
                return true;
            }
        }
        false
    }

    fn u8(&mut self) -> Option<u8> {
        if self.is_at_end() {
            return None;
        }
        let (first, rest) = self.piece.split_first()?;
        self.piece = rest;
        Some(*first)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    /// Passes on `count` bytes, piece by piece.
    fn bytes(&mut self, mut count: usize, mut take: impl FnMut(&[u8])) -> Option<()> {
        while count > 0 {
            if self.is_at_end() {
                return None;
            }
            let (these, rest) = self.piece.split_at(count.min(self.piece.len()));
            self.piece = rest;
            take(these);
            count -= these.len();
        }
        Some(())
    }

    /// Reads a text whose length is in two bytes before it.
    pub fn text(&mut self, encoding: TextEncoding) -> Option<String> {
        let length = usize::from(self.u16()?);
        self.rest_of_text(length, encoding)
    }

    /// Reads a text whose length is in one byte before it: names of sheets and fonts.
    pub fn short_text(&mut self, encoding: TextEncoding) -> Option<String> {
        let length = usize::from(self.u8()?);
        self.rest_of_text(length, encoding)
    }

    fn rest_of_text(&mut self, length: usize, encoding: TextEncoding) -> Option<String> {
        match encoding {
            TextEncoding::Unicode => self.unicode(length),
            TextEncoding::CodePage(code_page) => {
                let mut bytes = Vec::new();
                self.bytes(length, |piece| bytes.extend_from_slice(piece))?;
                match code_page {
                    Some(code_page) => Some(code_page.decode_without_bom_handling(&bytes).0.into_owned()),
                    None => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
                }
            }
        }
    }

    /// After the length come flags, the number of formatting runs, the size of the phonetic data; then the text, the
    /// runs and the phonetic data.
    fn unicode(&mut self, length: usize) -> Option<String> {
        const WIDE: u8 = 1;
        const WITH_MORE: u8 = 4;
        const WITH_RUNS: u8 = 8;
        if length == 0 && self.is_at_end() {
            return Some(String::new());
        }
        let flags = self.u8()?;
        let runs = if flags & WITH_RUNS != 0 { 4 * usize::from(self.u16()?) } else { 0 };
        let more = if flags & WITH_MORE != 0 { self.u32()? as usize } else { 0 };
        let mut wide = flags & WIDE != 0;
        let mut units: Vec<u16> = Vec::new();
        while units.len() < length {
            // Where the text continues in the next record, that record says again how wide its characters are.
            if self.piece.is_empty() {
                self.next_record()?;
                wide = self.u8()? & WIDE != 0;
                continue;
            }
            let left = length - units.len();
            if wide {
                let taken = 2 * left.min(self.piece.len() / 2);
                if taken == 0 {
                    return None;
                }
                let (these, rest) = self.piece.split_at(taken);
                units.extend(these.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)));
                self.piece = rest;
            } else {
                let (these, rest) = self.piece.split_at(left.min(self.piece.len()));
                units.extend(these.iter().map(|byte| u16::from(*byte)));
                self.piece = rest;
            }
        }
        self.bytes(runs.checked_add(more)?, |_| ())?;
        Some(String::from_utf16_lossy(&units))
    }
}

/// Reads the text that starts here, including its continuation in the following records.
pub(super) fn text_at(body: Body<'_>, at: usize, next: Records<'_>, encoding: TextEncoding) -> Option<String> {
    Pieces::new(body.0.get(at..)?, next).text(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_test_files::xls::record;

    fn all(stream: &[u8], encoding: TextEncoding) -> Option<Vec<String>> {
        let mut records = Records::from(stream, 0);
        let mut pieces = Pieces::new(records.next()?.ok()?.body.0, records);
        let mut texts = Vec::new();
        while !pieces.is_at_end() {
            texts.push(pieces.text(encoding)?);
        }
        Some(texts)
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_text_may_continue_in_the_next_record_with_another_character_width() {
        let stream = [
            record(0xFC, &[&[5, 0, 0][..], b"Gr"].concat()),
            record(CONTINUE, &[vec![1], wide("öße"), vec![2, 0, 1], wide("Š")].concat()),
            record(CONTINUE, &[vec![0], b"k".to_vec(), vec![1, 0]].concat()),
            record(CONTINUE, &[0, b'x']),
            record(0x0A, &[]),
        ];
        assert_eq!(all(&stream.concat(), TextEncoding::Unicode).unwrap(), ["Größe", "Šk", "x"]);
        // A surrogate pair split by the end of a record is still one character.
        let bolt = wide("🔩");
        let stream = [record(0xFC, &[&[2, 0, 1], &bolt[..2]].concat()), record(CONTINUE, &[&[1], &bolt[2..]].concat())];
        assert_eq!(all(&stream.concat(), TextEncoding::Unicode).unwrap(), ["🔩"]);
    }

    #[test]
    fn fonts_and_phonetic_readings_are_not_part_of_a_text() {
        let rich = [&[2, 0, 8 | 4, 2, 0, 3, 0, 0, 0][..], b"M8", &[7; 8], &[9; 3]].concat();
        let plain = [&[1, 0, 0][..], b"A"].concat();
        let whole = [rich.clone(), plain.clone()].concat();
        assert_eq!(all(&record(0xFC, &whole), TextEncoding::Unicode).unwrap(), ["M8", "A"]);
        // If the split is in the runs or phonetic data, the next record does not begin with a flag.
        for cut in 11..=22 {
            let stream = [record(0xFC, &whole[..cut]), record(CONTINUE, &whole[cut..])].concat();
            assert_eq!(all(&stream, TextEncoding::Unicode).unwrap(), ["M8", "A"], "{cut}");
        }
        assert_eq!(all(&record(0xFC, &rich[..15]), TextEncoding::Unicode), None);
    }

    #[test]
    fn texts_before_excel_97_are_in_the_code_page_of_the_workbook() {
        let of = |bytes: &[u8]| record(0x0204, &[&(bytes.len() as u16).to_le_bytes(), bytes].concat());
        let read = |page, bytes: &[u8]| all(&of(bytes), TextEncoding::of_code_page(page)).map(|texts| texts.concat());
        assert_eq!(read(1252, b"Gr\xF6\xDFe").unwrap(), "Größe");
        assert_eq!(read(1251, b"\xC3\xE0\xE9\xEA\xE0").unwrap(), "Гайка");
        assert_eq!(read(1250, b"\x8Cruba").unwrap(), "Śruba");
        assert_eq!(read(932, b"\x93\xFA\x96\x7B").unwrap(), "日本");
        // Text in an unsupported code page is read if it is ASCII, which is the same in all code pages.
        assert_eq!(read(437, b"A-17").unwrap(), "A-17");
        assert_eq!(read(437, b"Gr\x94\xE1e"), None);
    }
}
