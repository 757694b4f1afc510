//! Any history of loads, against a model of the ledger that fits on a page: after each step both say the same of every
//! load, and of who should run.

use std::collections::BTreeMap;

use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{Announced, IfBusy, Lease, LedgerError, LoadRecord, State, Stop, Turn};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Own, upload};
use crate::harness::holds;

const LOADS: usize = 6;
const CHUNKS: u32 = 2;

/// Three files in two versions each. Their events come in another order than their versions.
fn upload_of(load: usize) -> Upload {
    let (file, version) = (load / 2, load % 2);
    let minute = [3, 9, 5, 1, 4, 7][load];
    Upload {
        version: Some(version.to_string()),
        sequencer: Some(format!("0055{version}")),
        time: Some(format!("2026-10-03T08:0{minute}:00.000Z")),
        ..upload(&format!("{file}.xlsx"))
    }
}

fn announced(load: usize) -> Announced {
    let upload = upload_of(load);
    Announced::upload(&LoadId::of(&upload), &upload, "stock")
}

/// Earlier events first.
fn place(load: usize) -> usize {
    [1, 5, 3, 0, 2, 4][load]
}

/// What happens. A step of a run is one of whoever has the turn.
#[derive(Debug, Clone)]
enum Happens {
    /// S3 announces it, for the first time or again, to this request.
    Event(usize, u8),
    /// Whoever should run is asked to.
    Next,
    Progress,
    Planned,
    Checkpoint,
    End,
    GiveWay,
    HandOver,
    /// The same request comes back after its run was killed.
    Retry,
    Cancel(usize),
    Drop(usize),
}

/// What an event, or being asked, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Ours,
    Duplicate,
    Queued,
    Outdated,
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Superseded,
    Cancelled,
    GiveWay,
}

#[derive(Debug, Clone, Default)]
struct Load {
    state: Option<State>,
    chunks: u32,
    without_progress: u64,
    stop: Option<Asked>,
}

#[derive(Debug, Clone, Default)]
struct Model {
    loads: [Load; LOADS],
    /// Who has the turn, and for which request it is kept; for none in particular after a hand-over.
    holder: Option<(usize, Option<u8>)>,
    newest: BTreeMap<usize, usize>,
}

impl Model {
    fn waiting(&self) -> Option<usize> {
        let waits = |load: &usize| self.loads[*load].state == Some(State::Queued);
        (0..LOADS).filter(waits).min_by_key(|load| place(*load))
    }

    fn next(&self) -> Option<usize> {
        if self.holder.is_some() { None } else { self.waiting() }
    }

    fn holding(&self) -> Option<&Load> {
        self.holder.map(|(load, _)| &self.loads[load])
    }

    fn ask(&mut self, load: usize, request: u8) -> Told {
        let is_begun = self.loads[load].state.is_some_and(State::is_begun);
        if self.loads[load].state == Some(State::Ended) {
            return Told::Ended;
        }
        if !is_begun {
            let newest = self.newest.entry(load / 2).or_insert(load);
            if *newest > load {
                return Told::Outdated;
            }
            *newest = load;
        }
        match self.holder {
            None if self.waiting().is_some_and(|first| place(first) < place(load)) => self.queue(load),
            None => self.take(load, request),
            Some((holder, owner)) if holder == load => match owner {
                Some(owner) if owner != request => Told::Duplicate,
                _ => self.take(load, request),
            },
            Some((holder, _)) => {
                let held = &mut self.loads[holder];
                let open = matches!(held.stop, None | Some(Asked::GiveWay));
                if holder / 2 == load / 2 && holder < load {
                    held.stop = if open { Some(Asked::Superseded) } else { held.stop.take() };
                } else if place(load) < place(holder) && held.state == Some(State::Planning) && open {
                    held.stop = Some(Asked::GiveWay);
                }
                self.queue(load)
            }
        }
    }

    fn queue(&mut self, load: usize) -> Told {
        self.loads[load].state = Some(State::Queued);
        Told::Queued
    }

    fn take(&mut self, load: usize, request: u8) -> Told {
        self.holder = Some((load, Some(request)));
        let load = &mut self.loads[load];
        load.state = load.state.filter(|state| state.is_begun()).or(Some(State::Planning));
        load.without_progress += 1;
        Told::Ours
    }

    /// Does what happens, as far as it can happen now.
    fn happen(&mut self, what: &Happens) {
        match what {
            Happens::Event(load, request) => {
                self.ask(*load, *request);
            }
            Happens::Next => {
                if let Some(load) = self.next() {
                    self.ask(load, 0);
                }
            }
            Happens::Retry => {
                if let Some((load, owner)) = self.holder {
                    self.ask(load, owner.unwrap_or_default());
                }
            }
            Happens::Cancel(load) => {
                let load = &mut self.loads[*load];
                if load.state.is_some_and(State::is_begun) && matches!(load.stop, None | Some(Asked::GiveWay)) {
                    load.stop = Some(Asked::Cancelled);
                }
            }
            Happens::Drop(load) => {
                let load = &mut self.loads[*load];
                if matches!(load.state, None | Some(State::Queued)) {
                    load.state = Some(State::Ended);
                }
            }
            step => self.step(step),
        }
    }

    fn step(&mut self, step: &Happens) {
        let Some((holder, Some(_))) = self.holder else { return };
        let load = &mut self.loads[holder];
        let goes_on = load.stop.is_none();
        match (step, load.state) {
            (Happens::Progress, Some(State::Planning)) if goes_on => load.without_progress = 0,
            (Happens::Planned, Some(State::Planning)) if goes_on => {
                (load.state, load.without_progress) = (Some(State::Writing), 0);
            }
            (Happens::Checkpoint, Some(State::Writing)) if goes_on && load.chunks < CHUNKS => {
                (load.chunks, load.without_progress) = (load.chunks + 1, 0);
            }
            (Happens::GiveWay, Some(State::Planning)) => {
                (load.state, load.stop, load.without_progress) = (Some(State::Queued), None, 0);
                self.holder = None;
            }
            (Happens::End, _) => {
                load.state = Some(State::Ended);
                self.holder = None;
            }
            (Happens::HandOver, _) => self.holder = Some((holder, None)),
            _ => {}
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Happens;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Happens> {
        prop_oneof![
            6 => (0..LOADS, 0..2u8).prop_map(|(load, request)| Happens::Event(load, request)),
            4 => Just(Happens::Next),
            1 => Just(Happens::Progress),
            4 => Just(Happens::Planned),
            4 => Just(Happens::Checkpoint),
            4 => Just(Happens::End),
            2 => Just(Happens::GiveWay),
            1 => Just(Happens::HandOver),
            1 => Just(Happens::Retry),
            1 => (0..LOADS).prop_map(Happens::Cancel),
            1 => (0..LOADS).prop_map(Happens::Drop),
        ]
        .boxed()
    }

    fn apply(mut model: Model, what: &Happens) -> Model {
        model.happen(what);
        model
    }
}

/// The ledger itself, with the turn that was taken last.
struct Real {
    runtime: Runtime,
    own: Option<Own>,
    turn: Option<(Lease, Box<LoadRecord>, u8)>,
    before: Model,
}

impl Real {
    fn own(&self) -> &Own {
        self.own.as_ref().expect("a ledger")
    }

    fn ask(&mut self, load: usize, request: u8) {
        let told = self.before.clone().ask(load, request);
        let (known, name) = (announced(load), request.to_string());
        let asked = self.own().ledger.take_turn(&known, &name, IfBusy::Queue);
        let turn = self.runtime.block_on(asked).expect("an answer");
        let real = match &turn {
            Turn::Ours(..) => Told::Ours,
            Turn::Duplicate => Told::Duplicate,
            Turn::Queued { .. } => Told::Queued,
            Turn::Outdated(..) => Told::Outdated,
            Turn::Ended(_) => Told::Ended,
            Turn::Busy { load } => panic!("load {load} is in the way"),
        };
        assert_eq!(real, told, "load {load}");
        if let Turn::Ours(lease, record) = turn {
            self.turn = Some((lease, record, request));
        }
    }

    fn step(&mut self, step: &Happens) {
        let Some((lease, record, _)) = self.turn.take_if(|_| true) else { return };
        let (model, ledger) = (&self.before, &self.own().ledger);
        let Some((_, Some(_))) = model.holder else { return };
        let held = model.holding().expect("who has the turn").clone();
        let (done, may): (Result<(), LedgerError>, bool) = self.runtime.block_on(async {
            let goes_on = held.stop.is_none();
            let (planning, writing) = (held.state == Some(State::Planning), held.state == Some(State::Writing));
            match step {
                Happens::Progress => (ledger.progress(&lease).await, planning && goes_on),
                // Not once more: that is for a run that finds no plan.
                Happens::Planned if writing => (Ok(()), true),
                Happens::Planned => (ledger.planned(&lease, &record, CHUNKS).await, goes_on),
                Happens::Checkpoint => {
                    let chunks = held.chunks + 1;
                    (ledger.checkpoint(&lease, chunks).await, writing && goes_on && chunks <= CHUNKS)
                }
                Happens::GiveWay if planning => (ledger.give_way(&lease, &record.place).await, true),
                Happens::End => (ledger.end(&lease, "key", "done", json!({}), None).await, true),
                Happens::HandOver => (ledger.hand_over(&lease).await, true),
                _ => (Ok(()), true),
            }
        });
        assert_eq!(done.is_ok(), may, "{step:?} of {held:?}: {done:?}");
        if let Err(LedgerError::Stopped { .. }) = done {
            assert!(held.stop.is_some());
        }
        if lease.is_live() {
            self.turn = Some((lease, record, 0));
        }
    }

    fn check(&self, model: &Model) {
        let ledger = &self.own().ledger;
        self.runtime.block_on(async {
            for (load, expected) in model.loads.iter().enumerate() {
                let record = ledger.read(&announced(load).load).await.expect("an answer");
                let (real, state) = (record.as_ref(), record.as_ref().map(|record| record.state));
                assert_eq!(state, expected.state, "load {load}");
                let Some(real) = real else { continue };
                let stop = real.stop.as_ref().map(|stop| match stop {
                    Stop::Superseded { .. } => Asked::Superseded,
                    Stop::Cancelled { .. } => Asked::Cancelled,
                    Stop::GiveWay { .. } => Asked::GiveWay,
                });
                assert_eq!((real.chunks_done, stop), (expected.chunks, expected.stop.clone()), "load {load}");
                assert_eq!(real.starts_without_progress, expected.without_progress, "load {load}");
            }
            let next = ledger.who_should_run("stock").await.expect("an answer");
            assert_eq!(next, model.next().map(|load| announced(load).load));
        });
    }
}

impl StateMachineTest for Real {
    type SystemUnderTest = Real;
    type Reference = Model;

    fn init_test(_: &Model) -> Real {
        let runtime = Runtime::new().expect("threads");
        let own = Some(runtime.block_on(Own::ledger()));
        Real { runtime, own, turn: None, before: Model::default() }
    }

    fn apply(mut real: Real, after: &Model, what: Happens) -> Real {
        match &what {
            Happens::Event(load, request) => real.ask(*load, *request),
            Happens::Next => {
                if let Some(load) = real.before.next() {
                    real.ask(load, 0);
                }
            }
            Happens::Retry => {
                if let Some((load, owner)) = real.before.holder {
                    real.ask(load, owner.unwrap_or_default());
                }
            }
            Happens::Cancel(load) => {
                let (known, stop) = (announced(*load), Stop::Cancelled { by: "Erika".into() });
                let asked = real.own().ledger.ask_to_stop(&known.load, &stop);
                let asked = real.runtime.block_on(asked).expect("an answer");
                assert_eq!(asked, after.loads[*load].stop != real.before.loads[*load].stop, "{what:?}");
            }
            Happens::Drop(load) => {
                let known = announced(*load);
                let dropped = real.own().ledger.drop_load(&known, "superseded", "");
                let dropped = real.runtime.block_on(dropped).expect("an answer");
                assert_eq!(dropped, after.loads[*load].state != real.before.loads[*load].state, "{what:?}");
            }
            step => real.step(step),
        }
        real.check(after);
        real.before = after.clone();
        real
    }

    fn teardown(mut real: Real, _: Model) {
        if let Some(own) = real.own.take() {
            real.runtime.block_on(own.delete());
        }
    }
}

#[test]
fn any_history_of_loads_goes_as_the_model_says() {
    let histories = Model::sequential_strategy(1..40usize);
    holds(6, histories, |(model, happens, seen)| {
        Real::test_sequential(ProptestConfig::default(), model, happens, seen);
        Ok(())
    });
}
