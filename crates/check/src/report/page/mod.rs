//! The report as an HTML page: one self-contained file to be read on a screen, a phone, paper, or aloud. It has no script
//! and loads nothing, and its content security policy forbids both. Everything quoted from a cell is escaped.

mod columns;
mod figures;
mod pictures;
mod problems;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::columns::describe_choices;
use super::words::{describe_fixes, key, shown};
use super::{Report, Tone};
use crate::plan::{ChangedRow, Fate, UndoFate};
use inventory_base::decision::FollowUpKind;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::{REPORT_GENERATOR, Weight, count};
use inventory_rules::judge::Skip;

/// The style sheet, embedded in the page so that it is one file.
const STYLE: &str = include_str!("style.css");
/// How many changed rows are shown; the report for programs has more.
const CHANGES_SHOWN: usize = 50;
/// How many entries of other lists are shown.
const LINES_SHOWN: usize = 100;
/// How many characters of a changed value are shown.
const VALUE_CHARACTERS: usize = 200;

/// Returns the whole page.
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
                meta name="generator" content=(REPORT_GENERATOR);
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

/// Returns the content security policy: nothing may be loaded, sent or run; only the page's own style is allowed.
fn policy() -> String {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

/// The summary at the top, split after its first sentence.
struct Answer<'r> {
    class: &'static str,
    first: &'r str,
    rest: &'r str,
}

impl<'r> Answer<'r> {
    fn of(report: &'r Report) -> Answer<'r> {
        let class = match report.tone {
            Tone::Good => "answer is-good",
            Tone::Look | Tone::Loss | Tone::Attention => "answer is-attention",
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
                // For a held load, the list below says why it waits and what to do.
                @if report.held.is_empty() || report.ending == Ending::DryRun || report.was(FollowUpKind::Approved) {
                    @if !self.rest.is_empty() { p { (self.rest) } }
                }
                @for choice in describe_choices(report) { p { (choice) } }
                @if !report.held.is_empty() && !report.was(FollowUpKind::Approved) {
                    ul { @for held in &report.held { li { (held.message) } } }
                    @for advice in advice { p { (advice) } }
                }
            }
        }
    }
}

/// Returns where the first sentence ends. A full stop within quotation marks comes from the sheet and doesn't count.
fn first_sentence(text: &str) -> usize {
    let mut ends = text.match_indices(". ").map(|(at, _)| at + 1);
    ends.find(|end| text[..*end].matches('"').count().is_multiple_of(2)).unwrap_or(text.len())
}

fn contents(report: &Report) -> Markup {
    let parts = [
        ("look", "Worth a look", report.serious_notes().next().is_some()),
        ("rows", "What happened to the rows", report.rows.total > 0),
        ("columns", "Which columns were read", report.sheets.iter().any(|sheet| !sheet.columns.is_empty())),
        ("problems", "What to fix", report.problems_total > 0),
        ("totals", "Control totals", report.totals.sheet.all.items > 0),
        (
            "changes",
            what_changed(report),
            !report.changed.is_empty() || report.missing.total > 0 || report.undone.is_some(),
        ),
        ("cost", "Cost and time", report.taken.is_some()),
        ("undo", "Undo this load", report.undo.is_some() && !report.was(FollowUpKind::Undone)),
    ];
    let parts = parts.into_iter().filter(|(.., there)| *there);
    html! {
        @if report.rows.total > 0 {
            nav aria-label="Parts of this report" {
                ul { @for (id, title, _) in parts { li { a href={ "#" (id) } { (title) } } } }
            }
        }
    }
}

/// The section with the notes that the summary is about.
fn worth_a_look(report: &Report) -> Markup {
    html! {
        @if report.serious_notes().next().is_some() {
            section aria-labelledby="look" {
                h2 id="look" { "Worth a look" }
                ul.rows { @for note in report.serious_notes().take(LINES_SHOWN) { li { (note.message) " " (note.advice) } } }
            }
        }
    }
}

fn rows(report: &Report) -> Markup {
    html! {
        @if report.rows.total > 0 {
            section aria-labelledby="rows" {
                h2 id="rows" { "What happened to the rows" }
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
    let rows = report.changes_to_show();
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
                                @if shown < changed { "The " (count(shown)) " biggest of " (count(changed)) " changes" }
                                @else { "Biggest first" }
                            }
                            thead { tr { @for heading in ["Item", "Column", "Before", "After"] { th scope="col" { (heading) } } } }
                            tbody { @for row in rows.iter().take(CHANGES_SHOWN) { (change(report, row)) } }
                        }
                    }
                }
                @if missing.total > 0 {
                    @let named: Vec<String> = missing.items.iter().take(LINES_SHOWN).map(key).collect();
                    h3 { "No longer in the sheet" span.n { " · " (count(missing.total)) } }
                    p { (named.join(", ")) @if (named.len() as u64) < missing.total { " …" } }
                }
                @if let Some(undone) = &report.undone {
                    @let not_undone = undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken);
                    @if not_undone > 0 {
                        @let named: Vec<String> = undone.not_undone.iter().take(LINES_SHOWN).map(|item| key(&item.key)).collect();
                        h3 { "Not undone" span.n { " · " (count(not_undone)) } }
                        p { (named.join(", ")) @if (named.len() as u64) < not_undone { " …" } }
                    }
                }
            }
        }
    }
}

/// One row of the table for each changed value of the item, under the column's name in the sheet.
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

/// The section with remarks, skipped sheets and skipped rows.
fn also(report: &Report) -> Markup {
    let skipped_sheets: Vec<_> = report.sheets.iter().filter(|sheet| !sheet.loaded).collect();
    let skipped: Vec<_> = report.skipped.iter().filter(|row| row.why != Skip::Title).take(LINES_SHOWN).collect();
    let remarks: Vec<_> = report.notes.iter().filter(|note| note.rule.weight() == Weight::Remark).collect();
    html! {
        @if !skipped_sheets.is_empty() || !skipped.is_empty() || !remarks.is_empty() || report.fixes.is_some() {
            section aria-labelledby="also" {
                h2 id="also" { "Good to know" }
                ul.rows {
                    @if let Some(fixes) = describe_fixes(report) { li { (fixes) } }
                    @for note in remarks.iter().take(LINES_SHOWN) { li { (note.message) " " (note.advice) } }
                    @for sheet in skipped_sheets.iter().take(LINES_SHOWN) {
                        li { "Sheet \"" (sheet.name) "\" was skipped: " (super::words::why_sheet_skipped(sheet.skipped)) "." }
                    }
                    @for row in skipped {
                        @let what = if row.why == Skip::Total { "total" } else { "note" };
                        li { "Row " (row.row) " was skipped as a " (what) ": \"" (row.says) "\"" }
                    }
                }
            }
        }
    }
}

fn undo(report: &Report) -> Markup {
    html! {
        @if let (Some(undo), Some(load), false) = (&report.undo, &report.load, report.was(FollowUpKind::Undone)) {
            section aria-labelledby="undo" {
                h2 id="undo" { "Undo this load" }
                p {
                    "You can undo this"
                    @if let Some(until) = undo.until { " until " (day(until)) }
                    ", except for items changed since. Ask the person who runs the loader, or run:"
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
            @for (label, other) in related(report) {
                dt { (label) }
                // Relative, because the reports of all loads are kept in one place.
                dd { a href={ "../" (other) "/report.html" } { (other) } }
            }
            dt { "File" }
            dd { @if !report.upload.bucket.is_empty() { (report.upload.bucket) "/" } (report.upload.key) }
            @if let Some(table) = &report.table { dt { "Table" } dd { (table) } }
            dt { "Made by" } dd { (env!("CARGO_PKG_NAME")) " " (env!("CARGO_PKG_VERSION")) }
        }
    }
}

/// Returns the loads that followed from this one, or that it followed from.
fn related(report: &Report) -> Vec<(&'static str, &LoadId)> {
    let again = report.again.as_ref().map(|again| ("Repeats", &again.load));
    let undone = report.undone.as_ref().map(|undone| ("Undoes", &undone.load));
    let later = report.later.iter().map(|later| match later.what {
        FollowUpKind::Approved => ("Approved as", &later.load),
        FollowUpKind::Reloaded => ("Reloaded as", &later.load),
        FollowUpKind::Undone => ("Undone by", &later.load),
        FollowUpKind::Replaced => ("Replaced", &later.load),
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
