//! The columns of a text file that have a name, and values that seem to have been split between two of them.

use crate::schema::{Header, Schema};
use inventory_workbook::{RawCell, RawRow, RawValue};

/// The length of a currency next to a number, with a space.
const UNIT_CHARACTERS: usize = 4;

/// The columns of a header by their index in the file; `None` if they have no name.
pub(super) struct NamedColumns {
    pub columns: Vec<Option<Contents>>,
    /// Whether spaces follow the separators already in the header.
    pub spaced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    Whole,
    Amount,
    Other,
    /// Unknown to the rules.
    Unread,
}

/// What kind of value seems to have been split in two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    Number,
    Text,
}

impl NamedColumns {
    pub fn of(schema: &Schema, header: &Header) -> NamedColumns {
        let mut columns = Vec::new();
        let known = schema.columns.iter().zip(&header.columns);
        let known = known.filter_map(|(column, found)| {
            let holds = match column.kind.number_form() {
                Some(form) if form.is_whole => Contents::Whole,
                Some(_) => Contents::Amount,
                None => Contents::Other,
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

    pub fn has(&self, place: u32) -> bool {
        self.columns.get(place as usize).is_some_and(Option::is_some)
    }

    /// Finds the first two cells that read like one value containing the separator.
    pub fn split_in<'r>(&self, row: &'r RawRow<'_>, comma: bool) -> Option<(&'r RawCell<'r>, &'r RawCell<'r>, Split)> {
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
