//! Holds an upload that is older than uploads that have already been loaded.

use jiff::Timestamp;

use super::check::{GateCheck, GateContext};
use super::evidence::Evidence;
use super::{Gate, Tripped};
use inventory_base::load_id::LoadId;
use inventory_base::message::{count, sentences};
use inventory_rules::schema::{Mode, Schema};

/// The number of loads that are named; the others are counted.
const LOADS_NAMED: usize = 5;

/// Holds an upload if newer ones have been loaded since.
#[derive(Debug, Clone)]
pub(super) struct OlderGate<'s> {
    schema: &'s Schema,
    newer: Newer,
}

impl<'s> GateCheck<'s> for OlderGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        OlderGate { schema, newer: Newer::default() }
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        self.newer.judge(context.load).filter(|_| self.schema.gates.older).into_iter().collect()
    }

    fn conditions(&self) -> Vec<String> {
        // Where items are only added, nothing is overwritten.
        let can_trip = self.schema.gates.older && self.schema.mode != Mode::Add;
        let condition = || "newer files with some of the same items have been loaded since it was uploaded".to_string();
        can_trip.then(condition).into_iter().collect()
    }
}

impl Evidence<'_> {
    /// Sets what has been loaded since the file was uploaded.
    pub fn set_newer(&mut self, newer: Newer) {
        self.checks.older.newer = newer;
    }
}

/// Loads of newer uploads whose items this load would replace with older values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newer {
    /// When the file to be loaded now was uploaded.
    pub uploaded: Timestamp,
    /// Newer uploads that were loaded and have items in common with what this load would write.
    pub loads: Vec<NewerLoad>,
    /// The number of items of this load that any of them has.
    pub items: u64,
    /// Whether there are too many newer loads to compare them one by one.
    pub too_many: bool,
    /// Whether the ledger is younger than the upload, so that it can't know what was loaded in between.
    pub ledger_is_younger: bool,
}

/// A newer upload that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerLoad {
    pub load: LoadId,
    pub file: String,
    pub uploaded: Timestamp,
    /// The number of items it has in common with this load; `None` if its keys are no longer kept.
    pub items: Option<u64>,
}

impl Newer {
    /// Returns why these loads hold `load`, if they do.
    fn judge(&self, load: &LoadId) -> Option<Tripped> {
        let uploaded = day(self.uploaded);
        let unknown = self.loads.iter().any(|newer| newer.items.is_none());
        if self.too_many || self.ledger_is_younger || unknown && self.items == 0 {
            let reason = self.why_unknown();
            return Some(Tripped::new(Gate::Older, None, sentences!(GateOlderUnknown { uploaded, reason, load })));
        }
        if self.items == 0 {
            return None;
        }
        let mut files: Vec<String> = self.loads.iter().take(LOADS_NAMED).map(NewerLoad::describe).collect();
        let more = self.loads.len().saturating_sub(LOADS_NAMED);
        files.extend((more > 0).then(|| format!("{} more", count(more as u64))));
        let items = match self.items {
            1 => "1 item".to_string(),
            items => format!("{} items", count(items)),
        };
        let files = files.join("; ");
        Some(Tripped::new(Gate::Older, None, sentences!(GateOlder { uploaded, items, files, load })))
    }

    fn why_unknown(&self) -> String {
        if self.ledger_is_younger {
            return "the loader's ledger was created or restored after that".to_string();
        }
        if self.too_many {
            return format!("more than {} newer files have been loaded since", count(self.loads.len() as u64));
        }
        let files: Vec<String> = self.loads.iter().take(LOADS_NAMED).map(NewerLoad::describe).collect();
        format!("the plans of newer loads are no longer kept ({})", files.join("; "))
    }
}

impl NewerLoad {
    fn describe(&self) -> String {
        let NewerLoad { load, file, uploaded, items } = self;
        let items = match items {
            None => "an unknown number of items".to_string(),
            Some(1) => "1 item".to_string(),
            Some(items) => format!("{} items", count(*items)),
        };
        format!("\"{file}\", uploaded on {}, load {load}, {items} in common", day(*uploaded))
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_load_is_held_if_it_would_overwrite_newer_values_or_that_is_unknown() {
        let load = |n: u32| LoadId::parse("0123456789abcdef").unwrap().linked(n);
        let newer_load = |items| NewerLoad {
            load: load(7),
            file: "uploads/june.xlsx".into(),
            uploaded: "2026-06-03T08:00:00Z".parse().unwrap(),
            items,
        };
        let newer = |items, loads: Vec<NewerLoad>| Newer {
            uploaded: "2026-01-05T09:30:00Z".parse().unwrap(),
            items,
            loads,
            ..Newer::default()
        };
        let message = |newer: &Newer| newer.judge(&load(2)).map(|tripped| tripped.message);
        assert_eq!(message(&newer(0, vec![])), None);
        assert_eq!(
            message(&newer(1_212, vec![newer_load(Some(1_212))])).unwrap(),
            "This file was uploaded on 5 Jan 2026, 09:30 UTC. Newer files have been loaded since, and loading this one now \
             would replace their values with older ones (1,212 items): \"uploads/june.xlsx\", uploaded on 3 Jun 2026, \
             08:00 UTC, load 0123456789abcdef.7, 1,212 items in common."
        );
        let unknown = message(&newer(0, vec![newer_load(None)])).unwrap();
        assert!(unknown.contains("the plans of newer loads are no longer kept (\"uploads/june.xlsx\""), "{unknown}");
        let known = message(&newer(3, vec![newer_load(None), newer_load(Some(3))])).unwrap();
        assert!(known.contains("(3 items)") && known.contains("an unknown number of items in common"), "{known}");
        let many = message(&Newer { too_many: true, ..newer(0, vec![]) }).unwrap();
        assert!(many.contains("more than 0 newer files have been loaded since"), "{many}");
        let restored = message(&Newer { ledger_is_younger: true, ..newer(0, vec![]) }).unwrap();
        assert!(restored.contains("ledger was created or restored after that"), "{restored}");
    }
}
