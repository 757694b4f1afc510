//! Reports columns in which items have values but the header has no name, so that values are not lost silently.

use crate::schema::Header;
use inventory_base::message::{Note, cell_address, column_letters, count, listed, note};

use super::counts::{ColumnCounts, UnnamedColumn};

/// Columns named in the note; the others are counted.
const COLUMNS_NAMED: usize = 8;

/// Notes on columns that may be part of the list, and on values next to it.
pub(super) fn report_unnamed(sheet: &str, header: &Header, counts: &ColumnCounts) -> Vec<Note> {
    let (columns, values): (Vec<_>, Vec<_>) = counts.unnamed().into_iter().partition(|column| column.is_part_of_list);
    let in_list = (!columns.is_empty()).then(|| {
        let (columns, cells) = describe(&columns, header.row);
        note!(ColumnWithoutName { sheet, columns, cells })
    });
    let beside = (!values.is_empty()).then(|| {
        let (columns, cells) = describe(&values, header.row);
        note!(ValuesWithoutName { sheet, columns, cells })
    });
    in_list.into_iter().chain(beside).map(|note| note.on_sheet(sheet)).collect()
}

/// The columns with the numbers of their values, and the cells for their names.
fn describe(unnamed: &[UnnamedColumn], header_row: u32) -> (String, String) {
    let values = |n: u64| {
        if n == 1 { "1 value".to_string() } else { format!("{} values", count(n)) }
    };
    let columns = unnamed.iter().map(|column| format!("{} ({})", column_letters(column.place), values(column.values)));
    let cells = unnamed.iter().map(|column| cell_address(column.place, header_row));
    (listed(&columns.collect::<Vec<_>>(), COLUMNS_NAMED), listed(&cells.collect::<Vec<_>>(), COLUMNS_NAMED))
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::judged_by;
    use inventory_base::message::Rule;

    fn notes_of(list: &str) -> Vec<(&'static str, String, String)> {
        let (_, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
        let is_about = |rule| matches!(rule, Rule::ColumnWithoutName | Rule::ValuesWithoutName);
        let notes = file.notes.into_iter().filter(|note| is_about(note.rule));
        notes.map(|note| (note.rule.id(), note.message, note.advice)).collect()
    }

    #[test]
    fn values_of_items_under_an_empty_header_are_counted() {
        let notes = notes_of("SKU,Name,Qty,,,\nA,Bolt,5,1.50,,\nB,Nut,many,2.50,,x\nC,Pin,5, ,,\n");
        let [(column, message, advice), (values, outside, _)] = &notes[..] else { panic!("{notes:?}") };
        assert_eq!((*column, *values), ("column-without-name", "values-without-name"));
        assert_eq!(message, "Sheet \"Stock\" has values under an empty header in D (2 values).");
        assert_eq!(outside, "Sheet \"Stock\" has values next to the list, under an empty header, in F (1 value).");
        let says = "Their contents were not loaded. If they should be, enter a column name in D1, and upload \
                    the file again.";
        assert_eq!(advice, says);
    }

    #[test]
    fn a_column_that_only_numbers_the_rows_is_not_part_of_the_list() {
        let rules = |list: &str| notes_of(list).iter().map(|(rule, ..)| *rule).collect::<Vec<_>>();
        assert_eq!(rules(",SKU,Name,Qty\n0,A,Bolt,5\n1,B,Nut,6\n2,C,Pin,7\n"), ["values-without-name"]);
        assert_eq!(rules(",SKU,Name,Qty\n12,A,Bolt,5\n7,B,Nut,6\n9,C,Pin,7\n"), ["column-without-name"]);
    }

    #[test]
    fn values_of_other_rows_or_under_a_header_are_not_reported() {
        assert!(notes_of(",,,Leeds\nSKU,Name,Qty,,Remark\nA,Bolt,5,,new\n,,,counted by Ann\nTotal,,5,5\n").is_empty());
    }

    #[test]
    fn of_many_unnamed_columns_some_are_listed() {
        let notes = notes_of(&format!("SKU,Name,Qty\nA,Bolt,5{}\n", ",x".repeat(20)));
        assert!(notes[0].1.ends_with("K (1 value), and 12 more."), "{}", notes[0].1);
    }
}
