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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cut_at_the_end_of_the_head_does_not_mislead() {
        assert_eq!(count_columns(b"a;b;c\na;b", b';', false), [3]);
        assert_eq!(count_columns(b"a;b;c\na;b", b';', true), [3, 2]);
        assert_eq!(count_columns(b"a;b", b';', false), [2]);
    }
}
