//! Compares the rows of a chunk with the items of the table.

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::stage::builder::{Draft, Judged, PlanInput};
use inventory_base::item::Item;
use inventory_check::plan;
use inventory_check::plan::{Before, CaseVariants, Comparison, Fate, PlanError, PlanRow};

impl Job<'_> {
    /// Compares the rows of a chunk with the items of the table.
    pub async fn compare_chunk(
        &self,
        number: usize,
        judged: Result<Judged, PlanError>,
        input: &PlanInput<'_>,
    ) -> Result<Draft, LoadError> {
        let Judged { mut rows, sheets } = judged?;
        let comparison = Comparison::new(input.schema, &sheets, &input.provenance);
        if let Some(kept) = self.read_kept(number, &rows, &comparison, input).await? {
            return Ok(Draft { number, rows: kept, read_units: 0.0, is_kept: true });
        }
        let (compares, mut read_units) = (input.schema.compare, 0.0);
        if !compares || input.empty {
            for row in &mut rows {
                comparison.compare(row, if compares { Before::Found(None) } else { Before::NotRead });
            }
        } else {
            let keys: Vec<Item> =
                rows.iter().filter_map(|row| row.item.as_ref()).map(|item| plan::key_of(item, input.schema)).collect();
            let found = self.read_in_parts(&input.table, &plan::chunk_name(number)?, &keys).await?;
            read_units = found.units;
            let mut found = found.items.into_iter();
            for row in rows.iter_mut().filter(|row| row.item.is_some()) {
                comparison.compare(row, Before::Found(found.next().flatten()));
            }
            read_units += self.find_twins(number, &mut rows, input).await?;
        }
        Ok(Draft { number, rows, read_units, is_kept: false })
    }

    async fn read_kept(
        &self,
        number: usize,
        rows: &[PlanRow],
        comparison: &Comparison<'_>,
        input: &PlanInput<'_>,
    ) -> Result<Option<Vec<PlanRow>>, LoadError> {
        let name = plan::chunk_name(number)?;
        let place = format!("loads/{}/plan/{name}", self.load);
        if !input.kept.contains(&place) {
            return Ok(None);
        }
        let Some(packed) = self.services.store.read(&place).await? else { return Ok(None) };
        // A chunk kept by another version or with other rules is made again.
        let Ok(kept) = plan::decode::<PlanRow>(&name, &packed) else { return Ok(None) };
        let same = kept.len() == rows.len() && kept.iter().zip(rows).all(|(kept, row)| comparison.is_of(kept, row));
        Ok(same.then_some(kept))
    }

    /// Looks for items whose keys differ from those of new rows only in capital letters, and returns the read units
    /// consumed. If no row is new, nothing is read.
    async fn find_twins(&self, number: usize, rows: &mut [PlanRow], input: &PlanInput<'_>) -> Result<f64, LoadError> {
        let Some(respelling) = CaseVariants::new(input.schema) else { return Ok(0.0) };
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
        let found = self.read_in_parts(&input.table, &name, &keys).await?;
        for ((place, key), item) in places.into_iter().zip(keys).zip(found.items) {
            let twin = &mut rows[place].twin;
            if item.is_some() && twin.is_none() {
                *twin = Some(key);
            }
        }
        Ok(found.units)
    }
}
