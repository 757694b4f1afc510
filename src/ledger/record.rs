//! A load's record: what is loaded, how far it is, how it ended; and the one table of what may happen to it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::LedgerError;
use crate::event::{Approval, LoadId, Undo, Upload};

/// Where a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its plan is not kept yet; nothing has been written.
    Planning,
    /// Its plan is kept; `chunks_done` of `chunks_total` are written.
    Writing,
    /// It is over, and `ending` says how.
    Ended,
}

/// What happens to a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A run takes it up.
    Start,
    /// Its plan is kept.
    Planned,
    /// More of its chunks are written.
    Checkpoint,
    /// It is over.
    End,
}

/// All that may happen to a load. The conditions of every write are made from this.
pub const TRANSITIONS: [(Option<State>, Step, State); 7] = [
    (None, Step::Start, State::Planning),
    (Some(State::Planning), Step::Start, State::Planning),
    (Some(State::Writing), Step::Start, State::Writing),
    (Some(State::Planning), Step::Planned, State::Writing),
    (Some(State::Writing), Step::Checkpoint, State::Writing),
    // Refused, held, removed, a dry run: no plan to write.
    (Some(State::Planning), Step::End, State::Ended),
    (Some(State::Writing), Step::End, State::Ended),
];

impl State {
    const ALL: [State; 3] = [State::Planning, State::Writing, State::Ended];

    /// As it is written down.
    pub fn name(self) -> &'static str {
        match self {
            State::Planning => "planning",
            State::Writing => "writing",
            State::Ended => "ended",
        }
    }
}

impl Step {
    /// As it is logged.
    pub fn name(self) -> &'static str {
        match self {
            Step::Start => "start",
            Step::Planned => "planned",
            Step::Checkpoint => "checkpoint",
            Step::End => "end",
        }
    }
}

/// What the ledger knows of one load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRecord {
    pub load: LoadId,
    pub upload: Upload,
    /// The inventory table it writes to, for good: the plan is made for that one.
    pub table: String,
    pub state: State,
    /// The request that took it up last, and under which epoch of the table's lease.
    pub owner: String,
    pub epoch: u64,
    /// How often it was taken up, and how often since it last got anywhere.
    pub starts: u64,
    pub starts_without_progress: u64,
    /// Zero until it is planned.
    pub chunks_total: u32,
    /// The finished prefix of the plan's chunks, in the order of writing.
    pub chunks_done: u32,
    /// Where it loads again what was held: who approved that, and when.
    pub approval: Option<Approval>,
    /// Where it takes back what another load wrote: which, who wanted that, and when.
    pub undo: Option<Undo>,
    pub ending: Option<String>,
    pub summary: Option<serde_json::Value>,
    pub started: Timestamp,
    pub updated: Timestamp,
}

/// An item of the ledger, being read.
pub(super) struct Reading<'a> {
    pub key: &'a str,
    pub attributes: &'a HashMap<String, AttributeValue>,
}

impl Reading<'_> {
    pub fn load_record(&self) -> Result<LoadRecord, LedgerError> {
        Ok(LoadRecord {
            load: self.parsed("load", LoadId::parse)?,
            upload: self.parsed("upload", |json| serde_json::from_str(json).ok())?,
            table: self.text("table")?.to_string(),
            state: self.parsed("state", |name| State::ALL.into_iter().find(|state| state.name() == name))?,
            owner: self.text("owner")?.to_string(),
            epoch: self.number("epoch")?,
            starts: self.number("starts")?,
            starts_without_progress: self.number("starts_without_progress")?,
            chunks_total: self.number("chunks_total")?,
            chunks_done: self.number("chunks_done")?,
            approval: self.optional("approval", |json| serde_json::from_str(json).ok())?,
            undo: self.optional("undo", |json| serde_json::from_str(json).ok())?,
            ending: self.optional("ending", |name| Some(name.to_string()))?,
            summary: self.optional("summary", |json| serde_json::from_str(json).ok())?,
            started: self.parsed("started", |time| time.parse().ok())?,
            updated: self.parsed("updated", |time| time.parse().ok())?,
        })
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

    fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, LedgerError> {
        parse(self.text(name)?).ok_or_else(|| self.unreadable(name))
    }

    fn text(&self, name: &'static str) -> Result<&str, LedgerError> {
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
    fn every_step_but_a_start_leads_to_one_state_and_an_ending_is_final() {
        for step in [Step::Planned, Step::Checkpoint, Step::End] {
            let mut targets: Vec<State> =
                TRANSITIONS.iter().filter(|(_, s, _)| *s == step).map(|(.., target)| *target).collect();
            targets.dedup();
            assert_eq!(targets.len(), 1, "{step:?}");
        }
        for (from, step, to) in TRANSITIONS {
            assert_ne!(from, Some(State::Ended), "{step:?}");
            // Taking a load up changes nothing about where it is.
            assert!(step != Step::Start || to == from.unwrap_or(State::Planning));
            assert!(from.is_some() || step == Step::Start);
        }
    }

    #[test]
    fn an_item_that_is_not_a_record_is_named() {
        let attributes = HashMap::from([
            ("load".to_string(), AttributeValue::S("0123456789abcdef".into())),
            ("upload".to_string(), AttributeValue::S("{}".into())),
        ]);
        let error = Reading { key: "load#x", attributes: &attributes }.load_record().unwrap_err();
        assert!(matches!(error, LedgerError::Unreadable { attribute: "upload", .. }), "{error}");
    }
}
