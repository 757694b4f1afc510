//! The columns of a sheet of items, the same wherever one is written: their names and notes, how wide they are, how their
//! cells show what is in them, and what may be typed.

use rust_xlsxwriter::{Color, Format, FormatAlign, IgnoreError, Note, Worksheet, XlsxError};

use super::LAST_ROW;
use super::explain::explain;
use super::validation::{Lists, validate};
use inventory_rules::schema::{Column, Kind, Schema};

/// Dark where a column must be filled in, light where it may be left empty; the names are readable on both.
const DARK: Color = Color::RGB(0x1F3864);
const LIGHT: Color = Color::RGB(0xD9E2F3);
/// In the width of a digit.
const NARROWEST: usize = 10;
const WIDEST: usize = 40;
/// For the button of the filter beside the name.
const BESIDE_NAME: usize = 4;
/// Of a note, in pixels.
const NOTE_WIDTH: u32 = 260;
const NOTE_LINE_HEIGHT: u32 = 18;
const NOTE_LINE_CHARACTERS: usize = 36;
/// Currencies whose amounts are whole.
const WITHOUT_CENTS: [&str; 4] = ["JPY", "KRW", "VND", "ISK"];

pub(super) struct Columns<'a> {
    pub schema: &'a Schema,
    formats: Vec<Format>,
    pub lists: Lists,
}

impl<'a> Columns<'a> {
    /// `items` is what the first sheet of items is called.
    pub fn new(schema: &'a Schema, items: &str) -> Columns<'a> {
        let format = |column: &Column| Format::new().set_num_format(number_format(column));
        Columns { schema, formats: schema.columns.iter().map(format).collect(), lists: Lists::of(schema, items) }
    }

    pub fn titles(schema: &Schema) -> Vec<&str> {
        schema.columns.iter().map(|column| column.own_header()).collect()
    }

    pub fn format(&self, place: usize) -> &Format {
        &self.formats[place]
    }

    /// Makes a sheet ready for items, from its second row on.
    pub fn begin(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        for ((place, column), format) in (0..).zip(&self.schema.columns).zip(&self.formats) {
            sheet.set_column_width(place, width(column) as f64)?;
            sheet.set_column_format(place, format)?;
            sheet.write_string_with_format(0, place, column.own_header(), &header_format(column))?;
            sheet.insert_note(0, place, &note(&explain(self.schema, column)))?;
            validate(sheet, place, column, &self.lists)?;
            if is_text(column.kind) {
                // Numbers of items and barcodes are texts on purpose.
                sheet.ignore_error_range(1, place, LAST_ROW, place, IgnoreError::NumberStoredAsText)?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        // On paper: all columns side by side, and their names on each page.
        sheet.set_repeat_rows(0, 0)?.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }

    /// Puts a filter over the rows that are there.
    pub fn end(&self, sheet: &mut Worksheet, last_row: u32) -> Result<(), XlsxError> {
        let last = u16::try_from(self.formats.len()).unwrap_or(u16::MAX).saturating_sub(1);
        sheet.autofilter(0, 0, last_row.max(1), last).map(|_| ())
    }
}

pub(super) fn header_format(column: &Column) -> Format {
    let format = Format::new().set_bold().set_align(FormatAlign::VerticalCenter);
    match column.required {
        true => format.set_background_color(DARK).set_font_color(Color::White),
        false => format.set_background_color(LIGHT).set_font_color(DARK),
    }
}

/// How a cell of the column shows its value. Nothing is hidden: a price of more digits than two shows them all.
pub(super) fn number_format(column: &Column) -> &'static str {
    match column.kind {
        Kind::Text | Kind::Choice | Kind::Gtin => "@",
        Kind::Integer => "0",
        Kind::Money if column.currency.as_deref().is_some_and(|code| WITHOUT_CENTS.contains(&code)) => GENERAL,
        Kind::Money => "0.00#############",
        Kind::Date => "yyyy-mm-dd",
        Kind::Decimal | Kind::Boolean => GENERAL,
    }
}

const GENERAL: &str = "General";

/// The same as the reader of a workbook tells it.
pub(super) fn format_as_read(column: &Column) -> Option<&'static str> {
    Some(number_format(column)).filter(|code| *code != GENERAL)
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Choice | Kind::Gtin)
}

fn width(column: &Column) -> usize {
    let of_values = match column.kind {
        Kind::Text => column.max_length.unwrap_or(WIDEST).min(20),
        Kind::Gtin => 16,
        Kind::Choice => column.choices.iter().map(|choice| choice.chars().count()).max().unwrap_or_default(),
        Kind::Integer | Kind::Decimal | Kind::Money | Kind::Boolean | Kind::Date => 12,
    };
    (column.title.chars().count() + BESIDE_NAME).max(of_values).clamp(NARROWEST, WIDEST)
}

fn note(text: &str) -> Note {
    let lines = text.chars().count() / NOTE_LINE_CHARACTERS + 2;
    let height = NOTE_LINE_HEIGHT * u32::try_from(lines).unwrap_or(u32::MAX).min(20);
    Note::new(text).add_author_prefix(false).set_width(NOTE_WIDTH).set_height(height)
}
