//! Tests with whole text files whose rows differ in width from the header.

use std::collections::BTreeMap;

use super::super::file::tests::{judged_by, rules};
use crate::judge::{FileRead, Skip, Verdict};
use inventory_base::message::{Problem, Rule};

fn judged(list: &str) -> (BTreeMap<u32, Verdict>, FileRead) {
    judged_by(list.as_bytes(), |rules| rules).unwrap()
}

/// The rows that are rejected for their width, each with the rule.
fn doubtful(list: &str) -> Vec<(u32, &'static str)> {
    let (verdicts, _) = judged(list);
    let found = verdicts.iter().flat_map(|(row, verdict)| rules(verdict).into_iter().map(|rule| (*row, rule)));
    found.filter(|(_, rule)| rule.starts_with("row-")).collect()
}

fn problem(list: &str, row: u32) -> Problem {
    match &judged(list).0[&row] {
        Verdict::Rejected(kept) => {
            assert_eq!(kept.key, None, "its key can't be trusted either");
            kept.problems[0].clone()
        }
        other => panic!("{other:?}"),
    }
}

fn notes(list: &str) -> Vec<(Rule, String)> {
    judged(list).1.notes.into_iter().map(|note| (note.rule, note.message)).collect()
}

const EXTRA: &str = "row-has-extra-values";
const SHORT: &str = "row-is-cut-short";
const CONTINUES: &str = "row-may-continue";

#[test]
fn a_row_with_more_values_than_the_header_has_columns_is_rejected_with_the_likely_cause() {
    let list = "SKU,Name,Qty,Price,Warehouse\nB-1,Nut,5,1.50,WH1\nA-1,Pipe,1,250,3.20,WH1\nC-1,Pin,7,2,WH1\n\
                D-1,Cap, red,7,2.50,WH1\nE-1,Cord,7,2.50,WH1,\"x, y\",z\nF-1,Rod,1,1,WH1\nG-1,Bar,1,1,WH1\n";
    assert_eq!(doubtful(list), [(3, EXTRA), (5, EXTRA), (6, EXTRA)]);
    let extra = problem(list, 3);
    assert_eq!(extra.message, "Row 3 has more values than the header in row 1 has columns: \"WH1\" in F3.");
    assert_eq!((extra.column, extra.cell.as_deref(), extra.value.as_deref()), (None, Some("F3"), Some("WH1")));
    let advice = "Perhaps C3 and D3 are one number, \"1,250\", that is not in quotation marks. \
                  Check which value belongs in which column, and correct the row. Row 3 was not loaded.";
    assert_eq!(extra.advice, advice);
    let text = "Perhaps B5 and C5 are one text, \"Cap, red\", that is not in quotation marks.";
    assert!(problem(list, 5).advice.starts_with(text), "{}", problem(list, 5).advice);
    assert!(problem(list, 6).message.ends_with(": \"x, y\" in F6, \"z\" in G6."));
    assert!(problem(list, 6).advice.starts_with("Perhaps one of its values contains a comma and is not in"));
}

#[test]
fn extra_values_are_found_with_every_separator_and_in_web_pages() {
    for separator in [";", "\t", "|"] {
        let list = "SKU,Name,Qty\nB-1,Nut,5\nA-1,Pi,pe,5\nC-1,Pin,7\n".replace(',', separator);
        assert_eq!(doubtful(&list), [(3, EXTRA)], "{separator:?}");
    }
    let page = "<table><tr><th>SKU<th>Name<th>Qty</tr><tr><td>A<td>Bolt<td>5</tr><tr><td>B<td>Nut<td>5<td>6</tr>\
                <tr><td>C<td>Pin<td>7</tr><tr><td>D<td>Cap</tr></table>";
    assert_eq!(doubtful(page), [(3, EXTRA)]);
}

#[test]
fn an_unquoted_decimal_comma_in_every_row_rejects_the_shifted_rows() {
    for list in [
        "SKU,Name,Price,Qty\nA,Bolt,1,50,5\nB,Nut,12,25,7\nC,Pin,3,05,9\n",
        // Some prices have no comma, so these rows are complete.
        "SKU,Name,Price,Qty\nA,Bolt,1,50,5\nB,Nut,12,7\nC,Pin,3,05,9\n",
        "SKU,Qty,Name\nA,1,250,Bolt\nB,2,500,Nut\n",
        "SKU,Name,Qty\nA,Bolt, red,5\nB,Nut, blue,6\n",
    ] {
        let (verdicts, _) = judged(list);
        for (row, verdict) in verdicts.range(2..) {
            let fields = list.lines().nth(*row as usize - 1).unwrap().split(',').count();
            let is_wide = fields > list.lines().next().unwrap().split(',').count();
            assert_eq!(rules(verdict) == [EXTRA], is_wide, "{list} row {row}: {verdict:?}");
        }
    }
    // Some programs number the rows in a column without a name.
    let numbered = "SKU,Name,Qty\n1,A,Bolt,5\n2,B,Nut,6\n3,C,Pin,7\n";
    assert_eq!(doubtful(numbered), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
    assert!(problem(numbered, 2).advice.starts_with("Perhaps the rows begin with a number that has no name"));
}

#[test]
fn a_column_without_a_name_is_a_column_if_most_rows_have_it() {
    for list in [
        "SKU,Name,Qty\nA,Bolt,5,x\nB,Nut,6,y\n",
        "SKU,Name,Qty\nA,Bolt,5,1.50\nB,Nut,6,2.50\nC,Pin,7\n",
        "SKU,Name,Qty\nA,Bolt,5,x\n",
        "SKU,Name,Qty,\nA,Bolt,5,10\nB,Nut,6,20\n",
    ] {
        assert_eq!(doubtful(list), [], "{list}");
        assert_eq!(notes(list).iter().map(|note| note.0).collect::<Vec<_>>(), [Rule::ColumnWithoutName], "{list}");
    }
    // A value beyond it is one too many.
    assert_eq!(doubtful("SKU,Name,Qty\nA,Bolt,5,x\nB,Nut,6,y\nC,Pi,n,7,z\n"), [(4, EXTRA)]);
}

#[test]
fn a_note_next_to_a_padded_list_is_not_an_extra_value() {
    let padded = "SKU;Name;Qty;;\nA;Bolt;5;;\nB;Nut;6;;check\nC;Pin;7;;\n";
    assert_eq!(doubtful(padded), []);
    assert_eq!(notes(padded)[0].0, Rule::ValuesWithoutName);
    // Every row but the header is padded, or ends with a separator.
    assert_eq!(doubtful("SKU;Name;Qty\nA;Bolt;5;;\nB;Nut;6;;check\nC;Pin;7;;\n"), []);
    let ended = "SKU;Name;Qty\nA;Bolt;5;\nB;Nut;6;\nC;Pin;7;\n";
    assert_eq!((doubtful(ended), notes(ended)), (vec![], vec![]));
    // A shifted row has one value more than even these.
    assert_eq!(doubtful("SKU;Name;Qty;\nA;Bolt;5;\nB;Nu;t;6;\nC;Pin;7;\n"), [(3, EXTRA)]);
    assert_eq!(doubtful("SKU;Name;Qty\nA;Bolt;5;\nB;Nu;t;6;\nC;Pin;7;\n"), [(3, EXTRA)]);
}

#[test]
fn separators_that_only_some_rows_end_with_are_noted() {
    let list = "SKU,Name,Qty,Price,Warehouse\nA,Bolt,5,1.50,\nB,Pipe,1,250,3.20,\nC,Pin,7,2.50,\n";
    assert_eq!(doubtful(list), []);
    let message = "Sheet \"Stock\" has 1 row that ends with more separators than the others: row 3.";
    assert_eq!(notes(list), [(Rule::RowHasExtraSeparators, message.to_string())]);
}

#[test]
fn both_parts_of_a_row_cut_by_a_line_break_are_rejected() {
    let list =
        "SKU,Name,Qty,Price,Supplier\nA,Bolt,5,1.50,x\nB,Nut large\nand black,6,2.50,y\nC,Pin,7,3.50,z\nD,Cap,1,1,x\n";
    assert_eq!(doubtful(list), [(3, SHORT), (4, SHORT)]);
    let short = problem(list, 3);
    assert_eq!(short.message, "Row 3 has 2 values, but the other rows have 5.");
    assert_eq!((short.column, short.cell), (None, None));
    // In the last column: the rest is not a note.
    let list = "SKU,Name,Qty,Supplier\nA,Bolt,5,Acme Ltd\nB,Nut,6,Acme and\nits many friends\nC,Pin,7,Acme\n";
    assert_eq!(doubtful(list), [(3, CONTINUES), (4, SHORT)]);
    let message = "Supplier in D3 may be incomplete: row 4 isn't a complete row and may be the rest of it.";
    assert_eq!(problem(list, 3).message, message);
    // In the first column.
    let list = "Name,SKU,Qty\nBolt,A,5\nNut that is\nlarge,B,6\nPin,C,7\n";
    assert_eq!(doubtful(list), [(3, SHORT), (4, CONTINUES)]);
    // Directly below the header the first part may be a note, but the row below it is doubtful.
    assert_eq!(doubtful("Name,SKU,Qty\nNut that is\nlarge,B,6\nPin,C,7\n"), [(3, CONTINUES)]);
    assert_eq!(doubtful("Name,SKU,Qty\nNut that is\n\nlarge,B,6\nPin,C,7\n"), []);
    // The last row of the file.
    assert_eq!(doubtful("SKU,Name,Qty\nA,Bolt,5\nB,Nut,6\nC,Pin\nlarge,7\n"), [(4, SHORT), (5, SHORT)]);
    // In a file of few rows.
    assert_eq!(doubtful("SKU,Name,Qty,Price\nA,Bolt\nM8,1,2\nB,Nut,2,3\n"), [(2, SHORT), (3, SHORT)]);
    // A truncated file, and a row below the list.
    let list = "SKU,Name,Qty,Price\nA,Bolt,5,1\nB,Nut,6,2\nC,Pin,7,2\n";
    assert_eq!(doubtful(&format!("{list}D,Cap,1")), [(5, SHORT)]);
    assert_eq!(doubtful(&format!("{list}Total,,18\n")), []);
    // A single row that lacks a value which all others have.
    assert_eq!(doubtful("SKU,Name,Qty,Price\nA,Bolt,5,1\nB,Nut,6\nC,Pin,7,2\nD,Cap,8,3\n"), [(3, SHORT)]);
}

#[test]
fn in_a_file_that_omits_trailing_empty_values_a_short_row_is_complete() {
    let list = "SKU,Name,Qty,Price,Supplier\nA,Bolt,5,1,x\nB,Nut,6\nC,Pin,7,2\nD,Cap,8,3,y\nE,Cord,8\nF,Rod,8,3,y\nG,Bar,8,3,y\n\
                H,Key,1,1,x\n";
    assert_eq!(doubtful(list), []);
    assert!(judged(list).0.range(2..).all(|(_, verdict)| matches!(verdict, Verdict::Accepted(_))));
}

#[test]
fn titles_totals_and_notes_of_another_width_are_still_recognised() {
    let list = "Stock of Q3\n\nItem,,,\nSKU,Name,Qty,Price\nA,Bolt,5,1.50\nTotal,,5\nB,Nut,6,2.50\nSKU,Name,Qty,Price\nC,Pin,7,3.50\n\
                Total,,18,,,7\nPrinted on 3 October 2026\n";
    let (verdicts, _) = judged(list);
    let why = |row: u32| match &verdicts[&row] {
        Verdict::Skipped(skipped) => skipped.why,
        other => panic!("row {row}: {other:?}"),
    };
    let skips = [1, 6, 8, 10, 11].map(why);
    assert_eq!(skips, [Skip::Title, Skip::Total, Skip::Header, Skip::Total, Skip::Note]);
    assert_eq!(doubtful(list), []);
}

#[test]
fn a_doubtful_row_still_makes_the_row_with_its_key_a_duplicate() {
    let list = "SKU,Name,Qty\nA,Bolt,5\nA,Bo,lt,5\nB,Nut,6\nC,Pin,6\n";
    let (verdicts, _) = judged(list);
    assert_eq!(rules(&verdicts[&2]), ["key-repeated"]);
    assert_eq!(rules(&verdicts[&3]), [EXTRA, "key-repeated"]);
}

#[test]
fn an_amount_with_its_currency_may_be_split_too() {
    let list = "SKU,Qty,Price,Name\nA,5,12,50 €,Bolt\nB,6,13,50 €,Nut\nC,7,14,20 €,Pin\nD,8,9,Cap\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
    let list = "SKU,Name,Qty,Price,Category\nA,Bolt,5,£\u{a0}12,50,x\nB,Nut,6,£\u{a0}1\u{202f}381,24,y\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA)]);
    // Even if the last value is empty.
    let list = "SKU,Name,Qty,Price,Category\nA,Bolt,5,12,50 EUR,x\nB,Nut,6,13,50 EUR,\nC,Pin,7,14,20 EUR,x\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
}

#[test]
fn a_line_with_another_separator_is_not_a_note() {
    let list = "SKU,Name,Qty,Category\nA,Bolt,5,x\nB,Nut,6,x\nC;Pin hook;7;x\n";
    assert_eq!(doubtful(list), [(4, SHORT)]);
    // A sentence is a note.
    let list = "SKU,Name,Qty,Category\nA,Bolt,5,x\nB,Nut,6,x\n\nCounted by Ann; checked by Bob; signed; sealed\n";
    assert_eq!((doubtful(list), notes(list)), (vec![], vec![]));
}

#[test]
fn a_line_directly_below_the_list_is_noted_if_it_may_be_the_rest_of_a_text() {
    let rules = |list| {
        let rules = notes(list).into_iter().map(|(rule, ..)| rule);
        rules.filter(|rule| *rule != Rule::ColumnsNotKnown).collect::<Vec<_>>()
    };
    let list = "SKU,Qty,Name\nA,5,Bolt\nB,6,Nut for\nthe big wheel\n";
    assert_eq!((doubtful(list), rules(list)), (vec![], vec![Rule::LastRowMayContinue]));
    for list in [
        "SKU,Qty,Name\nA,5,Bolt\nB,6,Nut\n\nCounted by Ann today\n",
        "SKU,Name,Qty\nA,Bolt,5\nB,Nut,6\nCounted by Ann today\n",
        "SKU,Qty,Name,Remark\nA,5,Bolt,x\nB,6,Nut,y\nCounted by Ann today\n",
    ] {
        assert_eq!(rules(list), [], "{list}");
    }
}
