//! Which letter stands between the cells of a text: named in its first line, or told from the rows.

const HEAD_ROWS: usize = 100;

/// Where two fit equally well the earlier wins: a comma also stands in numbers and sentences, a tab hardly ever.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Where in a row a byte stands. The csv reader tells these apart in the same way, and shows none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quotation mark that ends the quotes, unless another follows.
    QuoteInQuoted,
}

/// What a byte is to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Text,
    Quote,
    CellEnd,
    RowEnd,
}

impl Place {
    /// The place behind the byte, and what the byte is.
    pub fn step(self, byte: u8, delimiter: u8) -> (Place, Mark) {
        match (self, byte) {
            (Place::CellStart, b'"') => (Place::Quoted, Mark::Quote),
            (Place::Quoted, b'"') => (Place::QuoteInQuoted, Mark::Quote),
            (Place::Quoted, _) | (Place::QuoteInQuoted, b'"') => (Place::Quoted, Mark::Text),
            (_, byte) if byte == delimiter => (Place::CellStart, Mark::CellEnd),
            (_, b'\r' | b'\n') => (Place::CellStart, Mark::RowEnd),
            _ => (Place::Plain, Mark::Text),
        }
    }

    /// Whether quotes ended here where no cell ends. Behind several lines that is where the next cell in quotes begins,
    /// and a single quotation mark above has swallowed all between.
    pub fn is_left_astray(self, byte: u8, next: Place) -> bool {
        (self, next) == (Place::QuoteInQuoted, Place::Plain) && byte != b' '
    }
}

/// The delimiter that a first line such as `sep=;` names, and the length of that line. Excel honours it and shows the
/// line to nobody.
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

/// The delimiter under which the most rows have the same number of columns, two at the least; then the one with the
/// most columns. `whole` is false where the text was cut.
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

/// How many rows have the number of columns that most have, and that number; rows of one column do not count.
fn most_frequent(columns: &[usize]) -> (usize, usize) {
    let rows_with = |count: usize| columns.iter().filter(|&&other| other == count).count();
    columns.iter().filter(|&&count| count > 1).map(|&count| (rows_with(count), count)).max().unwrap_or((0, 0))
}

/// The number of columns of each of the first rows; blank ones are left out. Of a row whose quotes end nowhere, or where
/// no cell ends, or whose every line is as wide as itself, the first line is taken as it stands: else it would hide the
/// rows behind it.
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
        // A row that was cut counts only if there is no other.
        if !blank && (!cut || rows.is_empty()) {
            rows.push(columns);
        }
        rest = &rest[length..];
    }
    rows
}

/// The columns of the first row, whether it is blank, and its length; none where its quotes are astray.
fn read_row(text: &[u8], delimiter: u8) -> Option<(usize, bool, usize)> {
    let (mut place, mut columns, mut blank, mut lines) = (Place::CellStart, 1, true, 1);
    for (at, &byte) in text.iter().enumerate() {
        let (next, mark) = place.step(byte, delimiter);
        if lines > 1 && place.is_left_astray(byte, next) {
            return None;
        }
        lines += usize::from(matches!(byte, b'\r' | b'\n') && place == Place::Quoted);
        place = next;
        match mark {
            Mark::Text | Mark::Quote => blank = false,
            Mark::CellEnd => (columns, blank) = (columns + 1, false),
            Mark::RowEnd => {
                let mut each = text[..at].split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
                let is_wide = |line: &[u8]| line.iter().filter(|&&byte| byte == delimiter).count() + 1 == columns;
                let are_rows = lines > 1 && columns > 1 && each.all(is_wide);
                return (!are_rows).then_some((columns, blank, at + 1));
            }
        }
    }
    (place != Place::Quoted).then_some((columns, blank, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cut_at_the_end_of_the_head_does_not_mislead() {
        assert_eq!(count_columns(b"a;b;c\na;b", b';', false), [3]);
        assert_eq!(count_columns(b"a;b;c\na;b", b';', true), [3, 2]);
        assert_eq!(count_columns(b"a;b", b';', false), [2]);
    }

    #[test]
    fn a_quote_that_never_closes_does_not_hide_the_rows_behind_it() {
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;c;6,40\n";
        assert_eq!(count_columns(text, b';', true), [3; 5]);
        assert_eq!(guess_delimiter(text, true), b';');
        // The next quoted cell begins where the stray quote seems to end.
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;\"c 12\"\", d\";6,40\n5;e;7,10\n";
        assert_eq!(count_columns(text, b';', true), [3; 6]);
        assert_eq!(guess_delimiter(text, true), b';');
        // So does one that seems to end in the right place.
        let text = b"A;B;C\n1;\"x, y;4,20\n2;z, a;3,90\n3;b;5,60\n4;\"\"c 12\"\"\";6,40\n5;e;7,10\n";
        assert_eq!(count_columns(text, b';', true), [3; 6]);
        assert_eq!(guess_delimiter(text, true), b';');
    }
}
