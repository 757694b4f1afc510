//! The answer in a few sentences: is my stock right now?

use super::{IN_TABLE, LEFT_OUT, MissingItems};
use crate::plan::{Counts, Fate, Tripped};
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Weight, count};
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
    if facts.differs {
        sentences.push("The table was read back and doesn't match what was loaded.".to_string());
    }
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
    let lost = lost_clause(facts).map(|lost| format!(", but {lost}")).unwrap_or_default();
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

/// Returns the end of the first sentence if no row needs attention.
fn end_of_first_sentence(facts: &Facts<'_>) -> String {
    match (&*facts.notes_of(Weight::Loss), &*facts.notes_of(Weight::Look)) {
        ([loss], _) => format!(": {}", loss.message),
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
    let first_is_about_rows = facts.ending == Ending::Held || facts.attention() > 0;
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
mod tests {
    use super::*;
    use crate::plan::Gate;
    use inventory_base::message::Rule;

    fn summary(ending: Ending, only_checked: bool, pairs: &[(Fate, u64)], missing: &MissingItems) -> String {
        let mut counts = Counts::default();
        for (fate, rows) in pairs {
            counts.add(*fate, *rows);
        }
        let held = [Tripped {
            gate: Gate::Prices,
            scope: None,
            message: "412 of 520 prices change much.".to_string(),
            advice: String::new(),
        }];
        let held = if only_checked { &[] } else { &held[..] };
        let (notes, differs) = (&[][..], false);
        summarise(&Facts { ending, counts: &counts, missing, held, notes, differs, only_checked, unremarked: 0 })
    }

    #[test]
    fn the_first_sentence_says_whether_the_stock_is_right() {
        let summary = |ending, only_checked, pairs: &[(Fate, u64)]| {
            summary(ending, only_checked, pairs, &MissingItems::default())
        };
        for (ending, checked, pairs, expected) in [
            (Ending::Done, false, &[(Fate::Written, 4900)][..], "All 4,900 rows were loaded."),
            (
                Ending::Done,
                false,
                &[(Fate::New, 2), (Fate::Skipped, 1)],
                "All 2 rows were loaded. 1 other row contains no item.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::Written, 4812), (Fate::Rejected, 80), (Fate::Duplicate, 8), (Fate::Skipped, 3)],
                "4,812 of 4,900 rows were loaded. 88 need your attention. 3 other rows contain no items.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::Written, 1), (Fate::NotWritten, 1)],
                "1 of 2 rows was loaded. 1 needs your attention.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::New, 12), (Fate::Changed, 240), (Fate::Unchanged, 4648)],
                "All 4,900 rows were loaded. Of these, 12 were new, 240 changed and 4,648 were already right.",
            ),
            (
                Ending::DryRun,
                true,
                &[(Fate::Accepted, 1)],
                "The 1 row can be loaded. Nothing was written: this was a check.",
            ),
            (
                Ending::DryRun,
                false,
                &[(Fate::New, 5), (Fate::Kept, 5)],
                "Loading this file would require your approval. 412 of 520 prices change much. All 10 rows would be \
                 loaded. Of these, 5 are new and 5 are already in the table and would be left unchanged. Nothing was \
                 written: this was a preview.",
            ),
            (
                Ending::Held,
                false,
                &[(Fate::Held, 520)],
                "Nothing has been changed yet: the load is waiting for your approval. 412 of 520 prices change much.",
            ),
        ] {
            assert_eq!(summary(ending, checked, pairs), expected);
        }
    }

    #[test]
    fn the_header_and_blank_rows_are_not_mentioned() {
        let summary = |skipped| {
            let mut counts = Counts::default();
            counts.add(Fate::New, 5);
            counts.add(Fate::Skipped, skipped);
            let missing = &MissingItems::default();
            summarise(&Facts {
                ending: Ending::Done,
                counts: &counts,
                missing,
                held: &[],
                notes: &[],
                differs: false,
                only_checked: false,
                unremarked: 3,
            })
        };
        assert_eq!(summary(3), "All 5 rows were loaded.");
        assert_eq!(summary(4), "All 5 rows were loaded. 1 other row contains no item.");
    }

    #[test]
    fn items_that_the_sheet_no_longer_lists_are_mentioned() {
        let of = |total, then, edited| MissingItems { total, then, edited, items: vec![] };
        for (ending, missing, expected) in [
            (
                Ending::Done,
                of(1, Some(Missing::Report), 0),
                "1 item in the table is no longer in the sheet; it was left unchanged.",
            ),
            (
                Ending::Done,
                of(2, Some(Missing::Mark), 0),
                "2 items in the table are no longer in the sheet; they were marked as discontinued.",
            ),
            (
                Ending::Done,
                of(20, Some(Missing::Delete), 1),
                "20 items in the table are no longer in the sheet; they were deleted, except for 1 that was changed in the meantime.",
            ),
            (
                Ending::DryRun,
                of(1, Some(Missing::Delete), 0),
                "1 item in the table is no longer in the sheet; it would be deleted.",
            ),
        ] {
            let text = summary(ending, false, &[(Fate::Unchanged, 1)], &missing);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn lost_values_and_notes_worth_a_look_are_in_the_first_sentence() {
        let loss =
            |rows| Note { rows, ..Note::new(Rule::CellsMergedAcross, &[("columns", "C (144 rows)"), ("sheet", "S")]) };
        let look = |cell| Note::new(Rule::NotTakenAsShown, &[("column", "SKU"), ("cell", cell), ("number", "7")]);
        let summary = |ending, good, rejected, notes: &[Note]| {
            let mut counts = Counts::default();
            counts.add(if ending == Ending::Held { Fate::Held } else { Fate::Accepted }, good);
            counts.add(Fate::Rejected, rejected);
            let (missing, held) = (&MissingItems::default(), &[][..]);
            let only_checked = ending == Ending::DryRun;
            let text = summarise(&Facts {
                ending,
                counts: &counts,
                missing,
                held,
                notes,
                differs: false,
                only_checked,
                unremarked: 0,
            });
            let text = text.replace(&loss(0).message, "LOSS.").replace(&look("A2").message, "LOOK.");
            text.replace(" Nothing was written: this was a check.", "")
        };
        let (check, done) = (Ending::DryRun, Ending::Done);
        for (ending, good, rejected, notes, expected) in [
            (check, 150, 0, &[loss(144)][..], "All 150 rows can be loaded, but 144 of them lost a value: LOSS."),
            (check, 1, 0, &[loss(1)], "The 1 row can be loaded, but it lost a value: LOSS."),
            (done, 150, 0, &[loss(0)], "All 150 rows were loaded, but some of them lost a value: LOSS."),
            (check, 150, 0, &[loss(3), loss(2)], "All 150 rows can be loaded, but at least 3 of them lost a value."),
            (
                check,
                150,
                2,
                &[loss(9)],
                "150 of 152 rows can be loaded, but 9 of them lost a value; 2 need your attention. LOSS.",
            ),
            (done, 150, 0, &[look("A2")], "All 150 rows were loaded; one thing is worth a look: LOOK."),
            (done, 150, 0, &[look("A2"), look("A3")], "All 150 rows were loaded; 2 things are worth a look."),
            (
                done,
                150,
                1,
                &[look("A2")],
                "150 of 151 rows were loaded. 1 needs your attention. One thing is worth a look: LOOK.",
            ),
            (
                done,
                150,
                0,
                &[loss(9), look("A2")],
                "All 150 rows were loaded, but 9 of them lost a value: LOSS. One thing is worth a look: LOOK.",
            ),
            (
                Ending::Held,
                150,
                0,
                &[loss(9)],
                "Nothing has been changed yet: the load is waiting for your approval. 9 of its rows lost a value. LOSS.",
            ),
            (check, 0, 5, &[loss(9)], "None of the 5 rows can be loaded; all of them need your attention."),
            (check, 0, 1, &[], "The 1 row can't be loaded; it needs your attention."),
        ] {
            assert_eq!(summary(ending, good, rejected, notes), expected);
        }
    }

    #[test]
    fn a_load_without_a_row_that_can_be_loaded_asks_for_no_approval() {
        let none = &MissingItems::default();
        let text = summary(Ending::Held, false, &[(Fate::Rejected, 640)], none);
        assert_eq!(text, "Nothing was changed. 412 of 520 prices change much.");
        let text = summary(Ending::DryRun, false, &[(Fate::Rejected, 640)], none);
        let expected = "None of the 640 rows would be loaded; all of them need your attention. Nothing was written: this \
                    was a preview.";
        assert_eq!(text, expected);
    }
}
