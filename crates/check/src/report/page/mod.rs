//! The report as an HTML page: one self-contained file to be read on a screen, a phone, paper, or aloud. It has no script
//! and loads nothing, and its content security policy forbids both. Everything quoted from a cell is escaped.

mod cells;
mod changes;
mod columns;
mod figures;
mod links;
mod notes;
mod pictures;
mod problems;

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::columns::describe_choices;
use super::{Report, Tone};
use inventory_base::decision::FollowUpKind;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::REPORT_GENERATOR;
use links::Links;

/// The style sheet, embedded in the page so that it is one file.
const STYLE: &str = include_str!("style.css");

/// Returns the page that lies in the folder of the load, beside the workbook of rows to fix.
pub fn page(report: &Report) -> String {
    page_with(report, &Links::beside(report.load.as_ref()))
}

/// Returns the same page for `loads/latest.html`, which lies above the folders of the loads, so that its links lead there.
pub fn latest_page(report: &Report) -> String {
    page_with(report, &Links::above(report.load.as_ref()))
}

fn page_with(report: &Report, links: &Links<'_>) -> String {
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
                    p.file { b { (file) } " " span.bit { (time(report.finished)) } }
                    (answer.show(report, links))
                    (contents(report))
                }
                main {
                    (notes::look(report))
                    (rows(report))
                    (notes::also(report))
                    (problems::section(report, links))
                    (columns::section(report, links))
                    (figures::totals(report, links))
                    (changes::section(report))
                    (figures::cost(report))
                    (undo(report))
                }
                footer { (about(report, links)) }
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

    fn show(&self, report: &Report, links: &Links<'_>) -> Markup {
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
                @if let (Some(to_fix), Some(link)) = (&report.to_fix, links.to_fix()) {
                    p { @if to_fix.rows == 1 { "The row to fix: " } @else { "The rows to fix: " } (link) }
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
        ("look", "Worth a look", notes::has_look(report)),
        ("rows", "What happened to the rows", report.rows.total > 0),
        ("also", "Good to know", notes::has_also(report)),
        ("problems", "What to fix", report.problems_total > 0),
        ("columns", "Which columns were read", report.sheets.iter().any(|sheet| !sheet.columns.is_empty())),
        ("totals", "Control totals", report.totals.sheet.all.items > 0),
        ("changes", changes::title(report), changes::is_there(report)),
        ("cost", "Cost and time", report.estimate.is_some()),
        ("undo", "Undo this load", report.undo.is_some() && !report.was(FollowUpKind::Undone)),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(.., there)| *there).collect();
    html! {
        @if parts.len() > 1 {
            nav aria-label="Parts of this report" {
                ul { @for (id, title, _) in parts { li { a href={ "#" (id) } { (title) } } } }
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

fn about(report: &Report, links: &Links<'_>) -> Markup {
    html! {
        dl {
            @if let Some(load) = &report.load { dt { "Load" } dd { (load) } }
            @for (label, other) in related(report) {
                dt { (label) }
                dd { (links.report(other)) }
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
