//! The report as a page: one file that needs nothing else, to be read on a screen, a phone, paper, or aloud. It holds no
//! script and asks for nothing, and a browser that follows its policy would not let it. Whatever a cell says is text.

mod columns;
mod figures;
mod pictures;
mod problems;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::columns::say_choices;
use super::words::{key, say_mends, shown};
use super::{Report, Tone};
use crate::plan::{ChangedRow, Fate, UndoFate};
use inventory_base::decision::Afterwards;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::{OUR_PAGE, Weight, count};
use inventory_rules::judge::Skip;

/// Inside the page, so that it is one file.
const STYLE: &str = include_str!("style.css");
/// Changed rows shown; the report for programs has more.
const CHANGES_SHOWN: usize = 50;
/// Keys and lines shown of other lists.
const LINES_SHOWN: usize = 100;
/// Of a value that a change is shown by, so many characters.
const VALUE_CHARACTERS: usize = 200;

/// The whole page.
pub fn page(report: &Report) -> String {
    let answer = Answer::of(report);
    let file = report.upload.file_name();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(OUR_PAGE);
                meta name="referrer" content="no-referrer";
                title { (file) ": " (answer.first) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.file { b { (file) } " · " (time(report.finished)) }
                    (answer.show(report))
                    (contents(report))
                }
                main {
                    (worth_a_look(report))
                    (rows(report))
                    (columns::section(report))
                    (problems::section(report))
                    (figures::totals(report))
                    (changes(report))
                    (also(report))
                    (figures::cost(report))
                    (undo(report))
                }
                footer { (about(report)) }
            }
        }
    };
    page.into_string()
}

/// Nothing may be loaded, sent, run or framed; of styles, only the page's own.
fn policy() -> String {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

/// The answer at the top.
struct Answer<'r> {
    class: &'static str,
    first: &'r str,
    rest: &'r str,
}

impl<'r> Answer<'r> {
    fn of(report: &'r Report) -> Answer<'r> {
        let class = match report.tone {
            Tone::Good => "answer is-good",
            Tone::Look | Tone::Loss | Tone::Attention => "answer is-mend",
            Tone::Stopped => "answer is-stop",
        };
        let summary = report.summary.as_str();
        let end = first_sentence(summary);
        Answer { class, first: &summary[..end], rest: summary[end..].trim_start() }
    }

    fn show(&self, report: &Report) -> Markup {
        let mut advice: Vec<&str> = report.held.iter().map(|held| held.advice.as_str()).collect();
        advice.dedup();
        html! {
            div class=(self.class) {
                h1 { (self.first) }
                // Of a load that waits, the list says why, and what to do as well.
                @if report.held.is_empty() || report.ending == Ending::DryRun || report.was(Afterwards::Approved) {
                    @if !self.rest.is_empty() { p { (self.rest) } }
                }
                @for choice in say_choices(report) { p { (choice) } }
                @if !report.held.is_empty() && !report.was(Afterwards::Approved) {
                    ul { @for held in &report.held { li { (held.message) } } }
                    @for advice in advice { p { (advice) } }
                }
            }
        }
    }
}

/// Where the first sentence ends. A full stop within quotation marks is the sheet's own.
fn first_sentence(text: &str) -> usize {
    let mut ends = text.match_indices(". ").map(|(at, _)| at + 1);
    ends.find(|end| text[..*end].matches('"').count().is_multiple_of(2)).unwrap_or(text.len())
}

fn contents(report: &Report) -> Markup {
    let parts = [
        ("look", "Worth a look", report.grave_notes().next().is_some()),
        ("rows", "Where the rows went", report.rows.total > 0),
        ("columns", "Which columns were read", report.sheets.iter().any(|sheet| !sheet.columns.is_empty())),
        ("problems", "What to mend", report.problems_total > 0),
        ("totals", "Control totals", report.totals.sheet.all.items > 0),
        (
            "changes",
            what_changed(report),
            !report.changed.is_empty() || report.missing.total > 0 || report.undone.is_some(),
        ),
        ("cost", "Cost and time", report.taken.is_some()),
        ("undo", "If it was not right", report.undo.is_some() && !report.was(Afterwards::Undone)),
    ];
    let parts = parts.into_iter().filter(|(.., there)| *there);
    html! {
        @if report.rows.total > 0 {
            nav aria-label="Parts of this report" {
                ul { @for (id, says, _) in parts { li { a href={ "#" (id) } { (says) } } } }
            }
        }
    }
}

/// What the answer is about beside rows.
fn worth_a_look(report: &Report) -> Markup {
    html! {
        @if report.grave_notes().next().is_some() {
            section aria-labelledby="look" {
                h2 id="look" { "Worth a look" }
                ul.rows { @for note in report.grave_notes().take(LINES_SHOWN) { li { (note.message) " " (note.advice) } } }
            }
        }
    }
}

fn rows(report: &Report) -> Markup {
    html! {
        @if report.rows.total > 0 {
            section aria-labelledby="rows" {
                h2 id="rows" { "Where the rows went" }
                (pictures::rows(&report.rows))
            }
        }
    }
}

fn what_changed(report: &Report) -> &'static str {
    match report.ending {
        Ending::Held | Ending::DryRun => "What would change",
        _ => "What changed",
    }
}

fn changes(report: &Report) -> Markup {
    let changed = report.rows.fates.get(&Fate::Changed).copied().unwrap_or_default();
    let rows = report.changes_to_tell();
    let missing = &report.missing;
    html! {
        @if !rows.is_empty() || missing.total > 0 || report.undone.is_some() {
            section aria-labelledby="changes" {
                h2 id="changes" { (what_changed(report)) }
                @if !rows.is_empty() {
                    @let shown = rows.len().min(CHANGES_SHOWN) as u64;
                    div.scroll tabindex="0" role="region" aria-label="Changed items" {
                        table.wide {
                            caption {
                                @if shown < changed { "The biggest " (count(shown)) " of " (count(changed)) " changes" }
                                @else { "Biggest first" }
                            }
                            thead { tr { @for says in ["Item", "What", "Was", "Is"] { th scope="col" { (says) } } } }
                            tbody { @for row in rows.iter().take(CHANGES_SHOWN) { (change(report, row)) } }
                        }
                    }
                }
                @if missing.total > 0 {
                    @let named: Vec<String> = missing.items.iter().take(LINES_SHOWN).map(key).collect();
                    h3 { "Not in the sheet any more" span.n { " · " (count(missing.total)) } }
                    p { (named.join(", ")) @if (named.len() as u64) < missing.total { " …" } }
                }
                @if let Some(undone) = &report.undone {
                    @let staying = undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken);
                    @if staying > 0 {
                        @let named: Vec<String> = undone.staying.iter().take(LINES_SHOWN).map(|item| key(&item.key)).collect();
                        h3 { "Left as they are" span.n { " · " (count(staying)) } }
                        p { (named.join(", ")) @if (named.len() as u64) < staying { " …" } }
                    }
                }
            }
        }
    }
}

/// One row of the table for each thing that changed about the item, named as the sheet names it.
fn change(report: &Report, row: &ChangedRow) -> Markup {
    let columns = report.sheets.iter().find(|sheet| sheet.name == row.sheet).map(|sheet| sheet.columns_at(row.row));
    let named = |attribute: &str| {
        let column = columns.and_then(|columns| columns.iter().find(|column| column.attribute == attribute));
        column.map_or_else(|| attribute.to_string(), |column| column.header.clone())
    };
    let side = |value: &Option<_>| value.as_ref().map_or_else(|| "(empty)".to_string(), |value| shorten(&shown(value)));
    html! {
        @for (number, attribute) in row.attributes.iter().enumerate() {
            tr {
                @if number == 0 { th scope="rowgroup" rowspan=(row.attributes.len()) { (shorten(&key(&row.key))) } }
                td { (named(&attribute.name)) }
                td.was { (side(&attribute.before)) }
                td { (side(&attribute.after)) }
            }
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// What kept nothing out and should be known all the same.
fn also(report: &Report) -> Markup {
    let passed: Vec<_> = report.sheets.iter().filter(|sheet| !sheet.loaded).collect();
    let skipped: Vec<_> = report.skipped.iter().filter(|row| row.why != Skip::Title).take(LINES_SHOWN).collect();
    let remarks: Vec<_> = report.notes.iter().filter(|note| note.rule.weight() == Weight::Remark).collect();
    html! {
        @if !passed.is_empty() || !skipped.is_empty() || !remarks.is_empty() || report.mends.is_some() {
            section aria-labelledby="also" {
                h2 id="also" { "Good to know" }
                ul.rows {
                    @if let Some(mends) = say_mends(report) { li { (mends) } }
                    @for note in remarks.iter().take(LINES_SHOWN) { li { (note.message) " " (note.advice) } }
                    @for sheet in passed.iter().take(LINES_SHOWN) {
                        li { "Sheet \"" (sheet.name) "\" was passed over: " (super::words::why_passed_over(sheet.skipped)) "." }
                    }
                    @for row in skipped {
                        @let what = if row.why == Skip::Total { "total" } else { "note" };
                        li { "Row " (row.row) " was taken for a " (what) " and left out: \"" (row.says) "\"" }
                    }
                }
            }
        }
    }
}

fn undo(report: &Report) -> Markup {
    html! {
        @if let (Some(undo), Some(load), false) = (&report.undo, &report.load, report.was(Afterwards::Undone)) {
            section aria-labelledby="undo" {
                h2 id="undo" { "If it was not right" }
                p {
                    "What this load changed can be taken back"
                    @if let Some(until) = undo.until { " until " (day(until)) }
                    ", but for items that somebody has changed since. Ask whoever runs the loader, or type:"
                }
                p { code { "inventory undo " (load) } }
            }
        }
    }
}

fn about(report: &Report) -> Markup {
    html! {
        dl {
            @if let Some(load) = &report.load { dt { "Load" } dd { (load) } }
            @for (says, other) in related(report) {
                dt { (says) }
                // Beside this one, wherever the reports are kept.
                dd { a href={ "../" (other) "/report.html" } { (other) } }
            }
            dt { "File" }
            dd { @if !report.upload.bucket.is_empty() { (report.upload.bucket) "/" } (report.upload.key) }
            @if let Some(table) = &report.table { dt { "Table" } dd { (table) } }
            dt { "Made by" } dd { (env!("CARGO_PKG_NAME")) " " (env!("CARGO_PKG_VERSION")) }
        }
    }
}

/// The loads that came of this one, or that it came of.
fn related(report: &Report) -> Vec<(&'static str, &LoadId)> {
    let again = report.again.as_ref().map(|again| ("Loads again", &again.load));
    let undone = report.undone.as_ref().map(|undone| ("Undoes", &undone.load));
    let later = report.later.iter().map(|later| match later.what {
        Afterwards::Approved => ("Approved as", &later.load),
        Afterwards::Reloaded => ("Reloaded as", &later.load),
        Afterwards::Undone => ("Undone by", &later.load),
        Afterwards::Replaced => ("Replaced", &later.load),
    });
    again.into_iter().chain(undone).chain(later).collect()
}

fn time(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests;
