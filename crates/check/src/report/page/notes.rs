//! The sections with notes: what is worth a look, and what is good to know.

use maud::{Markup, html};

use crate::report::Report;
use crate::report::words::{describe_fixes, why_sheet_skipped};
use inventory_base::message::{Weight, count};
use inventory_rules::judge::Skip;

/// How many notes are shown at once; the others open with a click.
const SHOWN_AT_ONCE: usize = 5;
/// A click that shows fewer than this isn't worth it.
const WORTH_A_CLICK: usize = 3;
/// How many notes of one kind are shown at all.
const NOTES_SHOWN: usize = 100;

pub(super) fn has_look(report: &Report) -> bool {
    report.serious_notes().next().is_some()
}

/// The section with the notes that the summary is about.
pub(super) fn look(report: &Report) -> Markup {
    let notes = report.serious_notes().take(NOTES_SHOWN).map(|note| sentence(&note.message, &note.advice));
    section("look", "Worth a look", notes.collect())
}

pub(super) fn has_also(report: &Report) -> bool {
    !also_notes(report).is_empty()
}

/// The section with remarks, skipped sheets and skipped rows.
pub(super) fn also(report: &Report) -> Markup {
    section("also", "Good to know", also_notes(report))
}

fn also_notes(report: &Report) -> Vec<Markup> {
    let with_sheets = report.sheets.iter().filter(|sheet| sheet.loaded).count() > 1;
    let fixes = describe_fixes(report).map(|fixes| sentence(&fixes, ""));
    let sheets = report.sheets.iter().filter(|sheet| !sheet.loaded).take(NOTES_SHOWN);
    let sheets = sheets.map(|sheet| {
        sentence(&format!("Sheet \"{}\" was skipped: {}.", sheet.name, why_sheet_skipped(sheet.skipped)), "")
    });
    let remarks = report.notes.iter().filter(|note| note.rule.weight() == Weight::Remark).take(NOTES_SHOWN);
    let remarks = remarks.map(|note| sentence(&note.message, &note.advice));
    let rows = report.skipped.iter().filter(|row| row.why != Skip::Title).take(NOTES_SHOWN);
    let rows = rows.map(|row| {
        let what = if row.why == Skip::Total { "total" } else { "note" };
        let of = if with_sheets { format!(" of sheet \"{}\"", row.sheet) } else { String::new() };
        sentence(&format!("Row {}{of} was skipped as a {what}: \"{}\"", row.row, row.says), "")
    });
    fixes.into_iter().chain(sheets).chain(remarks).chain(rows).collect()
}

fn sentence(message: &str, advice: &str) -> Markup {
    html! { li { (message) @if !advice.is_empty() { " " span.quiet { (advice) } } } }
}

fn section(id: &str, title: &str, notes: Vec<Markup>) -> Markup {
    let at_once = if notes.len() < SHOWN_AT_ONCE + WORTH_A_CLICK { notes.len() } else { SHOWN_AT_ONCE };
    let (first, rest) = notes.split_at(at_once);
    html! {
        @if !notes.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) }
                ul.rows { @for note in first { (note) } }
                @if !rest.is_empty() {
                    details {
                        summary { "Show the other " (count(rest.len() as u64)) }
                        ul.rows { @for note in rest { (note) } }
                    }
                }
            }
        }
    }
}
