//! The rows of a chunk beside what the table holds.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::LoadError;
use super::journey::Journey;
use super::planning::{Asks, Judged};
use crate::table::{Found, Table};
use inventory_base::item::Item;
use inventory_check::plan::{self, Before, Comparison, Fate, Names, PlanError, PlanRow, Respelling};

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
            let found = self.read_in_parts(&asks.table, &plan::chunk_name(number)?, &keys).await?;
            read_units = found.units;
            let mut found = found.items.into_iter();
            for row in rows.iter_mut().filter(|row| row.item.is_some()) {
                comparison.compare(row, Before::Found(found.next().flatten()));
            }
            read_units += self.find_twins(number, &mut rows, asks).await?;
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

impl Journey<'_> {
    /// Looks for the keys of new rows in other capitals, and returns what that consumed. Where the table is empty, nobody
    /// asks; where every row is known, nothing is asked.
    async fn find_twins(&self, number: usize, rows: &mut [PlanRow], asks: &Asks<'_>) -> Result<f64, LoadError> {
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
        let name = format!("twins-{}", plan::chunk_name(number)?);
        let found = self.read_in_parts(&asks.table, &name, &keys).await?;
        for ((place, key), item) in places.into_iter().zip(keys).zip(found.items) {
            let twin = &mut rows[place].twin;
            if item.is_some() && twin.is_none() {
                *twin = Some(key);
            }
        }
        Ok(found.units)
    }

    /// Reads items, over several runs where the table is too slow for one: what was found until it was time to leave off is
    /// kept, and counts for the next run as long as nothing else was loaded in between.
    pub(super) async fn read_in_parts(&self, table: &Table, name: &str, keys: &[Item]) -> Result<Found, LoadError> {
        let place = Names(&self.load).read_part(name);
        let resumes = self.turn.as_ref().is_some_and(|turn| turn.lease.is_unbroken());
        let part = if resumes { self.places.store.read(&place).await? } else { None };
        let digest = digest_of(keys)?;
        let part = part.and_then(|packed| plan::decode::<ReadPart>(name, &packed).ok()?.pop());
        let Some(ReadPart { mut found, .. }) = part.filter(|part| part.keys == digest) else {
            let read = table.read_until(keys, self.leave_off()).await?;
            if read.left.is_empty() {
                return Ok(read);
            }
            let known = read.items.into_iter().zip(0_u32..).filter(|(_, place)| !is_left(&read.left, *place));
            let found: Vec<_> = known.map(|(item, place)| (place, item)).collect();
            return self.keep_read(&place, name, ReadPart { keys: digest, found }, 0).await;
        };
        let known = found.len();
        let mut open: Vec<u32> = Vec::new();
        open.extend((0..keys.len() as u32).filter(|place| found.binary_search_by_key(place, |(at, _)| *at).is_err()));
        let asked: Vec<Item> = open.iter().filter_map(|place| keys.get(*place as usize).cloned()).collect();
        let read = table.read_until(&asked, self.leave_off()).await?;
        let news = read.items.into_iter().zip(&open).zip(0_u32..).filter(|(_, index)| !is_left(&read.left, *index));
        found.extend(news.map(|((item, place), _)| (*place, item)));
        found.sort_by_key(|(place, _)| *place);
        if !read.left.is_empty() {
            return self.keep_read(&place, name, ReadPart { keys: digest, found }, known).await;
        }
        let items = found.into_iter().map(|(_, item)| item).collect();
        Ok(Found { items, ..read })
    }

    /// Never a result: the next run goes on, if this one has come any further.
    async fn keep_read(&self, place: &str, name: &str, part: ReadPart, known: usize) -> Result<Found, LoadError> {
        if part.found.len() == known {
            return Err(LoadError::NoHeadway(self.load.clone()));
        }
        tracing::info!(event = "read_left_in_part", load = %self.load, name, found = part.found.len());
        self.places.store.keep(place, plan::pack(name, &[part])?).await?;
        Err(LoadError::PlanGoesOn)
    }
}

/// What a run has read before it had to leave off.
#[derive(Serialize, Deserialize)]
struct ReadPart {
    /// A digest of all the keys.
    keys: String,
    /// By the place of its key, in order.
    found: Vec<(u32, Option<Item>)>,
}

fn is_left(left: &[usize], place: u32) -> bool {
    left.binary_search(&(place as usize)).is_ok()
}

fn digest_of(keys: &[Item]) -> Result<String, LoadError> {
    const BYTES: usize = 16;
    let digest = Sha256::digest(serde_json::to_vec(keys)?);
    Ok(digest.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect())
}
