//! Finds rows of a text file whose number of values differs from the header's: with one separator too many or too few,
//! every value after it is in the wrong column. What is normal for a file is determined from all its rows before the
//! first one is judged.

mod cut;

use std::collections::BTreeMap;

use crate::schema::{Header, Kind, Schema};
use inventory_base::message::{Note, Rule, cell_address, count};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::value::{display_text, is_blank};
pub(super) use cut::Cut;
use cut::Lines;

/// Values that are quoted; the others are counted.
const VALUES_QUOTED: usize = 3;
const QUOTED_CHARACTERS: usize = 40;
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];
/// The length of a currency next to a number, with a space.
const UNIT_CHARACTERS: usize = 4;
/// Lines of one value that contain another separator; more than this are not an accident.
const MOST_OTHER_LINES: usize = 1 << 16;

/// The columns of a header by their index in the file; `None` if they have no name.
struct NamedColumns {
    columns: Vec<Option<Contents>>,
    /// Whether spaces follow the separators already in the header.
    spaced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Contents {
    Whole,
    Amount,
    Other,
    /// Unknown to the rules.
    Unread,
}

/// What kind of value seems to have been split in two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    Number,
    Text,
}

impl NamedColumns {
    fn of(schema: &Schema, header: &Header) -> NamedColumns {
        let mut columns = Vec::new();
        let known = schema.columns.iter().zip(&header.columns);
        let known = known.filter_map(|(column, found)| {
            let holds = match column.kind {
                Kind::Integer => Contents::Whole,
                Kind::Decimal | Kind::Money => Contents::Amount,
                _ => Contents::Other,
            };
            Some((found.as_ref()?.0, holds))
        });
        for (place, holds) in known.chain(header.others.iter().map(|(place, _)| (*place, Contents::Unread))) {
            let place = place as usize;
            if columns.len() <= place {
                columns.resize(place + 1, None);
            }
            columns[place] = Some(holds);
        }
        NamedColumns { columns, spaced: false }
    }

    fn has(&self, place: u32) -> bool {
        self.columns.get(place as usize).is_some_and(Option::is_some)
    }

    /// Finds the first two cells that read like one value containing the separator.
    fn split_in<'r>(&self, row: &'r RawRow<'_>, comma: bool) -> Option<(&'r RawCell<'r>, &'r RawCell<'r>, Split)> {
        row.cells.windows(2).find_map(|pair| {
            let [first, second] = pair else { return None };
            let (RawValue::Text(one), RawValue::Text(two)) = (&first.value, &second.value) else {
                return None;
            };
            let holds = self.columns.get(first.column as usize).copied().flatten()?;
            if second.column != first.column + 1 {
                return None;
            }
            if matches!(holds, Contents::Other | Contents::Unread) {
                let is_text = !self.spaced && two.starts_with(' ') && !two.trim().is_empty();
                return is_text.then_some((first, second, Split::Text));
            }
            (comma && are_one_number(one, two, holds)).then_some((first, second, Split::Number))
        })
    }
}

/// Whether two numbers could be one number with a comma: 1 and 250, 3 and 20, 12 and 50 €.
fn are_one_number(one: &str, two: &str, holds: Contents) -> bool {
    let is_unit = |text: &str| text.chars().count() <= UNIT_CHARACTERS;
    let whole = one.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = two.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (digits, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || c == '\'');
    let follows = match holds {
        Contents::Whole => digits.len() == 3,
        _ if number.contains('.') => digits.len() == 3,
        _ => (1..=4).contains(&digits.len()),
    };
    !whole.is_empty()
        && is_unit(&one[..one.len() - whole.len()])
        && is_unit(&two[number.len()..])
        && is_grouped(whole)
        && follows
        && is_digits(digits)
        && is_digits(fraction)
}

/// Statistics on the widths of a sheet's rows, gathered before the rows are judged.
pub(super) struct Widths {
    named: NamedColumns,
    header_row: u32,
    /// The number of values in the header's line, including empty ones.
    header_fields: u32,
    separator: Option<char>,
    /// Rows that could be items, by their number of values.
    rows: BTreeMap<u32, WidthCount>,
    all: u64,
    /// The number of rows with a value in a column without a name, by the column's index.
    unnamed: Vec<u64>,
    /// The number of rows with a value beyond the header's line, and how many of them seem to have a split value.
    wide: u64,
    split: u64,
    /// The number of rows that begin with their own number: 1, 2, 3.
    numbered: u64,
    lines: Lines,
    /// Lines of one value that would have several values with another separator.
    other_lines: Vec<u32>,
}

#[derive(Default)]
struct WidthCount {
    all: u64,
    /// Rows whose last value is empty.
    open: u64,
    /// Rows with no value beyond the named columns, and the first of them.
    plain: u64,
    first_plain: u32,
}

impl Widths {
    /// `fields` is the number of values in the header's lines, `row` the row in which the header ends. Without a
    /// separator there are no lines that could be cut.
    pub fn new(schema: &Schema, header: &Header, row: &RawRow<'_>, fields: u32, separator: Option<char>) -> Widths {
        let mut named = NamedColumns::of(schema, header);
        let starts_blank = |cell: &RawCell<'_>| matches!(&cell.value, RawValue::Text(text) if text.starts_with(' '));
        named.spaced = row.cells.iter().skip(1).any(starts_blank);
        Widths {
            header_row: header.row,
            header_fields: fields.max(named.columns.len() as u32),
            named,
            separator,
            rows: BTreeMap::new(),
            all: 0,
            unnamed: Vec::new(),
            wide: 0,
            split: 0,
            numbered: 0,
            lines: Lines::default(),
            other_lines: Vec::new(),
        }
    }

    /// Notes a row below the header that is neither a repeated header nor a total.
    pub fn note_row(&mut self, row: &RawRow<'_>) {
        let Some(fields) = row.fields else { return };
        let mut filled = row.cells.iter().filter(|cell| !is_blank(cell));
        let Some(first) = filled.next() else { return };
        self.lines.add(row.number, fields, self.named.columns.len() as u32);
        let Some(last) = filled.next_back() else {
            if fields == 1 && self.other_lines.len() < MOST_OTHER_LINES && self.has_other_separator(first) {
                self.other_lines.push(row.number);
            }
            return;
        };
        self.all += 1;
        let rows = self.rows.entry(fields).or_default();
        rows.all += 1;
        rows.open += u64::from(last.column + 1 < fields);
        if last.column < self.named.columns.len() as u32 {
            rows.plain += 1;
            rows.first_plain = if rows.plain == 1 { row.number } else { rows.first_plain };
        }
        // Only counted while every row so far matches; hardly any file does.
        if self.numbered + 1 == self.all && number_in(first) == Some(self.all) {
            self.numbered += 1;
        }
        if last.column < self.named.columns.len() as u32 && self.named.columns.iter().all(Option::is_some) {
            return;
        }
        for cell in row.cells.iter().filter(|cell| !self.named.has(cell.column) && !is_blank(cell)) {
            let place = cell.column as usize;
            if self.unnamed.len() <= place {
                self.unnamed.resize(place + 1, 0);
            }
            self.unnamed[place] += 1;
        }
        if last.column >= self.header_fields {
            self.wide += 1;
            self.split += u64::from(self.named.split_in(row, self.separator == Some(',')).is_some());
        }
    }

    /// Whether a line of one value is a row of the list with another separator.
    fn has_other_separator(&self, cell: &RawCell<'_>) -> bool {
        let (RawValue::Text(text), Some(own)) = (&cell.value, self.separator) else { return false };
        let wanted = self.named.columns.len().div_ceil(2).max(3);
        // In a sentence, a space follows.
        let parts = |separator: char| text.split(separator).filter(|part| !part.starts_with(' ')).count();
        SEPARATORS.into_iter().any(|separator| separator != own && parts(separator) >= wanted)
    }

    pub fn decide(self) -> Ragged {
        let most = |rows: u64| rows * 2 > self.all;
        // The header's line counts as well.
        let votes = |fields: u32, rows: &WidthCount| rows.all + u64::from(fields == self.header_fields);
        let usual = self.rows.iter().find(|(fields, rows)| votes(**fields, rows) * 2 > self.all + 1);
        // If exactly half of all lines have the header's width, that is the usual one.
        let own = || {
            self.rows.get_key_value(&self.header_fields).filter(|(_, rows)| rows.all * 2 == self.all.saturating_sub(1))
        };
        let usual = usual.or_else(own).map(|(fields, _)| *fields);
        let is_usual: Vec<bool> = self.unnamed.iter().map(|rows| most(*rows)).collect();
        // No spreadsheet program writes a header with fewer values than its rows: either a column has no name, or every
        // row has one separator too many.
        let numbered = self.numbered == self.all && self.wide == self.all;
        let in_doubt = self.wide > 0 && (self.split * 2 > self.wide || numbered);
        let has_values_beyond = is_usual.iter().skip(self.header_fields as usize).any(|usual| *usual);
        let width = match usual {
            Some(usual) if !has_values_beyond => usual.max(self.header_fields),
            _ => self.header_fields,
        };
        let columns =
            (0..).zip(is_usual).filter(|(place, usual)| *usual && !(in_doubt && *place >= self.header_fields));
        let more = self.rows.range(width.max(usual.unwrap_or(0)) + 1..).map(|(_, rows)| rows);
        let more = more.filter(|rows| rows.plain > 0).map(|rows| (rows.plain, rows.first_plain));
        let more = more.reduce(|(rows, first), (plain, row)| (rows + plain, first.min(row)));
        let open = self.rows.values().any(|rows| rows.open > 0);
        let mut cuts = match (self.separator, usual) {
            // If most rows are shifted, those of the header's width are complete.
            (Some(_), Some(usual)) => {
                self.lines.find_cuts(self.header_row, if in_doubt { width.min(usual) } else { usual }, open)
            }
            _ => Vec::new(),
        };
        cuts.extend(self.other_lines.into_iter().map(|row| (row, Cut::Part)));
        cuts.sort_by_key(|(row, _)| *row);
        cuts.dedup_by_key(|(row, _)| *row);
        // The rest is only missed if that column is a text that is loaded.
        let ends_in_text =
            |usual: &u32| self.named.columns.get(*usual as usize - 1).copied().flatten() == Some(Contents::Other);
        let usual_with_text = usual.filter(|usual| *usual > 0 && self.separator.is_some() && ends_in_text(usual));
        Ragged {
            tail: usual_with_text.and_then(|usual| self.lines.find_tail(usual)),
            cuts,
            usual: usual.unwrap_or_default(),
            width,
            unnamed: columns.map(|(place, _)| place).collect(),
            numbered: numbered && in_doubt,
            in_doubt,
            open_rows: more.filter(|(rows, _)| !most(*rows)),
            named: self.named,
            header_row: self.header_row,
            separator: self.separator,
        }
    }
}

fn number_in(cell: &RawCell<'_>) -> Option<u64> {
    match &cell.value {
        RawValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The rows of a sheet that are doubtful because their values may be in the wrong columns.
pub(super) struct Ragged {
    named: NamedColumns,
    header_row: u32,
    separator: Option<char>,
    /// The number of values of most rows, and the number that a row may have.
    usual: u32,
    width: u32,
    /// Columns without a name in which most rows have a value.
    unnamed: Vec<u32>,
    numbered: bool,
    /// Whether most rows that are wider than the header read as if one value had been split.
    in_doubt: bool,
    /// In the order of row numbers.
    cuts: Vec<(u32, Cut)>,
    /// A line of one value directly below the last complete row, and that row.
    tail: Option<(u32, u32)>,
    /// The number of rows that end with more separators than the others, and the first of them.
    open_rows: Option<(u64, u32)>,
}

/// Why a row is doubtful: the rule, the words for its message, and the column of the cell concerned.
pub(super) struct Doubt {
    pub rule: Rule,
    pub cell: Option<u32>,
    pub words: Vec<(&'static str, String)>,
}

impl Ragged {
    /// Whether the row is only a part of a row.
    pub fn is_part(&self, row: &RawRow<'_>) -> bool {
        self.cut(row) == Some(Cut::Part)
    }

    fn cut(&self, row: &RawRow<'_>) -> Option<Cut> {
        self.cuts.binary_search_by_key(&row.number, |(number, _)| *number).ok().map(|at| self.cuts[at].1)
    }

    /// Returns what makes the row doubtful. `can_be_cut` says whether the value in a column could be incomplete.
    pub fn doubt(&self, row: &RawRow<'_>, can_be_cut: impl Fn(u32) -> bool) -> Option<Doubt> {
        let values = |n: u32| {
            if n == 1 { "1 value".to_string() } else { format!("{} values", count(n.into())) }
        };
        let continued = |place: u32, other: u32| {
            let is_filled = row.cell(place).is_some_and(|cell| !is_blank(cell));
            (is_filled && can_be_cut(place)).then(|| Doubt {
                rule: Rule::RowMayContinue,
                cell: Some(place),
                words: vec![("other", other.to_string())],
            })
        };
        let cut = match self.cut(row) {
            Some(Cut::Part | Cut::End) => Some(Doubt {
                rule: Rule::RowIsCutShort,
                cell: None,
                words: vec![("values", values(row.fields.unwrap_or_default())), ("usual", count(self.usual.into()))],
            }),
            Some(Cut::ContinuesIn(other)) => continued(self.usual - 1, other),
            Some(Cut::ContinuedFrom(other)) => continued(0, other),
            None => None,
        };
        cut.or_else(|| self.extra_values(row))
    }

    fn extra_values(&self, row: &RawRow<'_>) -> Option<Doubt> {
        row.fields.filter(|fields| *fields > self.width)?;
        let is_extra = |cell: &&RawCell<'_>| !self.named.has(cell.column) && !self.unnamed.contains(&cell.column);
        let mut extra = row.cells.iter().filter(is_extra).filter(|cell| !is_blank(cell));
        // If most rows are shifted, a row whose last value is empty is shifted too.
        let shifted = || {
            let (_, second, _) = self.named.split_in(row, self.separator == Some(',')).filter(|_| self.in_doubt)?;
            Some(second)
        };
        let first = extra.next().or_else(shifted)?;
        let more = extra.clone().count() + 1;
        let describe =
            |cell: &RawCell<'_>| format!("\"{}\" in {}", quoted(cell), cell_address(cell.column, row.number));
        let mut listed: Vec<String> = std::iter::once(first).chain(extra).take(VALUES_QUOTED).map(describe).collect();
        if more > listed.len() {
            listed.push(format!("{} more", count((more - listed.len()) as u64)));
        }
        let words =
            vec![("header", self.header_row.to_string()), ("extra", listed.join(", ")), ("cause", self.cause(row))];
        Some(Doubt { rule: Rule::RowHasExtraValues, cell: Some(first.column), words })
    }

    /// The most likely reason why the values are in the wrong columns.
    fn cause(&self, row: &RawRow<'_>) -> String {
        let name = match self.separator {
            _ if self.numbered => {
                return "Perhaps the rows begin with a number that has no name in the header.".into();
            }
            None => return "Perhaps a value is in the wrong column.".into(), // A web page.
            Some(',') => "comma",
            Some(';') => "semicolon",
            Some('\t') => "tab",
            Some('|') => "vertical bar",
            Some(_) => "separator",
        };
        match self.named.split_in(row, self.separator == Some(',')) {
            Some((one, two, split)) => {
                let [at, and] = [one, two].map(|cell| cell_address(cell.column, row.number));
                let what = if split == Split::Number { "number" } else { "text" };
                let whole = format!("{}{}{}", quoted(one), self.separator.unwrap_or_default(), raw(two));
                format!("Perhaps {at} and {and} are one {what}, \"{whole}\", that is not in quotation marks.")
            }
            None => format!("Perhaps one of its values contains a {name} and is not in quotation marks."),
        }
    }

    /// Notes for the uploader that don't keep any row from being loaded.
    pub fn notes(&self, sheet: &str) -> impl Iterator<Item = Note> {
        let tail = self.tail.map(|(row, above)| {
            let words = [("row", &*row.to_string()), ("above", &*above.to_string())];
            Note::of_sheet(Rule::LastRowMayContinue, sheet, &words)
        });
        self.note_open_rows(sheet).into_iter().chain(tail)
    }

    /// Notes rows that end with more separators than the others: that is harmless, or a value is missing.
    fn note_open_rows(&self, sheet: &str) -> Option<Note> {
        let (rows, first) = self.open_rows?;
        let (rows, example) = match rows {
            1 => ("1 row that ends".to_string(), format!(": row {first}")),
            rows => (format!("{} rows that end", count(rows)), format!(", for example row {first}")),
        };
        let words = [("rows", rows.as_str()), ("example", &example)];
        Some(Note::of_sheet(Rule::RowHasExtraSeparators, sheet, &words))
    }
}

fn raw(cell: &RawCell<'_>) -> String {
    let RawValue::Text(text) = &cell.value else {
        return String::new();
    };
    text.chars().take(QUOTED_CHARACTERS).collect()
}

fn quoted(cell: &RawCell<'_>) -> String {
    let text = display_text(cell);
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests;
