//! The answer in a few sentences: is my stock right now?

use super::{IN_TABLE, LEFT_OUT, MissingItems};
use crate::plan::{Counts, Fate, Tripped};
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Rule, Weight, count};
use inventory_rules::schema::Missing;

/// The facts that the sentences are made from.
pub(super) struct Facts<'a> {
    pub ending: Ending,
    pub counts: &'a Counts,
    pub missing: &'a MissingItems,
    pub held: &'a [Tripped],
    /// What else the reader should know.
    pub notes: &'a [Note],
    /// Whether the table, read back, differs from what was written.
    pub differs: bool,
    /// Whether only the file was judged, without a table.
    pub only_checked: bool,
    /// The number of skipped rows that aren't worth mentioning.
    pub unremarked: u64,
}

impl Facts<'_> {
    fn of(&self, fates: &[Fate]) -> u64 {
        fates.iter().map(|fate| self.counts.of(*fate)).sum()
    }

    fn good(&self) -> u64 {
        self.of(&IN_TABLE) + self.counts.of(Fate::Held)
    }

    fn attention(&self) -> u64 {
        self.of(&LEFT_OUT)
    }

    fn notes_of(&self, weight: Weight) -> Vec<&Note> {
        self.notes.iter().filter(|note| note.rule.weight() == weight).collect()
    }
}

pub(super) fn summarise(facts: &Facts<'_>) -> String {
    let mut sentences: Vec<String> = approval_sentence(facts).into_iter().chain([rows_sentence(facts)]).collect();
    sentences.extend(notes_sentences(facts));
    sentences.extend(changes_sentence(facts));
    sentences.extend(missing_sentence(facts));
    sentences.extend(match facts.counts.of(Fate::Skipped).saturating_sub(facts.unremarked) {
        0 => None,
        1 => Some("1 other row contains no item.".to_string()),
        n => Some(format!("{} other rows contain no items.", count(n))),
    });
    if facts.ending == Ending::DryRun {
        let what = if facts.only_checked { "check" } else { "preview" };
        sentences.push(format!("Nothing was written: this was a {what}."));
    }
    sentences.join(" ")
}

/// Says first, of a file that was only checked or previewed, that a load of it would be held, and why.
fn approval_sentence(facts: &Facts<'_>) -> Option<String> {
    let waits = facts.ending == Ending::DryRun && !facts.held.is_empty() && facts.good() > 0;
    let why: Vec<&str> = facts.held.iter().map(|held| held.message.as_str()).collect();
    waits.then(|| format!("Loading this file would require your approval. {}", why.join(" ")))
}

fn rows_sentence(facts: &Facts<'_>) -> String {
    let (good, attention) = (facts.good(), facts.attention());
    if facts.ending == Ending::Held {
        let mut answer = match good {
            0 => "Nothing was changed.".to_string(),
            _ => "Nothing has been changed yet: the load is waiting for your approval.".to_string(),
        };
        facts.held.iter().for_each(|held| answer += &format!(" {}", held.message));
        return answer;
    }
    let main = loaded_clause(facts);
    let but: Vec<String> =
        lost_clause(facts).or_else(|| left_out_clause(facts)).into_iter().chain(differs_clause(facts)).collect();
    let lost = if but.is_empty() { String::new() } else { format!(", but {}", but.join(", and ")) };
    let needs = match attention {
        0 => return format!("{main}{lost}{}", end_of_first_sentence(facts)),
        1 if good == 0 => "it needs your attention".to_string(),
        _ if good == 0 => "all of them need your attention".to_string(),
        1 => "1 needs your attention".to_string(),
        rest => format!("{} need your attention", count(rest)),
    };
    match facts.only_checked || good == 0 {
        true => format!("{main}{lost}; {needs}."),
        false => format!("{main}{lost}. {needs}."),
    }
}

/// Says how many of the rows were, or would be, loaded.
fn loaded_clause(facts: &Facts<'_>) -> String {
    let (good, attention) = (facts.good(), facts.attention());
    let all = good + attention;
    let rows = match (good, attention) {
        // "All 1 row" reads badly.
        (1, 0) | (0, 1) => "The 1 row".to_string(),
        (_, 0) => format!("All {} rows", count(good)),
        (0, _) => format!("None of the {} rows", count(all)),
        _ => format!("{} of {} rows", count(good), count(all)),
    };
    let is_one_bad_row = (good, attention) == (0, 1);
    let not = if is_one_bad_row { " not" } else { "" };
    let were = if good < 2 { "was" } else { "were" };
    match facts.ending {
        Ending::DryRun if facts.only_checked => {
            format!("{rows} can{} be loaded", if is_one_bad_row { "'t" } else { "" })
        }
        Ending::DryRun => format!("{rows} would{not} be loaded"),
        _ => format!("{rows} {were}{not} loaded"),
    }
}

/// Says how many of the loaded rows lost a value.
fn lost_clause(facts: &Facts<'_>) -> Option<String> {
    let losses = facts.notes_of(Weight::Loss);
    // One row can lose a value in several columns, so the largest of the numbers is the minimum.
    let rows = losses.iter().map(|note| note.rows).max()?.min(facts.good());
    Some(match (facts.good(), rows) {
        (0, _) => return None,
        (1, _) => "it lost a value".to_string(),
        (_, 0) => "some of them lost a value".to_string(),
        (_, rows) if losses.len() == 1 => format!("{} of them lost a value", count(rows)),
        (_, rows) => format!("at least {} of them lost a value", count(rows)),
    })
}

/// Says that values of the file were not loaded, if a note is about such values.
fn left_out_clause(facts: &Facts<'_>) -> Option<String> {
    let is_left_out = facts.notes.iter().any(|note| leaves_values_out(note.rule));
    (is_left_out && facts.good() > 0).then(|| "not every value in the file".to_string())
}

/// Whether a note of this rule, which is worth a look, is about values that were not loaded.
fn leaves_values_out(rule: Rule) -> bool {
    matches!(rule, Rule::CellsFarRight | Rule::ColumnMayBeMeant | Rule::ColumnWithoutName)
}

fn differs_clause(facts: &Facts<'_>) -> Option<String> {
    facts.differs.then(|| "the table, read back, doesn't match what was loaded".to_string())
}

/// Returns the end of the first sentence if no row needs attention.
fn end_of_first_sentence(facts: &Facts<'_>) -> String {
    match (&*facts.notes_of(Weight::Loss), &*facts.notes_of(Weight::Look)) {
        _ if facts.differs => ".".to_string(),
        ([loss], _) => format!(": {}", loss.message),
        ([], [look]) if leaves_values_out(look.rule) => format!(": {}", look.message),
        ([], [look]) => format!("; one thing is worth a look: {}", look.message),
        ([], looks @ [_, ..]) => {
            format!("; {} things are worth a look.", count(looks.len() as u64))
        }
        _ => ".".to_string(),
    }
}

/// Says what the first sentence hasn't said about the notes.
fn notes_sentences(facts: &Facts<'_>) -> Vec<String> {
    let (mut losses, looks) = (facts.notes_of(Weight::Loss), facts.notes_of(Weight::Look));
    if facts.good() == 0 {
        losses.clear();
    }
    let first_is_about_rows = facts.ending == Ending::Held || facts.attention() > 0 || facts.differs;
    let mut sentences = Vec::new();
    if facts.ending == Ending::Held {
        let rows = losses.iter().map(|note| note.rows).max().map(|rows| rows.min(facts.good()));
        sentences.extend(rows.map(|rows| match rows {
            0 => "Some of its rows lost a value.".to_string(),
            1 => "1 of its rows lost a value.".to_string(),
            rows => format!("{} of its rows lost a value.", count(rows)),
        }));
    }
    if let ([loss], true) = (&*losses, first_is_about_rows) {
        sentences.push(loss.message.clone());
    }
    if first_is_about_rows || !losses.is_empty() {
        sentences.extend(match &*looks {
            [] => None,
            [look] => Some(format!("One thing is worth a look: {}", look.message)),
            looks => Some(format!("{} things are worth a look.", count(looks.len() as u64))),
        });
    }
    sentences
}

/// Says, if the table was read, how the rows differ from it.
fn changes_sentence(facts: &Facts<'_>) -> Option<String> {
    let of = |fate| facts.counts.of(fate);
    let (new, changed, unchanged, kept) = (of(Fate::New), of(Fate::Changed), of(Fate::Unchanged), of(Fate::Kept));
    if facts.ending == Ending::Held || new + changed + unchanged + kept == 0 || new == facts.good() {
        return None;
    }
    let parts = match facts.ending {
        Ending::DryRun => [
            (new, "is new", "are new"),
            (changed, "would change", "would change"),
            (unchanged, "is already right", "are already right"),
            (
                kept,
                "is already in the table and would be left unchanged",
                "are already in the table and would be left unchanged",
            ),
        ],
        _ => [
            (new, "was new", "were new"),
            (changed, "changed", "changed"),
            (unchanged, "was already right", "were already right"),
            (
                kept,
                "was already in the table and was left unchanged",
                "were already in the table and were left unchanged",
            ),
        ],
    };
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, more)| format!("{} {}", count(n), if n == 1 { one } else { more }))
        .collect();
    let parts = match parts.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => parts.concat(),
    };
    // If rows that need attention or notes come in between, "these" would be unclear.
    let follows = facts.attention() == 0 && facts.notes.iter().all(|note| note.rule.weight() == Weight::Remark);
    let whose = if follows { "Of these".to_string() } else { format!("Of the {}", count(facts.good())) };
    Some(format!("{whose}, {parts}."))
}

fn missing_sentence(facts: &Facts<'_>) -> Option<String> {
    let MissingItems { total, then, edited, .. } = facts.missing;
    let (items, they) = match total {
        0 => return None,
        1 => ("1 item in the table is".to_string(), "it"),
        n => (format!("{} items in the table are", count(*n)), "they"),
    };
    let done = match (facts.ending, then) {
        (_, None | Some(Missing::Report)) => format!("{they} {} left unchanged", was(*total)),
        (Ending::Done, Some(Missing::Mark)) => {
            format!("{they} {} marked as discontinued", was(*total))
        }
        (Ending::Done, Some(Missing::Delete)) => format!("{they} {} deleted", was(*total)),
        (_, Some(Missing::Mark)) => format!("{they} would be marked as discontinued"),
        (_, Some(Missing::Delete)) => format!("{they} would be deleted"),
    };
    let left = match edited {
        0 => String::new(),
        1 => ", except for 1 that was changed in the meantime".to_string(),
        n => format!(", except for {} that were changed in the meantime", count(*n)),
    };
    Some(format!("{items} no longer in the sheet; {done}{left}."))
}

fn was(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

#[cfg(test)]
mod tests;
