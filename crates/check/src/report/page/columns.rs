//! The section about columns: which column of the sheet was taken for what, how many values it has, and which columns were
//! not loaded.

use maud::{Markup, html};

use super::cells::{quoted, scrolling};
use super::links::Links;
use crate::report::Report;
use crate::report::columns::{TableColumns, describe_more, tables, title};
use inventory_base::message::{Rule, count};
use inventory_rules::judge::OtherColumn;

/// How many tables of a file are shown.
const TABLES_SHOWN: usize = 50;
/// How many columns of a table that the rules don't know are shown.
const OTHERS_SHOWN: usize = 30;

pub(super) fn section(report: &Report, links: &Links<'_>) -> Markup {
    let tables = tables(report);
    // If the rules keep unknown columns, no note says that they were not loaded.
    let others_are_kept = !report.notes.iter().any(|note| note.rule == Rule::ColumnsNotKnown);
    html! {
        @if !tables.is_empty() {
            section aria-labelledby="columns" {
                h2 id="columns" { "Which columns were read" }
                @for table in tables.iter().take(TABLES_SHOWN) { (show(table, others_are_kept)) }
                @if let Some(more) = describe_more(&tables, TABLES_SHOWN) {
                    p { "The columns of " (more) " are in " (links.for_programs()) "." }
                }
            }
        }
    }
}

fn show(table: &TableColumns<'_>, others_are_kept: bool) -> Markup {
    let caption = match (table.sheet, table.header_row) {
        (None, None) => None,
        (Some(sheet), None) => Some(format!("Sheet \"{sheet}\"")),
        (None, Some(row)) => Some(format!("From row {row}")),
        (Some(sheet), Some(row)) => Some(format!("Sheet \"{sheet}\", from row {row}")),
    };
    let label = caption.as_deref().unwrap_or("Columns of the sheet");
    let more = table.others.len().saturating_sub(OTHERS_SHOWN);
    scrolling(
        label,
        html! {
            table.columns {
                caption.hear[caption.is_none()] { (label) }
                thead {
                    tr {
                        th scope="col" { "In your sheet" }
                        th scope="col" { "Loaded as" }
                        th.num scope="col" { "Values" }
                        th.num scope="col" { "Empty" }
                    }
                }
                tbody {
                    @for column in table.columns {
                        tr {
                            (name(&column.column, &column.header))
                            td { (title(column)) }
                            td.num { (count(column.values)) }
                            td.num { (count(column.empty)) }
                        }
                    }
                    @for other in table.others.iter().take(OTHERS_SHOWN) {
                        tr.unknown {
                            (name(&other.column, &other.header))
                            td colspan="3" { (describe_other(other, table, others_are_kept)) }
                        }
                    }
                    @if more > 0 {
                        tr.unknown {
                            th scope="row" { (count(more as u64)) " more columns" }
                            td colspan="3" { @if others_are_kept { "Under their own names" } @else { "Not loaded" } }
                        }
                    }
                }
            }
        },
    )
}

fn name(letters: &str, header: &str) -> Markup {
    html! { th scope="row" { span.letter { (letters) } " " (quoted(header)) } }
}

/// Says what became of a column that wasn't taken for one of the rules.
fn describe_other(other: &OtherColumn, table: &TableColumns<'_>, are_kept: bool) -> String {
    let chosen = table.columns.iter().find(|column| column.instead_of.contains(other));
    match (chosen, are_kept) {
        (_, true) => "Under its own name".to_string(),
        (Some(chosen), false) => {
            format!("Not loaded; {} was read from {} ({})", title(chosen), chosen.header, chosen.column)
        }
        (None, false) => "Not loaded".to_string(),
    }
}
