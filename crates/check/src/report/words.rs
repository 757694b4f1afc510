//! A report as plain text: the answer first, then why the load waits or what needs attention, what changes, the figures,
//! and where the rest is.

use super::columns::{describe_choices, describe_columns};
use super::places::name_places;
use super::sums::{Places, places_of_money, sum};
use super::values::{key, shown};
use super::{ReadBack, Report, ToFix};
use crate::plan::{ChangedRow, Difference, Estimate, Figure, Figures, Group, UndoFate};
use inventory_base::decimal::Decimal;
use inventory_base::decision::{Decision, FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::item::Value;
use inventory_base::message::{Problem, Rule, Weight, count, duration, grouped};
use inventory_rules::judge::Skip;

/// How many problems of one kind are printed in full; of the others only the cells are named.
const PRINTED_IN_FULL: usize = 3;
/// How many changed, missing or not undone items are named; the report has more.
const ITEMS_NAMED: usize = 5;

/// Returns the report as plain text. `kept` is where the whole report is stored.
pub fn words(report: &Report, title: Option<&str>, kept: Option<&str>) -> String {
    let mut text = String::new();
    let title = title.map(|title| format!("{title}: ")).unwrap_or_default();
    push_line(&mut text, &format!("{title}{}", report.summary));
    if let Some(fixes) = describe_fixes(report) {
        push_line(&mut text, &fixes);
    }
    describe_links(report).iter().for_each(|link| push_line(&mut text, link));
    write_serious_notes(report, &mut text);
    describe_choices(report).iter().for_each(|choice| push_line(&mut text, choice));
    write_held(report, &mut text);
    describe_columns(report).iter().for_each(|columns| push_line(&mut text, columns));
    write_skipped(report, &mut text);
    write_problems(report, &mut text);
    write_changes(report, &mut text);
    write_not_undone(report, &mut text);
    write_figures(report, &mut text);
    if let Some(to_fix) = describe_to_fix(report) {
        text.push('\n');
        push_line(&mut text, &to_fix);
    }
    if let Some(kept) = kept {
        text.push_str(&format!("\nThe report is in {kept}\n"));
    }
    text
}

/// Returns the text as one line: line breaks and other control characters in quoted cells become spaces.
pub fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.push('\n');
    line
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(&one_line(line));
}

/// Writes the notes that the summary is about; if the summary has a message already, only the advice.
fn write_serious_notes(report: &Report, text: &mut String) {
    for note in report.serious_notes() {
        match report.summary.contains(&note.message) {
            true => push_line(text, &format!("  {}", note.advice)),
            false => push_line(text, &format!("{} {}", note.message, note.advice)),
        }
    }
}

/// Describes the related loads, except for those that the summary mentions.
fn describe_links(report: &Report) -> Vec<String> {
    let again = report.again.as_ref().map(describe_again);
    let others = report.later.iter().filter(|later| !later.changes_outcome());
    again.into_iter().chain(others.map(FollowUp::describe)).collect()
}

fn describe_again(again: &Decision) -> String {
    let on = again.at.strftime("%-d %b %Y, %H:%M UTC");
    format!("This load repeats load {}, as {} decided on {on}.", again.load, again.by)
}

fn write_held(report: &Report, text: &mut String) {
    if report.was(FollowUpKind::Approved) {
        return;
    }
    // The summary of a held load has the reasons, so the advice follows here; a dry run has nothing to approve.
    let waits = report.ending == Ending::Held;
    let mut sentences: Vec<&str> =
        report.held.iter().map(|held| if waits { &*held.advice } else { &*held.message }).collect();
    sentences.dedup();
    for sentence in sentences {
        push_line(text, &format!("  {sentence}"));
    }
}

/// Writes the sheets and rows that were skipped, and the remarks.
fn write_skipped(report: &Report, text: &mut String) {
    for sheet in report.sheets.iter().filter(|sheet| !sheet.loaded) {
        let why = why_sheet_skipped(sheet.skipped);
        push_line(text, &format!("Sheet \"{}\" was skipped: {why}.", sheet.name));
    }
    for row in report.skipped.iter().filter(|row| row.why != Skip::Title) {
        let what = if row.why == Skip::Total { "total" } else { "note" };
        push_line(text, &format!("Row {} was skipped as a {what}: \"{}\"", row.row, row.says));
    }
    for note in report.notes.iter().filter(|note| note.rule.weight() == Weight::Remark) {
        push_line(text, &format!("{} {}", note.message, note.advice));
    }
}

pub(super) fn why_sheet_skipped(skipped: Option<Skip>) -> &'static str {
    match skipped {
        Some(Skip::HiddenSheet) => "it is hidden",
        Some(Skip::OtherSheet) => "the rules name another sheet",
        _ => "it has no row with the column names",
    }
}

fn write_problems(report: &Report, text: &mut String) {
    // If there are several visible sheets, a cell address alone is ambiguous.
    let seen = report.sheets.iter().filter(|sheet| sheet.skipped != Some(Skip::HiddenSheet)).count();
    for (rule, mut problems) in by_rule(&report.problems) {
        text.push('\n');
        // The rows of one item share one sentence.
        problems.dedup_by(|b, a| a.message == b.message);
        for problem in problems.iter().take(PRINTED_IN_FULL) {
            let sheet = if seen > 1 { format!("Sheet \"{}\": ", problem.sheet) } else { String::new() };
            push_line(text, &format!("  {sheet}{} {}", problem.message, problem.advice));
        }
        if problems.len() > PRINTED_IN_FULL {
            let rest = &problems[PRINTED_IN_FULL..];
            let (number, places) = (count(rest.len() as u64), name_places(rest, seen > 1));
            push_line(text, &format!("  {number} more of this kind ({}): {places}", rule.id()));
        }
    }
    if report.problems_total > report.problems.len() as u64 {
        let listed = count(report.problems.len() as u64);
        text.push('\n');
        push_line(text, &format!("{listed} of {} problems are listed.", count(report.problems_total)));
    }
}

/// Says which load's rows the file fixes, if it is a workbook of rows to fix.
pub(super) fn describe_fixes(report: &Report) -> Option<String> {
    let load = report.fixes.as_ref()?;
    Some(format!("This file fixes rows of load {load}. Items that it doesn't list are left unchanged."))
}

/// Says where the rows to fix are, and what to do with them.
pub(super) fn describe_to_fix(report: &Report) -> Option<String> {
    let (before, to_fix, after) = to_fix_parts(report)?;
    Some(format!("{before}{}{after}", to_fix.place))
}

/// Returns the sentence about the rows to fix, divided where their place belongs.
pub(super) fn to_fix_parts(report: &Report) -> Option<(String, &ToFix, String)> {
    let to_fix = report.to_fix.as_ref()?;
    let rows = match (to_fix.rows, to_fix.of) {
        (1, 1) => "The row to fix is".to_string(),
        (rows, of) if rows == of => format!("The {} rows to fix are", count(rows)),
        (rows, of) => format!("Of {} rows to fix, the first {} are", count(of), count(rows)),
    };
    let them = if to_fix.rows == 1 { "it" } else { "them" };
    // Otherwise the rows without problems haven't been loaded yet.
    let when = if report.ending == Ending::Done { "" } else { " after this one" };
    let how = format!(", with instructions next to {them}. Correct {them} there and load that file{when}.");
    Some((format!("{rows} in "), to_fix, how))
}

fn write_changes(report: &Report, text: &mut String) {
    let rows = report.changes_to_show();
    if !rows.is_empty() || !report.missing.items.is_empty() {
        text.push('\n');
    }
    for row in rows.iter().take(ITEMS_NAMED) {
        push_line(text, &format!("  {}", changed(row)));
    }
    let changed = report.rows.fates.get(&crate::plan::Fate::Changed).copied().unwrap_or_default();
    if let Some(more) = changed.checked_sub(ITEMS_NAMED as u64).filter(|more| *more > 0) {
        push_line(text, &format!("  {} more changed", count(more)));
    }
    let missing = &report.missing;
    let named: Vec<String> = missing.items.iter().take(ITEMS_NAMED).map(key).collect();
    let more = missing.total - named.len() as u64;
    if !named.is_empty() {
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        push_line(text, &format!("  Not in the sheet: {}{more}", named.join(", ")));
    }
}

/// Writes which items an undo left unchanged.
fn write_not_undone(report: &Report, text: &mut String) {
    let Some(undone) = &report.undone else { return };
    let named: Vec<String> = undone.not_undone.iter().take(ITEMS_NAMED).map(|item| key(&item.key)).collect();
    let all = undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken);
    if !named.is_empty() {
        let more = all - named.len() as u64;
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        push_line(text, &format!("  Not undone: {}{more}", named.join(", ")));
    }
    for item in undone.not_undone.iter().take(ITEMS_NAMED) {
        if let Some(reason) = &item.reason {
            push_line(text, &format!("  {}: the table says \"{reason}\"", key(&item.key)));
        }
    }
}

/// Describes a changed item. Absent values are shown as empty, as in her sheet.
fn changed(row: &ChangedRow) -> String {
    let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "(empty)".to_string(), shown);
    let attributes: Vec<String> = row
        .attributes
        .iter()
        .map(|attribute| format!("{} {} -> {}", attribute.name, side(&attribute.before), side(&attribute.after)))
        .collect();
    format!("{}: {}", key(&row.key), attributes.join(", "))
}

fn write_figures(report: &Report, text: &mut String) {
    let sheet = &report.totals.sheet.all;
    if sheet.items > 0 {
        text.push('\n');
        push_line(text, &format!("In the sheet: {}.", figures(sheet, Places::of(&report.totals.sheet))));
    }
    if let Some(read_back) = &report.totals.read_back {
        push_line(text, &describe_read_back(read_back));
        read_back.differences.iter().for_each(|difference| push_line(text, &format!("  {}", differs(difference))));
    }
    let Some(estimate) = &report.estimate else {
        return;
    };
    match report.taken.as_ref().filter(|_| report.ending == Ending::Done) {
        Some(taken) => {
            push_line(text, &format!("It took {}; the estimate was {}.", cost(taken), cost(estimate)));
        }
        None => {
            let what = if report.undone.is_some() { "Undoing" } else { "Loading" };
            push_line(text, &format!("{what} it would take about {}.", cost(estimate)));
        }
    }
}

/// Says whether the table, read back, matches what was loaded.
pub(super) fn describe_read_back(read_back: &ReadBack) -> String {
    let sample = match read_back.items == read_back.of {
        true => String::new(),
        false => format!(" ({} of {} items were read back)", count(read_back.items), count(read_back.of)),
    };
    match read_back.differences.is_empty() {
        true => format!("Verified: the table matches{sample}."),
        false => format!("The table doesn't match what was loaded{sample}:"),
    }
}

fn figures(figures: &Figures, places: Places) -> String {
    let items = if figures.items == 1 { "1 item".to_string() } else { format!("{} items", count(figures.items)) };
    let named = |name: &str, total: Option<Decimal>, places| {
        total.filter(|total| !total.is_zero()).map(|total| format!("{name} {}", sum(total, places)))
    };
    let sums = [named("quantity", figures.quantity, places.quantity), named("value", figures.value, places.value)];
    [Some(items)].into_iter().chain(sums).flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn differs(difference: &Difference) -> String {
    let figure = match difference.figure {
        Figure::Items => "Items",
        Figure::Quantity => "Quantity",
        Figure::Value => "Value",
    };
    let of = match &difference.group {
        Group::All => String::new(),
        Group::Of(group) => format!(" in {group}"),
        Group::Other => " in other groups".to_string(),
        Group::Without => " without a group".to_string(),
    };
    let both = [difference.found, difference.expected];
    let is_value = difference.figure == Figure::Value;
    let places = if is_value { both.map(places_of_money).into_iter().max().unwrap_or_default() } else { 0 };
    let [found, expected] = both.map(|number| sum(number, places));
    format!("{figure}{of}: {found} in the table, {expected} in the sheet.")
}

fn cost(estimate: &Estimate) -> String {
    let units = |units: f64, kind: &str| match units.round() as u64 {
        1 => format!("1 {kind} unit"),
        units => format!("{} {kind} units", count(units)),
    };
    let costs = estimate.money.is_some_and(|money| !money.is_zero());
    let money = if costs { format!(", {}", money(estimate)) } else { String::new() };
    let seconds = estimate.seconds.map(|seconds| format!(", {}", duration(seconds))).unwrap_or_default();
    let (write, read) = (units(estimate.write_units, "write"), units(estimate.read_units, "read"));
    format!("{write}, {read}{money}{seconds}")
}

/// Formats money to the cent.
pub(super) fn money(cost: &Estimate) -> String {
    let Some(money) = cost.money else {
        return "unknown".to_string();
    };
    let currency = &cost.currency;
    match (money.is_zero(), money < Decimal::new(1, -2)) {
        (true, _) => format!("0 {currency}"),
        (_, true) => format!("less than 0.01 {currency}"),
        _ => {
            let text = money.to_string();
            let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
            format!("{}.{:0<2.2} {currency}", grouped(whole), cents)
        }
    }
}

/// Groups problems by rule, in the order in which the rules first appear.
fn by_rule(problems: &[Problem]) -> Vec<(Rule, Vec<&Problem>)> {
    let mut kinds: Vec<(Rule, Vec<&Problem>)> = Vec::new();
    for problem in problems {
        match kinds.iter_mut().find(|(rule, _)| *rule == problem.rule) {
            Some((_, kind)) => kind.push(problem),
            None => kinds.push((problem.rule, vec![problem])),
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_formatted_to_the_cent() {
        let cost = |money: Decimal| Estimate { money: Some(money), currency: "EUR".into(), ..Estimate::default() };
        for (amount, expected) in [
            (Decimal::ZERO, "0 EUR"),
            (Decimal::new(105, -7), "less than 0.01 EUR"),
            (Decimal::new(12, 0), "12.00 EUR"),
            (Decimal::new(12_345_678, -4), "1,234.56 EUR"),
        ] {
            assert_eq!(money(&cost(amount)), expected);
        }
    }
}
