//! The rows of a chunk beside what the table holds.

use super::LoadError;
use super::journey::Journey;
use super::planning::{Asks, Judged};
use crate::item::Item;
use crate::plan::{self, Before, Comparison, Fate, PlanError, PlanRow, Respelling};

/// A chunk before it is packed.
pub(super) struct Draft {
    pub number: usize,
    pub rows: Vec<PlanRow>,
    /// What asking the table for it consumed.
    pub read_units: f64,
    /// It is kept already, as it is here, by an earlier run of this load.
    pub is_kept: bool,
}

impl Journey<'_> {
    /// The rows of a chunk beside what the table holds.
    pub(super) async fn look_up(
        &self,
        number: usize,
        judged: Result<Judged, PlanError>,
        asks: &Asks<'_>,
    ) -> Result<Draft, LoadError> {
        let Judged { mut rows, sheets } = judged?;
        let comparison = Comparison::new(asks.schema, &sheets, &asks.provenance);
        if let Some(kept) = self.read_kept(number, &rows, &comparison, asks).await? {
            return Ok(Draft { number, rows: kept, read_units: 0.0, is_kept: true });
        }
        let (compares, mut read_units) = (asks.schema.compare, 0.0);
        if !compares || asks.empty {
            for row in &mut rows {
                comparison.compare(row, if compares { Before::Found(None) } else { Before::NotAsked });
            }
        } else {
            let keys: Vec<Item> =
                rows.iter().filter_map(|row| row.item.as_ref()).map(|item| plan::key_of(item, asks.schema)).collect();
            let found = asks.table.read(&keys).await?;
            read_units = found.units;
            let mut found = found.items.into_iter();
            for row in rows.iter_mut().filter(|row| row.item.is_some()) {
                comparison.compare(row, Before::Found(found.next().flatten()));
            }
            read_units += find_twins(&mut rows, asks).await?;
        }
        Ok(Draft { number, rows, read_units, is_kept: false })
    }

    async fn read_kept(
        &self,
        number: usize,
        rows: &[PlanRow],
        comparison: &Comparison<'_>,
        asks: &Asks<'_>,
    ) -> Result<Option<Vec<PlanRow>>, LoadError> {
        let name = plan::chunk_name(number)?;
        let place = format!("loads/{}/plan/{name}", self.load);
        if !asks.kept.contains(&place) {
            return Ok(None);
        }
        let Some(packed) = self.places.store.read(&place).await? else { return Ok(None) };
        // What another loader or other rules left behind is made again.
        let Ok(kept) = plan::decode::<PlanRow>(&name, &packed) else { return Ok(None) };
        let same = kept.len() == rows.len() && kept.iter().zip(rows).all(|(kept, row)| comparison.is_of(kept, row));
        Ok(same.then_some(kept))
    }
}

/// Looks for the keys of new rows in other capitals, and returns what that consumed. Where the table is empty, nobody
/// asks; where every row is known, nothing is asked.
async fn find_twins(rows: &mut [PlanRow], asks: &Asks<'_>) -> Result<f64, LoadError> {
    let Some(respelling) = Respelling::new(asks.schema) else { return Ok(0.0) };
    let (mut places, mut keys): (Vec<usize>, Vec<Item>) = Default::default();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.fate == Fate::New) {
        for key in row.item.iter().flat_map(|item| respelling.other_keys(item)) {
            places.push(place);
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Ok(0.0);
    }
    let found = asks.table.read(&keys).await?;
    for ((place, key), item) in places.into_iter().zip(keys).zip(found.items) {
        let twin = &mut rows[place].twin;
        if item.is_some() && twin.is_none() {
            *twin = Some(key);
        }
    }
    Ok(found.units)
}
