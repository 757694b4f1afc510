//! What taking, keeping and giving back a turn change in the ledger, and under which conditions.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::lease::{Lease, LeaseRecord};
use super::record::{Step, TRANSITIONS};
use super::write::{Change, Key, number, text};
use crate::event::{LoadId, Upload};
use crate::plan::LastLoad;

/// A record outlives its load by a year; DynamoDB then deletes it by itself (attribute `expires`).
const KEPT_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Taken only as it was read: not if its holder has renewed it since, however late.
pub(super) fn lease_taken(lease: &Lease, found: Option<&LeaseRecord>, expiry: u64) -> Change {
    let mut values = vec![
        ("load", text(lease.load.as_str())),
        ("owner", text(&lease.owner)),
        ("epoch", number(lease.epoch)),
        ("expires_at", number(expiry)),
    ];
    let condition = match found {
        None => "attribute_not_exists(#epoch)",
        Some(found) => {
            values.push(("found_epoch", number(found.epoch)));
            values.push(("found_expires_at", number(found.expires_at)));
            "#epoch = :found_epoch AND #expires_at = :found_expires_at"
        }
    };
    Change {
        key: Key::lease(&lease.table),
        update: "SET #load = :load, #owner = :owner, #epoch = :epoch, #expires_at = :expires_at".into(),
        condition: condition.into(),
        values,
    }
}

/// The owner is part of the condition, so that a late heartbeat cannot take back what was freed or handed over.
pub(super) fn lease_renewed(lease: &Lease, expiry: u64) -> Change {
    Change {
        key: Key::lease(&lease.table),
        update: "SET #expires_at = :expires_at".into(),
        condition: "#epoch = :epoch AND #owner = :owner".into(),
        values: vec![("expires_at", number(expiry)), ("epoch", number(lease.epoch)), ("owner", text(&lease.owner))],
    }
}

/// Free from now on. The epoch stays, and what was loaded is remembered for the next load to be compared with.
pub(super) fn lease_freed(lease: &Lease, loaded: Option<&LastLoad>) -> Change {
    let mut change = lease_renewed(lease, 0);
    if let Some(loaded) = loaded {
        change.update.push_str(", #last = :last");
        change.values.push(("last", text(&serde_json::json!(loaded).to_string())));
    }
    change.update.push_str(" REMOVE #load, #owner");
    change
}

/// For whichever run continues the load.
pub(super) fn lease_handed_over(lease: &Lease, expiry: u64) -> Change {
    let mut change = lease_renewed(lease, expiry);
    change.update.push_str(" REMOVE #owner");
    change
}

/// Somebody's word that made a load, and the attribute it is written down as.
pub(super) type Word = (&'static str, serde_json::Value);

pub(super) fn load_taken(lease: &Lease, upload: &Upload, word: Option<&Word>, now: u64) -> Change {
    let change = LoadChange {
        step: Step::Start,
        set: "#load = :load, #upload = :upload, #table = :table, \
              #owner = :owner, #epoch = :epoch, #started = if_not_exists(#started, :now), \
              #chunks_total = if_not_exists(#chunks_total, :zero), \
              #chunks_done = if_not_exists(#chunks_done, :zero), \
              #starts = if_not_exists(#starts, :zero) + :one, \
              #starts_without_progress = if_not_exists(#starts_without_progress, :zero) + :one",
        and: "",
        values: vec![
            ("load", text(lease.load.as_str())),
            ("upload", text(&serde_json::json!(upload).to_string())),
            ("table", text(&lease.table)),
            ("owner", text(&lease.owner)),
            ("epoch", number(lease.epoch)),
            ("zero", number(0u32)),
            ("one", number(1u32)),
        ],
    };
    let mut change = change.of(&lease.load, now);
    if let Some((name, word)) = word {
        change.update.push_str(&format!(", #{name} = if_not_exists(#{name}, :{name})"));
        change.values.push((name, text(&word.to_string())));
    }
    change
}

/// What a step changes in a load's record, besides what every step does.
pub(super) struct LoadChange {
    pub step: Step,
    pub set: &'static str,
    pub and: &'static str,
    pub values: Vec<(&'static str, AttributeValue)>,
}

impl LoadChange {
    pub fn of(self, load: &LoadId, now: u64) -> Change {
        let mut values = self.values;
        let mut allowed = Vec::new();
        let mut target = String::new();
        for (from, _, to) in TRANSITIONS.into_iter().filter(|(_, step, _)| *step == self.step) {
            match from {
                // A step that can be the first leaves every later state as it is.
                None => {
                    allowed.push("attribute_not_exists(#state)".to_string());
                    target = format!("if_not_exists(#state, :{})", to.name());
                }
                Some(from) => {
                    allowed.push(format!("#state = :{}", from.name()));
                    if target.is_empty() {
                        target = format!(":{}", to.name());
                    }
                }
            }
            values.extend(from.into_iter().chain([to]).map(|state| (state.name(), text(state.name()))));
        }
        let time = i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()).unwrap_or_default();
        values.push(("now", text(&time.to_string())));
        values.push(("expires", number(now / 1_000 + KEPT_SECONDS)));
        Change {
            key: Key::load(load),
            update: format!("SET #state = {target}, {}, #updated = :now, #expires = :expires", self.set),
            condition: format!("({}){}", allowed.join(" OR "), self.and),
            values,
        }
    }
}
