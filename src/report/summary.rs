//! The answer in a few sentences: is my stock right now?

use super::{Ending, MissingItems};
use crate::message::count;
use crate::plan::{Counts, Fate, Tripped};
use crate::schema::Missing;

/// What the sentences are made from.
pub(super) struct Told<'a> {
    pub ending: Ending,
    pub counts: &'a Counts,
    pub missing: &'a MissingItems,
    pub held: &'a [Tripped],
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
        use Fate::{Accepted, Changed, Held, Kept, New, Unchanged, Written};
        self.of(&[New, Changed, Unchanged, Written, Accepted, Kept, Held])
    }

    fn attention(&self) -> u64 {
        self.of(&[Fate::Rejected, Fate::Duplicate, Fate::NotWritten])
    }
}

pub(super) fn summarise(told: &Told<'_>) -> String {
    let mut sentences = vec![say_rows(told)];
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
        if !told.held.is_empty() {
            sentences.push("The load itself would wait for your approval.".to_string());
        }
    }
    sentences.join(" ")
}

fn say_rows(told: &Told<'_>) -> String {
    let (good, attention) = (told.good(), told.attention());
    let (are, would_be) = if good == 1 { ("is", "1 row") } else { ("are", "rows") };
    let needs = if attention == 1 { "needs" } else { "need" };
    let (rows, total, rest) = (count(good), count(good + attention), count(attention));
    if told.ending == Ending::Held {
        let why: Vec<&str> = told.held.iter().map(|held| held.message.as_str()).collect();
        return format!("Nothing was written: the load waits for your approval. {}", why.join(" "));
    }
    // "All 1 row is right" reads badly.
    let whole = match (good, attention) {
        (1, 0) => "The 1 row".to_string(),
        (_, 0) => format!("All {rows} {would_be}"),
        _ => format!("{rows} of {total} rows"),
    };
    let main = match told.ending {
        Ending::DryRun if told.only_checked => format!("{whole} {are} right"),
        Ending::DryRun => format!("{whole} would be in"),
        _ => format!("{whole} {are} in"),
    };
    match attention {
        0 => format!("{main}."),
        _ if told.only_checked => format!("{main}; {rest} {needs} your attention."),
        _ => format!("{main}. {rest} {needs} your attention."),
    }
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
    // Between the rows that are in and this stand those that need attention.
    let whose = match told.attention() {
        0 => "Of these".to_string(),
        _ => format!("Of the {}", count(told.good())),
    };
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
        (Ending::Done, Some(Missing::Mark)) => format!("{are} {} marked as discontinued", was(*total)),
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
        summarise(&Told { ending, counts: &counts, missing, held, only_checked, unremarked: 0 })
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
                "All 10 rows would be in. Of these: 5 new, 5 left as it was in the table. \
                 Nothing was written: this was a trial. The load itself would wait for your approval.",
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
}
