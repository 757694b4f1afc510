//! Checks one cell of an xlsx sheet for whether its reader would get it right.

use super::super::scan::damaged;
use inventory_base::message::Refusal;

/// The errors that the reader knows. At any other it stops in the middle of the cell.
const KNOWN_ERRORS: [&[u8]; 7] = [b"#DIV/0!", b"#N/A", b"#NAME?", b"#NULL!", b"#NUM!", b"#REF!", b"#VALUE!"];

/// Errors that later versions of Excel have added.
const LATER_ERRORS: [&str; 11] = [
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#GETTING_DATA",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#EXTERNAL!",
    "#PYTHON!",
    "#TIMEOUT!",
];

/// Longer than any error or boolean.
const MAX_WORD_BYTES: usize = 32;

/// What the reader would misread in a cell, or stop at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    /// A formula without a stored result.
    NoResult,
    /// A formula with the result 0 or an empty text, in a sheet where no formula has another and nothing says that it
    /// was calculated: a program that does not calculate stores such a result for each.
    Zero,
    Error(&'static str),
    /// The file is contradictory about the value.
    Unreadable,
}

/// The declared type of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    /// The index of a shared text.
    Shared,
    Bool,
    Error,
    /// A text or a date: any characters, possibly escaped.
    Text,
    /// A text of its own, outside a `v` element.
    Inline,
    Unknown,
}

impl Kind {
    pub fn of(name: &[u8]) -> Kind {
        match name {
            b"n" => Kind::Number,
            b"s" => Kind::Shared,
            b"b" => Kind::Bool,
            b"e" => Kind::Error,
            b"str" | b"d" => Kind::Text,
            b"inlineStr" | b"is" => Kind::Inline,
            _ => Kind::Unknown,
        }
    }
}

/// How far a number has been parsed, character by character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberPart {
    Start,
    Sign,
    Whole,
    /// A decimal point without a digit before it.
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    NoNumber,
}

impl NumberPart {
    #[inline]
    fn then(self, byte: u8) -> NumberPart {
        match (self, byte) {
            (NumberPart::Start | NumberPart::Sign | NumberPart::Whole, b'0'..=b'9') => NumberPart::Whole,
            (NumberPart::Point | NumberPart::Fraction, b'0'..=b'9') => NumberPart::Fraction,
            (NumberPart::Whole, b'.') => NumberPart::Fraction,
            (NumberPart::Start | NumberPart::Sign, b'.') => NumberPart::Point,
            (NumberPart::Start, b'-' | b'+') => NumberPart::Sign,
            (NumberPart::Whole | NumberPart::Fraction, b'e' | b'E') => NumberPart::Exponent,
            (NumberPart::Exponent, b'-' | b'+') => NumberPart::ExponentSign,
            (NumberPart::Exponent | NumberPart::ExponentSign | NumberPart::ExponentDigits, b'0'..=b'9') => {
                NumberPart::ExponentDigits
            }
            _ => NumberPart::NoNumber,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, NumberPart::Whole | NumberPart::Fraction | NumberPart::ExponentDigits)
    }
}

/// The state after a number of digits with at most one point, as most numbers are, without a step per byte.
#[inline]
fn plain_number(text: &[u8]) -> Option<NumberPart> {
    let (mut points, mut others) = (0, 0);
    for &byte in text {
        points += usize::from(byte == b'.');
        others += usize::from(byte != b'.' && !byte.is_ascii_digit());
    }
    match (points, others) {
        (0, 0) if !text.is_empty() => Some(NumberPart::Whole),
        (1, 0) if text.len() > 1 => Some(NumberPart::Fraction),
        _ => None,
    }
}

/// The cell that is being scanned.
#[derive(Debug)]
pub struct CellListener {
    /// The number of shared texts.
    texts: u64,
    kind: Kind,
    is_open: bool,
    in_inline: bool,
    in_value: bool,
    has_formula: bool,
    has_value: bool,
    /// Whether the cell's value has ended.
    value_ended: bool,
    is_odd: bool,
    /// Whether the value of a formula consists of zeros only.
    is_zero: bool,
    /// Whether the workbook says that it was calculated, or a formula of the sheet has shown it by a result other than
    /// 0.
    pub is_calculated: bool,
    number: NumberPart,
    shared: u64,
    word: Vec<u8>,
}

impl CellListener {
    pub fn new(texts: u64, is_calculated: bool) -> CellListener {
        CellListener {
            texts,
            kind: Kind::Number,
            is_open: false,
            in_inline: false,
            in_value: false,
            has_formula: false,
            has_value: false,
            value_ended: false,
            is_odd: false,
            is_zero: true,
            is_calculated,
            number: NumberPart::Start,
            shared: 0,
            word: Vec::new(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// `is_empty_element` is true if the cell has no content.
    #[inline]
    pub fn begin(&mut self, kind: Kind, is_empty_element: bool) {
        self.kind = kind;
        self.is_open = !is_empty_element;
        (self.value_ended, self.has_formula, self.has_value, self.is_odd) = (false, false, false, false);
        self.is_zero = true;
    }

    #[inline]
    pub fn end(&mut self) -> Result<Option<Odd>, Refusal> {
        if !self.is_open {
            return Ok(None);
        }
        if self.in_value || self.in_inline {
            return Err(damaged());
        }
        self.is_open = false;
        let is_plain = !self.is_odd && (!self.has_formula || self.has_value && self.is_calculated);
        Ok(if is_plain && !matches!(self.kind, Kind::Error | Kind::Inline) { None } else { self.odd() })
    }

    fn odd(&mut self) -> Option<Odd> {
        let is_zero = self.is_zero && (self.kind == Kind::Text || self.kind == Kind::Number && self.has_value);
        match self.kind {
            _ if self.is_odd => Some(Odd::Unreadable),
            // The reader ignores such a value.
            Kind::Inline if self.has_value && !self.value_ended => Some(Odd::Unreadable),
            Kind::Error if self.has_value && !KNOWN_ERRORS.contains(&self.word.as_slice()) => {
                let known = LATER_ERRORS.iter().find(|error| error.as_bytes() == self.word);
                Some(known.map_or(Odd::Unreadable, |error| Odd::Error(error)))
            }
            _ if !self.has_formula => None,
            _ if is_zero => (!self.is_calculated).then_some(Odd::Zero),
            Kind::Inline => None,
            _ if !self.has_value => Some(Odd::NoResult),
            _ => {
                self.is_calculated = true;
                None
            }
        }
    }

    #[inline]
    pub fn begin_value(&mut self) {
        // Of two values the reader takes the last.
        self.is_odd |= self.value_ended || self.in_value || self.kind == Kind::Unknown;
        self.in_value = true;
        self.value_ended = self.kind != Kind::Inline || self.value_ended;
        (self.number, self.shared) = (NumberPart::Start, 0);
    }

    #[inline]
    pub fn end_value(&mut self) {
        if !std::mem::take(&mut self.in_value) || !self.has_value {
            return;
        }
        self.is_odd |= match self.kind {
            Kind::Number => !self.number.is_number(),
            Kind::Shared => self.shared >= self.texts,
            Kind::Bool => {
                let word = self.word.trim_ascii();
                let known: [&[u8]; 4] = [b"0", b"1", b"true", b"false"];
                !word.is_empty() && !known.iter().any(|known| known.eq_ignore_ascii_case(word))
            }
            _ => false,
        };
    }

    /// An empty value element.
    pub fn empty_value(&mut self) {
        self.is_odd |= self.value_ended || self.kind == Kind::Unknown;
    }

    pub fn formula(&mut self) {
        // After a value, the reader would discard the value.
        self.is_odd |= self.value_ended;
        self.has_formula = true;
    }

    pub fn begin_inline(&mut self, is_empty_element: bool) {
        self.is_odd |= self.value_ended || self.kind != Kind::Inline;
        (self.value_ended, self.in_inline) = (true, !is_empty_element);
    }

    pub fn end_inline(&mut self) {
        self.in_inline = false;
    }

    /// A tag inside a value: the reader would take the value for empty.
    pub fn other_tag(&mut self) {
        self.is_odd |= self.in_value;
    }

    /// An unknown element in the cell, where the reader stops.
    pub fn unknown_part(&mut self) {
        self.is_odd |= self.is_open && !self.in_inline;
    }

    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        if !self.in_value || text.is_empty() {
            return;
        }
        if self.has_formula {
            self.is_zero &= text.iter().all(|byte| matches!(byte, b'0' | b'.'));
        }
        match self.kind {
            Kind::Number => {
                self.number = match plain_number(text) {
                    Some(part) if self.number == NumberPart::Start => part,
                    _ => text.iter().fold(self.number, |part, byte| part.then(*byte)),
                }
            }
            Kind::Shared => {
                for &byte in text {
                    // The reader would take anything else for the index 0.
                    self.is_odd |= !byte.is_ascii_digit();
                    self.shared = self.shared.saturating_mul(10).saturating_add(u64::from(byte & 0x0F));
                }
            }
            Kind::Bool | Kind::Error => {
                if !self.has_value {
                    self.word.clear();
                }
                let room = MAX_WORD_BYTES.saturating_sub(self.word.len());
                self.is_odd |= text.len() > room;
                self.word.extend_from_slice(&text[..text.len().min(room)]);
            }
            Kind::Text | Kind::Inline | Kind::Unknown => {}
        }
        self.has_value = true;
    }

    /// A comment, CDATA or a processing instruction: the reader would take the value for empty, or only the part before
    /// it.
    pub fn other(&mut self) {
        self.is_odd |= self.in_value;
        self.has_value |= self.in_value;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scan::Scan;
    use super::super::sheet::SheetListener;
    use super::*;

    #[test]
    fn numbers_are_recognised_across_chunks_of_any_length() {
        for (text, is_number) in [
            ("0", true),
            ("-12.50", true),
            ("+.5", true),
            ("5.", true),
            ("1.5E-07", true),
            ("1e400", true),
            ("", false),
            (".", false),
            ("-", false),
            ("1e", false),
            ("1e+", false),
            ("1.2.3", false),
            ("1,5", false),
            ("1_000", false),
            ("0x1F", false),
            (" 12", false),
            ("12 ", false),
            ("1-2", false),
            ("NaN", false),
            ("INF", false),
            ("\u{662}", false),
        ] {
            let part = text.bytes().fold(NumberPart::Start, NumberPart::then);
            assert_eq!(part.is_number(), is_number, "{text}");
            let xml = format!("<sheetData><row><c r='A1'><v>{text}</v></c></row>");
            for size in [1, 2, 3, xml.len()] {
                let mut listener = SheetListener::new(0, true);
                let mut scan = Scan::default();
                for bytes in xml.as_bytes().chunks(size) {
                    scan.take(bytes, &mut listener).unwrap();
                }
                assert_eq!(listener.survey.odd.is_empty(), is_number || text.is_empty(), "{text} by {size}");
            }
        }
    }
}
