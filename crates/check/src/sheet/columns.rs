//! Formats the columns of a sheet of items: their headings and notes, widths, number formats, and validation.

use rust_xlsxwriter::{Color, Format, FormatAlign, IgnoreError, Note, Worksheet, XlsxError};

use super::LAST_ROW;
use super::explain::explain;
use super::validation::{Lists, validate};
use inventory_rules::schema::{Column, GENERAL_FORMAT, Schema, TEXT_FORMAT};

/// Dark for columns that must be filled in, light for those that may be left empty; the headings are readable on both.
const DARK: Color = Color::RGB(0x1F3864);
const LIGHT: Color = Color::RGB(0xD9E2F3);
/// Column widths, in widths of a digit.
const NARROWEST: usize = 10;
const WIDEST: usize = 40;
/// The width of the filter button next to the heading.
const FILTER_WIDTH: usize = 4;
/// In pixels.
const NOTE_WIDTH: u32 = 260;
const NOTE_LINE_HEIGHT: u32 = 18;
const NOTE_LINE_CHARACTERS: usize = 36;

pub(super) struct Columns<'a> {
    pub schema: &'a Schema,
    formats: Vec<Format>,
    pub lists: Lists,
}

impl<'a> Columns<'a> {
    /// `items` is the name of the first sheet of items.
    pub fn new(schema: &'a Schema, items: &str) -> Columns<'a> {
        let format = |column: &Column| Format::new().set_num_format(column.number_format());
        Columns { schema, formats: schema.columns.iter().map(format).collect(), lists: Lists::of(schema, items) }
    }

    pub fn titles(schema: &Schema) -> Vec<&str> {
        schema.columns.iter().map(|column| column.own_header()).collect()
    }

    pub fn format(&self, place: usize) -> &Format {
        &self.formats[place]
    }

    /// Prepares a sheet for items, which start in the second row.
    pub fn begin(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        for ((place, column), format) in (0..).zip(&self.schema.columns).zip(&self.formats) {
            sheet.set_column_width(place, width(column) as f64)?;
            sheet.set_column_format(place, format)?;
            sheet.write_string_with_format(0, place, column.own_header(), &header_format(column))?;
            sheet.insert_note(0, place, &note(&explain(self.schema, column)))?;
            validate(sheet, place, column, &self.lists)?;
            if column.number_format() == TEXT_FORMAT {
                // Item numbers and barcodes are text on purpose.
                sheet.ignore_error_range(1, place, LAST_ROW, place, IgnoreError::NumberStoredAsText)?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        // When printed, all columns fit on a page, and each page has the headings.
        sheet.set_repeat_rows(0, 0)?.set_landscape().set_print_fit_to_pages(1, 0);
        Ok(())
    }

    /// Adds a filter to the rows.
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

/// Returns the number format as the reader of a workbook reports it.
pub(super) fn format_as_read(column: &Column) -> Option<&'static str> {
    Some(column.number_format()).filter(|code| *code != GENERAL_FORMAT)
}

fn width(column: &Column) -> usize {
    (column.title.chars().count() + FILTER_WIDTH).max(column.width()).clamp(NARROWEST, WIDEST)
}

fn note(text: &str) -> Note {
    let lines = text.chars().count() / NOTE_LINE_CHARACTERS + 2;
    let height = NOTE_LINE_HEIGHT * u32::try_from(lines).unwrap_or(u32::MAX).min(20);
    Note::new(text).add_author_prefix(false).set_width(NOTE_WIDTH).set_height(height)
}
