//! Writes the help sheet of a template: what goes into each column, and an example row. None of it is ever loaded.

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, XlsxError};

use super::cell::{Form, to_cell};
use super::columns::header_format;
use super::explain::{explain, in_words, when_empty};
use super::{other_sheet_name, write_text};
use inventory_base::message::column_letters;
use inventory_rules::judge::would_be_read;
use inventory_rules::schema::{Column, Schema};

/// The widths of the columns: name, what goes in, if left empty, example.
const WIDTHS: [f64; 4] = [26.0, 62.0, 34.0, 24.0];
const GREY: Color = Color::RGB(0x595959);

/// Returns the text above the list of columns.
fn introduction(items: &str) -> Vec<String> {
    vec![
        format!("How to fill in the sheet \"{items}\""),
        "Each row is one item, starting in the second row. Don't change the first row.".to_string(),
        "Columns with a dark heading must be filled in. Point at a heading to see what goes into its column."
            .to_string(),
        "The last column here shows an example row, from top to bottom. Nothing on this sheet is loaded.".to_string(),
    ]
}

/// Returns a row for each column of the rules. A name has the column's letter after it, so that neither a program nor
/// the loader takes it for a header.
fn described(schema: &Schema) -> Vec<[String; 3]> {
    let described = |(place, column): (u32, &Column)| {
        let name = format!("{} (column {})", column.title, column_letters(place));
        let empty = when_empty(column);
        let what = explain(schema, column);
        [name, what.strip_suffix(&empty).unwrap_or(&what).trim_end().to_string(), empty]
    };
    (0..).zip(&schema.columns).map(described).collect()
}

pub(super) fn add_help(workbook: &mut Workbook, schema: &Schema, items: &str) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet().set_name(other_sheet_name(items, "Help"))?;
    for (place, width) in (0..).zip(WIDTHS) {
        sheet.set_column_width(place, width)?;
    }
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let bold = wrapped.clone().set_bold();
    let example_format =
        Format::new().set_italic().set_font_color(GREY).set_align(FormatAlign::Top).set_align(FormatAlign::Left);
    let mut texts: Vec<Vec<String>> = introduction(items).into_iter().map(|line| vec![line]).collect();
    for (row, line) in (0..).zip(&texts) {
        let format = if row == 0 { Format::new().set_bold().set_font_size(14) } else { Format::new() };
        sheet.write_string_with_format(row, 0, &line[0], &format)?;
    }
    texts.push(vec![]);
    let first = texts.len() as u32;
    let head = ["Column", "What goes in", "If left empty", "Example row, not loaded"].map(str::to_string);
    for (place, text) in (0..).zip(&head) {
        sheet.write_string_with_format(first, place, text, &bold.clone().set_background_color(Color::RGB(0xEDEDED)))?;
    }
    texts.push(head.to_vec());
    for ((row, column), described) in (first + 1..).zip(&schema.columns).zip(described(schema)) {
        let [name, what, empty] = &described;
        write_text(sheet, row, 0, name, &header_format(column).set_text_wrap())?;
        write_text(sheet, row, 1, what, &wrapped)?;
        write_text(sheet, row, 2, empty, &wrapped)?;
        let example = column.example();
        if let Some(Ok(cell)) = example.as_ref().map(|example| to_cell(example, column, Form::Workbook)) {
            let format = example_format.clone().set_num_format(column.number_format());
            cell.write(sheet, row, 3, &format)?;
        }
        texts.push(described.into_iter().chain(example.iter().map(in_words)).collect());
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    // Columns may have any title, including the headings here. A hidden sheet is never loaded, and the notes on the
    // headings say the same.
    let is_read = schema.sheet.is_none() && would_be_read(schema, &texts);
    sheet.set_hidden(is_read);
    Ok(())
}
