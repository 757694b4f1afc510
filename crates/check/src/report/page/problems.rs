//! The section about problems: by kind with all cells first, then row by row with what to do.

use maud::{Markup, PreEscaped, html};

use super::pictures;
use crate::report::Report;
use crate::report::kinds::title;
use crate::report::places::name_places;
use crate::report::words::describe_to_fix;
use inventory_base::message::{Problem, Rule, count};
use inventory_rules::judge::Skip;

/// How many rows of a kind are shown at once; the others open with a click.
const SHOWN_AT_ONCE: usize = 3;
/// The limit on bytes of rows, so that the page opens on a phone; the other files have all rows.
const MOST_BYTES: usize = 1_200_000;

/// Problems of one rule in one column.
struct Group<'r> {
    rule: Rule,
    column: Option<&'r str>,
    problems: Vec<&'r Problem>,
}

pub(super) fn section(report: &Report) -> Markup {
    if report.problems_total == 0 {
        return html! {};
    }
    let kinds = report.kinds.by_frequency();
    // If there are several visible sheets, a cell address alone is ambiguous.
    let with_sheets = report.sheets.iter().filter(|sheet| sheet.skipped != Some(Skip::HiddenSheet)).count() > 1;
    let mut room = MOST_BYTES;
    let mut groups = group(&report.problems);
    groups.sort_by_key(|group| std::cmp::Reverse(group.problems.len()));
    let mut listed = 0;
    let shown: Vec<Markup> = groups.iter().map(|group| show(group, with_sheets, &mut room, &mut listed)).collect();
    let more = report.problems_total.saturating_sub(listed);
    html! {
        section aria-labelledby="problems" {
            h2 id="problems" { "What to fix" }
            @if let Some(to_fix) = describe_to_fix(report) { p { (to_fix) } }
            @if kinds.len() > 1 { (pictures::kinds(&kinds)) }
            @for group in shown { (group) }
            @if more > 0 {
                p {
                    (count(more)) " more of the " (count(report.problems_total)) " problems are not on this page. \
                    The first 10,000 are in " code { "report.json" } " in the same folder."
                }
            }
        }
    }
}

fn show(group: &Group<'_>, with_sheets: bool, room: &mut usize, listed: &mut u64) -> Markup {
    let of_kind = count(group.problems.len() as u64);
    let mut lines = Vec::new();
    let mut last: Option<&str> = None;
    for problem in &group.problems {
        // The rows of one item share one sentence.
        if last == Some(&problem.message) {
            *listed += 1;
            continue;
        }
        last = Some(&problem.message);
        let line = line(problem, with_sheets).into_string();
        let Some(left) = room.checked_sub(line.len()) else {
            *room = 0;
            break;
        };
        *room = left;
        *listed += 1;
        lines.push(PreEscaped(line));
    }
    let (first, rest) = lines.split_at(lines.len().min(SHOWN_AT_ONCE));
    html! {
        h3 { (title(group.rule, group.column)) span.n { " · " (of_kind) } }
        @if group.problems.len() > 1 { p { (name_places(&group.problems, with_sheets)) } }
        ul.rows { @for line in first { (line) } }
        @if !rest.is_empty() {
            details {
                summary { "Show the other " (count(rest.len() as u64)) }
                ul.rows { @for line in rest { (line) } }
            }
        }
    }
}

fn line(problem: &Problem, with_sheets: bool) -> Markup {
    let place = problem.cell.clone().unwrap_or_else(|| format!("Row {}", problem.row));
    html! {
        li {
            span.where { @if with_sheets { (problem.sheet) ", " } (place) }
            " " (problem.message) " " (problem.advice)
        }
    }
}

/// Groups problems by rule and column, in the order in which these first appear.
fn group(problems: &[Problem]) -> Vec<Group<'_>> {
    let mut places = std::collections::HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for problem in problems {
        let (rule, column) = (problem.rule, problem.column.as_deref());
        let place = *places.entry((rule, column)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group { rule, column, problems: Vec::new() });
        }
        groups[place].problems.push(problem);
    }
    groups
}
