//! The records of binary workbooks of Excel 2007 and later: a kind, a length, and that many bytes.

use std::io::{self, BufRead};

/// Many times the length of the longest text that a cell can have.
const MAX_RECORD_BYTES: usize = 4 << 20;

/// Reads a part record by record.
pub struct Records<R> {
    input: R,
    body: Vec<u8>,
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R) -> Records<R> {
        Records { input, body: Vec::new() }
    }

    pub fn get_ref(&self) -> &R {
        &self.input
    }

    /// The kind and body of the next record; `None` if the part ends between two records.
    pub fn next(&mut self) -> io::Result<Option<(u16, Body<'_>)>> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut kind = u16::from(self.byte()?);
        if kind & 0x80 != 0 {
            kind = (kind & 0x7F) | (u16::from(self.byte()? & 0x7F) << 7);
        }
        let mut length = 0_usize;
        for group in 0..4 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7F) << (7 * group);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_RECORD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.body.resize(length, 0);
        self.input.read_exact(&mut self.body)?;
        Ok(Some((kind, Body(&self.body))))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

/// The body of a record. Reads beyond its end return `None`.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a>(pub &'a [u8]);

impl<'a> Body<'a> {
    /// The body after this many bytes.
    pub fn after(&self, bytes: usize) -> Option<Body<'a>> {
        self.0.get(bytes..).map(Body)
    }

    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    pub fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    pub fn f64(&self, at: usize) -> Option<f64> {
        self.bytes(at).map(f64::from_le_bytes)
    }

    /// A text with its length before it, and the offset of its end.
    pub fn text(&self, at: usize) -> Option<(String, usize)> {
        let length = usize::try_from(self.u32(at)?).ok()?.checked_mul(2)?;
        let start = at.checked_add(4)?;
        let end = start.checked_add(length)?;
        let units = self.0.get(start..end)?.as_chunks::<2>().0;
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        Some((char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect(), end))
    }

    /// A number in four bytes (RK): an integer or the upper half of a float, possibly in hundredths.
    pub fn short_number(&self, at: usize) -> Option<f64> {
        let bits = self.u32(at)?;
        let number =
            if bits & 2 != 0 { f64::from(bits.cast_signed() >> 2) } else { f64::from_bits(u64::from(bits & !3) << 32) };
        Some(if bits & 1 != 0 { number / 100.0 } else { number })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A record as it is written.
    pub fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if kind < 0x80 {
            bytes.push(kind as u8);
        } else {
            bytes.extend([(kind & 0x7F) as u8 | 0x80, (kind >> 7) as u8]);
        }
        let mut length = body.len();
        loop {
            let more = length > 0x7F;
            bytes.push((length & 0x7F) as u8 | if more { 0x80 } else { 0 });
            length >>= 7;
            if !more {
                break;
            }
        }
        bytes.extend_from_slice(body);
        bytes
    }

    pub fn text(text: &str) -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut bytes = (units.len() as u32).to_le_bytes().to_vec();
        bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
        bytes
    }

    #[test]
    fn fields_outside_a_record_are_not_read() {
        let long = [text("Größe"), vec![7; 300]].concat();
        let bytes = [record(0, &[1]), record(0x9C, &long), record(0x1F3, &[])].concat();
        let mut records = Records::new(bytes.as_slice());
        let (kind, body) = records.next().unwrap().unwrap();
        assert_eq!((kind, body.u8(0), body.u16(0), body.text(0)), (0, Some(1), None, None));
        let (kind, body) = records.next().unwrap().unwrap();
        assert_eq!((kind, body.text(0)), (0x9C, Some(("Größe".to_owned(), 14))));
        assert_eq!(records.next().unwrap().map(|(kind, _)| kind), Some(0x1F3));
        assert!(records.next().unwrap().is_none());
        for broken in [&[5, 3, 1][..], &[0x80], &[5, 0xFF, 0xFF, 0xFF, 0x7F]] {
            assert!(Records::new(broken).next().is_err());
        }
    }

    #[test]
    fn rk_numbers_are_decoded_as_excel_shows_them() {
        let cases = [(0x0000_0006_u32, 1.0), (0x0000_07D3, 5.0 - 0.0), (0x3FF0_0000, 1.0), (0xFFFF_FFFE, -1.0)];
        for (bits, number) in cases {
            assert_eq!(Body(&bits.to_le_bytes()).short_number(0), Some(number), "{bits:#x}");
        }
    }
}
