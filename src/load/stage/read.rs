//! Reads items from the table, over several runs if one is too short.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::table::{Found, Table};
use inventory_base::item::Item;
use inventory_check::plan;
use inventory_check::plan::Names;

impl Job<'_> {
    /// Reads items, over several runs if the table is too slow for one: what was found before the deadline is kept, and
    /// the next run uses it if nothing else was loaded in between.
    pub async fn read_in_parts(&self, table: &Table, name: &str, keys: &[Item]) -> Result<Found, LoadError> {
        let place = Names(&self.load).read_part(name);
        let resumes = self.turn.as_ref().is_some_and(|turn| turn.lease.is_unbroken());
        let part = if resumes { self.services.store.read(&place).await? } else { None };
        let digest = digest_of(keys)?;
        let part = part.and_then(|packed| plan::decode::<ReadPart>(name, &packed).ok()?.pop());
        let Some(ReadPart { mut found, .. }) = part.filter(|part| part.keys == digest) else {
            let read = table.read_until(keys, self.deadline()).await?;
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
        let read = table.read_until(&asked, self.deadline()).await?;
        let news = read.items.into_iter().zip(&open).zip(0_u32..).filter(|(_, index)| !is_left(&read.left, *index));
        found.extend(news.map(|((item, place), _)| (*place, item)));
        found.sort_by_key(|(place, _)| *place);
        if !read.left.is_empty() {
            return self.keep_read(&place, name, ReadPart { keys: digest, found }, known).await;
        }
        let items = found.into_iter().map(|(_, item)| item).collect();
        Ok(Found { items, ..read })
    }

    /// Keeps what was read, and always returns an error: `PlanUnfinished` if this run made progress.
    async fn keep_read(&self, place: &str, name: &str, part: ReadPart, known: usize) -> Result<Found, LoadError> {
        if part.found.len() == known {
            return Err(LoadError::NoProgress(self.load.clone()));
        }
        tracing::info!(event = "read_left_in_part", load = %self.load, name, found = part.found.len());
        self.services.store.keep(place, plan::pack(name, &[part])?).await?;
        Err(LoadError::PlanUnfinished)
    }
}

/// What a run has read before its deadline.
#[derive(Serialize, Deserialize)]
struct ReadPart {
    /// A digest of all the keys.
    keys: String,
    /// Items by the position of their key, in order.
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
