//! Whole text files with rows of other widths than their header's, and what becomes of these.

use std::collections::BTreeMap;

use super::super::file::tests::{judged_by, rules};
use crate::judge::{FileRead, Skip, Verdict};
use inventory_base::message::{Problem, Rule};

fn judged(list: &str) -> (BTreeMap<u32, Verdict>, FileRead) {
    judged_by(list.as_bytes(), |rules| rules).unwrap()
}

/// The rows that are rejected for their widths, and by which rule.
fn doubtful(list: &str) -> Vec<(u32, &'static str)> {
    let (verdicts, _) = judged(list);
    let told = verdicts.iter().flat_map(|(row, verdict)| rules(verdict).into_iter().map(|rule| (*row, rule)));
    told.filter(|(_, rule)| rule.starts_with("row-")).collect()
}

fn problem(list: &str, row: u32) -> Problem {
    match &judged(list).0[&row] {
        Verdict::Rejected(kept) => {
            assert_eq!(kept.key, None, "its key is not to be trusted either");
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
    let told = problem(list, 3);
    assert_eq!(told.message, "Row 3 has more values than the header in row 1 has columns: \"WH1\" in F3.");
    assert_eq!((told.column, told.cell.as_deref(), told.value.as_deref()), (None, Some("F3"), Some("WH1")));
    let advice = "Perhaps C3 and D3 are one number, \"1,250\", that is not in quotation marks. \
                  Check which value belongs in which column, and correct the row. Row 3 was not loaded.";
    assert_eq!(told.advice, advice);
    let text = "Perhaps B5 and C5 are one text, \"Cap, red\", that is not in quotation marks.";
    assert!(problem(list, 5).advice.starts_with(text), "{}", problem(list, 5).advice);
    assert!(problem(list, 6).message.ends_with(": \"x, y\" in F6, \"z\" in G6."));
    assert!(problem(list, 6).advice.starts_with("Perhaps one of its values contains a comma and is not in"));
}

#[test]
fn it_is_the_same_with_every_separator_and_in_a_web_page() {
    for separator in [";", "\t", "|"] {
        let list = "SKU,Name,Qty\nB-1,Nut,5\nA-1,Pi,pe,5\nC-1,Pin,7\n".replace(',', separator);
        assert_eq!(doubtful(&list), [(3, EXTRA)], "{separator:?}");
    }
    let page = "<table><tr><th>SKU<th>Name<th>Qty</tr><tr><td>A<td>Bolt<td>5</tr><tr><td>B<td>Nut<td>5<td>6</tr>\
                <tr><td>C<td>Pin<td>7</tr><tr><td>D<td>Cap</tr></table>";
    assert_eq!(doubtful(page), [(3, EXTRA)]);
}

#[test]
fn a_decimal_comma_without_quotation_marks_in_every_row_shifts_none() {
    for list in [
        "SKU,Name,Price,Qty\nA,Bolt,1,50,5\nB,Nut,12,25,7\nC,Pin,3,05,9\n",
        // Where some prices have no comma, these rows are whole.
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
    // Some programs number the rows and give that column no name.
    let numbered = "SKU,Name,Qty\n1,A,Bolt,5\n2,B,Nut,6\n3,C,Pin,7\n";
    assert_eq!(doubtful(numbered), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
    assert!(problem(numbered, 2).advice.starts_with("Perhaps the rows begin with a number that has no name"));
}

#[test]
fn a_column_without_a_name_is_a_column_where_most_rows_have_it() {
    for list in [
        "SKU,Name,Qty\nA,Bolt,5,x\nB,Nut,6,y\n",
        "SKU,Name,Qty\nA,Bolt,5,1.50\nB,Nut,6,2.50\nC,Pin,7\n",
        "SKU,Name,Qty\nA,Bolt,5,x\n",
        "SKU,Name,Qty,\nA,Bolt,5,10\nB,Nut,6,20\n",
    ] {
        assert_eq!(doubtful(list), [], "{list}");
        assert_eq!(notes(list).iter().map(|note| note.0).collect::<Vec<_>>(), [Rule::ColumnWithoutName], "{list}");
    }
    // Beyond it a value is one too many.
    assert_eq!(doubtful("SKU,Name,Qty\nA,Bolt,5,x\nB,Nut,6,y\nC,Pi,n,7,z\n"), [(4, EXTRA)]);
}

#[test]
fn a_note_beside_the_list_of_a_padded_file_is_a_note() {
    let padded = "SKU;Name;Qty;;\nA;Bolt;5;;\nB;Nut;6;;check\nC;Pin;7;;\n";
    assert_eq!(doubtful(padded), []);
    assert_eq!(notes(padded)[0].0, Rule::ValuesWithoutName);
    // Every row is padded but the header, or has a separator at its end.
    assert_eq!(doubtful("SKU;Name;Qty\nA;Bolt;5;;\nB;Nut;6;;check\nC;Pin;7;;\n"), []);
    let ended = "SKU;Name;Qty\nA;Bolt;5;\nB;Nut;6;\nC;Pin;7;\n";
    assert_eq!((doubtful(ended), notes(ended)), (vec![], vec![]));
    // A shifted row has one more than even these.
    assert_eq!(doubtful("SKU;Name;Qty;\nA;Bolt;5;\nB;Nu;t;6;\nC;Pin;7;\n"), [(3, EXTRA)]);
    assert_eq!(doubtful("SKU;Name;Qty\nA;Bolt;5;\nB;Nu;t;6;\nC;Pin;7;\n"), [(3, EXTRA)]);
}

#[test]
fn separators_that_only_some_rows_end_with_are_told_and_keep_no_row_out() {
    let list = "SKU,Name,Qty,Price,Warehouse\nA,Bolt,5,1.50,\nB,Pipe,1,250,3.20,\nC,Pin,7,2.50,\n";
    assert_eq!(doubtful(list), []);
    let message = "Sheet \"Stock\" has 1 row that ends with more separators than the others: row 3.";
    assert_eq!(notes(list), [(Rule::RowHasExtraSeparators, message.to_string())]);
}

#[test]
fn a_row_that_a_line_break_has_cut_in_two_is_rejected_with_both_its_parts() {
    let list =
        "SKU,Name,Qty,Price,Supplier\nA,Bolt,5,1.50,x\nB,Nut large\nand black,6,2.50,y\nC,Pin,7,3.50,z\nD,Cap,1,1,x\n";
    assert_eq!(doubtful(list), [(3, SHORT), (4, SHORT)]);
    let told = problem(list, 3);
    assert_eq!(told.message, "Row 3 has 2 values, but the other rows have 5.");
    assert_eq!((told.column, told.cell), (None, None));
    // In its last column: the rest is no note.
    let list = "SKU,Name,Qty,Supplier\nA,Bolt,5,Acme Ltd\nB,Nut,6,Acme and\nits many friends\nC,Pin,7,Acme\n";
    assert_eq!(doubtful(list), [(3, CONTINUES), (4, SHORT)]);
    let message = "Supplier in D3 may be incomplete: row 4 isn't a complete row and may be the rest of it.";
    assert_eq!(problem(list, 3).message, message);
    // In its first.
    let list = "Name,SKU,Qty\nBolt,A,5\nNut that is\nlarge,B,6\nPin,C,7\n";
    assert_eq!(doubtful(list), [(3, SHORT), (4, CONTINUES)]);
    // Directly under the header the first part may be a note, but the row below it is not to be trusted.
    assert_eq!(doubtful("Name,SKU,Qty\nNut that is\nlarge,B,6\nPin,C,7\n"), [(3, CONTINUES)]);
    assert_eq!(doubtful("Name,SKU,Qty\nNut that is\n\nlarge,B,6\nPin,C,7\n"), []);
    // The last row of the file.
    assert_eq!(doubtful("SKU,Name,Qty\nA,Bolt,5\nB,Nut,6\nC,Pin\nlarge,7\n"), [(4, SHORT), (5, SHORT)]);
    // In a file of few rows.
    assert_eq!(doubtful("SKU,Name,Qty,Price\nA,Bolt\nM8,1,2\nB,Nut,2,3\n"), [(2, SHORT), (3, SHORT)]);
    // The end of a file that was cut off, and what is below a list.
    let list = "SKU,Name,Qty,Price\nA,Bolt,5,1\nB,Nut,6,2\nC,Pin,7,2\n";
    assert_eq!(doubtful(&format!("{list}D,Cap,1")), [(5, SHORT)]);
    assert_eq!(doubtful(&format!("{list}Total,,18\n")), []);
    // A row alone that lacks a value all others have.
    assert_eq!(doubtful("SKU,Name,Qty,Price\nA,Bolt,5,1\nB,Nut,6\nC,Pin,7,2\nD,Cap,8,3\n"), [(3, SHORT)]);
}

#[test]
fn in_a_file_that_leaves_out_empty_values_at_the_end_a_short_row_is_whole() {
    let list = "SKU,Name,Qty,Price,Supplier\nA,Bolt,5,1,x\nB,Nut,6\nC,Pin,7,2\nD,Cap,8,3,y\nE,Cord,8\nF,Rod,8,3,y\nG,Bar,8,3,y\n\
                H,Key,1,1,x\n";
    assert_eq!(doubtful(list), []);
    assert!(judged(list).0.range(2..).all(|(_, verdict)| matches!(verdict, Verdict::Accepted(_))));
}

#[test]
fn titles_totals_and_notes_of_another_width_stay_what_they_are() {
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
fn a_doubtful_row_is_a_twin_of_the_row_with_its_key_and_stays_doubtful() {
    let list = "SKU,Name,Qty\nA,Bolt,5\nA,Bo,lt,5\nB,Nut,6\nC,Pin,6\n";
    let (verdicts, _) = judged(list);
    assert_eq!(rules(&verdicts[&2]), ["key-repeated"]);
    assert_eq!(rules(&verdicts[&3]), [EXTRA, "key-repeated"]);
}

#[test]
fn an_amount_with_its_currency_may_be_split_as_well() {
    let list = "SKU,Qty,Price,Name\nA,5,12,50 €,Bolt\nB,6,13,50 €,Nut\nC,7,14,20 €,Pin\nD,8,9,Cap\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
    let list = "SKU,Name,Qty,Price,Category\nA,Bolt,5,£\u{a0}12,50,x\nB,Nut,6,£\u{a0}1\u{202f}381,24,y\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA)]);
    // Also where the last value is empty.
    let list = "SKU,Name,Qty,Price,Category\nA,Bolt,5,12,50 EUR,x\nB,Nut,6,13,50 EUR,\nC,Pin,7,14,20 EUR,x\n";
    assert_eq!(doubtful(list), [(2, EXTRA), (3, EXTRA), (4, EXTRA)]);
}

#[test]
fn a_line_with_another_separator_is_no_note() {
    let list = "SKU,Name,Qty,Category\nA,Bolt,5,x\nB,Nut,6,x\nC;Pin hook;7;x\n";
    assert_eq!(doubtful(list), [(4, SHORT)]);
    // A sentence is one.
    let list = "SKU,Name,Qty,Category\nA,Bolt,5,x\nB,Nut,6,x\n\nCounted by Ann; checked by Bob; signed; sealed\n";
    assert_eq!((doubtful(list), notes(list)), (vec![], vec![]));
}

#[test]
fn a_line_directly_below_the_list_is_worth_a_look_where_it_may_be_the_rest_of_a_text() {
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
