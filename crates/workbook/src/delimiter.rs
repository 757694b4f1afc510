//! Detects the delimiter of a text: named in its first line, or guessed from the rows.

const HEAD_ROWS: usize = 100;

/// If two fit equally well the earlier wins: commas also occur in numbers and sentences, tabs hardly ever.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// The state of a CSV parser. The csv reader keeps the same state, but does not expose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsvState {
    CellStart,
    Plain,
    Quoted,
    /// After a quotation mark that closes the quotes, unless another follows.
    QuoteInQuoted,
}

/// What a byte is within its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRole {
    Text,
    Quote,
    CellEnd,
    RowEnd,
}

impl CsvState {
    /// Returns the state after the byte, and what the byte is.
    pub fn step(self, byte: u8, delimiter: u8) -> (CsvState, ByteRole) {
        match (self, byte) {
            (CsvState::CellStart, b'"') => (CsvState::Quoted, ByteRole::Quote),
            (CsvState::Quoted, b'"') => (CsvState::QuoteInQuoted, ByteRole::Quote),
            (CsvState::Quoted, _) | (CsvState::QuoteInQuoted, b'"') => (CsvState::Quoted, ByteRole::Text),
            (_, byte) if byte == delimiter => (CsvState::CellStart, ByteRole::CellEnd),
            (_, b'\r' | b'\n') => (CsvState::CellStart, ByteRole::RowEnd),
            _ => (CsvState::Plain, ByteRole::Text),
        }
    }

    /// Whether quotes were closed in the middle of a cell. After several lines, this is where the next quoted cell
    /// begins, and a single quotation mark above has swallowed everything in between.
    pub fn ends_quotes_mid_cell(self, byte: u8, next: CsvState) -> bool {
        (self, next) == (CsvState::QuoteInQuoted, CsvState::Plain) && byte != b' '
    }
}

/// The delimiter that a first line such as `sep=;` names, and the length of that line. Excel honours the line and does
/// not show it.
pub fn named_delimiter(text: &[u8]) -> Option<(usize, u8)> {
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

/// The delimiter for which the most rows have the same number of columns, at least two; then the one with the most
/// columns. `whole` is false if the text is only a sample.
pub fn guess_delimiter(text: &[u8], whole: bool) -> u8 {
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

/// The number of rows that have the most frequent number of columns, and that number; rows of one column do not count.
fn most_frequent(columns: &[usize]) -> (usize, usize) {
    let rows_with = |count: usize| columns.iter().filter(|&&other| other == count).count();
    columns.iter().filter(|&&count| count > 1).map(|&count| (rows_with(count), count)).max().unwrap_or((0, 0))
}

/// The number of columns of each of the first rows, without blank ones. If the quotes of a row are never closed, or are
/// closed in the middle of a cell, or if each line of a row is as wide as the row itself, only its first line is
/// counted: otherwise it would hide the rows after it.
fn count_columns(text: &[u8], delimiter: u8, whole: bool) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && rows.len() < HEAD_ROWS {
        let (columns, blank, length) = match read_row(rest, delimiter) {
            Some(row) => row,
            None => {
                let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
                (1 + rest[..end].iter().filter(|&&byte| byte == delimiter).count(), end == 0, rest.len().min(end + 1))
            }
        };
        let cut = length == rest.len() && !whole && !rest.ends_with(b"\n");
        // A row that was cut off counts only if there is no other.
        if !blank && (!cut || rows.is_empty()) {
            rows.push(columns);
        }
        rest = &rest[length..];
    }
    rows
}

/// The columns of the first row, whether it is blank, and its length; `None` if its quotes are misplaced.
fn read_row(text: &[u8], delimiter: u8) -> Option<(usize, bool, usize)> {
    let (mut state, mut columns, mut blank, mut lines) = (CsvState::CellStart, 1, true, 1);
    for (at, &byte) in text.iter().enumerate() {
        let (next, role) = state.step(byte, delimiter);
        if lines > 1 && state.ends_quotes_mid_cell(byte, next) {
            return None;
        }
        lines += usize::from(matches!(byte, b'\r' | b'\n') && state == CsvState::Quoted);
        state = next;
        match role {
            ByteRole::Text | ByteRole::Quote => blank = false,
            ByteRole::CellEnd => (columns, blank) = (columns + 1, false),
            ByteRole::RowEnd => {
                let mut each = text[..at].split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
                let is_wide = |line: &[u8]| line.iter().filter(|&&byte| byte == delimiter).count() + 1 == columns;
                let are_rows = lines > 1 && columns > 1 && each.all(is_wide);
                return (!are_rows).then_some((columns, blank, at + 1));
            }
        }
    }
    (state != CsvState::Quoted).then_some((columns, blank, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cut_off_at_the_end_of_the_sample_is_not_counted() {
        assert_eq!(count_columns(b"a;b;c\na;b", b';', false), [3]);
        assert_eq!(count_columns(b"a;b;c\na;b", b';', true), [3, 2]);
        assert_eq!(count_columns(b"a;b", b';', false), [2]);
    }

    #[test]
    fn an_unclosed_quote_does_not_hide_the_rows_after_it() {
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;c;6,40\n";
        assert_eq!(count_columns(text, b';', true), [3; 5]);
        assert_eq!(guess_delimiter(text, true), b';');
        // The next quoted cell begins where the stray quote seems to be closed.
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;\"c 12\"\", d\";6,40\n5;e;7,10\n";
        assert_eq!(count_columns(text, b';', true), [3; 6]);
        assert_eq!(guess_delimiter(text, true), b';');
        // The same for a cell that seems to be closed in the right place.
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;\"\"c 12\"\"\";6,40\n5;e;7,10\n";
        assert_eq!(count_columns(text, b';', true), [3; 6]);
        assert_eq!(guess_delimiter(text, true), b';');
    }
}
