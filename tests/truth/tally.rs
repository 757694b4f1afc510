//! How the sheets of a run were answered, counted by trap.

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
    /// All rows went in right, and nothing had to be looked at.
    green: u32,
    amber: u32,
    /// Some rows were left out.
    partly: u32,
    /// Nothing of the file went in.
    refused: u32,
    /// Something differs from the truth without a word.
    failed: u32,
    /// Something differs from the truth below a note that can be about it.
    noted: u32,
    /// Rows without a trap in files that weren't refused, and those of them that weren't loaded right.
    plain: (usize, usize),
    /// Rows with a trap and a truth that the file tells.
    trapped: (usize, usize),
    rules: BTreeMap<String, u32>,
}

impl Tally {
    pub fn add(&mut self, outcome: &Outcome) {
        let names: Vec<String> = match outcome.traps.as_slice() {
            [] => vec![format!("no trap ({:?})", outcome.form)],
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
                let (all, right) = outcome.verdict.plain;
                counts.plain = (counts.plain.0 + all, counts.plain.1 + all - right);
                let (all, right) = outcome.verdict.trapped;
                counts.trapped = (counts.trapped.0 + all, counts.trapped.1 + right);
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
