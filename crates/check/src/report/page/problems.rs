//! The section about problems: a table for each kind, below what its problems have in common.

use std::collections::HashMap;

use maud::{Markup, PreEscaped, html};

use super::cells::{quoted, remark, scrolling};
use super::links::Links;
use super::pictures;
use crate::plan::Kind;
use crate::report::Report;
use crate::report::advice::{Advice, AdviceLine, describe};
use crate::report::kinds::title;
use crate::report::places::name_places;
use crate::report::values::text_in_cell;
use crate::report::words::to_fix_parts;
use inventory_base::ending::Ending;
use inventory_base::message::{Problem, Rule, count};
use inventory_rules::judge::Skip;

/// How many rows of a kind are shown at once; the others open with a click.
const SHOWN_AT_ONCE: usize = 5;
/// A click that shows fewer than this isn't worth it.
const WORTH_A_CLICK: usize = 3;
/// How many cells of one item are named.
const CELLS_NAMED: usize = 3;
/// The limit on bytes of rows, so that the page opens on a phone; the other files have all rows.
const MOST_BYTES: usize = 1_200_000;

/// Problems of one rule in one column.
struct Group<'r> {
    rule: Rule,
    column: Option<&'r str>,
    problems: Vec<&'r Problem>,
    /// The number of all problems of the kind, also of those that the report doesn't list.
    total: u64,
}

/// A row of the table: one problem, or those of the rows of one item, which share a sentence.
struct Line<'r> {
    problems: Vec<&'r Problem>,
    advice: AdviceLine,
}

/// Which columns the table of a kind has, apart from the row.
struct Columns {
    cell: bool,
    value: bool,
    sheet: bool,
    advice: Option<&'static str>,
}

pub(super) fn section(report: &Report, links: &Links<'_>) -> Markup {
    if report.problems_total == 0 {
        return html! {};
    }
    let kinds = report.kinds.by_frequency();
    // If there are several visible sheets, a cell address alone is ambiguous.
    let with_sheets = report.sheets.iter().filter(|sheet| sheet.skipped != Some(Skip::HiddenSheet)).count() > 1;
    let mut room = MOST_BYTES;
    let mut groups = group(&report.problems, &kinds);
    groups.sort_by_key(|group| std::cmp::Reverse(group.total));
    let mut listed = 0;
    let id_of = |kind: &Kind| {
        let at = groups.iter().position(|group| (group.rule, group.column) == (kind.rule, kind.column.as_deref()));
        at.map(id)
    };
    let bars = pictures::kinds(&kinds, id_of);
    let shown: Vec<Markup> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| show(group, &id(at), with_sheets, &mut room, &mut listed))
        .collect();
    let more = report.problems_total.saturating_sub(listed);
    html! {
        section aria-labelledby="problems" {
            h2 id="problems" { "What to fix" }
            p { (describe_fate(report)) (to_fix(report, links)) }
            @if kinds.len() > 1 { (bars) }
            @for group in shown { (group) }
            @if more > 0 {
                p.rest {
                    (count(more)) " more of the " (count(report.problems_total)) " problems are not on this page. \
                    The first 10,000 are in " (links.for_programs()) " in the same folder."
                }
            }
        }
    }
}

fn id(at: usize) -> String {
    format!("fix-{}", at + 1)
}

/// Says once what happened to all rows with a problem.
fn describe_fate(report: &Report) -> &'static str {
    match (report.ending, report.rows.left_out()) {
        (_, 0) => "",
        (Ending::Done, 1) => "The row below was not loaded.",
        (Ending::Done, _) => "The rows below were not loaded.",
        (_, 1) => "The row below would not be loaded.",
        _ => "The rows below would not be loaded.",
    }
}

/// Says where the rows to fix are: in the workbook beside the page.
fn to_fix(report: &Report, links: &Links<'_>) -> Markup {
    let Some((before, to_fix, after)) = to_fix_parts(report) else {
        return html! {};
    };
    let place = links.to_fix().unwrap_or_else(|| html! { (to_fix.place) });
    html! { " " (before) (place) (after) }
}

fn show(group: &Group<'_>, id: &str, with_sheets: bool, room: &mut usize, listed: &mut u64) -> Markup {
    let title = title(group.rule, group.column);
    let Advice { shared, column, lines: advice } = describe(group.rule, &group.problems);
    let lines = merge(&group.problems, advice);
    let columns = Columns {
        cell: group.problems.iter().any(|problem| problem.cell.is_some()),
        value: lines.iter().any(|line| line.value().is_some()),
        sheet: with_sheets,
        advice: column,
    };
    let mut rows = Vec::new();
    for line in &lines {
        let row = columns.row(line).into_string();
        let Some(left) = room.checked_sub(row.len()) else {
            *room = 0;
            break;
        };
        *room = left;
        *listed += line.problems.len() as u64;
        rows.push(PreEscaped(row));
    }
    let at_once = if rows.len() < SHOWN_AT_ONCE + WORTH_A_CLICK { rows.len() } else { SHOWN_AT_ONCE };
    let (first, rest) = rows.split_at(at_once);
    html! {
        h3 id=(id) { (title) span.n { " · " (count(group.total)) } }
        @if !shared.is_empty() { p { (shared) } }
        @if !first.is_empty() { (columns.table(&title, first)) }
        @if !rest.is_empty() {
            details {
                summary { "Show the other " (count(rest.len() as u64)) }
                (columns.table(&format!("{title}: the others"), rest))
            }
        }
    }
}

impl Columns {
    fn table(&self, title: &str, rows: &[Markup]) -> Markup {
        let advice = self.advice.iter().map(|title| ("does", *title));
        let shown = [(self.cell, ("cell", "Cell")), (self.value, ("value", "Value"))];
        let shown = shown.into_iter().filter(|(shown, _)| *shown).map(|(_, heading)| heading);
        let row = [("row", "Row")].into_iter().chain(self.sheet.then_some(("sheet", "Sheet")));
        scrolling(
            title,
            html! {
                table.fixes {
                    caption.hear { (title) }
                    thead { tr { @for (class, heading) in shown.chain(advice).chain(row) { th class=(class) scope="col" { (heading) } } } }
                    tbody { @for row in rows { (row) } }
                }
            },
        )
    }

    fn row(&self, line: &Line<'_>) -> Markup {
        let problem = line.problems[0];
        let rows = line.advice.rows.clone().unwrap_or_else(|| problem.row.to_string());
        html! {
            tr {
                @if self.cell { th.cell scope="row" { (line.cells()) } }
                @if self.value {
                    td.value {
                        @match line.value() {
                            Some(value) => (quoted(&text_in_cell(value))),
                            None => span.quiet { "empty" },
                        }
                    }
                }
                @if self.advice.is_some() { td.does { (remark(&line.advice.text)) } }
                @if self.cell { td.row { (quoted(&rows)) } } @else { th.row scope="row" { (quoted(&rows)) } }
                @if self.sheet { td.sheet { (quoted(&problem.sheet)) } }
            }
        }
    }
}

impl Line<'_> {
    /// The cell; of several, all if they are few, because the rows are named too.
    fn cells(&self) -> String {
        match self.problems.len().checked_sub(CELLS_NAMED) {
            Some(1..) => {
                let more = count(self.problems.len() as u64 - 1);
                format!("{} and {more} more", name_places(&self.problems[..1], false))
            }
            _ => name_places(&self.problems, false),
        }
    }

    /// The value as the spreadsheet program shows it; `None` if the cell is empty.
    fn value(&self) -> Option<&str> {
        let value = self.advice.value.as_deref().or(self.problems[0].value.as_deref());
        value.filter(|value| !value.is_empty())
    }
}

/// Puts the problems of one item, which share a sentence, on one line.
fn merge<'r>(problems: &[&'r Problem], advice: Vec<AdviceLine>) -> Vec<Line<'r>> {
    let mut places = HashMap::new();
    let mut lines: Vec<Line<'r>> = Vec::new();
    for (problem, advice) in problems.iter().zip(advice) {
        let place = *places.entry((problem.sheet.as_str(), problem.message.as_str())).or_insert(lines.len());
        if place == lines.len() {
            lines.push(Line { problems: Vec::new(), advice });
        }
        lines[place].problems.push(problem);
    }
    lines
}

/// Groups problems by rule and column, in the order in which these first appear.
fn group<'r>(problems: &'r [Problem], kinds: &[Kind]) -> Vec<Group<'r>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for problem in problems {
        let (rule, column) = (problem.rule, problem.column.as_deref());
        let place = *places.entry((rule, column)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group { rule, column, problems: Vec::new(), total: 0 });
        }
        groups[place].problems.push(problem);
    }
    for group in &mut groups {
        let kind = kinds.iter().find(|kind| (kind.rule, kind.column.as_deref()) == (group.rule, group.column));
        group.total = kind.map_or(0, |kind| kind.problems).max(group.problems.len() as u64);
    }
    groups
}
