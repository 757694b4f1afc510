//! Compares the result of `inventory check` for a file with the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use inventory_base::message::{Rule, Weight};
use serde::Deserialize;
use serde_json::Value as Json;

use super::case::{Case, Truth};
use super::list::Attributes;
use crate::harness::inventory;

/// The result of checking a file, by row.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub report: Json,
    /// The fate of each sheet and row, and its item if it has one.
    rows: BTreeMap<(String, u64), (String, Option<Json>)>,
    problem_rows: BTreeSet<(String, u64)>,
}

impl Answer {
    pub fn of(file: &Path, scratch: &Path) -> Answer {
        let (fates, items) = (scratch.join("fates"), scratch.join("items"));
        for list in [&fates, &items] {
            std::fs::write(list, "").expect("an empty list");
        }
        let path = |path: &Path| path.to_str().expect("a path in UTF-8").to_string();
        let output = inventory(&["check", &path(file), "--json", "--fates", &path(&fates), "--items", &path(&items)]);
        let report: Json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {output:?}", file.display()));
        let mut items = lines(&items).into_iter();
        let mut rows = BTreeMap::new();
        for line in lines(&fates) {
            let fate = line["fate"].as_str().unwrap_or_default().to_string();
            let item = if fate == "accepted" { items.next() } else { None };
            let place = (line["sheet"].as_str().unwrap_or_default().to_string(), line["row"].as_u64().unwrap_or(0));
            rows.insert(place, (fate, item));
        }
        let problems = report["problems"].as_array().into_iter().flatten();
        let place = |problem: &Json| Some((problem["sheet"].as_str()?.to_string(), problem["row"].as_u64()?));
        let problem_rows = problems.filter_map(place).collect();
        Answer { exit: output.status.code().unwrap_or(-1), report, rows, problem_rows }
    }

    /// Returns whether nothing of the file is loaded: it is refused or held.
    pub fn is_stopped(&self) -> bool {
        self.report["refusal"].is_object() || self.report["held"].as_array().is_some_and(|held| !held.is_empty())
    }

    /// Returns the rule of the refusal, if the file is refused.
    pub fn refusal(&self) -> Option<&str> {
        self.report["refusal"]["rule"].as_str()
    }

    /// Returns the notes that are mentioned in the headline; none if the headline is green.
    pub fn amber(&self) -> Vec<&str> {
        let notes = self.report["notes"].as_array().into_iter().flatten();
        let notes = notes.filter(|_| self.report["tone"] != "good");
        let weighs = |note: &&Json| Rule::deserialize(&note["rule"]).is_ok_and(|rule| rule.weight() > Weight::Remark);
        notes.filter(weighs).filter_map(|note| note["rule"].as_str()).collect()
    }
}

fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).expect("a list");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A row that differs from the truth without a problem that names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub sheet: String,
    pub row: u64,
    pub trap: Option<&'static str>,
    pub kind: Kind,
    pub truth: Option<Attributes>,
    pub loaded: Option<Json>,
}

/// Notes that only say what was not loaded, and so don't cover a wrong value.
const NOTES_ON_OMISSIONS: [&str; 4] =
    ["column-without-name", "values-without-name", "sheets-without-group", "cells-merged-across"];

impl Difference {
    /// Returns whether one of these notes can be about the difference.
    pub fn is_reported(&self, notes: &[&str]) -> bool {
        match self.kind {
            Kind::LostValue | Kind::NotLoaded => !notes.is_empty(),
            Kind::WrongValue | Kind::NoItem | Kind::Unclear => {
                notes.iter().any(|note| !NOTES_ON_OMISSIONS.contains(note))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An attribute has a wrong value.
    WrongValue,
    /// An attribute is missing.
    LostValue,
    /// A row was loaded that isn't an item.
    NoItem,
    /// A row was loaded although its meaning is unclear.
    Unclear,
    /// An item was not loaded.
    NotLoaded,
}

/// The comparison of a case with the truth.
#[derive(Debug)]
pub struct Verdict {
    pub differences: Vec<Difference>,
    /// The number of item rows without a trap, and how many of them were loaded correctly.
    pub plain: (usize, usize),
    /// The number of item rows with a trap, and how many of them were loaded correctly.
    pub trapped: (usize, usize),
}

impl Verdict {
    pub fn of(case: &Case, answer: &Answer) -> Verdict {
        let mut verdict = Verdict { differences: Vec::new(), plain: (0, 0), trapped: (0, 0) };
        let sheet_names: BTreeSet<_> = answer.rows.keys().map(|(sheet, _)| sheet.clone()).collect();
        for (place, sheet) in case.sheets.iter().enumerate() {
            // A file without sheets has one name only.
            let name = match sheet_names.contains(&sheet.name) || case.sheets.len() > 1 {
                true => sheet.name.clone(),
                false => sheet_names.iter().nth(place).cloned().unwrap_or_default(),
            };
            for (number, row) in (1..).zip(&sheet.rows) {
                let at = (name.clone(), number);
                let (fate, item) =
                    answer.rows.get(&at).map_or(("none", None), |(fate, item)| (fate.as_str(), item.as_ref()));
                let (loaded, kind) = match (&row.truth, item) {
                    (Truth::Item(truth), Some(item)) => (true, differs(truth, item)),
                    (Truth::NoItem, Some(_)) => (true, Some(Kind::NoItem)),
                    (Truth::Unclear(_), Some(_)) => (true, Some(Kind::Unclear)),
                    (Truth::Item(_) | Truth::Unclear(_), None) => {
                        let named = matches!(fate, "rejected" | "duplicate") && answer.problem_rows.contains(&at);
                        // The problem of an item on two lines may be reported for the second.
                        let next = sheet.rows.get(number as usize).filter(|next| next.trap == row.trap);
                        let named = named
                            || row.trap.is_some()
                                && next.is_some()
                                && answer.problem_rows.contains(&(name.clone(), number + 1));
                        (false, (!named).then_some(Kind::NotLoaded))
                    }
                    (Truth::NoItem, None) => (false, None),
                };
                if let Truth::Item(_) = row.truth {
                    let count = if row.trap.is_some() { &mut verdict.trapped } else { &mut verdict.plain };
                    count.0 += 1;
                    count.1 += usize::from(loaded && kind.is_none());
                }
                let truth = match &row.truth {
                    Truth::Item(truth) | Truth::Unclear(truth) => Some(truth.clone()),
                    Truth::NoItem => None,
                };
                let kind = kind.filter(|_| !answer.is_stopped());
                verdict.differences.extend(kind.map(|kind| Difference {
                    sheet: at.0,
                    row: number,
                    trap: row.trap,
                    kind,
                    truth,
                    loaded: item.cloned(),
                }));
            }
        }
        verdict
    }
}

fn differs(truth: &Attributes, item: &Json) -> Option<Kind> {
    let item = item.as_object()?;
    let wrong = item.iter().any(|(name, value)| truth.get(name.as_str()) != Some(value));
    let lost = truth.keys().any(|name| !item.contains_key(*name));
    match (wrong, lost) {
        (true, _) => Some(Kind::WrongValue),
        (false, true) => Some(Kind::LostValue),
        (false, false) => None,
    }
}
