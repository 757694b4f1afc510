//! A report in words: the answer first, then why it waits or what needs attention, what changes, the figures, and where
//! the rest is.

use super::Report;
use super::columns::{say_choices, say_columns};
use super::places::name_places;
use crate::plan::{ChangedRow, Difference, Estimate, Figure, Figures, Group, UndoFate};
use inventory_base::decimal::Decimal;
use inventory_base::decision::{Afterwards, Decision, Later};
use inventory_base::ending::Ending;
use inventory_base::item::{Item, Value};
use inventory_base::message::{Problem, Rule, Weight, count, duration, grouped};
use inventory_rules::judge::Skip;

/// Problems of one kind that are printed in full; the rest of the kind is named by its cells.
const TOLD_IN_FULL: usize = 3;
/// Changed and missing items that are printed; the report has more.
const ITEMS_NAMED: usize = 5;

/// `kept` is where the whole report is.
pub fn words(report: &Report, title: Option<&str>, kept: Option<&str>) -> String {
    let mut text = String::new();
    let title = title.map(|title| format!("{title}: ")).unwrap_or_default();
    tell(&mut text, &format!("{title}{}", report.summary));
    if let Some(mends) = say_mends(report) {
        tell(&mut text, &mends);
    }
    say_links(report).iter().for_each(|link| tell(&mut text, link));
    tell_grave_notes(report, &mut text);
    say_choices(report).iter().for_each(|choice| tell(&mut text, choice));
    tell_held(report, &mut text);
    say_columns(report).iter().for_each(|columns| tell(&mut text, columns));
    tell_rows_left_out(report, &mut text);
    tell_problems(report, &mut text);
    tell_changes(report, &mut text);
    tell_staying(report, &mut text);
    tell_figures(report, &mut text);
    if let Some(to_fix) = say_to_fix(report) {
        text.push('\n');
        tell(&mut text, &to_fix);
    }
    if let Some(kept) = kept {
        text.push_str(&format!("\nThe report is in {kept}\n"));
    }
    text
}

/// One line, whatever stands in the cells that it quotes: nothing in a cell begins a line of its own.
pub fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    line.push('\n');
    line
}

fn tell(text: &mut String, line: &str) {
    text.push_str(&one_line(line));
}

/// What the answer is about beside rows; of what it says already, only what to do.
fn tell_grave_notes(report: &Report, text: &mut String) {
    for note in report.grave_notes() {
        match report.summary.contains(&note.message) {
            true => tell(text, &format!("  {}", note.advice)),
            false => tell(text, &format!("{} {}", note.message, note.advice)),
        }
    }
}

/// The loads that this one has to do with, but for what its summary says already.
fn say_links(report: &Report) -> Vec<String> {
    let again = report.again.as_ref().map(say_again);
    let others = report.later.iter().filter(|later| !later.changes_the_answer());
    again.into_iter().chain(others.map(Later::say)).collect()
}

pub(super) fn say_again(again: &Decision) -> String {
    let on = again.at.strftime("%-d %b %Y, %H:%M UTC");
    format!("It loads the file of load {} again, as {} decided on {on}.", again.load, again.by)
}

fn tell_held(report: &Report, text: &mut String) {
    if report.was(Afterwards::Approved) {
        return;
    }
    // The answer of a load that waits has the reasons in it; a trial says them here, and there is nothing to approve.
    let waits = report.ending == Ending::Held;
    let mut sentences: Vec<&str> =
        report.held.iter().map(|held| if waits { &*held.advice } else { &*held.message }).collect();
    sentences.dedup();
    for sentence in sentences {
        tell(text, &format!("  {sentence}"));
    }
}

fn tell_rows_left_out(report: &Report, text: &mut String) {
    for sheet in report.sheets.iter().filter(|sheet| !sheet.loaded) {
        let why = why_passed_over(sheet.skipped);
        tell(text, &format!("Sheet \"{}\" was passed over: {why}.", sheet.name));
    }
    for row in report.skipped.iter().filter(|row| row.why != Skip::Title) {
        let what = if row.why == Skip::Total { "total" } else { "note" };
        tell(text, &format!("Row {} was taken for a {what} and left out: \"{}\"", row.row, row.says));
    }
    for note in report.notes.iter().filter(|note| note.rule.weight() == Weight::Remark) {
        tell(text, &format!("{} {}", note.message, note.advice));
    }
}

pub(super) fn why_passed_over(skipped: Option<Skip>) -> &'static str {
    match skipped {
        Some(Skip::HiddenSheet) => "it is hidden",
        Some(Skip::OtherSheet) => "the rules name another one",
        _ => "it has no row with the names of the columns",
    }
}

fn tell_problems(report: &Report, text: &mut String) {
    // Where she sees several sheets, a cell alone does not say where it is.
    let seen = report.sheets.iter().filter(|sheet| sheet.skipped != Some(Skip::HiddenSheet)).count();
    for (rule, mut problems) in by_rule(&report.problems) {
        text.push('\n');
        // The rows of one item share one sentence.
        problems.dedup_by(|b, a| a.message == b.message);
        for problem in problems.iter().take(TOLD_IN_FULL) {
            let sheet = if seen > 1 { format!("Sheet \"{}\": ", problem.sheet) } else { String::new() };
            tell(text, &format!("  {sheet}{} {}", problem.message, problem.advice));
        }
        if problems.len() > TOLD_IN_FULL {
            let rest = &problems[TOLD_IN_FULL..];
            let (number, places) = (count(rest.len() as u64), name_places(rest, seen > 1));
            tell(text, &format!("  {number} more of this kind ({}): {places}", rule.id()));
        }
    }
    if report.problems_total > report.problems.len() as u64 {
        let listed = count(report.problems.len() as u64);
        text.push('\n');
        tell(text, &format!("Of {} problems {listed} are listed.", count(report.problems_total)));
    }
}

/// Whose rows the file has, where it is one of rows to mend.
pub(super) fn say_mends(report: &Report) -> Option<String> {
    let load = report.mends.as_ref()?;
    Some(format!("This file mends rows of load {load}. Items that it does not list stay as they are."))
}

/// Where the rows to mend are, and what to do with them.
pub(super) fn say_to_fix(report: &Report) -> Option<String> {
    let to_fix = report.to_fix.as_ref()?;
    let rows = match (to_fix.rows, to_fix.of) {
        (1, 1) => "The row to mend is".to_string(),
        (rows, of) if rows == of => format!("The {} rows to mend are", count(rows)),
        (rows, of) => format!("Of {} rows to mend, the first {} are", count(of), count(rows)),
    };
    let them = if to_fix.rows == 1 { "it" } else { "them" };
    // What is right is not in yet.
    let when = if report.ending == Ending::Done { "" } else { " after this one" };
    let place = &to_fix.place;
    Some(format!("{rows} in {place}, with what to do beside {them}. Correct {them} there and load that file{when}."))
}

fn tell_changes(report: &Report, text: &mut String) {
    let rows = report.changes_to_tell();
    if !rows.is_empty() || !report.missing.items.is_empty() {
        text.push('\n');
    }
    for row in rows.iter().take(ITEMS_NAMED) {
        tell(text, &format!("  {}", changed(row)));
    }
    let changed = report.rows.fates.get(&crate::plan::Fate::Changed).copied().unwrap_or_default();
    if let Some(more) = changed.checked_sub(ITEMS_NAMED as u64).filter(|more| *more > 0) {
        tell(text, &format!("  {} more changed", count(more)));
    }
    let missing = &report.missing;
    let named: Vec<String> = missing.items.iter().take(ITEMS_NAMED).map(key).collect();
    let more = missing.total - named.len() as u64;
    if !named.is_empty() {
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        tell(text, &format!("  Not in the sheet: {}{more}", named.join(", ")));
    }
}

/// What an undo left as it is.
fn tell_staying(report: &Report, text: &mut String) {
    let Some(undone) = &report.undone else { return };
    let named: Vec<String> = undone.staying.iter().take(ITEMS_NAMED).map(|item| key(&item.key)).collect();
    let all = undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken);
    if !named.is_empty() {
        let more = all - named.len() as u64;
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        tell(text, &format!("  Left as they are: {}{more}", named.join(", ")));
    }
    for item in undone.staying.iter().take(ITEMS_NAMED) {
        if let Some(reason) = &item.reason {
            tell(text, &format!("  {}: the table says \"{reason}\"", key(&item.key)));
        }
    }
}

/// Absent values are empty cells in her sheet.
fn changed(row: &ChangedRow) -> String {
    let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "(empty)".to_string(), shown);
    let attributes: Vec<String> = row
        .attributes
        .iter()
        .map(|attribute| format!("{} {} -> {}", attribute.name, side(&attribute.before), side(&attribute.after)))
        .collect();
    format!("{}: {}", key(&row.key), attributes.join(", "))
}

pub(super) fn key(item: &Item) -> String {
    let plain = |value: &Value| match value {
        Value::S(text) => text.to_string(),
        value => shown(value),
    };
    item.values().map(plain).collect::<Vec<_>>().join(" ")
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::S(text) => format!("{text:?}"),
        Value::N(digits) => digits.to_string(),
        Value::Bool(true) => "yes".to_string(),
        Value::Bool(false) => "no".to_string(),
        Value::Null(_) => "(nothing)".to_string(),
        _ => "(several values)".to_string(),
    }
}

fn tell_figures(report: &Report, text: &mut String) {
    let sheet = &report.totals.sheet.all;
    if sheet.items > 0 {
        text.push('\n');
        tell(text, &format!("In the sheet: {}.", figures(sheet)));
    }
    if let Some(read_back) = &report.totals.read_back {
        let items = match read_back.items == read_back.of {
            true => "all of them".to_string(),
            false => format!("{} of them", count(read_back.items)),
        };
        match read_back.differences.as_slice() {
            [] => tell(text, &format!("Read back from the table, {items}: the same.")),
            differences => {
                tell(text, &format!("Read back from the table, {items}: not the same."));
                differences.iter().for_each(|difference| tell(text, &format!("  {}", differs(difference))));
            }
        }
    }
    let Some(estimate) = &report.estimate else {
        return;
    };
    match report.taken.as_ref().filter(|_| report.ending == Ending::Done) {
        Some(taken) => {
            tell(text, &format!("It took {}; {} were expected.", cost(taken), cost(estimate)));
        }
        None => {
            let what = if report.undone.is_some() { "undo" } else { "load" };
            tell(text, &format!("To {what} it takes about {}.", cost(estimate)));
        }
    }
}

fn figures(figures: &Figures) -> String {
    let items = if figures.items == 1 { "1 item".to_string() } else { format!("{} items", count(figures.items)) };
    let sum = |name: &str, sum: Option<Decimal>| {
        sum.filter(|sum| !sum.is_zero()).map(|sum| format!("{name} {}", grouped(&sum.to_string())))
    };
    let sums = [sum("quantity", figures.quantity), sum("value", figures.value)];
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
        Group::Other => " in the other groups".to_string(),
        Group::Without => " in no group".to_string(),
    };
    let [found, expected] = [difference.found, difference.expected].map(|number| grouped(&number.to_string()));
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

/// Fractions of a cent are none.
pub(super) fn money(cost: &Estimate) -> String {
    let Some(money) = cost.money else {
        return "not known".to_string();
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

/// The kinds in the order in which they first come.
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
    fn money_is_told_to_the_cent() {
        let cost = |money: Decimal| Estimate { money: Some(money), currency: "EUR".into(), ..Estimate::default() };
        for (amount, says) in [
            (Decimal::ZERO, "0 EUR"),
            (Decimal::new(105, -7), "less than 0.01 EUR"),
            (Decimal::new(12, 0), "12.00 EUR"),
            (Decimal::new(12_345_678, -4), "1,234.56 EUR"),
        ] {
            assert_eq!(money(&cost(amount)), says);
        }
    }
}
