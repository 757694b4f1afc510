//! The table itself: its capacity and counts, behind one lock that is held briefly. Its items are in `items.rs`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::answer::Refusal;
use crate::capacity::Capacity;
use crate::counts::{Counts, CountsReport};
use crate::settings::Settings;

#[derive(Debug)]
pub struct Table {
    pub settings: Settings,
    /// What distinguishes a table that is kept in a file from a later one of the same name.
    pub identity: Option<Identity>,
    state: Mutex<State>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
}

#[derive(Debug)]
pub struct State {
    pub writes: Capacity,
    pub reads: Capacity,
    pub counts: Counts,
}

impl Table {
    pub fn new(settings: Settings, identity: Option<Identity>, now: Instant) -> Table {
        let state = Mutex::new(State::new(&settings, now));
        Table { settings, identity, state }
    }

    /// Refuses the name of another table.
    pub fn check_name(&self, name: &str) -> Result<(), Refusal> {
        match &self.settings.name {
            Some(ours) if ours != name => Err(Refusal::unknown_table()),
            _ => Ok(()),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn counts(&self) -> CountsReport {
        let state = self.state();
        state.counts.report(&state.writes.table)
    }

    /// Restores the initial state, including the capacity, with the start time now.
    pub fn reset(&self, now: Instant) {
        *self.state() = State::new(&self.settings, now);
    }

    /// Changes the capacities that are given.
    pub fn change_capacity(&self, write: Option<u64>, read: Option<u64>, now: Instant) {
        let mut state = self.state();
        if let Some(rate) = write {
            state.writes.table.change_rate(rate, now);
        }
        if let Some(rate) = read {
            state.reads.table.change_rate(rate, now);
        }
    }
}

impl State {
    fn new(settings: &Settings, now: Instant) -> State {
        State {
            writes: Capacity::new(settings.write_limits(), now),
            reads: Capacity::new(settings.read_limits(), now),
            counts: Counts::new(now),
        }
    }
}

#[cfg(test)]
impl Table {
    /// Returns a table with these command-line arguments, without items, and its start time.
    pub fn with(words: &str) -> (Table, Instant) {
        let start = Instant::now();
        let words = std::iter::once("simulated-table").chain(words.split_whitespace());
        (Table::new(clap::Parser::parse_from(words), None, start), start)
    }
}
