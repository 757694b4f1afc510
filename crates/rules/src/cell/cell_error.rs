//! Error values that a formula can show, and formulas without a result. In a text file or a workbook of rows to fix
//! they arrive as texts, and are not values either.

use super::text::trim;
use super::violation::{Violation, violation};
use inventory_workbook::{RawCell, RawValue};

/// In English, German, French and Spanish, like the headers of the shipped rules.
const ERRORS: &str = "#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #SPILL! #CALC! #GETTING_DATA #FIELD! #BLOCKED! \
    #CONNECT! #UNKNOWN! #BUSY! #NV #BEZUG! #WERT! #ZAHL! #ÜBERLAUF! #NOM? #NOMBRE! #NUL! #VALEUR! #PROPAGATION! \
    #CALCUL! #N/D #¡DIV/0! #¡REF! #¡VALOR! #¿NOMBRE? #¡NUM! #¡NULO! #¡DESBORDAMIENTO!";

/// The error that a cell shows.
fn error_in<'a>(cell: &'a RawCell<'_>) -> Option<&'a str> {
    match &cell.value {
        RawValue::Error(error) => Some(error),
        RawValue::Text(text) => Some(trim(text)).filter(|text| shows_error(text)),
        _ => None,
    }
}

/// Whether a text is one of these errors.
pub fn shows_error(text: &str) -> bool {
    // LibreOffice has numbers for some.
    let is_number = |number: &str| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    match text.as_bytes().first() {
        Some(b'#') => ERRORS.split(' ').any(|error| error == text),
        Some(b'E') => text.strip_prefix("Err:").is_some_and(is_number),
        _ => false,
    }
}

/// Why a cell that isn't empty has no value: it shows an error, or it is a formula that was not calculated. In a text
/// file (`from_text_file`) every formula counts as such, unless the cell is marked as text.
pub(crate) fn why_no_value(cell: &RawCell<'_>, from_text_file: bool) -> Option<Violation> {
    match &cell.value {
        RawValue::NoResult => Some(violation!(FormulaWithoutResult)),
        RawValue::Unreadable => Some(violation!(CellCouldNotBeRead)),
        RawValue::Text(text) if from_text_file && cell.format.is_none() && is_formula(trim(text)) => {
            Some(violation!(FormulaAsText))
        }
        _ => error_in(cell).map(explain_error),
    }
}

/// Whether a text is a formula as text files write it: `=A3`, `=SUM(B2:B9)`, `="1"&"2"`. A leading plus, minus or at
/// sign doesn't make a formula: -5 and +49 are values.
pub fn is_formula(text: &str) -> bool {
    let Some(formula) = text.strip_prefix('=') else {
        return false;
    };
    let first = formula.trim_start().chars().next();
    first.is_some_and(|c| c.is_alphanumeric() || "+-(\"'$@#{.".contains(c))
}

/// Explains what went wrong in the formula of a cell that shows an error.
fn explain_error(error: &str) -> Violation {
    let reason = match error {
        "#REF!" => "the formula there points to a cell that is gone",
        "#N/A" => "the formula there looked for something and did not find it",
        "#DIV/0!" => "the formula there divides by zero or by an empty cell",
        "#NAME?" => "the formula there uses a name that the spreadsheet program does not know",
        "#VALUE!" => "the formula there counts with something that is no number",
        "#NUM!" => "the number there is none that can be written",
        "#NULL!" => "the formula there names places that do not meet",
        "#SPILL!" => "the formula there has no room for its results",
        _ => "the formula there could not be worked out",
    };
    violation!(CellShowsError { reason })
}
