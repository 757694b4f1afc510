//! Evidence from the numbers of a whole column about its decimal separator. A single cell often isn't enough: 1.234 is
//! more than a thousand in one country and just over one in another.

use crate::cell::{
    DecimalSeparator, IdentifierTally, Shape, Style, TypedNumber, display_text, looks_changed, to_half_width, trim,
};
use crate::schema::{Column, Header, Schema, StoredAs};
use inventory_workbook::{RawRow, RawValue};

/// The evidence of all number columns, in the order of the rules' columns.
pub(in crate::judge) struct Evidence {
    columns: Vec<Option<ColumnEvidence>>,
    /// Evidence of identifier columns.
    identifiers: Vec<Option<IdentifierTally>>,
    /// Whether the file is a text file, which has only what a program displayed.
    exported: bool,
}

/// The number of cells that prove each separator.
#[derive(Default)]
struct ColumnEvidence {
    money: bool,
    point: u64,
    comma: u64,
    either: u64,
}

impl Evidence {
    pub fn new(schema: &Schema, exported: bool) -> Evidence {
        let tally = |column: &Column| is_identifier_column(schema, column).then(IdentifierTally::default);
        Evidence {
            columns: schema.columns.iter().map(ColumnEvidence::of).collect(),
            identifiers: schema.columns.iter().map(tally).collect(),
            exported,
        }
    }

    pub fn note_row(&mut self, row: &RawRow<'_>, header: &Header) {
        for (evidence, found) in self.columns.iter_mut().zip(&header.columns) {
            let (Some(evidence), Some((place, _))) = (evidence, found) else {
                continue;
            };
            let cell = row.cell(*place);
            if let Some(RawValue::Text(text)) = cell.map(|cell| &cell.value) {
                evidence.note(text);
            }
        }
        for (tally, found) in self.identifiers.iter_mut().zip(&header.columns) {
            let (Some(tally), Some((place, _))) = (tally, found) else {
                continue;
            };
            if let Some(cell) = row.cell(*place) {
                tally.note(cell);
            }
        }
    }

    /// In the order of the rules' columns.
    pub fn decide(&self) -> Vec<Style> {
        let decide = |(numbers, identifiers): (&Option<ColumnEvidence>, &Option<IdentifierTally>)| match (
            numbers,
            identifiers,
        ) {
            (Some(numbers), _) => match numbers.decide() {
                style if self.exported => style,
                // In a workbook, numbers stored as text are the exception; an ambiguous one is reported unless the
                // others decide.
                style @ Style::Known(DecimalSeparator::Point) => style,
                _ => Style::Assumed,
            },
            (_, Some(identifiers)) => Style::Identifiers(identifiers.decide(self.exported)),
            _ => Style::Assumed,
        };
        self.columns.iter().zip(&self.identifiers).map(decide).collect()
    }
}

/// Whether a text or barcode column must identify its items.
fn is_identifier_column(schema: &Schema, column: &Column) -> bool {
    let in_key = schema.key.columns().any(|key| key == column.name);
    column.kind.stored_as == StoredAs::Text && column.identifies(in_key)
}

/// Whether the row has a value that only its whole column can explain: an identifier that a program seems to have
/// changed, or a number that can be read in two ways.
pub(in crate::judge) fn needs_evidence(row: &RawRow<'_>, header: &Header, schema: &Schema) -> bool {
    let columns = schema.columns.iter().zip(&header.columns);
    let mut cells = columns.filter_map(|(column, found)| Some((column, row.cell(found.as_ref()?.0)?)));
    cells.any(|(column, cell)| match &cell.value {
        _ if is_identifier_column(schema, column) => looks_changed(&display_text(cell)),
        RawValue::Text(text) => ColumnEvidence::of(column).is_some_and(|mut numbers| {
            numbers.note(text);
            numbers.either > 0
        }),
        _ => false,
    })
}

impl ColumnEvidence {
    /// `None` for a column that needs no evidence: not a number column, or the rules set its separator.
    fn of(column: &Column) -> Option<ColumnEvidence> {
        let form = column.kind.number_form().filter(|_| column.decimal.is_none())?;
        Some(ColumnEvidence { money: form.accepts_currency(), ..ColumnEvidence::default() })
    }

    fn note(&mut self, text: &str) {
        let text = &to_half_width(trim(text));
        if !text.bytes().any(|byte| matches!(byte, b'.' | b',')) {
            return;
        }
        match TypedNumber::read(text, self.money).map(|typed| typed.shape) {
            Some(Shape::Sure(DecimalSeparator::Point)) => self.point += 1,
            Some(Shape::Sure(DecimalSeparator::Comma)) => self.comma += 1,
            Some(Shape::Either) => self.either += 1,
            Some(Shape::Whole) | None => {}
        }
    }

    fn decide(&self) -> Style {
        match (self.point, self.comma) {
            (0, 0) if self.either > 0 => Style::Ambiguous,
            (0, 0) => Style::Assumed,
            (_, 0) => Style::Known(DecimalSeparator::Point),
            (0, _) => Style::Known(DecimalSeparator::Comma),
            (point, comma) if comma > point => Style::Mixed(DecimalSeparator::Comma),
            _ => Style::Mixed(DecimalSeparator::Point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{column, text};
    use super::*;
    use inventory_workbook::RawCell;

    #[test]
    fn the_whole_column_decides() {
        use DecimalSeparator::{Comma, Point};
        for (texts, style) in [
            (&["12", "1.234", "1.5"][..], Style::Known(Point)),
            (&["1,234", "1,234.50"], Style::Known(Point)),
            (&["1,234", "1,234,567"], Style::Known(Point)),
            (&["1.234", "12,50 €"], Style::Known(Comma)),
            (&["1.234", "1.234.567"], Style::Known(Comma)),
            (&["1.234", "0,125"], Style::Known(Comma)),
            (&["1.234", "2.500", "12"], Style::Ambiguous),
            (&["1.234", "1,234"], Style::Ambiguous),
            (&["12", "n/a", "1.2.3", "1 234"], Style::Assumed),
            (&[], Style::Assumed),
            (&["12,5", "13,5", "12.5"], Style::Mixed(Comma)),
            (&["12,5", "13.5", "12.5"], Style::Mixed(Point)),
            (&["12,5", "12.5"], Style::Mixed(Point)),
        ] {
            let mut evidence = ColumnEvidence::of(&column("type = \"money\"")).unwrap();
            texts.iter().for_each(|text| evidence.note(text));
            assert_eq!(evidence.decide(), style, "{texts:?}");
        }
    }

    #[test]
    fn only_number_columns_without_a_declared_separator_need_evidence() {
        for (lines, asked) in [
            ("type = \"integer\"", true),
            ("type = \"decimal\"", true),
            ("type = \"money\"\ndecimal = \",\"", false),
            ("type = \"text\"", false),
            ("type = \"gtin\"", false),
        ] {
            assert_eq!(ColumnEvidence::of(&column(lines)).is_some(), asked, "{lines}");
        }
    }

    #[test]
    fn evidence_is_gathered_by_header() {
        let schema = Schema::shipped().unwrap();
        let header = schema.match_header(1, &[(0, "SKU"), (2, "Price"), (3, "Qty")]).unwrap();
        let mut evidence = Evidence::new(&schema, true);
        for price in ["1.234", "12,50"] {
            let cells = ["1.5", "x", price, "5"].into_iter().zip(0..);
            let cells = cells.map(|(written, place)| RawCell { column: place, ..text(written) }).collect();
            evidence.note_row(&RawRow { number: 2, cells, fields: None }, &header);
        }
        let styles = evidence.decide();
        let known: Vec<&str> = schema
            .columns
            .iter()
            .zip(&styles)
            .filter(|(_, s)| !matches!(s, Style::Assumed | Style::Identifiers(_)))
            .map(|(c, _)| c.name.as_str())
            .collect();
        assert_eq!(known, ["unit_price"]);
        assert_eq!(styles[schema.position("unit_price").unwrap()], Style::Known(DecimalSeparator::Comma));
    }
}
