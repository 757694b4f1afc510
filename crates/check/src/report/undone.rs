//! Summarises an undo in a few sentences: is my stock as it was?

use serde::{Deserialize, Serialize};

use super::Report;
use crate::plan::{UndoFate, Undone};
use inventory_base::ending::Ending;
use inventory_base::message::count;

/// The function's answer to a client that waits for the preview of an undo.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoAnswer {
    Report(Box<Report>),
    /// The load has already been undone; this says how that ended.
    EndedBefore(Ending),
}

pub(super) fn summarise_undo(undone: &Undone, ending: Ending) -> String {
    let is_done = ending != Ending::DryRun;
    let mut sentences = vec![undo_sentence(undone, is_done)];
    let sentence = |fate, one: &str, more: &str| match undone.items.of(fate) {
        0 => None,
        1 => Some(format!("1 item {one}.")),
        n => Some(format!("{} items {more}.", count(n))),
    };
    sentences.extend(sentence(UndoFate::Already, "was already as before the load", "were already as before the load"));
    sentences.extend(match is_done {
        true => sentence(
            UndoFate::Edited,
            "was changed after the load and was not undone",
            "were changed after the load and were not undone",
        ),
        false => sentence(
            UndoFate::Edited,
            "was changed after the load and will not be undone",
            "were changed after the load and will not be undone",
        ),
    });
    sentences.extend(sentence(
        UndoFate::NotTaken,
        "was not undone because the table rejected it",
        "were not undone because the table rejected them",
    ));
    sentences.extend(sentence(
        UndoFate::NotReached,
        "was not reached before the undo was stopped",
        "were not reached before the undo was stopped",
    ));
    if !is_done && undone.changes_items() {
        // The command shows this text before it asks whether to undo.
        sentences.push("Nothing has been changed yet.".to_string());
    }
    sentences.join(" ")
}

fn undo_sentence(undone: &Undone, is_done: bool) -> String {
    let (was, were) = if is_done { ("was", "were") } else { ("will be", "will be") };
    let mut parts: Vec<String> = Vec::new();
    for (fate, one, more) in [
        (UndoFate::Restored, format!("{was} restored"), format!("{were} restored")),
        (
            UndoFate::Removed,
            format!("that the load added {was} removed"),
            format!("that the load added {were} removed"),
        ),
        (
            UndoFate::Returned,
            format!("that the load deleted {was} put back"),
            format!("that the load deleted {were} put back"),
        ),
    ] {
        let items = match (undone.items.of(fate), parts.is_empty()) {
            (0, _) => continue,
            (1, true) => "1 item".to_string(),
            (n, true) => format!("{} items", count(n)),
            (n, false) => count(n),
        };
        let becomes = if undone.items.of(fate) == 1 { one } else { more };
        parts.push(format!("{items} {becomes}"));
    }
    let (load, parts) = (&undone.load, parts.join(", "));
    if undone.items.of(UndoFate::NotReached) > 0 {
        return match parts.is_empty() {
            true => format!("Load {load} was not undone."),
            false => format!("Load {load} was only partly undone: {parts}."),
        };
    }
    // The sentences that follow say why.
    let except = match undone.items.of(UndoFate::Edited) + undone.items.of(UndoFate::NotTaken) {
        _ if !is_done => String::new(),
        0 => String::new(),
        _ if parts.is_empty() => return format!("Nothing in load {load} was undone."),
        1 => ", except for 1 item".to_string(),
        n => format!(", except for {} items", count(n)),
    };
    match (parts.is_empty(), is_done) {
        (true, true) => format!("There was nothing left to undo in load {load}."),
        (true, false) => format!("There is nothing left to undo in load {load}."),
        (false, true) => format!("Load {load} was undone{except}: {parts}."),
        (false, false) => format!("If you undo load {load}, {parts}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use UndoFate::{Already, Edited, NotReached, NotTaken, Removed, Restored, Returned};
    use serde_json::json;

    fn summary(ending: Ending, fates: &[(UndoFate, u64)]) -> String {
        let items: serde_json::Map<_, _> = fates
            .iter()
            .map(|(fate, items)| (json!(fate).as_str().unwrap_or_default().to_string(), json!(items)))
            .collect();
        let at = "2026-10-03T08:00:00Z";
        let undone = json!({ "load": "0123456789abcdef", "by": "Erika", "at": at, "items": items, "staying": [] });
        summarise_undo(&serde_json::from_value(undone).unwrap(), ending).replace("0123456789abcdef", "X")
    }

    #[test]
    fn the_first_sentence_says_what_was_undone_and_the_others_what_was_not() {
        for (ending, fates, expected) in [
            (
                Ending::Done,
                &[(Restored, 12), (Removed, 3), (Returned, 1), (Edited, 2)][..],
                "Load X was undone, except for 2 items: 12 items were restored, 3 that the load added were removed, 1 that \
                 the load deleted was put back. 2 items were changed after the load and were not undone.",
            ),
            (Ending::Done, &[(Removed, 1)], "Load X was undone: 1 item that the load added was removed."),
            (
                Ending::Done,
                &[(Already, 1), (Edited, 1), (NotTaken, 1)],
                "Nothing in load X was undone. 1 item was already as before the load. 1 item was changed \
                 after the load and was not undone. 1 item was not undone because the table rejected it.",
            ),
            (
                Ending::Cancelled,
                &[(Restored, 1_000), (NotReached, 500)],
                "Load X was only partly undone: 1,000 items were restored. 500 items were not reached before the undo \
                 was stopped.",
            ),
            (
                Ending::Failed,
                &[(NotReached, 1)],
                "Load X was not undone. 1 item was not reached before the undo was stopped.",
            ),
            (
                Ending::DryRun,
                &[(Restored, 1), (Returned, 4_800), (Edited, 1_000)],
                "If you undo load X, 1 item will be restored, 4,800 that the load deleted will be put back. 1,000 items \
                 were changed after the load and will not be undone. Nothing has been changed yet.",
            ),
            (
                Ending::DryRun,
                &[(Edited, 1)],
                "There is nothing left to undo in load X. 1 item was changed after the load and will not be undone.",
            ),
        ] {
            assert_eq!(summary(ending, fates), expected);
        }
    }
}
