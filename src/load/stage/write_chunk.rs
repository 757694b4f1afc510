//! Writes the lines of one chunk.

use tokio::time::Instant;

use crate::load::error::LoadError;
use crate::table::{Act, Change, Table, WriteTurn};
use inventory_base::item::Item;
use inventory_check::plan;
use inventory_check::plan::{
    ChunkEntry, ChunkKind, ChunkOutcome, FailedUndo, KeptRow, MissingItem, NotUndoneItem, PlanRow, PutRow, RefusedRow, UndoFate,
    UndoStep,
};
use inventory_rules::schema::{Missing, Mode, Schema};

/// Which lines of a chunk are still to be written, and until when that is done.
#[derive(Clone, Copy)]
pub struct Open<'a> {
    /// Their places among all lines that are to be written; without it, all of them.
    pub only: Option<&'a [u32]>,
    pub deadline: Option<Instant>,
}

impl Open<'_> {
    /// Those of all lines that are to be written which still are, each with its place.
    pub fn of<T>(&self, lines: impl IntoIterator<Item = T>) -> (Vec<u32>, Vec<T>) {
        let is_open = |place: &u32| self.only.is_none_or(|only| only.binary_search(place).is_ok());
        (0..).zip(lines).filter(|(place, _)| is_open(place)).unzip()
    }
}

/// The outcome as far as it has come, how many lines were open, and the places of those that still are.
pub type WrittenChunk = (ChunkOutcome, usize, Vec<u32>);

pub async fn write_chunk(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    entry: &ChunkEntry,
    packed: &[u8],
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let name = &entry.name;
    match (entry.kind, schema.mode) {
        (ChunkKind::Undo(_), _) => write_steps(table, turn, plan::decode::<UndoStep>(name, packed)?, open).await,
        (ChunkKind::Missing(_), _) => write_missing(table, turn, schema, plan::decode(name, packed)?, open).await,
        (ChunkKind::Rows, Mode::Replace) => put_rows(table, turn, entry, packed, open).await,
        (ChunkKind::Rows, Mode::Merge | Mode::Add) => {
            change_rows(table, turn, schema, plan::decode(name, packed)?, open).await
        }
    }
}

/// The places of what is left, among all lines of the chunk.
pub fn places_of(left: &[usize], places: &[u32]) -> Vec<u32> {
    left.iter().filter_map(|index| places.get(*index).copied()).collect()
}

/// Puts the items of rows as they stand in the plan, which has them as DynamoDB takes them.
async fn put_rows(
    table: &Table,
    turn: WriteTurn<'_>,
    entry: &ChunkEntry,
    packed: &[u8],
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let lines = plan::unpack(&entry.name, packed)?;
    let rows: Vec<PutRow> = plan::read_lines(&entry.name, &lines)?;
    let rows = rows.into_iter().filter(|row| row.fate.is_written()).filter_map(|row| row.item.map(|item| (row, item)));
    let (places, rows) = open.of(rows);
    let (rows, items): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let written = table.write_in_turn(turn, open.deadline, &items).await?;
    let left = places_of(&written.left, &places);
    let refused = written.refused.into_iter().filter_map(|refused| {
        let PutRow { sheet, row, fate, .. } = rows.get(refused.index)?;
        Some(RefusedRow { sheet: sheet.as_ref().into(), row: *row, planned: *fate, reason: refused.reason })
    });
    let outcome = ChunkOutcome {
        write_units: written.units,
        requests: written.requests,
        tried_again: written.tried_again,
        refused: refused.collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}

/// Sets attributes, or adds items that are not there, one row after the other.
async fn change_rows(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    rows: Vec<PlanRow>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let (mut cells, mut changes) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let (places, rows) = open.of(rows.into_iter().filter(|row| row.fate.is_written() && row.item.is_some()));
    for row in rows {
        let Some(item) = row.item else { continue };
        cells.push((row.sheet, row.row, row.fate));
        let (key, rest) = split_key(schema, item);
        let act = match schema.mode {
            Mode::Add => Act::Add(key.clone().into_iter().chain(rest).collect()),
            _ => Act::Merge { set: rest, remove: row.removes },
        };
        changes.push(Change { key, act });
    }
    let changed = table.change_in_turn(turn, open.deadline, &changes).await?;
    let left = places_of(&changed.left, &places);
    let kept = changed.kept.iter().filter_map(|index| cells.get(*index).cloned());
    let refused = changed.refused.into_iter().filter_map(|refused| {
        let (sheet, row, planned) = cells.get(refused.index)?.clone();
        Some(RefusedRow { sheet, row, planned, reason: refused.reason })
    });
    let outcome = ChunkOutcome {
        write_units: changed.units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        refused: refused.collect(),
        kept: kept.map(|(sheet, row, planned)| KeptRow { sheet, row, planned }).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}

/// Marks or removes what the sheet no longer lists, as long as nobody has changed it.
async fn write_missing(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    items: Vec<MissingItem>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let changes = items.into_iter().filter_map(|item| {
        let (key, _) = split_key(schema, item.before.clone());
        let act = match item.missing {
            Missing::Report => return None,
            Missing::Mark => Act::Mark { read: item.before, set: MissingItem::mark() },
            Missing::Delete => Act::Delete { read: item.before },
        };
        Some(Change { key, act })
    });
    let (places, changes) = open.of(changes);
    let changed = table.change_in_turn(turn, open.deadline, &changes).await?;
    let open_left = places_of(&changed.left, &places);
    // Refused or edited: in both cases it is left as it is.
    let left = changed.edited.iter().copied().chain(changed.refused.iter().map(|refused| refused.index));
    let outcome = ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        edited: left.filter_map(|index| Some(changes.get(index)?.key.clone())).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), open_left))
}

/// Takes items back, each as long as it still is what was read for the plan. An item that is as it will be was taken
/// back by a run that did not come to note it.
pub async fn write_steps(
    table: &Table,
    turn: WriteTurn<'_>,
    steps: Vec<UndoStep>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let changes = steps.into_iter().filter(|step| step.fate.is_written()).filter_map(|step| {
        let act = match (step.left, step.before) {
            (Some(read), Some(set)) if step.in_part => Act::Swap { read, set },
            (Some(read), Some(put)) => Act::Replace { read, put },
            (Some(read), None) => Act::Delete { read },
            (None, Some(item)) => Act::Add(item),
            (None, None) => return None,
        };
        Some((step.fate, Change { key: step.key, act }))
    });
    let (places, changes) = open.of(changes);
    let (fates, changes): (Vec<UndoFate>, Vec<Change>) = changes.into_iter().unzip();
    let changed = table.change_in_turn(turn, open.deadline, &changes).await?;
    let left = places_of(&changed.left, &places);
    let stayed = |index: usize, fate, reason| FailedUndo {
        planned: fates[index],
        item: NotUndoneItem { key: changes[index].key.clone(), fate, reason },
    };
    let edited = changed.edited.iter().chain(&changed.kept).map(|&index| stayed(index, UndoFate::Edited, None));
    let refused = changed.refused.iter();
    let refused = refused.map(|refused| stayed(refused.index, UndoFate::NotTaken, Some(refused.reason.clone())));
    let outcome = ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        failed_undos: edited.chain(refused).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}

fn split_key(schema: &Schema, item: Item) -> (Item, Item) {
    item.into_iter().partition(|(name, _)| schema.key.attributes().any(|attribute| attribute == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_chunk_in_part_only_what_is_left_is_written() {
        let lines = ["a", "b", "c", "d"];
        let all = Open { only: None, deadline: None }.of(lines);
        assert_eq!(all, (vec![0, 1, 2, 3], lines.to_vec()));
        let (places, rest) = Open { only: Some(&[1, 3]), deadline: None }.of(lines);
        assert_eq!((&places[..], &rest[..]), (&[1, 3][..], &["b", "d"][..]));
        assert_eq!(places_of(&[1], &places), [3]);
    }
}
