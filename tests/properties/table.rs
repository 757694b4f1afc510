//! Random tables: with gaps, equal neighbours, every kind of cell, and unusual texts.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Cells by row, numbered as in a spreadsheet program, and by column, starting at 0. No row is empty.
pub type Table = BTreeMap<u32, BTreeMap<u32, Cell>>;

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Bool(bool),
    Date(DateTime),
}

/// The epochs of the two date systems.
pub const EPOCH: Date = date(1899, 12, 30);
pub const EPOCH_1904: Date = date(1904, 1, 1);

/// What comes next in a row or column: nothing, the same again, or something else.
#[derive(Debug, Clone)]
enum Next<T> {
    Gap,
    Same,
    New(T),
}

pub fn any_table() -> impl Strategy<Value = Table> {
    let row = vec(next(any_cell()), 1..=10).prop_map(|cells| line_up(0, cells));
    vec(next(row), 0..30).prop_map(|rows| {
        let mut table = line_up(1, rows);
        table.retain(|_, cells: &mut BTreeMap<_, _>| !cells.is_empty());
        table
    })
}

fn next<T: Debug + Clone>(new: impl Strategy<Value = T>) -> impl Strategy<Value = Next<T>> {
    prop_oneof![2 => Just(Next::Gap), 1 => Just(Next::Same), 5 => new.prop_map(Next::New)]
}

fn line_up<T: Clone>(first: u32, all: Vec<Next<T>>) -> BTreeMap<u32, T> {
    let mut last = None;
    let placed = (first..).zip(all).filter_map(|(place, next)| {
        match next {
            Next::Gap => last = None,
            Next::Same => {}
            Next::New(value) => last = Some(value),
        }
        Some((place, last.clone()?))
    });
    placed.collect()
}

fn any_cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        4 => any_text().prop_map(Cell::Text),
        2 => any_number().prop_map(Cell::Number),
        1 => any::<bool>().prop_map(Cell::Bool),
        1 => any_date().prop_map(Cell::Date),
    ]
}

/// Generates any text that XML can hold, except the empty one, which would not be a cell.
pub fn any_text() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "\"",
        "\"\"",
        "'",
        "=",
        "=\"",
        ",",
        ";",
        "|",
        "\t",
        "\r",
        "\r\n",
        "&amp;",
        "&#65;",
        "<b>",
        "]]>",
        "_x0041_",
        "_x005F_",
        "_x000D_",
        "_x",
        "00123",
        "1E5",
        "#N/A",
        "TRUE",
        "e\u{301}",
        "\u{a0}",
        "\u{200b}",
        "\u{2028}",
        "👩\u{200d}🔧",
    ];
    let piece = prop_oneof![
        3 => "[A-Za-z0-9.+-]{1,8}",
        2 => "[ \n]{1,4}",
        2 => select(ODD).prop_map(str::to_owned),
        2 => any::<char>().prop_filter("in XML", |&c| is_in_xml(c)).prop_map(String::from),
    ];
    vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn is_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Generates numbers of at most 15 digits, which is what spreadsheet programs keep.
fn any_number() -> impl Strategy<Value = f64> {
    let decimal = |digits: i64, exponent: i32| format!("{digits}e{exponent}").parse().expect("a number");
    prop_oneof![
        (-1000_i64..1000).prop_map(|digits| digits as f64),
        (-10_000_000_i64..10_000_000, -4..0).prop_map(move |(digits, exponent)| decimal(digits, exponent)),
        (-999_999_999_999_999_i64..=999_999_999_999_999, -320..=293)
            .prop_map(move |(digits, exponent)| decimal(digits, exponent)),
    ]
}

/// Generates times to the second, from the first to the last day of both date systems.
pub fn any_date() -> impl Strategy<Value = DateTime> {
    let days = (date(9999, 12, 31) - EPOCH_1904).get_days();
    (0..=days, prop_oneof![Just(0), 0_i64..86_400]).prop_map(|(days, seconds)| {
        let day = EPOCH_1904.checked_add(Span::new().days(days)).expect("a day");
        day.at(0, 0, 0, 0).checked_add(SignedDuration::from_secs(seconds)).expect("a time of that day")
    })
}
