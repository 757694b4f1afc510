//! Text with a delimiter between the cells: csv and its relatives, as Excel opens them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use csv::{ByteRecord, ReaderBuilder};

use super::budget::{Budget, Meter};
use super::{RawCell, RawRow, RawValue, recycle};
use crate::message::{Refusal, Rule};

/// What the delimiter is found out from.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_ROWS: usize = 100;

/// Where two fit equally well the earlier wins: a comma also stands in numbers and sentences, a tab hardly ever.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A text file whose delimiter is known.
pub struct DelimitedReader {
    file: File,
    /// Where row 1 begins: behind the byte-order mark and a line that only names the delimiter.
    start: u64,
    delimiter: u8,
}

impl DelimitedReader {
    /// Finds out the delimiter.
    pub fn open(mut file: File) -> Result<DelimitedReader, Refusal> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        file.rewind().map_err(damaged)?;
        (&file).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;

        let mark = if head.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
        let text = &head[mark..];
        let (line, delimiter) = match named_delimiter(text) {
            Some((line, delimiter)) => (line, delimiter),
            None => (0, guess_delimiter(text, head.len() < HEAD_BYTES)),
        };
        Ok(DelimitedReader { file, start: (mark + line) as u64, delimiter })
    }

    /// Hands over the rows in order, numbered as Excel shows them. Can be called again.
    pub fn visit_rows(
        &mut self,
        sheet: &str,
        budget: &Budget,
        visit: &mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        (&self.file).seek(SeekFrom::Start(self.start)).map_err(damaged)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(Lines::new(&self.file, self.start, budget.row_bytes()));
        let mut meter = Meter::new(sheet, budget);
        let mut record = ByteRecord::new();
        let mut spare: Vec<RawCell<'static>> = Vec::new();
        loop {
            reader.get_mut().begin_row();
            let read = reader.read_byte_record(&mut record);
            let lines = reader.get_ref();
            let number = lines.row;
            match read {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) if lines.row_too_long => {
                    return Err(self.explain_long_row(lines.row_start, number, &meter, budget));
                }
                Err(error) => return Err(damaged(error)),
            }
            if lines.quote_open {
                return Err(quote_never_ends(number));
            }

            let mut cells = recycle(spare);
            for (column, bytes) in record.iter().enumerate() {
                if bytes.is_empty() {
                    continue;
                }
                let column = u32::try_from(column).unwrap_or(u32::MAX);
                meter.count_cell(number, column, bytes.len())?;
                let text = std::str::from_utf8(bytes).map_err(|_| letters_unknown(number))?;
                cells.push(RawCell { column, value: RawValue::Text(Cow::Borrowed(text)), format: None });
            }
            let row = RawRow { number, cells };
            if !row.cells.is_empty() {
                meter.count_row()?;
                if visit(&row).is_break() {
                    return Ok(());
                }
            }
            spare = recycle(row.cells);
        }
    }

    /// Says why a row is longer than any row may be. Goes through it again without keeping it, to its end: mostly a
    /// stray quotation mark has made the rest of the file one cell, and then that is what she has to know.
    fn explain_long_row(&self, start: u64, row: u32, meter: &Meter<'_>, budget: &Budget) -> Refusal {
        if let Err(error) = (&self.file).seek(SeekFrom::Start(start)) {
            return damaged(error);
        }
        let mut input = BufReader::with_capacity(HEAD_BYTES, &self.file);
        let (mut place, mut column, mut length) = (Place::CellStart, 0_u32, 0_usize);
        let mut long_column = None;
        loop {
            let chunk = match input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return damaged(error),
            };
            if chunk.is_empty() {
                break;
            }
            for &byte in chunk {
                let (next, mark) = place.step(byte, self.delimiter);
                place = next;
                match mark {
                    Mark::Text => {
                        length = length.saturating_add(1);
                        if length > budget.cell_bytes {
                            long_column.get_or_insert(column);
                        }
                        if column >= budget.columns {
                            return meter.too_many_columns(column);
                        }
                    }
                    Mark::Quote => {}
                    Mark::CellEnd | Mark::RowEnd => {
                        if let Some(column) = long_column {
                            return meter.cell_too_long(row, column);
                        }
                        if mark == Mark::RowEnd {
                            return meter.row_too_long(row);
                        }
                        column = column.saturating_add(1);
                        length = 0;
                    }
                }
            }
            let read = chunk.len();
            input.consume(read);
        }
        match long_column {
            _ if place == Place::Quoted => quote_never_ends(row),
            Some(column) => meter.cell_too_long(row, column),
            None => meter.row_too_long(row),
        }
    }
}

/// The sheet Excel would show such a file as: `2026/stock.csv` is `stock`.
pub fn sheet_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => last.to_owned(),
    }
}

/// Hands the csv reader one line at a time, never two. So whenever it asks again before its row is whole, the line break
/// it was given stands inside quotes; and the rows are numbered here, where the blank lines that it passes over in
/// silence can be seen. Its own positions tell neither: they count `\n` alone, from before the blank lines.
struct Lines<'a> {
    input: BufReader<&'a File>,
    /// Of the next byte in the file.
    offset: u64,
    /// The row being read.
    row: u32,
    row_start: u64,
    /// Handed over of this row.
    row_bytes: usize,
    row_bytes_limit: usize,
    at_row_start: bool,
    /// The last byte handed over or passed over; a `\n` after a `\r` belongs to it.
    last: u8,
    row_too_long: bool,
    /// The file ended inside quotes.
    quote_open: bool,
}

impl<'a> Lines<'a> {
    fn new(file: &'a File, offset: u64, row_bytes_limit: usize) -> Self {
        Lines {
            input: BufReader::with_capacity(HEAD_BYTES, file),
            offset,
            row: 0,
            row_start: offset,
            row_bytes: 0,
            row_bytes_limit,
            at_row_start: true,
            last: 0,
            row_too_long: false,
            quote_open: false,
        }
    }

    /// Tells that the row is whole and the next is asked for.
    fn begin_row(&mut self) {
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
        self.at_row_start = false;
        Ok(true)
    }

    fn pass(&mut self, bytes: usize, last: u8) {
        self.input.consume(bytes);
        self.offset += bytes as u64;
        self.last = last;
    }
}

impl Read for Lines<'_> {
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
        self.row_bytes += length;
        self.pass(length, last);
        Ok(length)
    }
}

/// Where in a row a byte stands. The csv reader tells these apart in the same way, and shows none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quotation mark that ends the quotes, unless another follows.
    QuoteInQuoted,
}

/// What a byte is to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Text,
    Quote,
    CellEnd,
    RowEnd,
}

impl Place {
    fn step(self, byte: u8, delimiter: u8) -> (Place, Mark) {
        match (self, byte) {
            (Place::CellStart, b'"') => (Place::Quoted, Mark::Quote),
            (Place::Quoted, b'"') => (Place::QuoteInQuoted, Mark::Quote),
            (Place::Quoted, _) | (Place::QuoteInQuoted, b'"') => (Place::Quoted, Mark::Text),
            (_, byte) if byte == delimiter => (Place::CellStart, Mark::CellEnd),
            (_, b'\r' | b'\n') => (Place::CellStart, Mark::RowEnd),
            _ => (Place::Plain, Mark::Text),
        }
    }
}

/// The delimiter that a first line such as `sep=;` names, and the length of that line. Excel honours it and shows the
/// line to nobody.
fn named_delimiter(text: &[u8]) -> Option<(usize, u8)> {
    let (name, rest) = text.split_at_checked(4)?;
    let (&delimiter, rest) = rest.split_first()?;
    if !name.eq_ignore_ascii_case(b"sep=") || !delimiter.is_ascii() || matches!(delimiter, b'\r' | b'\n' | b'"') {
        return None;
    }
    let end = match rest {
        [] => 0,
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    Some((name.len() + 1 + end, delimiter))
}

/// The delimiter under which the most rows have the same number of columns, two at the least; then the one with the
/// most columns. `whole` is false where the text was cut.
fn guess_delimiter(text: &[u8], whole: bool) -> u8 {
    let mut best = (0, 0);
    let mut chosen = b',';
    for delimiter in DELIMITERS {
        let fit = most_frequent(&count_columns(text, delimiter, whole));
        if fit > best {
            best = fit;
            chosen = delimiter;
        }
    }
    chosen
}

/// How many rows have the number of columns that most have, and that number; rows of one column do not count.
fn most_frequent(columns: &[usize]) -> (usize, usize) {
    let rows_with = |count: usize| columns.iter().filter(|&&other| other == count).count();
    columns.iter().filter(|&&count| count > 1).map(|&count| (rows_with(count), count)).max().unwrap_or((0, 0))
}

/// The number of columns of each of the first rows; blank ones are left out.
fn count_columns(text: &[u8], delimiter: u8, whole: bool) -> Vec<usize> {
    let mut rows = Vec::new();
    let (mut place, mut columns, mut blank) = (Place::CellStart, 1, true);
    for &byte in text {
        let (next, mark) = place.step(byte, delimiter);
        place = next;
        match mark {
            Mark::Text | Mark::Quote => blank = false,
            Mark::CellEnd => (columns, blank) = (columns + 1, false),
            Mark::RowEnd => {
                if !blank {
                    rows.push(columns);
                }
                if rows.len() == HEAD_ROWS {
                    return rows;
                }
                (columns, blank) = (1, true);
            }
        }
    }
    // A row that was cut counts only if there is no other.
    if !blank && (whole || rows.is_empty()) {
        rows.push(columns);
    }
    rows
}

/// The disk's own words are for programmers; she is told what to do.
fn damaged<E>(_: E) -> Refusal {
    Refusal::new(Rule::FileDamaged, &[])
}

fn letters_unknown(row: u32) -> Refusal {
    Refusal::new(Rule::LettersUnknown, &[("row", &row.to_string())])
}

fn quote_never_ends(row: u32) -> Refusal {
    Refusal::new(Rule::QuoteNeverEnds, &[("row", &row.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn reader_of(bytes: &[u8]) -> DelimitedReader {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        DelimitedReader::open(file).unwrap()
    }

    /// Each row as `number:column=text|column=text`.
    fn rows_within(bytes: &[u8], budget: &Budget) -> Result<Vec<String>, Refusal> {
        let mut rows = Vec::new();
        reader_of(bytes).visit_rows("stock", budget, &mut |row| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    fn rows(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
        rows_within(bytes, &Budget::default())
    }

    fn shown(row: &RawRow<'_>) -> String {
        let cells = row.cells.iter().map(|cell| match &cell.value {
            RawValue::Text(Cow::Borrowed(text)) => format!("{}={text}", cell.column),
            other => panic!("text that is borrowed, not {other:?}"),
        });
        format!("{}:{}", row.number, cells.collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn cells_are_handed_over_as_they_stand() {
        let cases: &[(&str, &[&str])] = &[
            ("SKU,Price\nA-17,2.50\n", &["1:0=SKU|1=Price", "2:0=A-17|1=2.50"]),
            ("a,b", &["1:0=a|1=b"]),
            // Cells without a value are not there, blanks are a value.
            ("a,,c\n,b,\n, ,\n", &["1:0=a|2=c", "2:1=b", "3:1= "]),
            ("a,b\n,\n\"\",\"\"\nc,d\n", &["1:0=a|1=b", "4:0=c|1=d"]),
            // Rows of different length.
            ("a,b\nc\nd,e,f\n", &["1:0=a|1=b", "2:0=c", "3:0=d|1=e|2=f"]),
            ("\"a,b\",\"say \"\"hi\"\"\"\n", &["1:0=a,b|1=say \"hi\""]),
            // A quotation mark inside a cell is an inch.
            ("bolt 5\",b\nc,d\n", &["1:0=bolt 5\"|1=b", "2:0=c|1=d"]),
            ("Größe,Füße\n", &["1:0=Größe|1=Füße"]),
        ];
        for (text, expected) in cases {
            assert_eq!(rows(text.as_bytes()).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn rows_are_numbered_as_excel_shows_them() {
        let cases: &[(&str, &[&str])] = &[
            ("a,b\n\n\nc,d\n", &["1:0=a|1=b", "4:0=c|1=d"]),
            ("\n\na,b\n", &["3:0=a|1=b"]),
            ("a,b\r\n\r\nc,d\r\n", &["1:0=a|1=b", "3:0=c|1=d"]),
            ("a,b\r\rc,d\r", &["1:0=a|1=b", "3:0=c|1=d"]),
            ("a,b\r\n\rc,d\n\r\ne,f", &["1:0=a|1=b", "3:0=c|1=d", "5:0=e|1=f"]),
            // Line breaks inside quotes.
            ("\"a\nb\",c\nd,e\n", &["1:0=a\nb|1=c", "2:0=d|1=e"]),
            ("\"a\r\nb\",c\r\nd,e\r\n", &["1:0=a\r\nb|1=c", "2:0=d|1=e"]),
            ("\"a\rb\",c\rd,e\r", &["1:0=a\rb|1=c", "2:0=d|1=e"]),
            ("\"a\n\n\nb\",c\n\nd,e\n", &["1:0=a\n\n\nb|1=c", "3:0=d|1=e"]),
            ("a,\"b\n\"\nc,d\n", &["1:0=a|1=b\n", "2:0=c|1=d"]),
            ("a,\"b\r\"\r\nc,d\n", &["1:0=a|1=b\r", "2:0=c|1=d"]),
            ("a,\"b\n\"", &["1:0=a|1=b\n"]),
            ("\"a\n\"\"\nb\",c\nd,e", &["1:0=a\n\"\nb|1=c", "2:0=d|1=e"]),
            // The byte-order mark and the line that names the delimiter.
            ("\u{FEFF}a,b\nc,d\n", &["1:0=a|1=b", "2:0=c|1=d"]),
            ("\u{FEFF}\"a\",b\nc,d\n", &["1:0=a|1=b", "2:0=c|1=d"]),
            ("\u{FEFF}\na,b\n", &["2:0=a|1=b"]),
            ("sep=;\na;b,c\n", &["1:0=a|1=b,c"]),
            ("sep=;\r\na;b\r\n\r\nc;d\r\n", &["1:0=a|1=b", "3:0=c|1=d"]),
            ("sep=;\ra;b\r", &["1:0=a|1=b"]),
            ("\u{FEFF}SEP=\t\na\tb,c\n", &["1:0=a|1=b,c"]),
            ("sep=;\n\na;b\n", &["2:0=a|1=b"]),
            ("sep=;", &[]),
            ("sep=ab,c\n", &["1:0=sep=ab|1=c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(rows(text.as_bytes()).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn rows_beyond_what_is_read_at_once_are_whole_and_numbered() {
        // The lengths make line ends, quotes and `\r\n` fall on every place of the buffers.
        let mut text = String::new();
        let mut expected = Vec::new();
        let mut number = 1;
        for i in 0..3_000 {
            let padding = "x".repeat(i % 97);
            let break_in_cell = ["\n", "\r\n", "\r"][i % 3];
            text.push_str(&format!("{i},\"{padding}{break_in_cell}ü\"\r\n"));
            expected.push(format!("{number}:0={i}|1={padding}{break_in_cell}ü"));
            number += 1;
            if i % 5 == 0 {
                text.push_str("\r\n");
                number += 1;
            }
        }
        assert!(text.len() > 2 * HEAD_BYTES);
        assert_eq!(rows(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn the_delimiter_is_found_out() {
        let cases = [
            ("a,b,c\n1,2,3\n", b','),
            ("a;b;c\n1;2;3\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            // One column, no row at all.
            ("a\nb\n", b','),
            ("\n\n", b','),
            // Decimal commas, with and without a header.
            ("SKU;Price\nA;1,50\nB;2,50\n", b';'),
            ("A;1,50\nB;2,50\n", b';'),
            ("SKU;Name;Price\nA;Bolt, large, blue;1,50\nB;Nut, small, red;2,50\n", b';'),
            // Sentences with semicolons, some quoted.
            ("SKU,Note\nA,see B; C\nB,\"x; y; z\"\nC,w\n", b','),
            // A title above the list, lines inside quotes, empty columns.
            ("Stock, third quarter\n\nSKU;Name\nA;x\nB;y\n", b';'),
            ("SKU;Note\nA;\"one, two\nthree, four\nfive, six\"\nB;y\n", b';'),
            ("a,,\n,,\nb,,;\n", b','),
        ];
        for (text, delimiter) in cases {
            assert_eq!(reader_of(text.as_bytes()).delimiter, delimiter, "{text:?}");
        }
    }

    #[test]
    fn a_row_cut_at_the_end_of_the_head_does_not_mislead() {
        assert_eq!(count_columns(b"a;b;c\na;b", b';', false), [3]);
        assert_eq!(count_columns(b"a;b;c\na;b", b';', true), [3, 2]);
        assert_eq!(count_columns(b"a;b", b';', false), [2]);
    }

    #[test]
    fn text_that_cannot_be_read_is_refused_with_its_place() {
        let cases: &[(&[u8], Rule, &str)] = &[
            (b"a,b\n\nGr\xF6\xDFe,c\n", Rule::LettersUnknown, "line 3"),
            // Two halves of one letter in two cells do not make a letter.
            (b"a,b\n\xC3,\xB6\n", Rule::LettersUnknown, "line 2"),
            (b"a,b\n\nc,\"d\ne,f\ng,h\n", Rule::QuoteNeverEnds, "row 3"),
            (b"a,b\nc,\"d", Rule::QuoteNeverEnds, "row 2"),
            (b"a,b\nc,\"d\r", Rule::QuoteNeverEnds, "row 2"),
            (b"a,b\n\"c\nd\",\"e\n", Rule::QuoteNeverEnds, "row 2"),
            (b"a,b\nc,\"", Rule::QuoteNeverEnds, "row 2"),
            (b"a,b\nc,\"d\"\"\n", Rule::QuoteNeverEnds, "row 2"),
        ];
        for (bytes, rule, place) in cases {
            let refusal = rows(bytes).expect_err(place);
            assert_eq!(refusal.rule, *rule, "{:?}", String::from_utf8_lossy(bytes));
            assert!(refusal.message.contains(place), "{}", refusal.message);
        }
        // The quotes do end here, just before the file does.
        assert_eq!(rows(b"a,b\nc,\"d\"").unwrap(), ["1:0=a|1=b", "2:0=c|1=d"]);
        assert_eq!(rows(b"a,b\nc,\"\"").unwrap(), ["1:0=a|1=b", "2:0=c"]);
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        let budget = Budget { rows: 2, columns: 3, cell_bytes: 10 };
        let cases: &[(&str, Option<Rule>, &str)] = &[
            ("a,b\n\nc,d\n,\n", None, ""),
            ("a,b\nc,d\ne,f\n", Some(Rule::TooManyRows), "\"stock\""),
            // Each row has the whole allowance of text.
            ("0123456789,0123456789,0123456789\n0123456789,0123456789,0123456789\n", None, ""),
            ("a,b,c,,,\n", None, ""),
            ("a,b,c,,d\n", Some(Rule::TooManyColumns), "column E"),
            ("a,0123456789\n", None, ""),
            ("a,\"01234\"\"6789\"\n", None, ""),
            ("a,b\nc,01234567890\n", Some(Rule::CellTooLong), "B2"),
            // Longer than a row may be: told without keeping it.
            ("a,b\nc,0123456789012345678901234567890123456789\n", Some(Rule::CellTooLong), "B2"),
            ("a,b\nc,\"0123456789012345678\n01234567890123456789\"\n", Some(Rule::CellTooLong), "B2"),
            ("a,b\nc,\"0123456789012345678\n01234567890123456789\"", Some(Rule::CellTooLong), "B2"),
            ("a,b\nc,\"0123456789012345678\n01234567890123456789\n", Some(Rule::QuoteNeverEnds), "row 2"),
            ("a,b\n,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,x\n", Some(Rule::TooManyColumns), "column AR"),
            ("a,b\n,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", Some(Rule::RowTooLong), "Row 2"),
        ];
        for (text, rule, place) in cases {
            let refusal = rows_within(text.as_bytes(), &budget).err();
            assert_eq!(refusal.as_ref().map(|refusal| refusal.rule), *rule, "{text:?}");
            if let Some(refusal) = refusal {
                assert!(refusal.message.contains(place), "{}", refusal.message);
            }
        }
    }

    #[test]
    fn a_file_that_is_one_endless_cell_is_refused_without_keeping_it() {
        let mut text = b"a,b\nc,\"".to_vec();
        text.resize(12 << 20, b'x');
        assert_eq!(rows(&text).unwrap_err(), quote_never_ends(2));

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&text).unwrap();
        file.rewind().unwrap();
        let mut lines = Lines::new(&file, 0, 1_000);
        let mut kept = Vec::new();
        // No csv reader tells here that the first line is a row of its own, so the limit is for both.
        assert!(lines.read_to_end(&mut kept).is_err());
        assert!(kept.len() <= 1_000 && lines.row_too_long);
    }

    #[test]
    fn the_file_can_be_read_again_and_left_early() {
        let mut reader = reader_of(b"\xEF\xBB\xBFsep=;\na;b\n\nc;d\n");
        for _ in 0..2 {
            let mut rows = Vec::new();
            reader
                .visit_rows("stock", &Budget::default(), &mut |row| {
                    rows.push(shown(row));
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(rows, ["1:0=a|1=b", "3:0=c|1=d"]);
            let mut count = 0;
            reader
                .visit_rows("stock", &Budget::default(), &mut |_| {
                    count += 1;
                    ControlFlow::Break(())
                })
                .unwrap();
            assert_eq!(count, 1);
        }
    }

    #[test]
    fn the_sheet_is_named_after_the_file() {
        let cases = [
            ("stock.csv", "stock"),
            ("uploads/2026/Q3 stock.csv", "Q3 stock"),
            ("stock.v2.txt", "stock.v2"),
            ("stock", "stock"),
            (".csv", ".csv"),
        ];
        for (name, sheet) in cases {
            assert_eq!(sheet_name(name), sheet);
        }
    }
}
