//! What a spreadsheet program says while somebody types into a column: the list of choices, the limits, and the sentences.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DataValidationRule, Formula, Workbook, Worksheet, XlsxError,
};

use super::explain::{what_goes_in, when_empty};
use super::{LAST_ROW, name_beside};
use inventory_base::decimal::Decimal;
use inventory_base::message::column_letters;
use inventory_rules::schema::{Column, Kind, Schema};

/// What Excel takes, in units of UTF-16.
const TITLE_CHARACTERS: usize = 32;
const MESSAGE_CHARACTERS: usize = 255;
const LIST_CHARACTERS: usize = 255;
/// Beyond what any count of stock comes to, so that only what is no number at all is asked about.
const WIDEST: &str = "999999999999999";

/// The choices that do not go into a list of their own stand on a hidden sheet, which is never loaded.
pub(super) struct Lists {
    sheet: String,
    /// Of the columns with such choices, by their places in the rules.
    places: Vec<usize>,
}

impl Lists {
    pub fn of(schema: &Schema, items: &str) -> Lists {
        let is_long = |(_, column): &(usize, &Column)| column.kind == Kind::Choice && !fits_a_list(&column.choices);
        let places = schema.columns.iter().enumerate().filter(is_long).map(|(place, _)| place).collect();
        Lists { sheet: name_beside(items, "Choices"), places }
    }

    fn range(&self, place: usize, choices: &[String]) -> Option<Formula> {
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
            for (row, choice) in (0..).zip(&schema.columns[*place].choices) {
                sheet.write_string(row, column, choice)?;
            }
        }
        Ok(())
    }
}

/// Whether the choices can stand in the list itself, where a comma parts them.
fn fits_a_list(choices: &[String]) -> bool {
    let characters: usize = choices.iter().map(|choice| choice.replace('"', "\"\"").encode_utf16().count() + 1).sum();
    let plain = |choice: &String| !choice.contains(',') && choice.trim() == choice;
    characters <= LIST_CHARACTERS && choices.iter().all(plain)
}

/// Says below the header of a column what may be typed there.
pub(super) fn validate(sheet: &mut Worksheet, place: u16, column: &Column, lists: &Lists) -> Result<(), XlsxError> {
    let Some((rule, style)) = rule(usize::from(place), column, lists)? else {
        return Ok(());
    };
    let what = what_goes_in(column);
    // Where the loader takes more than the program knows, she may keep what she typed; where the row would be left out,
    // or the right words are in a list, it would be no kindness to let her.
    let (style, rest) = match style {
        Strictness::Sure => (DataValidationErrorStyle::Stop, "Nothing else goes into this column.".to_string()),
        Strictness::Asks => (DataValidationErrorStyle::Warning, "Is what you typed right all the same?".to_string()),
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

/// What becomes of a row with something else in the cell.
enum Strictness {
    /// It is left out, unless it is a choice in other letters.
    Sure,
    /// It may be in: `yes` has many names, and a number may be typed with what stands around it.
    Asks,
}

fn rule(place: usize, column: &Column, lists: &Lists) -> Result<Option<(DataValidation, Strictness)>, XlsxError> {
    use DataValidationRule::{Between, GreaterThanOrEqualTo, LessThanOrEqualTo};
    let new = DataValidation::new();
    Ok(Some(match column.kind {
        Kind::Text => {
            let Some(most) = column.max_length.and_then(|most| u32::try_from(most).ok()) else {
                return Ok(None);
            };
            (new.allow_text_length(LessThanOrEqualTo(most)), Strictness::Sure)
        }
        Kind::Gtin => (new.allow_text_length(Between(8, 14)), Strictness::Asks),
        Kind::Integer => (new.allow_whole_number_formula(limits(column)), Strictness::Asks),
        Kind::Decimal | Kind::Money => (new.allow_decimal_number_formula(limits(column)), Strictness::Asks),
        // Below one there is a time and no day.
        Kind::Date => (new.allow_date_formula(GreaterThanOrEqualTo(Formula::new("1"))), Strictness::Asks),
        Kind::Boolean => (new.allow_list_strings(&["yes", "no"])?, Strictness::Asks),
        Kind::Choice => match lists.range(place, &column.choices) {
            Some(range) => (new.allow_list_formula(range), Strictness::Sure),
            None => (new.allow_list_strings(&column.choices)?, Strictness::Sure),
        },
    }))
}

/// As formulas, which hold the numbers as the rules write them.
fn limits(column: &Column) -> DataValidationRule<Formula> {
    let number =
        |limit: Option<Decimal>, otherwise: String| Formula::new(limit.map_or(otherwise, |limit| limit.to_string()));
    match (column.min, column.max) {
        (min @ Some(_), None) => DataValidationRule::GreaterThanOrEqualTo(number(min, String::new())),
        (None, max @ Some(_)) => DataValidationRule::LessThanOrEqualTo(number(max, String::new())),
        (min, max) => DataValidationRule::Between(number(min, format!("-{WIDEST}")), number(max, WIDEST.to_string())),
    }
}

/// The text, or its beginning and an ellipsis.
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
    fn a_sentence_that_is_too_long_is_cut_where_it_still_fits() {
        assert_eq!(cut("Quantity", 8), "Quantity");
        assert_eq!(cut("Quantity in stock", 10), "Quantity…");
        for most in 2..12 {
            assert!(cut("😀😀😀😀😀😀😀", most).encode_utf16().count() <= most, "{most}");
        }
    }

    #[test]
    fn choices_with_commas_or_in_great_number_stand_on_a_sheet_of_their_own() {
        let choices = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(fits_a_list(&choices(&["piece", "box", "\"small\""])));
        assert!(!fits_a_list(&choices(&["piece", "box, large"])));
        assert!(!fits_a_list(&choices(&["x".repeat(60).as_str(); 5])));
    }
}
