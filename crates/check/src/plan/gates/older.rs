//! Why an older upload holds a load: newer ones have been loaded since.

use jiff::Timestamp;

use super::{Gate, Tripped};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Rule, count};

/// Loads that are named; how many more there are is said.
const LOADS_TOLD: usize = 5;

/// What has been loaded since a file was uploaded, as far as this file would go back behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newer {
    /// When the file was uploaded that is to be loaded now.
    pub uploaded: Timestamp,
    /// Newer uploads that were loaded and share items with what this load would write.
    pub loads: Vec<NewerLoad>,
    /// Items of this load that any of them has.
    pub items: u64,
    /// There are more newer loads than are looked at one by one.
    pub too_many: bool,
    /// The ledger is younger than the upload, so it cannot know what was loaded in between.
    pub ledger_is_younger: bool,
}

/// A newer upload that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerLoad {
    pub load: LoadId,
    pub file: String,
    pub uploaded: Timestamp,
    /// Items that it shares with the load in question; none where its keys are not kept any more.
    pub items: Option<u64>,
}

impl Newer {
    pub(super) fn hold(&self, load: &LoadId) -> Option<Tripped> {
        let unknown = self.loads.iter().any(|newer| newer.items.is_none());
        if self.too_many || self.ledger_is_younger || unknown && self.items == 0 {
            return Some(self.tripped(Rule::GateOlderUnknown, load, &[("reason", &self.say_unknown())]));
        }
        if self.items == 0 {
            return None;
        }
        let mut files: Vec<String> = self.loads.iter().take(LOADS_TOLD).map(NewerLoad::say).collect();
        let more = self.loads.len().saturating_sub(LOADS_TOLD);
        files.extend((more > 0).then(|| format!("{} more", count(more as u64))));
        let items = match self.items {
            1 => "1 item".to_string(),
            items => format!("{} items", count(items)),
        };
        Some(self.tripped(Rule::GateOlder, load, &[("items", &items), ("files", &files.join("; "))]))
    }

    fn say_unknown(&self) -> String {
        if self.ledger_is_younger {
            return "the loader's ledger was created or restored after that".to_string();
        }
        if self.too_many {
            return format!("more than {} newer files have been loaded since", count(self.loads.len() as u64));
        }
        let files: Vec<String> = self.loads.iter().take(LOADS_TOLD).map(NewerLoad::say).collect();
        format!("the plans of newer loads are no longer kept ({})", files.join("; "))
    }

    fn tripped(&self, rule: Rule, load: &LoadId, words: &[(&str, &str)]) -> Tripped {
        let uploaded = day(self.uploaded);
        let words: Vec<_> =
            words.iter().copied().chain([("uploaded", uploaded.as_str()), ("load", load.as_str())]).collect();
        Tripped { gate: Gate::Older, scope: None, message: rule.message(&words), advice: rule.advice(&words) }
    }
}

impl NewerLoad {
    fn say(&self) -> String {
        let NewerLoad { load, file, uploaded, items } = self;
        let items = items.map_or("unknown".to_string(), count);
        format!("\"{file}\" of {}, load {load}, shared items: {items}", day(*uploaded))
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_held_by_what_it_would_overwrite_or_by_what_nobody_knows() {
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
        let said = |newer: &Newer| newer.hold(&load(2)).map(|tripped| tripped.message);
        assert_eq!(said(&newer(0, vec![])), None);
        assert_eq!(
            said(&newer(1_212, vec![newer_load(Some(1_212))])).unwrap(),
            "This file was uploaded on 5 Jan 2026, 09:30 UTC. Newer files have been loaded since, and loading this one now \
             would put older values in place of theirs (1,212 items): \"uploads/june.xlsx\" of 3 Jun 2026, 08:00 UTC, load \
             0123456789abcdef.7, shared items: 1,212."
        );
        let unknown = said(&newer(0, vec![newer_load(None)])).unwrap();
        assert!(unknown.contains("the plans of newer loads are no longer kept (\"uploads/june.xlsx\""), "{unknown}");
        let known = said(&newer(3, vec![newer_load(None), newer_load(Some(3))])).unwrap();
        assert!(known.contains("(3 items)") && known.contains("shared items: unknown"), "{known}");
        let many = said(&Newer { too_many: true, ..newer(0, vec![]) }).unwrap();
        assert!(many.contains("more than 0 newer files have been loaded since"), "{many}");
        let restored = said(&Newer { ledger_is_younger: true, ..newer(0, vec![]) }).unwrap();
        assert!(restored.contains("ledger was created or restored after that"), "{restored}");
    }
}
