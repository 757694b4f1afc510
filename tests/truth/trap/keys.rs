//! Item numbers damaged by a program or by a typing error.

use serde_json::json;

use super::super::case::{Case, Cell, FileFormat, Row, Truth, Value};
use super::super::list::{Field, Keys};
use super::super::write::shown;
use super::Trap;

const WORKBOOKS: &[FileFormat] = FileFormat::WORKBOOKS;
const TYPED: &[FileFormat] = &[FileFormat::Csv, FileFormat::Html];

pub const TRAPS: &[Trap] = &[
    Trap::new("key-as-power-of-ten", &FileFormat::ALL, power_of_ten).with_keys(Keys::LongDigits),
    Trap::new("key-with-point-zero", &FileFormat::ALL, point_zero).with_keys(Keys::Digits),
    Trap::new("all-keys-with-point-zero", TYPED, all_point_zero).with_keys(Keys::Digits),
    Trap::new("date-in-key", &FileFormat::ALL, date_in_key),
    Trap::new("key-beyond-15-digits", WORKBOOKS, beyond_15_digits).with_keys(Keys::Digits),
    Trap::new("keys-of-code-12e4", &FileFormat::ALL, untouched).with_keys(Keys::Codes),
    Trap::new("same-key-twice", &FileFormat::ALL, same_twice),
    Trap::new("keys-that-differ-in-case", &FileFormat::ALL, case_twins).with_keys(Keys::LettersAndDigits),
    Trap::new("cyrillic-twin", &FileFormat::ALL, cyrillic_twin).with_keys(Keys::LettersAndDigits),
    Trap::new("alphabets-mixed-in-a-key", &FileFormat::ALL, mixed_alphabets).with_keys(Keys::LettersAndDigits),
    Trap::new("full-width-twin", &FileFormat::ALL, full_width_twin),
    Trap::new("soft-hyphen-in-key", &FileFormat::ALL, soft_hyphen),
    Trap::new("invisible-character-in-key", &FileFormat::ALL, invisible),
    Trap::new("blanks-around-key", &FileFormat::ALL, spaces_around),
    Trap::new("key-shown-by-00000", WORKBOOKS, shown_by_zeros).with_keys(Keys::LeadingZeros),
    Trap::new("key-as-formula-of-text", &[FileFormat::Csv], formula_of_text).with_keys(Keys::LeadingZeros),
    Trap::new("key-is-a-formula", &[FileFormat::Csv], formula),
];

/// Replaces the key of a row without a trap by what `change` returns; the truth of the row is unchanged.
fn replace_key(case: &mut Case, trap: &'static str, change: impl Fn(&str) -> Option<Cell>) -> bool {
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
    replace_key(case, "key-as-power-of-ten", |key| {
        let digits = key.get(..3)?;
        Some(Cell::text(format!("{}.{}E+{}", &digits[..1], &digits[1..], key.len() - 1)))
    })
}

fn point_zero(case: &mut Case) -> bool {
    replace_key(case, "key-with-point-zero", |key| Some(Cell::text(format!("{key}.0"))))
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

/// 4-3 or MAR4, which the program turned into a date.
fn date_in_key(case: &mut Case) -> bool {
    let day = jiff::civil::date(2026, 4, 3);
    let workbook = case.file_format.is_workbook();
    let applied = replace_key(case, "date-in-key", |_| match workbook {
        true => Some(Cell { value: Value::Day(day), format: "d-mmm", format_id: None }),
        false => Some(Cell::text("03-Apr")),
    });
    set_key(case, "date-in-key", "4-3");
    applied
}

/// Sets the true key of the rows with this trap.
fn set_key(case: &mut Case, trap: &str, key: &str) {
    for row in case.sheet().rows.iter_mut().filter(|row| row.trap == Some(trap)) {
        if let Some(attributes) = row.attributes() {
            attributes.insert("sku", json!({ "S": key }));
        }
    }
}

fn beyond_15_digits(case: &mut Case) -> bool {
    const TYPED: &str = "40063813339311234";
    let applied =
        replace_key(case, "key-beyond-15-digits", |_| Some(Cell::number(TYPED.parse().expect("digits"), "0")));
    set_key(case, "key-beyond-15-digits", TYPED);
    applied
}

/// Changes nothing: the trap is that there are such keys.
fn untouched(_: &mut Case) -> bool {
    true
}

/// Gives one row the changed key of another. It is unclear which of the two is mistyped, or whether both are correct.
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

/// The same key with Cyrillic letters that look like Latin ones.
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
    let applied = replace_key(case, "alphabets-mixed-in-a-key", |key| {
        let rest = key.strip_prefix("AB").or_else(|| key.strip_prefix("XR"))?;
        Some(Cell::text(format!("AВ{rest}")))
    });
    for row in &mut case.sheet().rows {
        if row.trap == Some("alphabets-mixed-in-a-key") {
            row.make_unclear();
        }
    }
    applied
}

fn full_width_twin(case: &mut Case) -> bool {
    let wide = |c: char| match c {
        '0'..='9' | 'A'..='Z' => char::from_u32(c as u32 - 0x20 + 0xFF00).unwrap_or(c),
        other => other,
    };
    twin(case, "full-width-twin", |key| Some(key.chars().map(wide).collect()))
}

fn soft_hyphen(case: &mut Case) -> bool {
    replace_key(case, "soft-hyphen-in-key", |key| Some(Cell::text(format!("{}\u{ad}{}", &key[..2], &key[2..]))))
}

fn invisible(case: &mut Case) -> bool {
    let invisible = ['\u{200b}', '\u{2060}', '\u{200e}', '\u{feff}'][case.rng.usize(..4)];
    let inside = case.rng.bool();
    replace_key(case, "invisible-character-in-key", |key| {
        Some(Cell::text(if inside {
            format!("{}{invisible}{}", &key[..2], &key[2..])
        } else {
            format!("{key}{invisible}")
        }))
    })
}

fn spaces_around(case: &mut Case) -> bool {
    let space = [" ", "\u{a0}", "\u{3000}", "  "][case.rng.usize(..4)];
    let front = case.rng.bool();
    replace_key(case, "blanks-around-key", |key| {
        Some(Cell::text(if front { format!("{space}{key}") } else { format!("{key}{space}") }))
    })
}

/// A number displayed with leading zeros by its format.
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
    replace_key(case, "key-shown-by-00000", |key| {
        let format = ["0", "00", "000", "0000", "00000", "000000", "0000000", "00000000"][key.len() - 1];
        Some(Cell::number(key.parse().ok()?, format))
    })
}

/// `="00123"` means 00123.
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

/// A formula as text, as some programs write it into text files.
fn formula(case: &mut Case) -> bool {
    let written = ["=A3", "=B2&\"-\"&C2", "=VLOOKUP(A2,Items!A:B,2,0)"][case.rng.usize(..3)];
    replace_key(case, "key-is-a-formula", |_| Some(Cell::text(written)))
        && case.sheets[0].rows.iter().all(|row| !matches!(row.truth, Truth::Unclear(_)))
}
