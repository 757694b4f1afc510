//! The columns of a page: which was taken for what, and how many values were read there.

use maud::{Markup, html};

use crate::judge::SheetRead;
use crate::message::count;
use crate::report::Report;
use crate::report::columns::title;

/// Sheets with a table of their own.
const SHEETS_SHOWN: usize = 50;

pub(super) fn section(report: &Report) -> Markup {
    let loaded: Vec<&SheetRead> = report.sheets.iter().filter(|sheet| !sheet.columns.is_empty()).collect();
    let not_shown = loaded.len().saturating_sub(SHEETS_SHOWN);
    html! {
        @if !loaded.is_empty() {
            section aria-labelledby="columns" {
                h2 id="columns" { "Which columns were read" }
                @for sheet in loaded.iter().take(SHEETS_SHOWN) { (table(sheet, loaded.len() > 1)) }
                @if not_shown > 0 { p { (count(not_shown as u64)) " more sheets are in " code { "report.json" } "." } }
            }
        }
    }
}

fn table(sheet: &SheetRead, is_named: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Columns of sheet " (sheet.name) } {
            table {
                @if is_named { caption { "Sheet \"" (sheet.name) "\"" } }
                thead {
                    tr {
                        th scope="col" { "What" }
                        th scope="col" { "Read from" }
                        th.num scope="col" { "Values" }
                        th.num scope="col" { "Rows without" }
                    }
                }
                tbody {
                    @for column in &sheet.columns {
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
