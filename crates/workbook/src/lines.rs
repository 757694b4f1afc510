//! Feeds text to the csv reader line by line, and numbers the rows as Excel shows them.

use std::io::{self, BufRead, BufReader, Read};

use super::delimiter::CsvState;

const BUFFER_BYTES: usize = 64 * 1024;

/// Gives the csv reader one line at a time. So whenever it asks for more before its row is complete, the line break it
/// was given is inside quotes. Rows are numbered here, because here the blank lines are visible that the csv reader
/// skips. Its own positions are of no use: they count `\n` only, and are those before the blank lines.
pub struct Lines<R> {
    input: BufReader<R>,
    /// The offset of the next byte of the text.
    offset: u64,
    /// The current row.
    pub row: u32,
    pub row_start: u64,
    /// Bytes of this row that were passed on.
    row_bytes: usize,
    row_bytes_limit: usize,
    at_row_start: bool,
    /// The last byte consumed; a `\n` after a `\r` belongs to it.
    last: u8,
    pub row_too_long: bool,
    /// The file ended inside quotes.
    pub quote_open: bool,
    /// Quotes over several lines were closed in the middle of a cell.
    pub quote_misplaced: bool,
    delimiter: u8,
    /// The parser state of a row that has gone beyond its first line.
    state: Option<CsvState>,
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
            quote_misplaced: false,
            delimiter,
            state: None,
        }
    }

    /// Starts the next row.
    pub fn begin_row(&mut self) {
        self.at_row_start = true;
    }

    /// Skips blank lines, counting them, up to the first byte of the row. Returns false at the end of the file.
    fn skip_to_row(&mut self) -> io::Result<bool> {
        loop {
            let Some(&byte) = self.input.fill_buf()?.first() else {
                return Ok(false);
            };
            match byte {
                b'\n' if self.last == b'\r' => {}
                b'\r' | b'\n' => self.row = self.row.saturating_add(1),
                _ => break,
            }
            self.advance(1, byte);
        }
        self.row = self.row.saturating_add(1);
        self.row_start = self.offset;
        self.row_bytes = 0;
        self.state = None;
        self.at_row_start = false;
        Ok(true)
    }

    /// Tracks quotes in rows of several lines; other rows cost nothing.
    fn track_quotes(&mut self, line: &[u8]) {
        let mut state = self.state.unwrap_or(CsvState::Quoted);
        for &byte in line {
            let (next, _) = state.step(byte, self.delimiter);
            self.quote_misplaced |= state.ends_quotes_mid_cell(byte, next);
            state = next;
        }
        self.state = Some(state);
    }

    fn advance(&mut self, bytes: usize, last: u8) {
        self.input.consume(bytes);
        self.offset += bytes as u64;
        self.last = last;
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at_row_start && !self.skip_to_row()? {
            return Ok(0);
        }
        let available = self.input.fill_buf()?;
        if available.is_empty() {
            // The last line may lack its line break. Given one, the csv reader asks for more only if the row is still
            // inside quotes.
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
        if self.state.is_some() || (self.row_bytes > 0 && matches!(self.last, b'\r' | b'\n')) {
            self.track_quotes(&out[..length]);
        }
        self.row_bytes += length;
        self.advance(length, last);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_row_is_not_buffered() {
        let mut text = b"a,b\nc,\"".to_vec();
        text.resize(1 << 20, b'x');
        let mut lines = Lines::new(text.as_slice(), 0, b',', 1_000);
        let mut read = Vec::new();
        // Without a csv reader nothing marks the end of the first row, so the limit applies to both lines.
        assert!(lines.read_to_end(&mut read).is_err());
        assert!(read.len() <= 1_000 && lines.row_too_long);
    }
}
