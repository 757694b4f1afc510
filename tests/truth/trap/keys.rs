//! Item numbers that a program or a hand has spoilt.

use serde_json::json;

use super::super::case::{Case, Cell, Form, Row, Truth, Value};
use super::super::list::{Field, Keys};
use super::super::write::shown;
use super::Trap;

const WORKBOOKS: &[Form] = Form::WORKBOOKS;
const TYPED: &[Form] = &[Form::Csv, Form::Html];

pub const TRAPS: &[Trap] = &[
    Trap::new("key-as-power-of-ten", &Form::ALL, power_of_ten).among(Keys::LongDigits),
    Trap::new("key-with-point-zero", &Form::ALL, point_zero).among(Keys::Digits),
    Trap::new("all-keys-with-point-zero", TYPED, all_point_zero).among(Keys::Digits),
    Trap::new("date-in-key", &Form::ALL, date_in_key),
    Trap::new("key-beyond-15-digits", WORKBOOKS, beyond_15_digits).among(Keys::Digits),
    Trap::new("keys-of-code-12e4", &Form::ALL, untouched).among(Keys::Codes),
    Trap::new("same-key-twice", &Form::ALL, same_twice),
    Trap::new("keys-that-differ-in-case", &Form::ALL, case_twins).among(Keys::LettersAndDigits),
    Trap::new("cyrillic-twin", &Form::ALL, cyrillic_twin).among(Keys::LettersAndDigits),
    Trap::new("alphabets-mixed-in-a-key", &Form::ALL, mixed_alphabets).among(Keys::LettersAndDigits),
    Trap::new("full-width-twin", &Form::ALL, full_width_twin),
    Trap::new("soft-hyphen-in-key", &Form::ALL, soft_hyphen),
    Trap::new("invisible-character-in-key", &Form::ALL, invisible),
    Trap::new("blanks-around-key", &Form::ALL, blanks_around),
    Trap::new("key-shown-by-00000", WORKBOOKS, shown_by_zeros).among(Keys::LeadingZeros),
    Trap::new("key-as-formula-of-text", &[Form::Csv], formula_of_text).among(Keys::LeadingZeros),
    Trap::new("key-is-a-formula", &[Form::Csv], formula),
];

/// Puts something else into the key of a row without a trap, whose truth stays what it was.
fn spoil(case: &mut Case, trap: &'static str, change: impl Fn(&str) -> Option<Cell>) -> bool {
    let Some(column) = case.column(Field::Sku) else { return false };
    for row in case.free_rows() {
        let row = &mut case.sheet().rows[row];
        let changed = row.cells.get(column).and_then(|cell| change(&shown(cell)));
        if let (Some(cell), None) = (changed, &row.line) {
            row.cells[column] = cell;
            row.trap = Some(trap);
            return true;
        }
    }
    false
}

fn power_of_ten(case: &mut Case) -> bool {
    spoil(case, "key-as-power-of-ten", |key| {
        let digits = key.get(..3)?;
        Some(Cell::text(format!("{}.{}E+{}", &digits[..1], &digits[1..], key.len() - 1)))
    })
}

fn point_zero(case: &mut Case) -> bool {
    spoil(case, "key-with-point-zero", |key| Some(Cell::text(format!("{key}.0"))))
}

fn all_point_zero(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Sku) else { return false };
    for row in &mut case.sheet().rows {
        if row.is_item() && row.line.is_none() && row.trap.is_none() {
            row.cells[column] = Cell::text(format!("{}.0", shown(&row.cells[column])));
            row.trap = Some("all-keys-with-point-zero");
        }
    }
    true
}

/// 4-3 or MAR4, of which the program made a day.
fn date_in_key(case: &mut Case) -> bool {
    let day = jiff::civil::date(2026, 4, 3);
    let workbook = case.form.is_workbook();
    let laid = spoil(case, "date-in-key", |_| match workbook {
        true => Some(Cell { value: Value::Day(day), format: "d-mmm", format_id: None }),
        false => Some(Cell::text("03-Apr")),
    });
    set_key(case, "date-in-key", "4-3");
    laid
}

/// The rows of this trap are the item `key`.
fn set_key(case: &mut Case, trap: &str, key: &str) {
    for row in case.sheet().rows.iter_mut().filter(|row| row.trap == Some(trap)) {
        if let Some(attributes) = row.attributes() {
            attributes.insert("sku", json!({ "S": key }));
        }
    }
}

fn beyond_15_digits(case: &mut Case) -> bool {
    const TYPED: &str = "40063813339311234";
    let laid = spoil(case, "key-beyond-15-digits", |_| Some(Cell::number(TYPED.parse().expect("digits"), "0")));
    set_key(case, "key-beyond-15-digits", TYPED);
    laid
}

/// Only that there are such keys.
fn untouched(_: &mut Case) -> bool {
    true
}

/// Gives one row the key of another, changed. Nobody can say which of the two is mistyped, or whether both are right.
fn twin(case: &mut Case, trap: &'static str, change: impl Fn(&str) -> Option<String>) -> bool {
    let Some(column) = case.column(Field::Sku) else { return false };
    let changed = |row: &Row| change(&shown(&row.cells[column])).filter(|_| row.line.is_none());
    let Some(one) = case.free_row(|row| changed(row).is_some()) else { return false };
    let others = case.free_rows();
    let Some(other) = others.into_iter().find(|other| *other != one && case.sheets[0].rows[*other].line.is_none())
    else {
        return false;
    };
    let Some(changed) = changed(&case.sheets[0].rows[one]) else { return false };
    case.sheet().rows[other].cells[column] = Cell::text(&changed);
    for row in [one, other] {
        let row = &mut case.sheet().rows[row];
        row.trap = Some(trap);
        row.make_unclear();
    }
    true
}

fn same_twice(case: &mut Case) -> bool {
    twin(case, "same-key-twice", |key| Some(format!("{key} ")))
}

fn case_twins(case: &mut Case) -> bool {
    twin(case, "keys-that-differ-in-case", |key| Some(key.to_lowercase()))
}

/// The same with letters of the other alphabet, which look like ours.
fn cyrillic_twin(case: &mut Case) -> bool {
    twin(case, "cyrillic-twin", |key| {
        let (letters, digits) = key.split_once('-')?;
        match letters {
            "AB" => Some(format!("АВ-{digits}")),
            "K" => Some(format!("К-{digits}")),
            _ => None,
        }
    })
}

fn mixed_alphabets(case: &mut Case) -> bool {
    let laid = spoil(case, "alphabets-mixed-in-a-key", |key| {
        let rest = key.strip_prefix("AB").or_else(|| key.strip_prefix("XR"))?;
        Some(Cell::text(format!("AВ{rest}")))
    });
    for row in &mut case.sheet().rows {
        if row.trap == Some("alphabets-mixed-in-a-key") {
            row.make_unclear();
        }
    }
    laid
}

fn full_width_twin(case: &mut Case) -> bool {
    let wide = |letter: char| match letter {
        '0'..='9' | 'A'..='Z' => char::from_u32(letter as u32 - 0x20 + 0xFF00).unwrap_or(letter),
        other => other,
    };
    twin(case, "full-width-twin", |key| Some(key.chars().map(wide).collect()))
}

fn soft_hyphen(case: &mut Case) -> bool {
    spoil(case, "soft-hyphen-in-key", |key| Some(Cell::text(format!("{}\u{ad}{}", &key[..2], &key[2..]))))
}

fn invisible(case: &mut Case) -> bool {
    let sign = ['\u{200b}', '\u{2060}', '\u{200e}', '\u{feff}'][case.rng.usize(..4)];
    let inside = case.rng.bool();
    spoil(case, "invisible-character-in-key", |key| {
        Some(Cell::text(if inside { format!("{}{sign}{}", &key[..2], &key[2..]) } else { format!("{key}{sign}") }))
    })
}

fn blanks_around(case: &mut Case) -> bool {
    let blank = [" ", "\u{a0}", "\u{3000}", "  "][case.rng.usize(..4)];
    let front = case.rng.bool();
    spoil(case, "blanks-around-key", |key| {
        Some(Cell::text(if front { format!("{blank}{key}") } else { format!("{key}{blank}") }))
    })
}

/// A number that the sheet shows with its zeros.
fn shown_by_zeros(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Sku) else { return false };
    let whole = case.rng.bool();
    for row in &mut case.sheet().rows {
        if whole && row.is_item() && row.trap.is_none() {
            let key = shown(&row.cells[column]);
            let format = ["0", "00", "000", "0000", "00000", "000000", "0000000", "00000000"][key.len() - 1];
            row.cells[column] = Cell::number(key.parse().expect("digits"), format);
            row.trap = Some("key-shown-by-00000");
        }
    }
    if whole {
        return true;
    }
    spoil(case, "key-shown-by-00000", |key| {
        let format = ["0", "00", "000", "0000", "00000", "000000", "0000000", "00000000"][key.len() - 1];
        Some(Cell::number(key.parse().ok()?, format))
    })
}

/// `="00123"` says 00123.
fn formula_of_text(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Sku) else { return false };
    for row in &mut case.sheet().rows {
        if row.is_item() && row.trap.is_none() && row.line.is_none() {
            row.cells[column] = Cell::text(format!("=\"{}\"", shown(&row.cells[column])));
            row.trap = Some("key-as-formula-of-text");
        }
    }
    true
}

/// The text of a formula, as some programs write it into text files.
fn formula(case: &mut Case) -> bool {
    let written = ["=A3", "=B2&\"-\"&C2", "=VLOOKUP(A2,Items!A:B,2,0)"][case.rng.usize(..3)];
    spoil(case, "key-is-a-formula", |_| Some(Cell::text(written)))
        && case.sheets[0].rows.iter().all(|row| !matches!(row.truth, Truth::Unclear(_)))
}
