//! The section about columns: which were read as what, and how many values each has.

use maud::{Markup, html};

use crate::report::Report;
use crate::report::columns::{TableColumns, describe_more, tables, title};
use inventory_base::message::count;

/// How many tables of a file are shown.
const TABLES_SHOWN: usize = 50;

pub(super) fn section(report: &Report) -> Markup {
    let tables = tables(report);
    html! {
        @if !tables.is_empty() {
            section aria-labelledby="columns" {
                h2 id="columns" { "Which columns were read" }
                @for table in tables.iter().take(TABLES_SHOWN) { (show(table)) }
                @if let Some(more) = describe_more(&tables, TABLES_SHOWN) {
                    p { "The columns of " (more) " are in " code { "report.json" } "." }
                }
            }
        }
    }
}

fn show(table: &TableColumns<'_>) -> Markup {
    let caption = match (table.sheet, table.header_row) {
        (None, None) => None,
        (Some(sheet), None) => Some(format!("Sheet \"{sheet}\"")),
        (None, Some(row)) => Some(format!("From row {row}")),
        (Some(sheet), Some(row)) => Some(format!("Sheet \"{sheet}\", from row {row}")),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption.as_deref().unwrap_or("Columns")) {
            table {
                @if let Some(caption) = &caption { caption { (caption) } }
                thead {
                    tr {
                        th scope="col" { "Column" }
                        th scope="col" { "Read from" }
                        th.num scope="col" { "Values" }
                        th.num scope="col" { "Empty" }
                    }
                }
                tbody {
                    @for column in table.columns {
                        tr {
                            th scope="row" { (title(column)) }
                            td {
                                (column.header) " (" (column.column) ")"
                                @for other in &column.instead_of {
                                    br;
                                    "not from " (other.header) " (" (other.column) ")"
                                }
                            }
                            td.num { (count(column.values)) }
                            td.num { (count(column.empty)) }
                        }
                    }
                }
            }
        }
    }
}
