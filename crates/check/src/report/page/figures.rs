//! The sections about figures: the control totals, and what the load cost.

use maud::{Markup, html};

use super::cells::{quoted, scrolling};
use super::links::Links;
use super::pictures;
use crate::plan::{Estimate, Figures};
use crate::report::sums::{Places, sum};
use crate::report::words::{describe_read_back, differs, money};
use crate::report::{ReadBack, Report};
use inventory_base::decimal::Decimal;
use inventory_base::ending::Ending;
use inventory_base::message::{count, duration};

/// How many groups have their own line.
const GROUPS_SHOWN: usize = 50;

pub(super) fn totals(report: &Report, links: &Links<'_>) -> Markup {
    let totals = &report.totals.sheet;
    let groups = totals.groups.iter().take(GROUPS_SHOWN).map(|(name, figures)| (name.as_str(), figures));
    let rest = [("Without a group", &totals.without), ("Other groups", &totals.other)];
    let rest = rest.into_iter().filter_map(|(name, figures)| Some((name, figures.as_ref()?)));
    let not_shown = totals.groups.len().saturating_sub(GROUPS_SHOWN);
    let places = Places::of(totals);
    html! {
        @if totals.all.items > 0 {
            section aria-labelledby="totals" {
                h2 id="totals" { "Control totals" }
                p { "Totals of the rows that can be loaded, to compare with your own figures." }
                (scrolling("Control totals", html! {
                    table.totals {
                        caption.hear { "Control totals" }
                        thead {
                            tr {
                                td {}
                                th.num scope="col" { "Items" }
                                th.num scope="col" { "Quantity" }
                                th.num scope="col" { "Value" }
                            }
                        }
                        tbody {
                            tr.sum { (sums("All", &totals.all, places)) }
                            @for (name, figures) in groups.chain(rest) { tr { (sums(name, figures, places)) } }
                        }
                    }
                }))
                @if not_shown > 0 { p { (count(not_shown as u64)) " more groups are in " (links.for_programs()) "." } }
                @if let Some(read_back) = &report.totals.read_back { (compared(read_back)) }
            }
        }
    }
}

fn sums(name: &str, figures: &Figures, places: Places) -> Markup {
    let cell = |total: Option<Decimal>, places| total.map_or_else(|| "–".to_string(), |total| sum(total, places));
    html! {
        th scope="row" { (quoted(name)) }
        td.num { (count(figures.items)) }
        td.num { (cell(figures.quantity, places.quantity)) }
        td.num { (cell(figures.value, places.value)) }
    }
}

/// Says whether the table, read back after the load, matches.
fn compared(read_back: &ReadBack) -> Markup {
    let class = if read_back.differences.is_empty() { "verified" } else { "differs" };
    html! {
        p class=(class) { (describe_read_back(read_back)) }
        @if !read_back.differences.is_empty() {
            ul { @for difference in &read_back.differences { li { (differs(difference)) } } }
            p { "It may have been changed since the load." }
        }
    }
}

pub(super) fn cost(report: &Report) -> Markup {
    let Some(estimate) = &report.estimate else {
        return html! {};
    };
    let taken = report.taken.as_ref().filter(|_| report.ending == Ending::Done);
    type Cell = fn(&Estimate) -> String;
    let lines: [(&str, Cell); 4] = [
        ("Time to compare and write", |cost| cost.seconds.map_or_else(|| "unknown".to_string(), duration)),
        ("Cost", money),
        ("Write units", |cost| count(cost.write_units.round() as u64)),
        ("Read units", |cost| count(cost.read_units.round() as u64)),
    ];
    let seconds = &report.seconds;
    let stages = [
        ("fetching the file", seconds.fetch),
        ("reading and checking", seconds.read),
        ("comparing", seconds.plan),
        ("writing", seconds.write),
        ("verifying", seconds.read_back),
    ];
    let stages: Vec<String> = stages
        .into_iter()
        .filter(|(_, seconds)| *seconds > 0.0)
        .map(|(stage, seconds)| format!("{stage} {}", duration(seconds)))
        .collect();
    html! {
        section aria-labelledby="cost" {
            h2 id="cost" { "Cost and time" }
            (scrolling("Cost and time", html! {
                table {
                    caption.hear { "Cost and time" }
                    thead {
                        tr {
                            td {}
                            th.num scope="col" { "Expected" }
                            @if taken.is_some() { th.num scope="col" { "Taken" } }
                        }
                    }
                    tbody {
                        @for (name, cell) in lines {
                            tr {
                                th scope="row" { (name) }
                                td.num { (cell(estimate)) }
                                @if let Some(taken) = taken { td.num { (cell(taken)) } }
                            }
                        }
                    }
                }
            }))
            @if !stages.is_empty() {
                p {
                    span.whole { (duration(seconds.total)) } " in total: "
                    @for (at, stage) in stages.iter().enumerate() { @if at > 0 { ", " } span.whole { (stage) } }
                    ". Some of these stages overlap."
                }
            }
            @if let Some(rate) = &report.rate { (pictures::rate(rate)) }
        }
    }
}
