//! Rows of text files that have more or fewer values than the header.

use super::super::case::{Case, Cell, FileFormat, Row};
use super::super::language::{FRENCH, GERMAN, SPANISH};
use super::super::list::Field;
use super::super::write::{CsvStyle, line, quote, shown};
use super::Trap;

const CSV: &[FileFormat] = &[FileFormat::Csv];

pub const TRAPS: &[Trap] = &[
    Trap::new("decimal-comma-not-quoted", CSV, decimal_comma)
        .with_columns(&[Field::Price])
        .in_languages(&[&GERMAN, &FRENCH, &SPANISH]),
    Trap::new("decimal-comma-not-quoted-anywhere", CSV, decimal_comma_everywhere)
        .with_columns(&[Field::Price])
        .in_languages(&[&GERMAN, &FRENCH, &SPANISH]),
    Trap::new("comma-in-count-not-quoted", CSV, comma_in_count),
    Trap::new("comma-in-name-not-quoted", CSV, comma_in_name),
    Trap::new("line-break-not-quoted", CSV, line_break),
    Trap::new("empty-fields-at-the-end-of-all-rows", CSV, padding),
    Trap::new("note-beside-a-padded-row", CSV, note_beside),
    Trap::new("empty-fields-at-the-end-dropped", CSV, dropped),
    Trap::new("quote-not-closed", CSV, open_quote),
    Trap::new("inches-not-quoted", CSV, inches),
    Trap::new("row-with-another-delimiter", CSV, other_delimiter),
];

/// Returns the row's line with these columns unquoted.
fn unquoted(row: &Row, columns: &[usize], style: CsvStyle) -> String {
    let fields = row.cells.iter().enumerate().map(|(column, cell)| match columns.contains(&column) {
        true => shown(cell),
        false => quote(&shown(cell), style),
    });
    fields.collect::<Vec<_>>().join(&style.delimiter.to_string())
}

fn use_commas(case: &mut Case) {
    case.text = CsvStyle { delimiter: ',', quotes_all: false, ..case.text };
}

fn decimal_comma(case: &mut Case) -> bool {
    use_commas(case);
    let Some(price) = case.column(Field::Price) else { return false };
    let rows = case.free_rows();
    let some = case.rng.usize(1..=2);
    let priced: Vec<_> =
        rows.into_iter().filter(|row| !case.sheets[0].rows[*row].cells[price].is_empty()).take(some).collect();
    for row in &priced {
        let style = case.text;
        let row = &mut case.sheet().rows[*row];
        row.line = Some(unquoted(row, &[price], style));
        row.trap = Some("decimal-comma-not-quoted");
    }
    !priced.is_empty()
}

fn decimal_comma_everywhere(case: &mut Case) -> bool {
    use_commas(case);
    let Some(price) = case.column(Field::Price) else { return false };
    let style = case.text;
    for row in &mut case.sheet().rows {
        if row.is_item() && row.line.is_none() && !row.cells[price].is_empty() {
            row.line = Some(unquoted(row, &[price], style));
            row.trap = Some("decimal-comma-not-quoted-anywhere");
        }
    }
    true
}

/// `A-1,Pipe,1,250,3.20,WH1`
fn comma_in_count(case: &mut Case) -> bool {
    use_commas(case);
    let Some(quantity) = case.column(Field::Quantity) else { return false };
    let Some(row) = case.free_row(|_| true) else { return false };
    let count = case.rng.u32(1_000..10_000);
    let style = case.text;
    let row = &mut case.sheet().rows[row];
    row.cells[quantity] = Cell::text(format!("{},{:03}", count / 1000, count % 1000));
    row.attributes().expect("an item").insert("quantity", serde_json::json!({ "N": count.to_string() }));
    row.line = Some(unquoted(row, &[quantity], style));
    row.trap = Some("comma-in-count-not-quoted");
    true
}

fn comma_in_name(case: &mut Case) -> bool {
    let Some(name) = case.column(Field::Name) else { return false };
    let Some(row) = case.free_row(|_| true) else { return false };
    let CsvStyle { delimiter, .. } = case.text;
    case.text.quotes_all = false;
    let style = case.text;
    let row = &mut case.sheet().rows[row];
    let text = format!("{}{delimiter} long", shown(&row.cells[name]));
    row.cells[name] = Cell::text(&text);
    row.attributes().expect("an item").insert("name", serde_json::json!({ "S": text }));
    row.line = Some(unquoted(row, &[name], style));
    row.trap = Some("comma-in-name-not-quoted");
    true
}

/// An unquoted line break in a name splits the row in two.
fn line_break(case: &mut Case) -> bool {
    let Some(name) = case.column(Field::Name) else { return false };
    let Some(place) = case.free_row(|_| true) else { return false };
    case.text.quotes_all = false;
    let style = case.text;
    let row = &mut case.sheet().rows[place];
    let text = shown(&row.cells[name]);
    let (before, after) = text.rsplit_once(' ').map_or((text.as_str(), "new"), |both| both);
    let (before, after) = (before.to_string(), after.to_string());
    row.attributes().expect("an item").insert("name", serde_json::json!({ "S": format!("{before}\n{after}") }));
    let delimiter = style.delimiter.to_string();
    let join = |cells: Vec<String>| cells.join(&delimiter);
    let quoted = |cell: &Cell| quote(&shown(cell), style);
    let head = row.cells[..name].iter().map(quoted).chain([before]).collect();
    let tail = std::iter::once(after).chain(row.cells[name + 1..].iter().map(quoted)).collect();
    row.line = Some(join(head));
    row.trap = Some("line-break-not-quoted");
    let rest = Row { line: Some(join(tail)), trap: row.trap, ..Row::no_item(Vec::new()) };
    case.sheet().rows.insert(place + 1, rest);
    true
}

fn padding(case: &mut Case) -> bool {
    case.text.padding = case.rng.usize(1..4);
    true
}

fn note_beside(case: &mut Case) -> bool {
    case.text.padding = case.rng.usize(2..4);
    let Some(row) = case.free_row(|_| true) else { return false };
    let width = case.columns.len();
    let gap = case.rng.usize(0..case.text.padding);
    let row = &mut case.sheet().rows[row];
    row.cells.resize(width + gap, Cell::EMPTY);
    row.cells.push(Cell::text("ask Tom"));
    row.trap = Some("note-beside-a-padded-row");
    true
}

fn dropped(case: &mut Case) -> bool {
    case.text.drops_empty = true;
    case.sheets[0].rows.iter().any(|row| row.cells.last().is_some_and(Cell::is_empty))
}

/// A quotation mark that is never closed turns everything after it into one field.
fn open_quote(case: &mut Case) -> bool {
    let Some(name) = case.column(Field::Name) else { return false };
    let Some(place) = case.free_row(|row| row.line.is_none()) else { return false };
    case.text.quotes_all = false;
    let style = case.text;
    let row = &mut case.sheet().rows[place];
    row.cells[name] = Cell::text(format!("\"{}", shown(&row.cells[name])));
    row.line = Some(unquoted(row, &[name], style));
    row.trap = Some("quote-not-closed");
    row.make_unclear();
    true
}

/// `Bolt 1/2"`, as written by programs that don't escape quotation marks.
fn inches(case: &mut Case) -> bool {
    let Some(name) = case.column(Field::Name) else { return false };
    let Some(place) = case.free_row(|row| row.line.is_none()) else { return false };
    case.text.quotes_all = false;
    let style = case.text;
    let row = &mut case.sheet().rows[place];
    let text = format!("{} 1/2\"", shown(&row.cells[name]));
    row.cells[name] = Cell::text(&text);
    row.line = Some(unquoted(row, &[name], style));
    row.trap = Some("inches-not-quoted");
    row.attributes().expect("an item").insert("name", serde_json::json!({ "S": text }));
    true
}

/// A row pasted from a program with another delimiter.
fn other_delimiter(case: &mut Case) -> bool {
    let Some(place) = case.free_row(|row| row.line.is_none()) else { return false };
    let delimiter = if case.text.delimiter == ';' { '\t' } else { ';' };
    let style = CsvStyle { delimiter, ..case.text };
    let row = &mut case.sheet().rows[place];
    row.line = Some(line(row, 0, style));
    row.trap = Some("row-with-another-delimiter");
    row.make_unclear();
    true
}
