//! Texts of records: in UTF-16 from Excel 97 on, in a code page before that, and continued where a record is full.

use encoding_rs::{self as encodings, Encoding};

use super::{CONTINUE, Records};
use crate::xlsb::records::Body;

/// How the texts of a workbook are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// In UTF-16, or its lower bytes alone.
    Unicode,
    /// In a code page; none where it is not one that is read here.
    Bytes(Option<&'static Encoding>),
}

impl Letters {
    pub fn of_code_page(number: u16) -> Letters {
        Letters::Bytes(match number {
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

/// Reads the body of a record, and of those that continue it.
pub struct Pieces<'a> {
    piece: &'a [u8],
    next: Records<'a>,
}

impl<'a> Pieces<'a> {
    /// `next` are the records after the one whose body it is, of which some is already read.
    pub(super) fn new(body: &'a [u8], next: Records<'a>) -> Pieces<'a> {
        Pieces { piece: body, next }
    }

    fn turn(&mut self) -> Option<()> {
        let record = self.next.next()?.ok().filter(|record| record.kind == CONTINUE)?;
        self.piece = record.body.0;
        Some(())
    }

    pub fn is_over(&mut self) -> bool {
        while self.piece.is_empty() {
            if self.turn().is_none() {
                return true;
            }
        }
        false
    }

    fn u8(&mut self) -> Option<u8> {
        if self.is_over() {
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

    /// Hands over as many bytes, piece by piece.
    fn bytes(&mut self, mut count: usize, mut take: impl FnMut(&[u8])) -> Option<()> {
        while count > 0 {
            if self.is_over() {
                return None;
            }
            let (these, rest) = self.piece.split_at(count.min(self.piece.len()));
            self.piece = rest;
            take(these);
            count -= these.len();
        }
        Some(())
    }

    /// A text with its length in two bytes before it.
    pub fn text(&mut self, letters: Letters) -> Option<String> {
        let length = usize::from(self.u16()?);
        self.rest_of_text(length, letters)
    }

    /// A text with its length in one byte before it: names of sheets and fonts.
    pub fn short_text(&mut self, letters: Letters) -> Option<String> {
        let length = usize::from(self.u8()?);
        self.rest_of_text(length, letters)
    }

    fn rest_of_text(&mut self, length: usize, letters: Letters) -> Option<String> {
        match letters {
            Letters::Unicode => self.unicode(length),
            Letters::Bytes(encoding) => {
                let mut bytes = Vec::new();
                self.bytes(length, |piece| bytes.extend_from_slice(piece))?;
                match encoding {
                    Some(encoding) => Some(encoding.decode_without_bom_handling(&bytes).0.into_owned()),
                    None => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
                }
            }
        }
    }

    /// After the length: flags, how many runs of other fonts there are, how long what is beside the text is; the text;
    /// the runs and the rest.
    fn unicode(&mut self, length: usize) -> Option<String> {
        const WIDE: u8 = 1;
        const WITH_MORE: u8 = 4;
        const WITH_RUNS: u8 = 8;
        if length == 0 && self.is_over() {
            return Some(String::new());
        }
        let flags = self.u8()?;
        let runs = if flags & WITH_RUNS != 0 { 4 * usize::from(self.u16()?) } else { 0 };
        let more = if flags & WITH_MORE != 0 { self.u32()? as usize } else { 0 };
        let mut wide = flags & WIDE != 0;
        let mut units: Vec<u16> = Vec::new();
        while units.len() < length {
            // Where the text goes on in the next record, that says anew how wide its letters are.
            if self.piece.is_empty() {
                self.turn()?;
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

/// The text that a record holds from here on, or that continues in those after it.
pub(super) fn text_at(body: Body<'_>, at: usize, next: Records<'_>, letters: Letters) -> Option<String> {
    Pieces::new(body.0.get(at..)?, next).text(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_test_files::xls::record;

    fn all(stream: &[u8], letters: Letters) -> Option<Vec<String>> {
        let mut records = Records::from(stream, 0);
        let mut pieces = Pieces::new(records.next()?.ok()?.body.0, records);
        let mut texts = Vec::new();
        while !pieces.is_over() {
            texts.push(pieces.text(letters)?);
        }
        Some(texts)
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_text_goes_on_in_the_next_record_in_letters_of_another_width() {
        let stream = [
            record(0xFC, &[&[5, 0, 0][..], b"Gr"].concat()),
            record(CONTINUE, &[vec![1], wide("öße"), vec![2, 0, 1], wide("Š")].concat()),
            record(CONTINUE, &[vec![0], b"k".to_vec(), vec![1, 0]].concat()),
            record(CONTINUE, &[0, b'x']),
            record(0x0A, &[]),
        ];
        assert_eq!(all(&stream.concat(), Letters::Unicode).unwrap(), ["Größe", "Šk", "x"]);
        // A pair of units that the end of a record separates is one letter all the same.
        let bolt = wide("🔩");
        let stream = [record(0xFC, &[&[2, 0, 1], &bolt[..2]].concat()), record(CONTINUE, &[&[1], &bolt[2..]].concat())];
        assert_eq!(all(&stream.concat(), Letters::Unicode).unwrap(), ["🔩"]);
    }

    #[test]
    fn fonts_and_readings_beside_a_text_are_no_part_of_it() {
        let rich = [&[2, 0, 8 | 4, 2, 0, 3, 0, 0, 0][..], b"M8", &[7; 8], &[9; 3]].concat();
        let plain = [&[1, 0, 0][..], b"A"].concat();
        let whole = [rich.clone(), plain.clone()].concat();
        assert_eq!(all(&record(0xFC, &whole), Letters::Unicode).unwrap(), ["M8", "A"]);
        // Wherever what is beside it is cut, there is no flag at the begin of the next record.
        for cut in 11..=22 {
            let stream = [record(0xFC, &whole[..cut]), record(CONTINUE, &whole[cut..])].concat();
            assert_eq!(all(&stream, Letters::Unicode).unwrap(), ["M8", "A"], "{cut}");
        }
        assert_eq!(all(&record(0xFC, &rich[..15]), Letters::Unicode), None);
    }

    #[test]
    fn before_excel_97_a_text_is_in_the_code_page_of_the_workbook() {
        let of = |bytes: &[u8]| record(0x0204, &[&(bytes.len() as u16).to_le_bytes(), bytes].concat());
        let read = |page, bytes: &[u8]| all(&of(bytes), Letters::of_code_page(page)).map(|texts| texts.concat());
        assert_eq!(read(1252, b"Gr\xF6\xDFe").unwrap(), "Größe");
        assert_eq!(read(1251, b"\xC3\xE0\xE9\xEA\xE0").unwrap(), "Гайка");
        assert_eq!(read(1250, b"\x8Cruba").unwrap(), "Śruba");
        assert_eq!(read(932, b"\x93\xFA\x96\x7B").unwrap(), "日本");
        // A code page that nobody knows here is right for letters that are the same in all of them.
        assert_eq!(read(437, b"A-17").unwrap(), "A-17");
        assert_eq!(read(437, b"Gr\x94\xE1e"), None);
    }
}
