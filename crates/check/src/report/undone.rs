//! The answer of an undo in a few sentences: is my stock as it was?

use serde::{Deserialize, Serialize};

use super::Report;
use crate::plan::{UndoFate, Undone};
use inventory_base::ending::Ending;
use inventory_base::message::count;

/// What the function answers somebody who waits to hear what an undo would come to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoAnswer {
    Report(Box<Report>),
    /// The load was undone before, and that ended so.
    EndedBefore(String),
}

pub(super) fn say_undone(undone: &Undone, ending: Ending) -> String {
    let of = |fate| undone.items.of(fate);
    let is_done = ending != Ending::DryRun;
    let mut sentences = vec![say_taken_back(undone, is_done)];
    let say = |fate, one: &str, more: &str| match of(fate) {
        0 => None,
        1 => Some(format!("1 {one}.")),
        n => Some(format!("{} {more}.", count(n))),
    };
    sentences.extend(say(UndoFate::Already, "was as before already", "were as before already"));
    sentences.extend(say(
        UndoFate::Edited,
        "was changed by somebody since and stays as it is",
        "were changed by somebody since and stay as they are",
    ));
    sentences.extend(say(
        UndoFate::NotTaken,
        "was not taken back by the table and stays as it is",
        "were not taken back by the table and stay as they are",
    ));
    sentences.extend(say(
        UndoFate::NotReached,
        "was not reached and stays as it is",
        "were not reached and stay as they are",
    ));
    if !is_done && undone.takes_back() {
        // The command says it before it asks for the undo, too.
        sentences.push("Nothing has been changed yet.".to_string());
    }
    sentences.join(" ")
}

fn say_taken_back(undone: &Undone, is_done: bool) -> String {
    let (one_is, more_are) = if is_done { ("is", "are") } else { ("will be", "will be") };
    let mut parts: Vec<String> = Vec::new();
    for (fate, one, more) in [
        (UndoFate::Restored, format!("{one_is} as it was"), format!("{more_are} as they were")),
        (UndoFate::Removed, format!("that was new {one_is} gone"), format!("that were new {more_are} gone")),
        (UndoFate::Returned, format!("{one_is} back"), format!("{more_are} back")),
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
        let so_far = if parts.is_empty() { "nothing was taken back" } else { parts.as_str() };
        return format!("Load {load} is undone in part: {so_far}.");
    }
    match (parts.is_empty(), is_done) {
        (true, true) => format!("Nothing was left of load {load} to take back."),
        (true, false) => format!("Nothing is left of load {load} to take back."),
        (false, true) => format!("Load {load} is undone: {parts}."),
        (false, false) => format!("If load {load} is undone, {parts}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use UndoFate::{Already, Edited, NotReached, NotTaken, Removed, Restored, Returned};
    use serde_json::json;

    fn said(ending: Ending, fates: &[(UndoFate, u64)]) -> String {
        let items: serde_json::Map<_, _> = fates
            .iter()
            .map(|(fate, items)| (json!(fate).as_str().unwrap_or_default().to_string(), json!(items)))
            .collect();
        let at = "2026-10-03T08:00:00Z";
        let undone = json!({ "load": "0123456789abcdef", "by": "Erika", "at": at, "items": items, "staying": [] });
        say_undone(&serde_json::from_value(undone).unwrap(), ending).replace("0123456789abcdef", "X")
    }

    #[test]
    fn the_first_sentence_says_what_was_taken_back_and_the_others_what_was_not() {
        for (ending, fates, says) in [
            (
                Ending::Done,
                &[(Restored, 12), (Removed, 3), (Returned, 1), (Edited, 2)][..],
                "Load X is undone: 12 items are as they were, 3 that were new are gone, 1 is back. \
                 2 were changed by somebody since and stay as they are.",
            ),
            (Ending::Done, &[(Removed, 1)], "Load X is undone: 1 item that was new is gone."),
            (
                Ending::Done,
                &[(Already, 1), (Edited, 1), (NotTaken, 1)],
                "Nothing was left of load X to take back. 1 was as before already. 1 was changed by somebody since \
                 and stays as it is. 1 was not taken back by the table and stays as it is.",
            ),
            (
                Ending::Cancelled,
                &[(Restored, 1_000), (NotReached, 500)],
                "Load X is undone in part: 1,000 items are as they were. 500 were not reached and stay as they are.",
            ),
            (
                Ending::Failed,
                &[(NotReached, 1)],
                "Load X is undone in part: nothing was taken back. 1 was not reached and stays as it is.",
            ),
            (
                Ending::DryRun,
                &[(Restored, 1), (Returned, 4_800), (Edited, 1_000)],
                "If load X is undone, 1 item will be as it was, 4,800 will be back. 1,000 were changed by somebody \
                 since and stay as they are. Nothing has been changed yet.",
            ),
            (
                Ending::DryRun,
                &[(Edited, 1)],
                "Nothing is left of load X to take back. 1 was changed by somebody since and stays as it is.",
            ),
        ] {
            assert_eq!(said(ending, fates), says);
        }
    }
}
