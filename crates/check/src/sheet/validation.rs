//! Validates what is typed into a column: the list of choices, the limits, and the messages.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DataValidationRule, Formula, Workbook, Worksheet, XlsxError,
};

use super::explain::{what_goes_in, when_empty};
use super::{LAST_ROW, other_sheet_name};
use inventory_base::decimal::Decimal;
use inventory_base::message::column_letters;
use inventory_rules::schema::{Accepts, Column, Schema, Strictness, Validation};

/// Excel's limits, in UTF-16 units.
const TITLE_CHARACTERS: usize = 32;
const MESSAGE_CHARACTERS: usize = 255;
const LIST_CHARACTERS: usize = 255;
/// A limit beyond any real quantity, so that only values that aren't numbers cause a warning.
const WIDEST: &str = "999999999999999";

/// The hidden sheet with the choices that don't fit into a drop-down list directly; it is never loaded.
pub(super) struct Lists {
    sheet: String,
    /// The positions of the columns with such choices.
    places: Vec<usize>,
}

impl Lists {
    pub fn of(schema: &Schema, items: &str) -> Lists {
        let is_long = |(_, column): &(usize, &Column)| !fits_a_list(&choices_of(column));
        let places = schema.columns.iter().enumerate().filter(is_long).map(|(place, _)| place).collect();
        Lists { sheet: other_sheet_name(items, "Choices"), places }
    }

    fn range(&self, place: usize, choices: &[&str]) -> Option<Formula> {
        let column = self.places.iter().position(|other| *other == place)?;
        let letters = column_letters(u32::try_from(column).ok()?);
        let sheet = self.sheet.replace('\'', "''");
        Some(Formula::new(format!("='{sheet}'!${letters}$1:${letters}${}", choices.len())))
    }

    pub fn add_to(&self, workbook: &mut Workbook, schema: &Schema) -> Result<(), XlsxError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let sheet = workbook.add_worksheet().set_name(&self.sheet)?.set_hidden(true);
        for (column, place) in (0..).zip(&self.places) {
            for (row, choice) in (0..).zip(choices_of(&schema.columns[*place])) {
                sheet.write_string(row, column, choice)?;
            }
        }
        Ok(())
    }
}

/// Returns the texts of the column's drop-down list, if it has one.
fn choices_of(column: &Column) -> Vec<&str> {
    match column.validation() {
        Some(Validation { accepts: Accepts::OneOf(choices), .. }) => choices,
        _ => Vec::new(),
    }
}

/// Whether the choices fit into the drop-down list directly, where they are separated by commas.
fn fits_a_list(choices: &[&str]) -> bool {
    let characters: usize = choices.iter().map(|choice| choice.replace('"', "\"\"").encode_utf16().count() + 1).sum();
    let plain = |choice: &&str| !choice.contains(',') && choice.trim() == *choice;
    characters <= LIST_CHARACTERS && choices.iter().all(plain)
}

/// Adds the validation of a column to its cells below the header.
pub(super) fn validate(sheet: &mut Worksheet, place: u16, column: &Column, lists: &Lists) -> Result<(), XlsxError> {
    let Some(Validation { accepts, strictness }) = column.validation() else {
        return Ok(());
    };
    let rule = rule(usize::from(place), &accepts, lists)?;
    let what = what_goes_in(column);
    // If the loader accepts more than the validation knows, the user may keep what was typed. If the row would not be
    // loaded, or the right words are in a list, letting it pass would be no help.
    let (style, rest) = match strictness {
        Strictness::Stop => (DataValidationErrorStyle::Stop, "This column accepts nothing else.".to_string()),
        Strictness::Warn => (DataValidationErrorStyle::Warning, "Is what you typed right anyway?".to_string()),
    };
    let validation = rule
        .set_input_title(cut(&column.title, TITLE_CHARACTERS))?
        .set_input_message(cut(&format!("{what} {}", when_empty(column)), MESSAGE_CHARACTERS))?
        .set_error_title(cut(&column.title, TITLE_CHARACTERS))?
        .set_error_message(cut(&format!("{what} {rest}"), MESSAGE_CHARACTERS))?
        .set_error_style(style);
    sheet.add_data_validation(1, place, LAST_ROW, place, &validation)?;
    Ok(())
}

fn rule(place: usize, accepts: &Accepts<'_>, lists: &Lists) -> Result<DataValidation, XlsxError> {
    use DataValidationRule::{Between, GreaterThanOrEqualTo, LessThanOrEqualTo};
    let new = DataValidation::new();
    Ok(match accepts {
        Accepts::Length { least: None, most } => new.allow_text_length(LessThanOrEqualTo(*most)),
        Accepts::Length { least: Some(least), most } => new.allow_text_length(Between(*least, *most)),
        Accepts::WholeNumber { min, max } => new.allow_whole_number_formula(limits(*min, *max)),
        Accepts::Number { min, max } => new.allow_decimal_number_formula(limits(*min, *max)),
        // A number below one is a time without a day.
        Accepts::Date => new.allow_date_formula(GreaterThanOrEqualTo(Formula::new("1"))),
        Accepts::OneOf(choices) => match lists.range(place, choices) {
            Some(range) => new.allow_list_formula(range),
            None => new.allow_list_strings(choices)?,
        },
    })
}

/// Returns the limits as formulas, which keep the numbers exactly as they are in the rules.
fn limits(min: Option<Decimal>, max: Option<Decimal>) -> DataValidationRule<Formula> {
    let number =
        |limit: Option<Decimal>, otherwise: String| Formula::new(limit.map_or(otherwise, |limit| limit.to_string()));
    match (min, max) {
        (Some(_), None) => DataValidationRule::GreaterThanOrEqualTo(number(min, String::new())),
        (None, Some(_)) => DataValidationRule::LessThanOrEqualTo(number(max, String::new())),
        _ => DataValidationRule::Between(number(min, format!("-{WIDEST}")), number(max, WIDEST.to_string())),
    }
}

/// Returns the text, shortened with an ellipsis if it has more than `most` UTF-16 units.
fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_string();
    }
    let mut left = most - 1;
    let fits = |c: &char| {
        let enough = left >= c.len_utf16();
        left = left.saturating_sub(c.len_utf16());
        enough
    };
    text.chars().take_while(fits).collect::<String>().trim_end().to_string() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_is_too_long_is_shortened_to_fit() {
        assert_eq!(cut("Quantity", 8), "Quantity");
        assert_eq!(cut("Quantity in stock", 10), "Quantity…");
        for most in 2..12 {
            assert!(cut("😀😀😀😀😀😀😀", most).encode_utf16().count() <= most, "{most}");
        }
    }

    #[test]
    fn choices_with_commas_or_of_great_length_go_to_a_separate_sheet() {
        assert!(fits_a_list(&["piece", "box", "\"small\""]));
        assert!(!fits_a_list(&["piece", "box, large"]));
        assert!(!fits_a_list(&["x".repeat(60).as_str(); 5]));
    }
}
