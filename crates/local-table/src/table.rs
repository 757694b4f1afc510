//! The table itself: its capacity, items and counts, behind one lock that is held briefly.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::value::RawValue;

use crate::capacity::Capacity;
use crate::counts::{Counts, CountsReport};
use crate::request::Key;
use crate::settings::Settings;

#[derive(Debug)]
pub struct Table {
    pub settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
pub struct State {
    pub writes: Capacity,
    pub reads: Capacity,
    pub kept: BTreeMap<Key<'static>, Box<RawValue>>,
    pub counts: Counts,
}

impl Table {
    pub fn new(settings: Settings, now: Instant) -> Table {
        let state = Mutex::new(State::new(&settings, now));
        Table { settings, state }
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
            kept: BTreeMap::new(),
            counts: Counts::new(now),
        }
    }
}

#[cfg(test)]
impl Table {
    /// Returns a table with these command-line arguments, and its start time.
    pub fn with(words: &str) -> (Table, Instant) {
        let start = Instant::now();
        let words = std::iter::once("simulated-table").chain(words.split_whitespace());
        (Table::new(clap::Parser::parse_from(words), start), start)
    }
}
