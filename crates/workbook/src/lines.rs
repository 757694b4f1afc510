//! A text of rows, handed over line by line and numbered as Excel shows it.

use std::io::{self, BufRead, BufReader, Read};

use super::delimiter::Place;

const BUFFER_BYTES: usize = 64 * 1024;

/// Hands the csv reader one line at a time, never two. So whenever it asks again before its row is whole, the line break
/// it was given stands inside quotes; and the rows are numbered here, where the blank lines that it passes over in
/// silence can be seen. Its own positions tell neither: they count `\n` alone, from before the blank lines.
pub struct Lines<R> {
    input: BufReader<R>,
    /// Of the next byte of the text.
    offset: u64,
    /// The row being read.
    pub row: u32,
    pub row_start: u64,
    /// Handed over of this row.
    row_bytes: usize,
    row_bytes_limit: usize,
    at_row_start: bool,
    /// The last byte handed over or passed over; a `\n` after a `\r` belongs to it.
    last: u8,
    pub row_too_long: bool,
    /// The file ended inside quotes.
    pub quote_open: bool,
    /// Quotes over several lines ended where no cell ends.
    pub quote_astray: bool,
    delimiter: u8,
    /// Where the row stands that has gone beyond its first line.
    place: Option<Place>,
}

impl<R: Read> Lines<R> {
    /// `text` begins at `offset`.
    pub fn new(text: R, offset: u64, delimiter: u8, row_bytes_limit: usize) -> Self {
        Lines {
            input: BufReader::with_capacity(BUFFER_BYTES, text),
            offset,
            row: 0,
            row_start: offset,
            row_bytes: 0,
            row_bytes_limit,
            at_row_start: true,
            last: 0,
            row_too_long: false,
            quote_open: false,
            quote_astray: false,
            delimiter,
            place: None,
        }
    }

    /// Tells that the row is whole and the next is asked for.
    pub fn begin_row(&mut self) {
        self.at_row_start = true;
    }

    /// Passes over blank lines, counting them, up to the row's first byte. False where the file ends.
    fn find_row(&mut self) -> io::Result<bool> {
        loop {
            let Some(&byte) = self.input.fill_buf()?.first() else {
                return Ok(false);
            };
            match byte {
                b'\n' if self.last == b'\r' => {}
                b'\r' | b'\n' => self.row = self.row.saturating_add(1),
                _ => break,
            }
            self.pass(1, byte);
        }
        self.row = self.row.saturating_add(1);
        self.row_start = self.offset;
        self.row_bytes = 0;
        self.place = None;
        self.at_row_start = false;
        Ok(true)
    }

    /// Only of rows that have several lines: all others cost nothing.
    fn follow(&mut self, line: &[u8]) {
        let mut place = self.place.unwrap_or(Place::Quoted);
        for &byte in line {
            let (next, _) = place.step(byte, self.delimiter);
            self.quote_astray |= place.is_left_astray(byte, next);
            place = next;
        }
        self.place = Some(place);
    }

    fn pass(&mut self, bytes: usize, last: u8) {
        self.input.consume(bytes);
        self.offset += bytes as u64;
        self.last = last;
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at_row_start && !self.find_row()? {
            return Ok(0);
        }
        let available = self.input.fill_buf()?;
        if available.is_empty() {
            // The last line may lack its end. Given one, only a row that is still inside quotes asks once more.
            if matches!(self.last, b'\r' | b'\n') {
                self.quote_open = true;
                return Ok(0);
            }
            self.last = b'\n';
            return (&b"\n"[..]).read(out);
        }
        let available = &available[..available.len().min(out.len())];
        let length =
            available.iter().position(|byte| matches!(byte, b'\r' | b'\n')).map_or(available.len(), |at| at + 1);
        let Some(&last) = available[..length].last() else {
            return Ok(0);
        };
        if self.row_bytes + length > self.row_bytes_limit {
            self.row_too_long = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        out[..length].copy_from_slice(&available[..length]);
        if self.place.is_some() || (self.row_bytes > 0 && matches!(self.last, b'\r' | b'\n')) {
            self.follow(&out[..length]);
        }
        self.row_bytes += length;
        self.pass(length, last);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_end_is_not_kept() {
        let mut text = b"a,b\nc,\"".to_vec();
        text.resize(1 << 20, b'x');
        let mut lines = Lines::new(text.as_slice(), 0, b',', 1_000);
        let mut kept = Vec::new();
        // No csv reader tells here that the first line is a row of its own, so the limit is for both.
        assert!(lines.read_to_end(&mut kept).is_err());
        assert!(kept.len() <= 1_000 && lines.row_too_long);
    }
}
