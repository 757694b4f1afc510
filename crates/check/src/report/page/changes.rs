//! The sections about items of the table: which values changed, which items the sheet no longer lists, and what an undo did.

use std::collections::HashMap;

use maud::{Markup, html};

use super::cells::{ONE_LINE, listed, quoted, scrolling};
use crate::plan::{ChangedRow, Fate, UndoFate, Undone};
use crate::report::Report;
use crate::report::values::{decimals, key, shown_in_cell};
use inventory_base::ending::Ending;
use inventory_base::item::Value;
use inventory_base::message::count;

/// How many changed rows are shown; the report for programs has more.
const CHANGES_SHOWN: usize = 50;
/// How many items of other lists are shown.
const ITEMS_SHOWN: usize = 100;

/// What happened, or would happen, to the items of an undone load.
const UNDONE: [(UndoFate, &str); 7] = [
    (UndoFate::Restored, "restored to earlier values"),
    (UndoFate::Removed, "removed: the load had added them"),
    (UndoFate::Returned, "put back: the load had deleted them"),
    (UndoFate::Already, "already as before the load"),
    (UndoFate::Edited, "left unchanged: they were changed after the load"),
    (UndoFate::NotTaken, "left unchanged: the table rejected the undo"),
    (UndoFate::NotReached, "not reached before the undo was stopped"),
];

pub(super) fn title(report: &Report) -> &'static str {
    match (&report.undone, report.ending) {
        (Some(_), Ending::DryRun) => "What would be undone",
        (Some(_), _) => "What was undone",
        (None, Ending::Held | Ending::DryRun) => "What would change",
        (None, _) => "What changed",
    }
}

pub(super) fn is_there(report: &Report) -> bool {
    !report.changes_to_show().is_empty() || report.missing.total > 0 || report.undone.is_some()
}

pub(super) fn section(report: &Report) -> Markup {
    let missing = &report.missing;
    html! {
        @if is_there(report) {
            section aria-labelledby="changes" {
                h2 id="changes" { (title(report)) }
                @if !report.changes_to_show().is_empty() { (changed(report)) }
                @if missing.total > 0 {
                    @let named: Vec<String> = missing.items.iter().take(ITEMS_SHOWN).map(key).collect();
                    h3 { "No longer in the sheet" span.n { " · " (count(missing.total)) } }
                    p { (listed(&named, missing.total)) }
                }
                @if let Some(undone) = &report.undone { (undone_items(undone, report.ending != Ending::DryRun)) }
            }
        }
    }
}

fn changed(report: &Report) -> Markup {
    let all = report.rows.fates.get(&Fate::Changed).copied().unwrap_or_default();
    let rows = report.changes_to_show();
    let rows = &rows[..rows.len().min(CHANGES_SHOWN)];
    let shown = rows.len() as u64;
    let places = places(rows);
    // Next to long item numbers, a phone would have no room for the values.
    let is_stacked = rows.iter().any(|row| key(&row.key).chars().count() > ONE_LINE);
    scrolling(
        "Changed items",
        html! {
            table.changes {
                caption {
                    @if shown < all { "The " (count(shown)) " biggest of " (count(all)) " changes" } @else { "Biggest first" }
                }
                thead {
                    tr {
                        @if is_stacked { th scope="col" { "Item and column" } }
                        @else { th scope="col" { "Item" } th scope="col" { "Column" } }
                        th scope="col" { "Before" }
                        th scope="col" { "After" }
                    }
                }
                @for row in rows { (change(report, row, &places, is_stacked)) }
            }
        },
    )
}

/// Returns for each attribute the number of decimals of its longest number.
fn places(rows: &[ChangedRow]) -> HashMap<&str, usize> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for attribute in rows.iter().flat_map(|row| &row.attributes) {
        for value in attribute.before.iter().chain(&attribute.after) {
            if let Value::N(number) = value {
                let longest = places.entry(attribute.name.as_str()).or_default();
                *longest = (*longest).max(decimals(number));
            }
        }
    }
    places
}

/// One row of the table for each changed value of the item, under the column's name in the sheet.
fn change(report: &Report, row: &ChangedRow, places: &HashMap<&str, usize>, is_stacked: bool) -> Markup {
    let columns = report.sheets.iter().find(|sheet| sheet.name == row.sheet).map(|sheet| sheet.columns_at(row.row));
    let named = |attribute: &str| {
        let column = columns.and_then(|columns| columns.iter().find(|column| column.attribute == attribute));
        column.map_or_else(|| attribute.to_string(), |column| column.header.clone())
    };
    let side = |class: &str, value: &Option<Value>, places: usize| {
        html! {
            @match value {
                Some(value) => td class=(class) { (quoted(&shown_in_cell(value, places))) },
                None => td.quiet { "empty" },
            }
        }
    };
    html! {
        tbody {
            @if is_stacked { tr { th scope="rowgroup" colspan="3" { (quoted(&key(&row.key))) } } }
            @for (number, attribute) in row.attributes.iter().enumerate() {
                @let places = places.get(attribute.name.as_str()).copied().unwrap_or_default();
                tr {
                    @if number == 0 && !is_stacked { th scope="rowgroup" rowspan=(row.attributes.len()) { (quoted(&key(&row.key))) } }
                    td { (quoted(&named(&attribute.name))) }
                    (side("was", &attribute.before, places))
                    (side("to", &attribute.after, places))
                }
            }
        }
    }
}

fn undone_items(undone: &Undone, is_done: bool) -> Markup {
    let not_undone = undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken);
    let reason = |item: &crate::plan::NotUndoneItem| match (&item.reason, item.fate) {
        (Some(reason), _) => format!("The table says \"{reason}\""),
        (None, UndoFate::Edited) => "Changed after the load".to_string(),
        (None, _) => "The table rejected it".to_string(),
    };
    html! {
        ul.facts {
            @for (fate, what) in UNDONE {
                @let items = undone.items.of(fate);
                @if items > 0 { li { b { (count(items)) } " " (what) } }
            }
        }
        @if not_undone > 0 && !undone.not_undone.is_empty() {
            h3 { @if is_done { "Not undone" } @else { "Will not be undone" } span.n { " · " (count(not_undone)) } }
            (scrolling("Items that are not undone", html! {
                table {
                    caption.hear { "Items that are not undone" }
                    thead { tr { th scope="col" { "Item" } th scope="col" { "Why" } } }
                    tbody {
                        @for item in undone.not_undone.iter().take(ITEMS_SHOWN) {
                            tr { th scope="row" { (quoted(&key(&item.key))) } td { (quoted(&reason(item))) } }
                        }
                    }
                }
            }))
            @if not_undone > undone.not_undone.len().min(ITEMS_SHOWN) as u64 {
                p.rest { "These are the first " (count(undone.not_undone.len().min(ITEMS_SHOWN) as u64)) "." }
            }
        }
    }
}
