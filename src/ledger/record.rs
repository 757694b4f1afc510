//! The record of a load: what is loaded, how far it is and how it ended; and the table of its state transitions.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::outage::Outage;
use super::queue_position::QueuePosition;
use inventory_base::decision::{Decision, FollowUp, Undo};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// The state of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waiting for its turn; no run is working on it.
    Queued,
    /// The plan is being made; nothing has been written.
    Planning,
    /// The plan is being written; `chunks_done` of `chunks_total` are done.
    Writing,
    /// Ended; `ending` says how, and is always there.
    Ended,
}

/// A step that changes the state of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The load is announced while another load has the table.
    Queue,
    /// A run starts or continues it.
    Start,
    /// It goes back into the queue for a load whose upload is older. Only before anything is written.
    GiveWay,
    /// More of its plan is stored.
    Progress,
    /// Its plan is complete.
    Planned,
    /// More of its chunks are written.
    Checkpoint,
    /// It ends.
    End,
    /// It ends before it has begun.
    Drop,
}

/// All transitions of a load. The conditions of all writes are made from this table.
pub const TRANSITIONS: [(Option<State>, Step, State); 15] = [
    (None, Step::Queue, State::Queued),
    (Some(State::Queued), Step::Queue, State::Queued),
    (None, Step::Start, State::Planning),
    (Some(State::Queued), Step::Start, State::Planning),
    (Some(State::Planning), Step::Start, State::Planning),
    (Some(State::Writing), Step::Start, State::Writing),
    (Some(State::Planning), Step::GiveWay, State::Queued),
    (Some(State::Planning), Step::Progress, State::Planning),
    (Some(State::Planning), Step::Planned, State::Writing),
    // A run was killed before it could store the plan; the next one makes it again.
    (Some(State::Writing), Step::Planned, State::Writing),
    (Some(State::Writing), Step::Checkpoint, State::Writing),
    // Refused, held, removed or stopped: there is no plan to write.
    (Some(State::Planning), Step::End, State::Ended),
    (Some(State::Writing), Step::End, State::Ended),
    (None, Step::Drop, State::Ended),
    (Some(State::Queued), Step::Drop, State::Ended),
];

impl State {
    const ALL: [State; 4] = [State::Queued, State::Planning, State::Writing, State::Ended];

    /// The name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Planning => "planning",
            State::Writing => "writing",
            State::Ended => "ended",
        }
    }

    /// Whether a run has started the load, and it has not ended.
    pub fn is_begun(self) -> bool {
        matches!(self, State::Planning | State::Writing)
    }
}

impl Step {
    /// The name in logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Step::Queue => "queue",
            Step::Start => "start",
            Step::GiveWay => "give way",
            Step::Progress => "progress",
            Step::Planned => "planned",
            Step::Checkpoint => "checkpoint",
            Step::End => "end",
            Step::Drop => "drop",
        }
    }
}

/// Why a load has to stop early. The load's next step finds this in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// A newer version of the same upload is to be loaded.
    Superseded { by: LoadId },
    /// A person cancelled it.
    Cancelled { by: String },
    /// An older upload arrived late and goes first, as long as nothing has been written.
    GiveWay { to: LoadId },
}

impl Stop {
    pub(super) const GIVE_WAY: &str = "give-way";
    const SUPERSEDED: &str = "superseded";
    const CANCELLED: &str = "cancelled";

    /// The kind, as stored in the ledger, and the load or person that caused it.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Stop::Superseded { by } => (Self::SUPERSEDED, by.as_str()),
            Stop::Cancelled { by } => (Self::CANCELLED, by),
            Stop::GiveWay { to } => (Self::GIVE_WAY, to.as_str()),
        }
    }

    pub(super) fn of_parts(kind: &str, by: &str) -> Option<Stop> {
        match kind {
            Self::SUPERSEDED => Some(Stop::Superseded { by: LoadId::parse(by)? }),
            Self::CANCELLED => Some(Stop::Cancelled { by: by.to_string() }),
            Self::GIVE_WAY => Some(Stop::GiveWay { to: LoadId::parse(by)? }),
            _ => None,
        }
    }
}

/// What the ledger knows of one load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRecord {
    pub load: LoadId,
    pub upload: Upload,
    /// The inventory table it writes to. It never changes, since the plan is made for that table.
    pub table: String,
    /// Its position among the loads into that table.
    pub position: QueuePosition,
    /// Whether it counts as this version of the upload.
    pub is_version: bool,
    /// Where its plan and report are kept, if known.
    pub kept_in: Option<String>,
    pub state: State,
    /// The request that last started or continued it.
    pub owner: String,
    /// The epoch of that request's lease; 0 before the first.
    pub epoch: u64,
    /// How many runs have started or continued it, in total and since its last progress.
    pub starts: u64,
    pub starts_without_progress: u64,
    /// 0 until it is planned.
    pub chunks_total: u32,
    /// The number of chunks that are written, in the order of writing and without a gap.
    pub chunks_done: u32,
    pub stop: Option<Stop>,
    /// For a reload: which load is reloaded, who asked for that, and when.
    pub again: Option<Decision>,
    /// For an undo: which load is undone, who asked for that, and when.
    pub undo: Option<Undo>,
    pub ending: Option<Ending>,
    pub summary: Option<serde_json::Value>,
    /// The temporary faults since its last progress.
    pub outage: Option<Outage>,
    /// What happened to it after it had ended, in order.
    pub later: Vec<FollowUp>,
    pub started: Timestamp,
    pub updated: Timestamp,
}

impl LoadRecord {
    /// Whether every chunk is written, so that only verifying and reporting are left.
    pub fn is_written(&self) -> bool {
        self.state == State::Writing && self.chunks_done >= self.chunks_total
    }
}

/// Reads the attributes of an item of the ledger.
pub(super) struct ItemReader<'a> {
    pub key: &'a str,
    pub attributes: &'a HashMap<String, AttributeValue>,
}

impl ItemReader<'_> {
    pub fn load_record(&self) -> Result<LoadRecord, LedgerError> {
        let state = self.parsed("state", |name| State::ALL.into_iter().find(|state| state.name() == name))?;
        let ending = self.optional("ending", Ending::parse)?;
        if state == State::Ended && ending.is_none() {
            return Err(self.unreadable("ending"));
        }
        Ok(LoadRecord {
            load: self.parsed("load", LoadId::parse)?,
            upload: self.parsed("upload", |json| serde_json::from_str(json).ok())?,
            table: self.text("table")?.to_string(),
            position: self.parsed("place", QueuePosition::parse)?,
            is_version: self.attributes.get("is_version").and_then(|flag| flag.as_bool().ok()) != Some(&false),
            kept_in: self.optional("kept_in", |kept_in| Some(kept_in.to_string()))?,
            state,
            owner: self.text("owner")?.to_string(),
            epoch: self.number("epoch")?,
            starts: self.number("starts")?,
            starts_without_progress: self.number("starts_without_progress")?,
            chunks_total: self.number("chunks_total")?,
            chunks_done: self.number("chunks_done")?,
            stop: self.stop()?,
            again: self.optional("again", |json| serde_json::from_str(json).ok())?,
            undo: self.optional("undo", |json| serde_json::from_str(json).ok())?,
            ending,
            summary: self.optional("summary", |json| serde_json::from_str(json).ok())?,
            outage: self.optional("outage", |json| serde_json::from_str(json).ok())?,
            later: self.later()?,
            started: self.parsed("started", |time| time.parse().ok())?,
            updated: self.parsed("updated", |time| time.parse().ok())?,
        })
    }

    pub fn stop(&self) -> Result<Option<Stop>, LedgerError> {
        match self.attributes.get("stop_by").and_then(|by| by.as_s().ok()) {
            Some(by) => self.optional("stop", |kind| Stop::of_parts(kind, by)),
            None => Ok(None),
        }
    }

    fn later(&self) -> Result<Vec<FollowUp>, LedgerError> {
        let Some(list) = self.attributes.get("later") else { return Ok(Vec::new()) };
        let list = list.as_l().map_err(|_| self.unreadable("later"))?;
        let parse = |value: &AttributeValue| serde_json::from_str(value.as_s().ok()?).ok();
        list.iter().map(|value| parse(value).ok_or_else(|| self.unreadable("later"))).collect()
    }

    pub fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, LedgerError> {
        let digits = self.attributes.get(name).and_then(|value| value.as_n().ok());
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| self.unreadable(name))
    }

    pub fn optional<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, LedgerError> {
        if self.attributes.contains_key(name) { self.parsed(name, parse).map(Some) } else { Ok(None) }
    }

    pub fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, LedgerError> {
        parse(self.text(name)?).ok_or_else(|| self.unreadable(name))
    }

    pub fn text(&self, name: &'static str) -> Result<&str, LedgerError> {
        let text = self.attributes.get(name).and_then(|value| value.as_s().ok());
        text.map(String::as_str).ok_or_else(|| self.unreadable(name))
    }

    fn unreadable(&self, attribute: &'static str) -> LedgerError {
        LedgerError::Unreadable { key: self.key.to_string(), attribute }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_except_start_leads_to_one_state_and_ended_is_final() {
        for step in [Step::Queue, Step::GiveWay, Step::Progress, Step::Planned, Step::Checkpoint, Step::End, Step::Drop]
        {
            let mut targets: Vec<State> =
                TRANSITIONS.iter().filter(|(_, s, _)| *s == step).map(|(.., target)| *target).collect();
            targets.dedup();
            assert_eq!(targets.len(), 1, "{step:?}");
        }
        for (from, step, to) in TRANSITIONS {
            assert_ne!(from, Some(State::Ended), "{step:?}");
            // A start doesn't change how far a load is.
            assert!(step != Step::Start || to == from.filter(|from| from.is_begun()).unwrap_or(State::Planning));
            assert!(from.is_some() || matches!(step, Step::Queue | Step::Start | Step::Drop));
        }
    }

    #[test]
    fn an_unreadable_record_is_reported_with_the_attribute() {
        assert_eq!(unreadable(&[("state", "planning"), ("load", "0123456789abcdef"), ("upload", "{}")]), "upload");
        assert_eq!(unreadable(&[("state", "ended"), ("load", "0123456789abcdef")]), "ending");
    }

    fn unreadable(attributes: &[(&str, &str)]) -> &'static str {
        let attributes =
            attributes.iter().map(|(name, value)| (name.to_string(), AttributeValue::S(value.to_string()))).collect();
        match (ItemReader { key: "load#x", attributes: &attributes }).load_record() {
            Err(LedgerError::Unreadable { attribute, .. }) => attribute,
            other => panic!("{other:?}"),
        }
    }
}
