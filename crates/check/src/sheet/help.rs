//! The help sheet of a template: per column what goes in, and an example row. None of it is ever loaded.

use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, XlsxError};

use super::cell::{Form, show};
use super::columns::{header_format, number_format};
use super::example::example;
use super::explain::{explain, in_words, when_empty};
use super::{name_beside, write_text};
use inventory_base::message::column_letters;
use inventory_rules::judge::would_be_read;
use inventory_rules::schema::{Column, Schema};

/// Of the columns: which it is, what goes in, whether it may be empty, the example.
const WIDTHS: [f64; 4] = [26.0, 62.0, 34.0, 24.0];
const GREY: Color = Color::RGB(0x595959);

/// What the sheet says above the list of the columns.
fn introduction(items: &str) -> Vec<String> {
    vec![
        format!("How to fill in the sheet \"{items}\""),
        "Each row is one item, from the second row on. Leave the first row as it is.".to_string(),
        "A column with a dark name must be filled in; point at a name to read what goes into its column.".to_string(),
        "On the right is an example row, written downwards. It is there to look at: nothing here is loaded."
            .to_string(),
    ]
}

/// The columns of the rules, each a row: with its letter, so that no program and no loader takes it for a header.
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
    let sheet = workbook.add_worksheet().set_name(name_beside(items, "Help"))?;
    for (place, width) in (0..).zip(WIDTHS) {
        sheet.set_column_width(place, width)?;
    }
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let bold = wrapped.clone().set_bold();
    let aside =
        Format::new().set_italic().set_font_color(GREY).set_align(FormatAlign::Top).set_align(FormatAlign::Left);
    let mut texts: Vec<Vec<String>> = introduction(items).into_iter().map(|line| vec![line]).collect();
    for (row, line) in (0..).zip(&texts) {
        let format = if row == 0 { Format::new().set_bold().set_font_size(14) } else { Format::new() };
        sheet.write_string_with_format(row, 0, &line[0], &format)?;
    }
    texts.push(vec![]);
    let first = texts.len() as u32;
    let head = ["Which column", "What goes in", "If it is empty", "Example row, not loaded"].map(str::to_string);
    for (place, text) in (0..).zip(&head) {
        sheet.write_string_with_format(first, place, text, &bold.clone().set_background_color(Color::RGB(0xEDEDED)))?;
    }
    texts.push(head.to_vec());
    for ((row, column), described) in (first + 1..).zip(&schema.columns).zip(described(schema)) {
        let [name, what, empty] = &described;
        write_text(sheet, row, 0, name, &header_format(column).set_text_wrap())?;
        write_text(sheet, row, 1, what, &wrapped)?;
        write_text(sheet, row, 2, empty, &wrapped)?;
        let example = example(column);
        if let Some(Ok(shown)) = example.as_ref().map(|example| show(example, column, Form::Workbook)) {
            let format = aside.clone().set_num_format(number_format(column));
            shown.write(sheet, row, 3, &format)?;
        }
        texts.push(described.into_iter().chain(example.iter().map(in_words)).collect());
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    // Rules can call a column anything, also what stands here. A hidden sheet is never loaded, and the notes on the
    // names say the same.
    let is_read = schema.sheet.is_none() && would_be_read(schema, &texts);
    sheet.set_hidden(is_read);
    Ok(())
}
