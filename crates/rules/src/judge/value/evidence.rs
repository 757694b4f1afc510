//! What the numbers of a whole column tell of its decimal sign. One cell alone often does not: 1.234 is more than a thousand
//! in one country and little more than one in another.

use crate::schema::{Column, DecimalSign, Header, Kind, Schema};
use inventory_workbook::{RawRow, RawValue};

use super::alike::narrow;
use super::identifier::{Tally, identifies, looks_changed};
use super::number::takes_money;
use super::separators::Shape;
use super::shown::shown;
use super::text::trim;
use super::typed::Typed;
use super::{Facts, Style};

/// The evidence of all number columns, by their place in the rules.
pub(in crate::judge) struct Evidence {
    columns: Vec<Option<ColumnEvidence>>,
    /// What tells items apart in columns of texts.
    identifiers: Vec<Option<Tally>>,
    /// Whether the file is text, in which what a program shows is all that is left.
    exported: bool,
}

/// Cells counted by what they prove.
#[derive(Default)]
struct ColumnEvidence {
    money: bool,
    point: u64,
    comma: u64,
    either: u64,
}

impl Evidence {
    pub fn new(schema: &Schema, exported: bool) -> Evidence {
        let tally = |column: &Column| tells_items_apart(schema, column).then(Tally::default);
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

    /// By the columns' places in the rules.
    pub fn decide(&self) -> Vec<Style> {
        let decide = |(numbers, identifiers): (&Option<ColumnEvidence>, &Option<Tally>)| match (numbers, identifiers) {
            (Some(numbers), _) => match numbers.decide() {
                style if self.exported => style,
                // In a workbook, numbers that are texts are the exception, and each that can be misread is asked about
                // unless the others tell.
                style @ Style::Known(DecimalSign::Point) => style,
                _ => Style::Assumed,
            },
            (_, Some(identifiers)) => Style::Identifiers(identifiers.decide(self.exported)),
            _ => Style::Assumed,
        };
        self.columns.iter().zip(&self.identifiers).map(decide).collect()
    }
}

/// Whether a column of texts must tell each item from all others.
fn tells_items_apart(schema: &Schema, column: &Column) -> bool {
    let in_key = schema.key.columns().any(|key| key == column.name);
    matches!(column.kind, Kind::Text | Kind::Gtin) && identifies(column, Facts { in_key, ..Facts::default() })
}

/// Whether something in the row only its whole column can tell: an identifier that looks as if a program had changed it, or
/// a number that can be read in two ways.
pub(in crate::judge) fn needs_evidence(row: &RawRow<'_>, header: &Header, schema: &Schema) -> bool {
    let columns = schema.columns.iter().zip(&header.columns);
    let mut cells = columns.filter_map(|(column, found)| Some((column, row.cell(found.as_ref()?.0)?)));
    cells.any(|(column, cell)| match &cell.value {
        _ if tells_items_apart(schema, column) => looks_changed(&shown(cell)),
        RawValue::Text(text) => ColumnEvidence::of(column).is_some_and(|mut numbers| {
            numbers.note(text);
            numbers.either > 0
        }),
        _ => false,
    })
}

impl ColumnEvidence {
    /// None for a column that needs no evidence: no numbers, or a sign set by the rules.
    fn of(column: &Column) -> Option<ColumnEvidence> {
        let wanted = (column.kind == Kind::Integer || takes_money(column.kind)) && column.decimal.is_none();
        wanted.then(|| ColumnEvidence { money: takes_money(column.kind), ..ColumnEvidence::default() })
    }

    fn note(&mut self, text: &str) {
        let text = &narrow(trim(text));
        if !text.bytes().any(|byte| matches!(byte, b'.' | b',')) {
            return;
        }
        match Typed::read(text, self.money).map(|typed| typed.shape) {
            Some(Shape::Sure(DecimalSign::Point)) => self.point += 1,
            Some(Shape::Sure(DecimalSign::Comma)) => self.comma += 1,
            Some(Shape::Either) => self.either += 1,
            Some(Shape::Whole) | None => {}
        }
    }

    fn decide(&self) -> Style {
        match (self.point, self.comma) {
            (0, 0) if self.either > 0 => Style::Ambiguous,
            (0, 0) => Style::Assumed,
            (_, 0) => Style::Known(DecimalSign::Point),
            (0, _) => Style::Known(DecimalSign::Comma),
            (point, comma) if comma > point => Style::Mixed(DecimalSign::Comma),
            _ => Style::Mixed(DecimalSign::Point),
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
        use DecimalSign::{Comma, Point};
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
    fn only_number_columns_without_a_sign_of_their_own_are_asked() {
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
    fn rows_are_read_by_their_header() {
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
        assert_eq!(styles[schema.position("unit_price").unwrap()], Style::Known(DecimalSign::Comma));
    }
}
