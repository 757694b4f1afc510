use super::*;
use crate::plan::Gate;
use inventory_base::message::note;

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
    let summary =
        |ending, only_checked, pairs: &[(Fate, u64)]| summary(ending, only_checked, pairs, &MissingItems::default());
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
    let loss = |rows| Note { rows, ..note!(CellsMergedAcross { columns: "C", rows: "144 rows", sheet: "S" }) };
    let look = |cell| note!(NotTakenAsShown { column: "SKU", cell, number: 7 });
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
fn the_first_sentence_says_that_values_were_left_out_or_that_the_table_differs() {
    let note = |rule| Note { sheet: None, rule, message: "NOTE.".into(), advice: String::new(), rows: 0 };
    let (far, odd) = (note(Rule::CellsFarRight), note(Rule::NotTakenAsShown));
    let summary = |rejected, notes: &[Note], differs| {
        let mut counts = Counts::default();
        counts.add(Fate::New, 9);
        counts.add(Fate::Rejected, rejected);
        let (missing, ending) = (&MissingItems::default(), Ending::Done);
        let (held, only_checked, unremarked) = (&[][..], false, 0);
        summarise(&Facts { ending, counts: &counts, missing, held, notes, differs, only_checked, unremarked })
    };
    let all = "All 9 rows were loaded, but";
    let differs = "the table, read back, doesn't match what was loaded";
    for (rejected, notes, is_different, expected) in [
        (0, &[far.clone()][..], false, format!("{all} not every value in the file: NOTE.")),
        (
            0,
            &[far.clone(), odd.clone()],
            false,
            format!("{all} not every value in the file; 2 things are worth a look."),
        ),
        (
            1,
            std::slice::from_ref(&far),
            false,
            "9 of 10 rows were loaded, but not every value in the file. 1 needs your attention. One thing is worth a \
             look: NOTE."
                .to_string(),
        ),
        (0, &[], true, format!("{all} {differs}.")),
        (
            0,
            std::slice::from_ref(&far),
            true,
            format!("{all} not every value in the file, and {differs}. One thing is worth a look: NOTE."),
        ),
        (0, &[odd], true, format!("{all} {differs}. One thing is worth a look: NOTE.")),
    ] {
        assert_eq!(summary(rejected, notes, is_different), expected);
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
