//! Writes the lines of one chunk.

use tokio::time::Instant;

use crate::load::error::LoadError;
use crate::table::{Act, Change, Changed, Table, WriteTurn};
use inventory_base::item::Item;
use inventory_check::plan;
use inventory_check::plan::{
    ChunkEntry, ChunkKind, ChunkOutcome, FailedUndo, KeptRow, MissingItem, NotUndoneItem, PlanRow, PutRow, RefusedRow,
    UndoFate, UndoStep,
};
use inventory_rules::schema::{Missing, Mode, Schema};

/// Which lines of a chunk are still to be written, and the deadline for it.
#[derive(Clone, Copy)]
pub struct PendingLines<'a> {
    /// Their positions among all lines to be written; `None` means all of them.
    pub only: Option<&'a [u32]>,
    pub deadline: Option<Instant>,
}

impl PendingLines<'_> {
    /// Picks the lines that are still to be written, with their positions.
    pub fn select<T>(&self, lines: impl IntoIterator<Item = T>) -> (Vec<u32>, Vec<T>) {
        let is_pending = |place: &u32| self.only.is_none_or(|only| only.binary_search(place).is_ok());
        (0..).zip(lines).filter(|(place, _)| is_pending(place)).unzip()
    }
}

/// The outcome so far, the number of lines that were pending, and the positions of those that still are.
pub type WrittenChunk = (ChunkOutcome, usize, Vec<u32>);

pub async fn write_chunk(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    entry: &ChunkEntry,
    packed: &[u8],
    pending: PendingLines<'_>,
) -> Result<WrittenChunk, LoadError> {
    let name = &entry.name;
    match (entry.kind, schema.mode) {
        (ChunkKind::Undo(_), _) => write_steps(table, turn, plan::decode::<UndoStep>(name, packed)?, pending).await,
        (ChunkKind::Missing(_), _) => write_missing(table, turn, schema, plan::decode(name, packed)?, pending).await,
        (ChunkKind::Rows, Mode::Replace) => put_rows(table, turn, entry, packed, pending).await,
        (ChunkKind::Rows, Mode::Merge | Mode::Add) => {
            change_rows(table, turn, schema, plan::decode(name, packed)?, pending).await
        }
    }
}

/// Translates indexes among the pending lines into positions among all lines of the chunk.
pub fn places_of(left: &[usize], places: &[u32]) -> Vec<u32> {
    left.iter().filter_map(|index| places.get(*index).copied()).collect()
}

/// Puts the items of rows as they are in the plan, which has them in DynamoDB's format.
async fn put_rows(
    table: &Table,
    turn: WriteTurn<'_>,
    entry: &ChunkEntry,
    packed: &[u8],
    pending: PendingLines<'_>,
) -> Result<WrittenChunk, LoadError> {
    let lines = plan::unpack(&entry.name, packed)?;
    let rows: Vec<PutRow> = plan::read_lines(&entry.name, &lines)?;
    let rows = rows.into_iter().filter(|row| row.fate.is_written()).filter_map(|row| row.item.map(|item| (row, item)));
    let (places, rows) = pending.select(rows);
    let (rows, items): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let written = table.write_in_turn(turn, pending.deadline, &items).await?;
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

/// Sets attributes, or adds items that are not in the table, one row at a time.
async fn change_rows(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    rows: Vec<PlanRow>,
    pending: PendingLines<'_>,
) -> Result<WrittenChunk, LoadError> {
    let (mut cells, mut changes) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let (places, rows) = pending.select(rows.into_iter().filter(|row| row.fate.is_written() && row.item.is_some()));
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
    let changed = table.change_in_turn(turn, pending.deadline, &changes).await?;
    let left = places_of(&changed.left, &places);
    let kept = changed.kept.iter().filter_map(|index| cells.get(*index).cloned());
    let refused = changed.refused.iter().filter_map(|refused| {
        let (sheet, row, planned) = cells.get(refused.index)?.clone();
        Some(RefusedRow { sheet, row, planned, reason: refused.reason.clone() })
    });
    let outcome = ChunkOutcome {
        refused: refused.collect(),
        kept: kept.map(|(sheet, row, planned)| KeptRow { sheet, row, planned }).collect(),
        ..units_of(&changed)
    };
    Ok((outcome, places.len(), left))
}

/// Marks or deletes items that the sheet no longer lists, unless they have been changed since the plan was made.
async fn write_missing(
    table: &Table,
    turn: WriteTurn<'_>,
    schema: &Schema,
    items: Vec<MissingItem>,
    pending: PendingLines<'_>,
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
    let (places, changes) = pending.select(changes);
    let changed = table.change_in_turn(turn, pending.deadline, &changes).await?;
    let pending_left = places_of(&changed.left, &places);
    // Refused or edited: the item is unchanged in both cases.
    let left = changed.edited.iter().copied().chain(changed.refused.iter().map(|refused| refused.index));
    let outcome = ChunkOutcome {
        edited: left.filter_map(|index| Some(changes.get(index)?.key.clone())).collect(),
        ..units_of(&changed)
    };
    Ok((outcome, places.len(), pending_left))
}

/// Undoes items, each only if it is still as it was read for the plan. An item that already has its values from before
/// was undone by a run that died before it could record it.
pub async fn write_steps(
    table: &Table,
    turn: WriteTurn<'_>,
    steps: Vec<UndoStep>,
    pending: PendingLines<'_>,
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
    let (places, changes) = pending.select(changes);
    let (fates, changes): (Vec<UndoFate>, Vec<Change>) = changes.into_iter().unzip();
    let changed = table.change_in_turn(turn, pending.deadline, &changes).await?;
    let left = places_of(&changed.left, &places);
    let failed = |index: usize, fate, reason| FailedUndo {
        planned: fates[index],
        item: NotUndoneItem { key: changes[index].key.clone(), fate, reason },
    };
    let edited = changed.edited.iter().chain(&changed.kept).map(|&index| failed(index, UndoFate::Edited, None));
    let refused = changed.refused.iter();
    let refused = refused.map(|refused| failed(refused.index, UndoFate::NotTaken, Some(refused.reason.clone())));
    let outcome = ChunkOutcome { failed_undos: edited.chain(refused).collect(), ..units_of(&changed) };
    Ok((outcome, places.len(), left))
}

/// The outcome of changes, with nothing but what they consumed.
fn units_of(changed: &Changed) -> ChunkOutcome {
    ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        ..ChunkOutcome::default()
    }
}

fn split_key(schema: &Schema, item: Item) -> (Item, Item) {
    item.into_iter().partition(|(name, _)| schema.key.attributes().any(|attribute| attribute == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_of_a_partially_written_chunk_is_written() {
        let lines = ["a", "b", "c", "d"];
        let all = PendingLines { only: None, deadline: None }.select(lines);
        assert_eq!(all, (vec![0, 1, 2, 3], lines.to_vec()));
        let (places, rest) = PendingLines { only: Some(&[1, 3]), deadline: None }.select(lines);
        assert_eq!((&places[..], &rest[..]), (&[1, 3][..], &["b", "d"][..]));
        assert_eq!(places_of(&[1], &places), [3]);
    }
}
