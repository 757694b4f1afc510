//! The answer in a few sentences: is my stock right now?

use super::{IN_TABLE, LEFT_OUT, MissingItems};
use crate::plan::{Counts, Fate, Tripped};
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Weight, count};
use inventory_rules::schema::Missing;

/// What the sentences are made from.
pub(super) struct Told<'a> {
    pub ending: Ending,
    pub counts: &'a Counts,
    pub missing: &'a MissingItems,
    pub held: &'a [Tripped],
    /// What should be known beside the rows.
    pub notes: &'a [Note],
    /// The table, read back, has something else than was written.
    pub differs: bool,
    /// No table was asked: only the file was judged.
    pub only_checked: bool,
    /// Of the skipped rows, those that are not worth a word.
    pub unremarked: u64,
}

impl Told<'_> {
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

pub(super) fn summarise(told: &Told<'_>) -> String {
    let mut sentences: Vec<String> = say_waiting(told).into_iter().chain([say_rows(told)]).collect();
    sentences.extend(say_notes(told));
    if told.differs {
        sentences.push("Read back, the table does not match what was written.".to_string());
    }
    sentences.extend(say_changes(told));
    sentences.extend(say_missing(told));
    sentences.extend(match told.counts.of(Fate::Skipped).saturating_sub(told.unremarked) {
        0 => None,
        1 => Some("1 other row holds no item.".to_string()),
        n => Some(format!("{} other rows hold no items.", count(n))),
    });
    if told.ending == Ending::DryRun {
        let what = if told.only_checked { "check" } else { "trial" };
        sentences.push(format!("Nothing was written: this was a {what}."));
    }
    sentences.join(" ")
}

/// What is to be known first of a file that was only looked at: whether it would be loaded at all.
fn say_waiting(told: &Told<'_>) -> Option<String> {
    let waits = told.ending == Ending::DryRun && !told.held.is_empty() && told.good() > 0;
    let why: Vec<&str> = told.held.iter().map(|held| held.message.as_str()).collect();
    waits.then(|| format!("A load of this file would wait for your approval. {}", why.join(" ")))
}

fn say_rows(told: &Told<'_>) -> String {
    let (good, attention) = (told.good(), told.attention());
    if told.ending == Ending::Held {
        let waits = if good > 0 { ": the load waits for your approval" } else { "" };
        let mut answer = format!("Nothing was written{waits}.");
        told.held.iter().for_each(|held| answer += &format!(" {}", held.message));
        return answer;
    }
    let main = say_good(told);
    let lost = say_lost(told).map(|lost| format!(", but {lost}")).unwrap_or_default();
    let needs = match attention {
        0 => return format!("{main}{lost}{}", end_first(told)),
        1 if good == 0 => "it needs your attention".to_string(),
        _ if good == 0 => "all of them need your attention".to_string(),
        1 => "1 needs your attention".to_string(),
        rest => format!("{} need your attention", count(rest)),
    };
    match told.only_checked || good == 0 {
        true => format!("{main}{lost}; {needs}."),
        false => format!("{main}{lost}. {needs}."),
    }
}

/// How many of the rows are, or would be, in.
fn say_good(told: &Told<'_>) -> String {
    let (good, attention) = (told.good(), told.attention());
    let all = good + attention;
    let rows = match (good, attention) {
        // "All 1 row is right" reads badly.
        (1, 0) | (0, 1) => "The 1 row".to_string(),
        (_, 0) => format!("All {} rows", count(good)),
        (0, _) => format!("None of the {} rows", count(all)),
        _ => format!("{} of {} rows", count(good), count(all)),
    };
    let not = if (good, attention) == (0, 1) { " not" } else { "" };
    let are = if good < 2 { "is" } else { "are" };
    match told.ending {
        Ending::DryRun if told.only_checked => format!("{rows} {are}{not} right"),
        Ending::DryRun => format!("{rows} would{not} be in"),
        _ => format!("{rows} {are}{not} in"),
    }
}

/// How many of the rows that are in lost a value.
fn say_lost(told: &Told<'_>) -> Option<String> {
    let losses = told.notes_of(Weight::Loss);
    // One row can lose a value in several columns, so the largest number is the least of them.
    let rows = losses.iter().map(|note| note.rows).max()?.min(told.good());
    Some(match (told.good(), rows) {
        (0, _) => return None,
        (1, _) => "it lost a value".to_string(),
        (_, 0) => "some of them lost a value".to_string(),
        (_, rows) if losses.len() == 1 => format!("{} of them lost a value", count(rows)),
        (_, rows) => format!("at least {} of them lost a value", count(rows)),
    })
}

/// The end of a first sentence about rows that are all right.
fn end_first(told: &Told<'_>) -> String {
    match (&*told.notes_of(Weight::Loss), &*told.notes_of(Weight::Look)) {
        ([loss], _) => format!(": {}", loss.message),
        ([], [look]) => format!("; one thing is worth a look: {}", look.message),
        ([], looks @ [_, ..]) => {
            format!("; {} things are worth a look.", count(looks.len() as u64))
        }
        _ => ".".to_string(),
    }
}

/// What the first sentence has not said of the notes.
fn say_notes(told: &Told<'_>) -> Vec<String> {
    let (mut losses, looks) = (told.notes_of(Weight::Loss), told.notes_of(Weight::Look));
    if told.good() == 0 {
        losses.clear();
    }
    let first_is_of_rows = told.ending == Ending::Held || told.attention() > 0;
    let mut sentences = Vec::new();
    if told.ending == Ending::Held {
        let rows = losses.iter().map(|note| note.rows).max().map(|rows| rows.min(told.good()));
        sentences.extend(rows.map(|rows| match rows {
            0 => "Some of its rows lost a value.".to_string(),
            1 => "1 of its rows lost a value.".to_string(),
            rows => format!("{} of its rows lost a value.", count(rows)),
        }));
    }
    if let ([loss], true) = (&*losses, first_is_of_rows) {
        sentences.push(loss.message.clone());
    }
    if first_is_of_rows || !losses.is_empty() {
        sentences.extend(match &*looks {
            [] => None,
            [look] => Some(format!("One thing is worth a look: {}", look.message)),
            looks => Some(format!("{} things are worth a look.", count(looks.len() as u64))),
        });
    }
    sentences
}

/// Where the table was asked: how much of it is other than before.
fn say_changes(told: &Told<'_>) -> Option<String> {
    let of = |fate| told.counts.of(fate);
    let (new, changed, unchanged, kept) = (of(Fate::New), of(Fate::Changed), of(Fate::Unchanged), of(Fate::Kept));
    if told.ending == Ending::Held || new + changed + unchanged + kept == 0 || new == told.good() {
        return None;
    }
    let parts = [(new, "new"), (changed, "changed"), (unchanged, "unchanged"), (kept, "left as it was in the table")];
    let parts: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(n))).collect();
    // Rows that need attention, and notes, come between the rows that are in and this.
    let follows = told.attention() == 0 && told.notes.iter().all(|note| note.rule.weight() == Weight::Remark);
    let whose = if follows { "Of these".to_string() } else { format!("Of the {}", count(told.good())) };
    Some(format!("{whose}: {}.", parts.join(", ")))
}

fn say_missing(told: &Told<'_>) -> Option<String> {
    let MissingItems { total, then, edited, .. } = told.missing;
    let (items, are) = match total {
        0 => return None,
        1 => ("1 item of the table is".to_string(), "it"),
        n => (format!("{} items of the table are", count(*n)), "they"),
    };
    let done = match (told.ending, then) {
        (_, None | Some(Missing::Report)) => {
            format!("{are} stayed as {are} {}", if *total == 1 { "is" } else { "are" })
        }
        (Ending::Done, Some(Missing::Mark)) => {
            format!("{are} {} marked as discontinued", was(*total))
        }
        (Ending::Done, Some(Missing::Delete)) => format!("{are} {} deleted", was(*total)),
        (_, Some(Missing::Mark)) => format!("{are} would be marked as discontinued"),
        (_, Some(Missing::Delete)) => format!("{are} would be deleted"),
    };
    let left = match edited {
        0 => String::new(),
        1 => ", but for 1 that somebody changed in the meantime".to_string(),
        n => format!(", but for {} that somebody changed in the meantime", count(*n)),
    };
    Some(format!("{items} not in the sheet any more; {done}{left}."))
}

fn was(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Gate;
    use inventory_base::message::Rule;

    fn told(ending: Ending, only_checked: bool, pairs: &[(Fate, u64)], missing: &MissingItems) -> String {
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
        summarise(&Told { ending, counts: &counts, missing, held, notes, differs, only_checked, unremarked: 0 })
    }

    #[test]
    fn the_first_sentence_says_whether_the_stock_is_right() {
        let told =
            |ending, only_checked, pairs: &[(Fate, u64)]| told(ending, only_checked, pairs, &MissingItems::default());
        for (ending, checked, pairs, says) in [
            (Ending::Done, false, &[(Fate::Written, 4900)][..], "All 4,900 rows are in."),
            (
                Ending::Done,
                false,
                &[(Fate::New, 2), (Fate::Skipped, 1)],
                "All 2 rows are in. 1 other row holds no item.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::Written, 4812), (Fate::Rejected, 80), (Fate::Duplicate, 8), (Fate::Skipped, 3)],
                "4,812 of 4,900 rows are in. 88 need your attention. 3 other rows hold no items.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::Written, 1), (Fate::NotWritten, 1)],
                "1 of 2 rows is in. 1 needs your attention.",
            ),
            (
                Ending::Done,
                false,
                &[(Fate::New, 12), (Fate::Changed, 240), (Fate::Unchanged, 4648)],
                "All 4,900 rows are in. Of these: 12 new, 240 changed, 4,648 unchanged.",
            ),
            (
                Ending::DryRun,
                true,
                &[(Fate::Accepted, 1)],
                "The 1 row is right. Nothing was written: this was a check.",
            ),
            (
                Ending::DryRun,
                false,
                &[(Fate::New, 5), (Fate::Kept, 5)],
                "A load of this file would wait for your approval. 412 of 520 prices change much. All 10 rows would be in. \
                 Of these: 5 new, 5 left as it was in the table. Nothing was written: this was a trial.",
            ),
            (
                Ending::Held,
                false,
                &[(Fate::Held, 520)],
                "Nothing was written: the load waits for your approval. 412 of 520 prices change much.",
            ),
        ] {
            assert_eq!(told(ending, checked, pairs), says);
        }
    }

    #[test]
    fn the_header_and_blank_rows_are_not_worth_a_word() {
        let told = |skipped| {
            let mut counts = Counts::default();
            counts.add(Fate::New, 5);
            counts.add(Fate::Skipped, skipped);
            let missing = &MissingItems::default();
            summarise(&Told {
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
        assert_eq!(told(3), "All 5 rows are in.");
        assert_eq!(told(4), "All 5 rows are in. 1 other row holds no item.");
    }

    #[test]
    fn what_the_sheet_no_longer_lists_is_said() {
        let of = |total, then, edited| MissingItems { total, then, edited, items: vec![] };
        for (ending, missing, says) in [
            (
                Ending::Done,
                of(1, Some(Missing::Report), 0),
                "1 item of the table is not in the sheet any more; it stayed as it is.",
            ),
            (
                Ending::Done,
                of(2, Some(Missing::Mark), 0),
                "2 items of the table are not in the sheet any more; they were marked as discontinued.",
            ),
            (
                Ending::Done,
                of(20, Some(Missing::Delete), 1),
                "20 items of the table are not in the sheet any more; they were deleted, but for 1 that somebody changed in the meantime.",
            ),
            (
                Ending::DryRun,
                of(1, Some(Missing::Delete), 0),
                "1 item of the table is not in the sheet any more; it would be deleted.",
            ),
        ] {
            let said = told(ending, false, &[(Fate::Unchanged, 1)], &missing);
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn values_that_were_lost_and_what_is_worth_a_look_are_in_the_first_sentence() {
        let loss =
            |rows| Note { rows, ..Note::new(Rule::CellsMergedAcross, &[("columns", "C (144 rows)"), ("sheet", "S")]) };
        let look = |cell| Note::new(Rule::NotTakenAsShown, &[("column", "SKU"), ("cell", cell), ("number", "7")]);
        let told = |ending, good, rejected, notes: &[Note]| {
            let mut counts = Counts::default();
            counts.add(if ending == Ending::Held { Fate::Held } else { Fate::Accepted }, good);
            counts.add(Fate::Rejected, rejected);
            let (missing, held) = (&MissingItems::default(), &[][..]);
            let only_checked = ending == Ending::DryRun;
            let said = summarise(&Told {
                ending,
                counts: &counts,
                missing,
                held,
                notes,
                differs: false,
                only_checked,
                unremarked: 0,
            });
            let said = said.replace(&loss(0).message, "LOSS.").replace(&look("A2").message, "LOOK.");
            said.replace(" Nothing was written: this was a check.", "")
        };
        let (check, done) = (Ending::DryRun, Ending::Done);
        for (ending, good, rejected, notes, says) in [
            (check, 150, 0, &[loss(144)][..], "All 150 rows are right, but 144 of them lost a value: LOSS."),
            (check, 1, 0, &[loss(1)], "The 1 row is right, but it lost a value: LOSS."),
            (done, 150, 0, &[loss(0)], "All 150 rows are in, but some of them lost a value: LOSS."),
            (check, 150, 0, &[loss(3), loss(2)], "All 150 rows are right, but at least 3 of them lost a value."),
            (
                check,
                150,
                2,
                &[loss(9)],
                "150 of 152 rows are right, but 9 of them lost a value; 2 need your attention. LOSS.",
            ),
            (done, 150, 0, &[look("A2")], "All 150 rows are in; one thing is worth a look: LOOK."),
            (done, 150, 0, &[look("A2"), look("A3")], "All 150 rows are in; 2 things are worth a look."),
            (
                done,
                150,
                1,
                &[look("A2")],
                "150 of 151 rows are in. 1 needs your attention. One thing is worth a look: LOOK.",
            ),
            (
                done,
                150,
                0,
                &[loss(9), look("A2")],
                "All 150 rows are in, but 9 of them lost a value: LOSS. One thing is worth a look: LOOK.",
            ),
            (
                Ending::Held,
                150,
                0,
                &[loss(9)],
                "Nothing was written: the load waits for your approval. 9 of its rows lost a value. LOSS.",
            ),
            (check, 0, 5, &[loss(9)], "None of the 5 rows is right; all of them need your attention."),
            (check, 0, 1, &[], "The 1 row is not right; it needs your attention."),
        ] {
            assert_eq!(told(ending, good, rejected, notes), says);
        }
    }

    #[test]
    fn a_load_of_which_no_row_is_right_waits_for_no_approval() {
        let none = &MissingItems::default();
        let said = told(Ending::Held, false, &[(Fate::Rejected, 640)], none);
        assert_eq!(said, "Nothing was written. 412 of 520 prices change much.");
        let said = told(Ending::DryRun, false, &[(Fate::Rejected, 640)], none);
        assert_eq!(
            said,
            "None of the 640 rows would be in; all of them need your attention. Nothing was written: this was a trial."
        );
    }
}
