//! Counts the outcomes of the sheets of a run by trap.

use std::collections::BTreeMap;
use std::fmt;

use super::Outcome;

#[derive(Default)]
pub struct Tally {
    by_trap: BTreeMap<String, Counts>,
}

#[derive(Default)]
struct Counts {
    sheets: u32,
    /// All rows were loaded, without notes.
    green: u32,
    amber: u32,
    /// Some rows were not loaded.
    partly: u32,
    /// Nothing of the file was loaded.
    refused: u32,
    /// Something differs from the truth without being reported.
    failed: u32,
    /// Something differs from the truth and is covered by a note.
    noted: u32,
    /// Item rows without a trap in files that weren't refused, and how many of them weren't loaded correctly.
    plain: (usize, usize),
    /// Item rows with a trap in files that weren't refused, and how many of them were loaded correctly.
    trapped: (usize, usize),
    rules: BTreeMap<String, u32>,
}

impl Tally {
    pub fn add(&mut self, outcome: &Outcome) {
        let names: Vec<String> = match outcome.traps.as_slice() {
            [] => vec![format!("no trap ({:?})", outcome.file_format)],
            traps => traps.iter().map(|trap| (*trap).to_string()).collect(),
        };
        for name in names {
            let counts = self.by_trap.entry(name).or_default();
            counts.sheets += 1;
            let answer = &outcome.answer;
            match answer.exit {
                _ if outcome.is_wrong() => counts.failed += 1,
                _ if answer.is_stopped() => counts.refused += 1,
                _ if !answer.amber().is_empty() => counts.amber += 1,
                0 => counts.green += 1,
                _ => counts.partly += 1,
            }
            counts.noted += u32::from(!outcome.is_wrong() && !outcome.verdict.differences.is_empty());
            if !answer.is_stopped() {
                let (all, correct) = outcome.verdict.plain;
                counts.plain = (counts.plain.0 + all, counts.plain.1 + all - correct);
                let (all, correct) = outcome.verdict.trapped;
                counts.trapped = (counts.trapped.0 + all, counts.trapped.1 + correct);
            }
            let problems = answer.report["problems"].as_array().into_iter().flatten();
            let mut rules: Vec<&str> = problems.filter_map(|problem| problem["rule"].as_str()).collect();
            rules.sort_unstable();
            rules.dedup();
            for rule in rules.into_iter().chain(answer.refusal()).chain(answer.amber()) {
                *counts.rules.entry(rule.to_string()).or_default() += 1;
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles =
            ["sheets", "green", "amber", "partly", "refused", "FAILED", "noted", "plain rows out", "trapped rows in"];
        writeln!(out, "{:38} {}", "trap", titles.map(|title| format!("{title:>7}")).join(" "))?;
        for (trap, counts) in &self.by_trap {
            let Counts { sheets, green, amber, partly, refused, failed, noted, .. } = counts;
            write!(out, "{trap:38} {sheets:>7}{green:>7}{amber:>7}{partly:>7}{refused:>8}{failed:>8}{noted:>8}")?;
            let (plain, trapped) = (counts.plain, counts.trapped);
            write!(out, "{:>15}{:>16}  ", format!("{}/{}", plain.1, plain.0), format!("{}/{}", trapped.1, trapped.0))?;
            let rules = counts.rules.iter().map(|(rule, times)| format!("{rule} {times}"));
            writeln!(out, "{}", rules.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}
