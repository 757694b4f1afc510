//! One sheet of an xlsx workbook, passed over for what its reader does not tell and what would mislead it.

use super::super::MergedArea;
use super::super::assembly::{Beside, MAX_COLUMNS, MAX_ROWS};
use super::super::budget::holds_too_much;
use super::super::scan::{Listener, attributes, damaged, is_true, name_of};
use crate::message::{Refusal, count};

/// Odd errors are read one by one beside the reader; a sheet full of them is no list.
const MOST_ODD_ERRORS: usize = 100_000;
const LONGEST_ERROR_BYTES: usize = 32;

/// Formulas without a result are kept until the reader has come to them; this many take 8 MB.
const MOST_WITHOUT_RESULT: u64 = 1_000_000;

/// The errors that the reader knows. At any other (`#SPILL!`, `#CALC!`, `#FIELD!`) it stops in the middle of the cell.
const KNOWN_ERRORS: [&[u8]; 7] = [b"#DIV/0!", b"#N/A", b"#NAME?", b"#NULL!", b"#NUM!", b"#REF!", b"#VALUE!"];

/// A cell whose error the reader does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddError {
    /// From 0, as the reader counts.
    pub row: u32,
    pub column: u32,
    pub shown: String,
}

/// What a sheet holds besides its cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetSurvey {
    pub cells: u64,
    pub beside: Beside,
    pub odd_errors: Vec<OddError>,
    /// Row and column, from 0, of formulas whose result the file does not tell: those not yet handed over.
    pub without_result: Vec<(u32, u32)>,
}

/// What the text inside a `v` is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Letters that may be escaped.
    Text,
    Error,
    /// Read as it stands, up to the first thing that is no plain letter.
    Plain,
}

/// Where in the sheet a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetPart {
    BeforeRows,
    /// What the reader reads.
    Rows,
    AfterRows,
}

/// The listener that makes a [`SheetSurvey`].
#[derive(Debug)]
pub struct SheetListener {
    pub survey: SheetSurvey,
    /// Its number, as the program shows it.
    row: u32,
    row_hidden: bool,
    row_counted: bool,
    part: SheetPart,
    /// Extensions that have begun and not ended.
    extensions: u32,
    kind: Kind,
    place: Option<(u32, u32)>,
    /// Where the next cell stands if it does not say it.
    next_column: u32,
    has_formula: bool,
    has_value: bool,
    in_value: bool,
    /// Whether the cell's value has been passed.
    valued: bool,
    error: Vec<u8>,
    without_result: u64,
}

impl SheetListener {
    pub fn new() -> SheetListener {
        SheetListener {
            survey: SheetSurvey::default(),
            row: 0,
            row_hidden: false,
            row_counted: false,
            part: SheetPart::BeforeRows,
            extensions: 0,
            kind: Kind::Plain,
            place: None,
            next_column: 0,
            has_formula: false,
            has_value: false,
            in_value: false,
            valued: false,
            error: Vec::new(),
            without_result: 0,
        }
    }

    /// The last row before the one that was being passed over.
    pub fn rows_before(&self) -> u32 {
        self.row.saturating_sub(1)
    }

    /// Whether a row or cell is one that the reader takes for one. It ends with the rows, so what stands behind them would
    /// be lost; and it does not know that what stands in an extension is no cell.
    #[inline]
    fn is_read(&self) -> Result<bool, Refusal> {
        match (self.part, self.extensions) {
            (SheetPart::Rows, 0) => Ok(true),
            (SheetPart::BeforeRows | SheetPart::AfterRows, 1..) => Ok(false),
            _ => Err(damaged()),
        }
    }

    fn begin_cell(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        if !self.is_read()? {
            return Ok(());
        }
        self.survey.cells += 1;
        self.kind = Kind::Plain;
        self.place = None;
        (self.valued, self.has_formula, self.has_value) = (false, false, false);
        for (name, value) in attributes(rest) {
            match name {
                b"r" => self.place = Some(place_of(value)?),
                b"t" => {
                    self.kind = match value {
                        b"str" | b"d" | b"inlineStr" | b"is" => Kind::Text,
                        b"e" => Kind::Error,
                        _ => Kind::Plain,
                    }
                }
                _ => {}
            }
        }
        self.next_column = self.place.map_or(self.next_column, |(_, column)| column).saturating_add(1);
        Ok(())
    }

    /// A formula that comes to no text has a result; one that was written by a program which does not calculate has none.
    fn end_cell(&mut self) -> Result<(), Refusal> {
        if !std::mem::take(&mut self.has_formula) || self.has_value || self.kind == Kind::Text {
            return Ok(());
        }
        self.without_result += 1;
        if self.without_result > MOST_WITHOUT_RESULT {
            return Err(holds_too_much("too many formulas without a result", &count(MOST_WITHOUT_RESULT)));
        }
        self.count_value();
        self.survey.without_result.push(self.place.unwrap_or((self.row.saturating_sub(1), self.next_column - 1)));
        Ok(())
    }

    fn begin_value(&mut self) -> Result<(), Refusal> {
        if self.extensions > 0 {
            return Ok(());
        }
        // Of two the reader keeps the last, and a formula behind a value empties the cell.
        if self.valued {
            return Err(damaged());
        }
        (self.in_value, self.valued) = (true, true);
        self.error.clear();
        self.count_value();
        Ok(())
    }

    fn count_value(&mut self) {
        if self.row_hidden && !self.row_counted {
            self.survey.beside.hidden_rows += 1;
            self.row_counted = true;
        }
    }

    fn end_value(&mut self) -> Result<(), Refusal> {
        if !std::mem::take(&mut self.in_value) || self.kind != Kind::Error {
            return Ok(());
        }
        let shown = std::mem::take(&mut self.error);
        if shown.is_empty() || KNOWN_ERRORS.contains(&shown.as_slice()) {
            return Ok(());
        }
        // Without a reference the reader loses count behind such a cell.
        let Some((row, column)) = self.place else { return Err(damaged()) };
        if self.survey.odd_errors.len() >= MOST_ODD_ERRORS {
            return Err(damaged());
        }
        let shown = String::from_utf8(shown).map_err(|_| damaged())?;
        self.survey.odd_errors.push(OddError { row, column, shown });
        Ok(())
    }
}

impl Listener for SheetListener {
    #[inline]
    fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal> {
        // What nearly all of a sheet is made of, before its name is looked for.
        match tag {
            b"/c" => return self.end_cell(),
            b"/row" => return Ok(()),
            b"/v" => return self.end_value(),
            b"v" => return self.begin_value(),
            [b'c', b' ', rest @ ..] => return self.begin_cell(rest),
            _ => {}
        }
        let (name, rest) = name_of(tag);
        let ends = tag.first() == Some(&b'/');
        match name {
            b"c" if ends => self.end_cell(),
            b"c" => self.begin_cell(rest),
            b"v" if ends => self.end_value(),
            b"v" if rest.last() != Some(&b'/') => self.begin_value(),
            b"v" | b"f" if !ends && self.extensions == 0 && self.valued => Err(damaged()),
            b"f" if !ends && self.extensions == 0 => {
                self.has_formula = true;
                Ok(())
            }
            b"is" if !ends && self.extensions == 0 => {
                self.valued = true;
                self.count_value();
                Ok(())
            }
            b"row" if !ends => {
                if !self.is_read()? {
                    return Ok(());
                }
                (self.row_hidden, self.row_counted) = (false, false);
                self.row = self.row.saturating_add(1);
                self.next_column = 0;
                for (name, value) in attributes(rest) {
                    match name {
                        b"r" => match number_of(value) {
                            Some(row) if row <= MAX_ROWS => self.row = row,
                            _ => return Err(damaged()),
                        },
                        b"hidden" => self.row_hidden = is_true(value),
                        _ => {}
                    }
                }
                Ok(())
            }
            b"sheetData" => {
                self.part = match (self.part, ends || rest.last() == Some(&b'/')) {
                    (SheetPart::BeforeRows, false) => SheetPart::Rows,
                    (SheetPart::BeforeRows | SheetPart::Rows, true) => SheetPart::AfterRows,
                    // A second one, which would not be read.
                    _ => return Err(damaged()),
                };
                Ok(())
            }
            b"extLst" if ends => {
                self.extensions = self.extensions.saturating_sub(1);
                Ok(())
            }
            b"extLst" if rest.last() != Some(&b'/') => {
                self.extensions += 1;
                Ok(())
            }
            b"mergeCell" if !ends => {
                let reference = attributes(rest).find(|(name, _)| *name == b"ref").map(|(_, value)| value);
                match reference.and_then(area_of) {
                    Some(area) => self.survey.beside.add_merged(area),
                    None => {
                        self.survey.beside.merged += 1;
                        Ok(())
                    }
                }
            }
            _ => Ok(()),
        }
    }

    #[inline]
    fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        if !self.in_value || self.kind == Kind::Text {
            return Ok(());
        }
        self.has_value = true;
        // The reader would take `1&#50;` for 1.
        if text.contains(&b'&') {
            return Err(damaged());
        }
        if self.kind == Kind::Error {
            self.error.extend_from_slice(text);
            if self.error.len() > LONGEST_ERROR_BYTES {
                return Err(damaged());
            }
        }
        Ok(())
    }

    fn other(&mut self) -> Result<(), Refusal> {
        // The reader would take the value for none.
        if self.in_value { Err(damaged()) } else { Ok(()) }
    }
}

/// A reference such as `B12`, counted from 0. The reader lets `ZZZZZZZZ1` run over into some column that exists; what
/// is only beyond the last row or column it hands over, and [`visit_rows`](super::super::xlsx) refuses with its place.
#[inline]
fn place_of(reference: &[u8]) -> Result<(u32, u32), Refusal> {
    let (mut column, mut row, mut letters) = (0_u32, 0_u32, 0);
    for &byte in reference {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' if row == 0 && letters < 3 => {
                column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
                letters += 1;
            }
            b'0'..=b'9' if row <= MAX_ROWS * 10 => row = row * 10 + u32::from(byte - b'0'),
            _ => return Err(damaged()),
        }
    }
    match (column.checked_sub(1), row.checked_sub(1)) {
        (Some(column), Some(row)) => Ok((row, column)),
        _ => Err(damaged()),
    }
}

/// A place such as `B2:B4` or `B2`.
fn area_of(reference: &[u8]) -> Option<MergedArea> {
    let mut corners = reference.splitn(2, |&byte| byte == b':');
    let first = place_of(corners.next()?).ok()?;
    let last = corners.next().map_or(Ok(first), place_of).ok()?;
    Some(MergedArea {
        first_row: first.0.saturating_add(1),
        last_row: last.0.saturating_add(1).min(MAX_ROWS),
        first_column: first.1,
        last_column: last.1.min(MAX_COLUMNS - 1),
    })
}

fn number_of(digits: &[u8]) -> Option<u32> {
    if digits.len() > 9 {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::scan::Scan;
    use super::*;

    fn survey(xml: &str) -> Result<SheetSurvey, Refusal> {
        let mut listener = SheetListener::new();
        Scan::default().take(format!("<sheetData>{xml}").as_bytes(), &mut listener)?;
        Ok(listener.survey)
    }

    #[test]
    fn what_the_reader_does_not_tell_is_counted() {
        let cell = "<c r=\"A1\"><v>1</v></c>";
        let odd = |row, column, shown: &str| OddError { row, column, shown: shown.to_owned() };
        let beside = |hidden_rows, merged, areas| Beside { hidden_rows, merged, areas };
        let title = MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 1 };
        let area = MergedArea { first_row: 2, last_row: 4, first_column: 2, last_column: 3 };
        let cases: Vec<(String, SheetSurvey)> = vec![
            (format!("<row r='1'>{cell}</row>"), SheetSurvey { cells: 1, ..SheetSurvey::default() }),
            (
                format!("<row hidden='1'>{cell}{cell}</row><row r='2' hidden='true'/><row hidden='0'>{cell}</row>"),
                SheetSurvey { cells: 3, beside: beside(1, 0, vec![]), ..SheetSurvey::default() },
            ),
            (
                "<x:row hidden=\"1\"><x:c t='inlineStr'><x:is><x:t>a</x:t></x:is></x:c><x:c/></x:row>".to_owned(),
                SheetSurvey { cells: 2, beside: beside(1, 0, vec![]), ..SheetSurvey::default() },
            ),
            (
                "</sheetData><mergeCells count='2'><mergeCell ref='A1:B1'/><mergeCell ref='C2:D4'/>\
                  <mergeCell ref='E1'/><mergeCell ref='F:F'/></mergeCells>"
                    .to_owned(),
                SheetSurvey { beside: beside(0, 4, vec![title, area]), ..SheetSurvey::default() },
            ),
            (
                "<c r='B3' t='e'><v>#SPILL!</v></c><c r='C3' t='e'><v>#N/A</v></c><c t='str'><v>#CALC! &amp;</v></c>"
                    .to_owned(),
                SheetSurvey { cells: 3, odd_errors: vec![odd(2, 1, "#SPILL!")], ..SheetSurvey::default() },
            ),
            (
                "<row r='7'><c r='B7'><f>A7*2</f><v></v></c><c><f/><v/></c><c t='str'><f>T(1)</f><v></v></c>\
                 <c><f>1</f><v>1</v></c><c s='1'/></row><x:row><x:c t='b'><x:f>A1</x:f></x:c></x:row>"
                    .to_owned(),
                SheetSurvey { cells: 6, without_result: vec![(6, 1), (6, 2), (7, 0)], ..SheetSurvey::default() },
            ),
        ];
        for (xml, expected) in cases {
            assert_eq!(survey(&xml).unwrap(), expected, "{xml}");
        }
    }

    #[test]
    fn what_would_mislead_the_reader_is_refused() {
        for xml in [
            "<c r='ZZZZZZZZ1'>",
            "<c r='A99999999999'>",
            "<c r='A0'>",
            "<c r='12'>",
            "<row r='4294967297'>",
            "<c r='A1'><v><![CDATA[5]]></v></c>",
            "<c r='A1'><v><!-- five -->5</v></c>",
            "<c r='A1'><v>1&#50;</v></c>",
            "<c r='A1'><v>5</v><f>2+3</f></c>",
            "<c r='A1' t='inlineStr'><is><t>a</t></is><v/></c>",
            "<c t='e'><v>#SPILL!</v></c>",
            "<c r='A1' t='e'><v>#SPILL! and what is more than any error has ever said</v></c>",
        ] {
            assert_eq!(survey(xml), Err(damaged()), "{xml}");
        }
    }
}
