//! Reads a single cell: its text as the program shows it, and what a person meant by it. Knows nothing of the rules.

mod borrowed_value;
mod cell_error;
mod currency;
mod currency_symbols;
mod date_format;
mod date_pattern;
mod display;
mod elapsed;
mod format_code;
mod identifier;
mod identifier_shape;
mod lookalikes;
mod moment;
mod number_format;
mod placeholder;
mod separators;
mod style;
mod text;
mod typed_date;
mod typed_number;
mod violation;

pub(crate) use borrowed_value::BorrowedValue;
pub(crate) use cell_error::why_no_value;
pub use cell_error::{is_formula, shows_error};
pub(crate) use currency::{currency_of, currency_shown, is_in_other_currency};
pub(crate) use currency_symbols::is_currency_code;
pub use currency_symbols::{CURRENCY_SYMBOLS, CurrencySymbol};
pub(crate) use date_pattern::read_pattern;
pub(crate) use display::{display_text, is_exact};
pub(crate) use identifier::{
    check_number, drop_zeros, is_read_without_addition, read as read_identifier, without_formula,
};
pub(crate) use identifier_shape::{IdentifierTally, looks_changed};
pub(crate) use lookalikes::{
    ascii_lookalike, half_width_char, has_invisible_character, is_invisible, is_plain, mixes_alphabets, same_words,
    to_half_width,
};
pub(crate) use moment::{Moment, iso, serial_moment};
pub(crate) use number_format::plain;
pub(crate) use placeholder::{is_null_word, is_placeholder};
pub use separators::DecimalSeparator;
pub(crate) use separators::{Shape, separator_char};
pub(crate) use style::Style;
pub(crate) use text::{clean, is_blank, trim};
pub(crate) use typed_date::{is_shown_date, read_date, split_time};
pub(crate) use typed_number::TypedNumber;
pub(crate) use violation::{CellWords, Violation, violation};
