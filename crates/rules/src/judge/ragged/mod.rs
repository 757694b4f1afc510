//! Rows of a text file that have another number of values than its header: one separator too many or too few, and every
//! value behind it is in the wrong column. What is usual in a file, all of its rows tell before the first is judged.

mod cut;

use std::collections::BTreeMap;

use crate::schema::{Header, Kind, Schema};
use inventory_base::message::{Note, Rule, cell_address, count};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::value::{is_blank, shown};
pub(super) use cut::Cut;
use cut::Lines;

/// Values that are quoted; more are counted.
const VALUES_QUOTED: usize = 3;
const QUOTED_CHARACTERS: usize = 40;
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];
/// Of a currency beside a number, with a blank.
const UNIT_CHARACTERS: usize = 4;
/// Lines of one value that have another separator in them; more are no accident.
const MOST_OTHER_LINES: usize = 1 << 16;

/// The columns of a header by their place in the file: what they hold, where they are named.
struct Named {
    columns: Vec<Option<Holds>>,
    /// Whether blanks follow the separators in the header already.
    spaced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Whole,
    Amount,
    Other,
    /// What the rules do not know.
    Unread,
}

/// Where one value seems to have become two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    Number,
    Text,
}

impl Named {
    fn of(schema: &Schema, header: &Header) -> Named {
        let mut columns = Vec::new();
        let known = schema.columns.iter().zip(&header.columns);
        let known = known.filter_map(|(column, found)| {
            let holds = match column.kind {
                Kind::Integer => Holds::Whole,
                Kind::Decimal | Kind::Money => Holds::Amount,
                _ => Holds::Other,
            };
            Some((found.as_ref()?.0, holds))
        });
        for (place, holds) in known.chain(header.others.iter().map(|(place, _)| (*place, Holds::Unread))) {
            let place = place as usize;
            if columns.len() <= place {
                columns.resize(place + 1, None);
            }
            columns[place] = Some(holds);
        }
        Named { columns, spaced: false }
    }

    fn has(&self, place: u32) -> bool {
        self.columns.get(place as usize).is_some_and(Option::is_some)
    }

    /// The first two cells that read like one value that has the separator in it.
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
            if matches!(holds, Holds::Other | Holds::Unread) {
                let is_text = !self.spaced && two.starts_with(' ') && !two.trim().is_empty();
                return is_text.then_some((first, second, Split::Text));
            }
            (comma && are_one_number(one, two, holds)).then_some((first, second, Split::Number))
        })
    }
}

/// Whether two numbers can be one with a comma in it: 1 and 250, 3 and 20, 12 and 50 €.
fn are_one_number(one: &str, two: &str, holds: Holds) -> bool {
    let is_unit = |text: &str| text.chars().count() <= UNIT_CHARACTERS;
    let whole = one.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = two.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (digits, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || c == '\'');
    let follows = match holds {
        Holds::Whole => digits.len() == 3,
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

/// What the rows of one sheet tell of its widths, gathered before they are judged.
pub(super) struct Widths {
    named: Named,
    header_row: u32,
    /// In the header's line, empty ones included.
    header_fields: u32,
    separator: Option<char>,
    /// Rows that can be items, by their number of values.
    rows: BTreeMap<u32, Rows>,
    all: u64,
    /// Rows with a value in a column without a name, by the column's place.
    unnamed: Vec<u64>,
    /// Rows with a value beyond the header's line, and those of them in which a value seems to be split.
    wide: u64,
    split: u64,
    /// Rows that begin with their own number: 1, 2, 3.
    numbered: u64,
    lines: Lines,
    /// Lines of one value that would have several with another separator.
    other_lines: Vec<u32>,
}

#[derive(Default)]
struct Rows {
    all: u64,
    /// Whose last value is empty.
    open: u64,
    /// With nothing beyond the named columns, and the first of these.
    plain: u64,
    first_plain: u32,
}

impl Widths {
    /// `fields` is how many values the lines of the header have, `row` the one in which it ends. Without a separator
    /// there are no lines that could be cut.
    pub fn new(schema: &Schema, header: &Header, row: &RawRow<'_>, fields: u32, separator: Option<char>) -> Widths {
        let mut named = Named::of(schema, header);
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

    /// Takes a row below the header that is neither the header again nor a total.
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
        // While all rows do, as nearly none does.
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

    /// Whether a line of one value reads as a row of the list whose separator is another one.
    fn has_other_separator(&self, cell: &RawCell<'_>) -> bool {
        let (RawValue::Text(text), Some(own)) = (&cell.value, self.separator) else { return false };
        let wanted = self.named.columns.len().div_ceil(2).max(3);
        // In a sentence a blank follows.
        let parts = |separator: char| text.split(separator).filter(|part| !part.starts_with(' ')).count();
        SEPARATORS.into_iter().any(|separator| separator != own && parts(separator) >= wanted)
    }

    pub fn decide(self) -> Ragged {
        let most = |rows: u64| rows * 2 > self.all;
        // The header is one of them.
        let votes = |fields: u32, rows: &Rows| rows.all + u64::from(fields == self.header_fields);
        let usual = self.rows.iter().find(|(fields, rows)| votes(**fields, rows) * 2 > self.all + 1);
        // Of as many lines of one width as of others, those of the header's width are whole.
        let own = || {
            self.rows.get_key_value(&self.header_fields).filter(|(_, rows)| rows.all * 2 == self.all.saturating_sub(1))
        };
        let usual = usual.or_else(own).map(|(fields, _)| *fields);
        let is_usual: Vec<bool> = self.unnamed.iter().map(|rows| most(*rows)).collect();
        // A header of fewer values than its rows is written by no spreadsheet program: a column without a name, or in
        // every row one separator too many.
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
            // Where most rows are shifted, those of the header's width are whole.
            (Some(_), Some(usual)) => {
                self.lines.find_cuts(self.header_row, if in_doubt { width.min(usual) } else { usual }, open)
            }
            _ => Vec::new(),
        };
        cuts.extend(self.other_lines.into_iter().map(|row| (row, Cut::Part)));
        cuts.sort_by_key(|(row, _)| *row);
        cuts.dedup_by_key(|(row, _)| *row);
        // Only of a text that is loaded the rest would be missed.
        let ends_in_text =
            |usual: &u32| self.named.columns.get(*usual as usize - 1).copied().flatten() == Some(Holds::Other);
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

/// Which rows of a sheet are not to be trusted, because their values may be in the wrong columns.
pub(super) struct Ragged {
    named: Named,
    header_row: u32,
    separator: Option<char>,
    /// The values of most rows, and how many a row may have.
    usual: u32,
    width: u32,
    /// Columns without a name in which most rows have a value.
    unnamed: Vec<u32>,
    numbered: bool,
    /// Most rows that are wider than the header read as if one value was split.
    in_doubt: bool,
    /// By the number of the row.
    cuts: Vec<(u32, Cut)>,
    /// A line of one value directly below the last whole row, and that row.
    tail: Option<(u32, u32)>,
    /// Rows that end with more separators than all others, and the first of them.
    open_rows: Option<(u64, u32)>,
}

/// Why a row is not to be trusted: the rule, the words its sentence needs, and the cell it is about.
pub(super) struct Doubt {
    pub rule: Rule,
    pub cell: Option<u32>,
    pub words: Vec<(&'static str, String)>,
}

impl Ragged {
    /// Whether the row is only a part of one.
    pub fn is_part(&self, row: &RawRow<'_>) -> bool {
        self.cut(row) == Some(Cut::Part)
    }

    fn cut(&self, row: &RawRow<'_>) -> Option<Cut> {
        self.cuts.binary_search_by_key(&row.number, |(number, _)| *number).ok().map(|at| self.cuts[at].1)
    }

    /// What makes the row doubtful. `can_be_cut` tells it of the value at a place.
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
            Some(Cut::Above(other)) => continued(self.usual - 1, other),
            Some(Cut::Below(other)) => continued(0, other),
            None => None,
        };
        cut.or_else(|| self.extra_values(row))
    }

    fn extra_values(&self, row: &RawRow<'_>) -> Option<Doubt> {
        row.fields.filter(|fields| *fields > self.width)?;
        let is_extra = |cell: &&RawCell<'_>| !self.named.has(cell.column) && !self.unnamed.contains(&cell.column);
        let mut extra = row.cells.iter().filter(is_extra).filter(|cell| !is_blank(cell));
        // Where most rows are shifted, so is one whose last value is empty.
        let shifted = || {
            let (_, second, _) = self.named.split_in(row, self.separator == Some(',')).filter(|_| self.in_doubt)?;
            Some(second)
        };
        let first = extra.next().or_else(shifted)?;
        let more = extra.clone().count() + 1;
        let say = |cell: &RawCell<'_>| format!("\"{}\" in {}", quoted(cell), cell_address(cell.column, row.number));
        let mut said: Vec<String> = std::iter::once(first).chain(extra).take(VALUES_QUOTED).map(say).collect();
        if more > said.len() {
            said.push(format!("{} more", count((more - said.len()) as u64)));
        }
        let words =
            vec![("header", self.header_row.to_string()), ("extra", said.join(", ")), ("cause", self.cause(row))];
        Some(Doubt { rule: Rule::RowHasExtraValues, cell: Some(first.column), words })
    }

    /// What most likely has put the values into the wrong columns.
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

    /// What is worth a look although no row was left out for it.
    pub fn notes(&self, sheet: &str) -> impl Iterator<Item = Note> {
        let tail = self.tail.map(|(row, above)| {
            let words = [("row", &*row.to_string()), ("above", &*above.to_string())];
            Note::of_sheet(Rule::LastRowMayContinue, sheet, &words)
        });
        self.note_open_rows(sheet).into_iter().chain(tail)
    }

    /// Of rows that end with more separators than the others: it is nothing, or they lack a value.
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
    let text = shown(cell);
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests;
