//! Compares the ledger with a short model for random histories of loads: after each action both agree on the state of
//! every load and on which load should run.

use std::collections::BTreeMap;

use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Lease, LedgerError, LoadRecord, State, Stop, Turn};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{TestLedger, upload};
use crate::harness::check_property;

const LOADS: usize = 6;
const CHUNKS: u32 = 2;

/// Returns an upload: three files in two versions each, whose events are in another order than their versions.
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

fn announced(load: usize) -> AnnouncedLoad {
    let upload = upload_of(load);
    AnnouncedLoad::from_upload(&LoadId::of(&upload), &upload, "stock")
}

/// The position of a load in the order of events.
fn position(load: usize) -> usize {
    [1, 5, 3, 0, 2, 4][load]
}

/// An action. Steps of a run are taken by the load that has the turn.
#[derive(Debug, Clone)]
enum Action {
    /// S3 sends the event of a load, for the first time or again, which this request receives.
    Event(usize, u8),
    /// The load that should run is started.
    Next,
    Progress,
    Planned,
    Checkpoint,
    End,
    GiveWay,
    HandOver,
    /// Lambda retries the same request after its run was killed.
    Retry,
    Cancel(usize),
    Drop(usize),
}

/// The outcome of a request for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    Duplicate,
    Queued,
    Outdated,
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum StopKind {
    Superseded,
    Cancelled,
    GiveWay,
}

#[derive(Debug, Clone, Default)]
struct Load {
    state: Option<State>,
    chunks: u32,
    without_progress: u64,
    stop: Option<StopKind>,
}

#[derive(Debug, Clone, Default)]
struct Model {
    loads: [Load; LOADS],
    /// The load that has the turn, and the request it is reserved for; after a hand-over any request may take it.
    holder: Option<(usize, Option<u8>)>,
    newest: BTreeMap<usize, usize>,
}

impl Load {
    /// Whether it has begun and has something left to write.
    fn can_be_stopped(&self) -> bool {
        match self.state {
            Some(State::Planning) => true,
            Some(State::Writing) => self.chunks < CHUNKS,
            _ => false,
        }
    }
}

impl Model {
    fn waiting(&self) -> Option<usize> {
        let waits = |load: &usize| self.loads[*load].state == Some(State::Queued);
        (0..LOADS).filter(waits).min_by_key(|load| position(*load))
    }

    fn next(&self) -> Option<usize> {
        if self.holder.is_some() { None } else { self.waiting() }
    }

    fn holding(&self) -> Option<&Load> {
        self.holder.map(|(load, _)| &self.loads[load])
    }

    fn request_turn(&mut self, load: usize, request: u8) -> Outcome {
        let is_begun = self.loads[load].state.is_some_and(State::is_begun);
        if self.loads[load].state == Some(State::Ended) {
            return Outcome::Ended;
        }
        if !is_begun {
            let newest = self.newest.entry(load / 2).or_insert(load);
            if *newest > load {
                return Outcome::Outdated;
            }
            *newest = load;
        }
        match self.holder {
            None if self.waiting().is_some_and(|first| position(first) < position(load)) => self.queue(load),
            None => self.take(load, request),
            Some((holder, owner)) if holder == load => match owner {
                Some(owner) if owner != request => Outcome::Duplicate,
                _ => self.take(load, request),
            },
            Some((holder, _)) => {
                let held = &mut self.loads[holder];
                let open = matches!(held.stop, None | Some(StopKind::GiveWay));
                if holder / 2 == load / 2 && holder < load && held.can_be_stopped() {
                    held.stop = if open { Some(StopKind::Superseded) } else { held.stop.take() };
                } else if position(load) < position(holder) && held.state == Some(State::Planning) && open {
                    held.stop = Some(StopKind::GiveWay);
                }
                self.queue(load)
            }
        }
    }

    fn queue(&mut self, load: usize) -> Outcome {
        self.loads[load].state = Some(State::Queued);
        Outcome::Queued
    }

    fn take(&mut self, load: usize, request: u8) -> Outcome {
        self.holder = Some((load, Some(request)));
        let load = &mut self.loads[load];
        load.state = load.state.filter(|state| state.is_begun()).or(Some(State::Planning));
        load.without_progress += 1;
        Outcome::Taken
    }

    /// Applies an action, if it is possible in the current state.
    fn act(&mut self, what: &Action) {
        match what {
            Action::Event(load, request) => {
                self.request_turn(*load, *request);
            }
            Action::Next => {
                if let Some(load) = self.next() {
                    self.request_turn(load, 0);
                }
            }
            Action::Retry => {
                if let Some((load, owner)) = self.holder {
                    self.request_turn(load, owner.unwrap_or_default());
                }
            }
            Action::Cancel(load) => {
                let load = &mut self.loads[*load];
                if load.can_be_stopped() && matches!(load.stop, None | Some(StopKind::GiveWay)) {
                    load.stop = Some(StopKind::Cancelled);
                }
            }
            Action::Drop(load) => {
                let load = &mut self.loads[*load];
                if matches!(load.state, None | Some(State::Queued)) {
                    load.state = Some(State::Ended);
                }
            }
            step => self.step(step),
        }
    }

    fn step(&mut self, step: &Action) {
        let Some((holder, Some(_))) = self.holder else { return };
        let load = &mut self.loads[holder];
        let may_continue = load.stop.is_none();
        match (step, load.state) {
            (Action::Progress, Some(State::Planning)) if may_continue => load.without_progress = 0,
            (Action::Planned, Some(State::Planning)) if may_continue => {
                (load.state, load.without_progress) = (Some(State::Writing), 0);
            }
            (Action::Checkpoint, Some(State::Writing)) if may_continue && load.chunks < CHUNKS => {
                (load.chunks, load.without_progress) = (load.chunks + 1, 0);
            }
            (Action::GiveWay, Some(State::Planning)) => {
                (load.state, load.stop, load.without_progress) = (Some(State::Queued), None, 0);
                self.holder = None;
            }
            (Action::End, _) => {
                load.state = Some(State::Ended);
                self.holder = None;
            }
            (Action::HandOver, _) => self.holder = Some((holder, None)),
            _ => {}
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Action> {
        prop_oneof![
            6 => (0..LOADS, 0..2u8).prop_map(|(load, request)| Action::Event(load, request)),
            4 => Just(Action::Next),
            1 => Just(Action::Progress),
            4 => Just(Action::Planned),
            4 => Just(Action::Checkpoint),
            4 => Just(Action::End),
            2 => Just(Action::GiveWay),
            1 => Just(Action::HandOver),
            1 => Just(Action::Retry),
            1 => (0..LOADS).prop_map(Action::Cancel),
            1 => (0..LOADS).prop_map(Action::Drop),
        ]
        .boxed()
    }

    fn apply(mut model: Model, what: &Action) -> Model {
        model.act(what);
        model
    }
}

/// The real ledger, with the turn that was taken last.
struct RealLedger {
    runtime: Runtime,
    fixture: Option<TestLedger>,
    turn: Option<(Lease, Box<LoadRecord>, u8)>,
    before: Model,
}

impl RealLedger {
    fn fixture(&self) -> &TestLedger {
        self.fixture.as_ref().expect("a ledger")
    }

    fn request_turn(&mut self, load: usize, request: u8) {
        let expected = self.before.clone().request_turn(load, request);
        let (known, name) = (announced(load), request.to_string());
        let turn = self.fixture().ledger.take_turn(&known, &name, IfBusy::Queue);
        let turn = self.runtime.block_on(turn).expect("an answer");
        let real = match &turn {
            Turn::Taken(..) => Outcome::Taken,
            Turn::Duplicate => Outcome::Duplicate,
            Turn::Queued { .. } => Outcome::Queued,
            Turn::Outdated(..) => Outcome::Outdated,
            Turn::Ended(_) => Outcome::Ended,
            Turn::Busy { load } => panic!("load {load} was not queued"),
        };
        assert_eq!(real, expected, "load {load}");
        if let Turn::Taken(lease, record) = turn {
            self.turn = Some((lease, record, request));
        }
    }

    fn step(&mut self, step: &Action) {
        let Some((lease, record, _)) = self.turn.take_if(|_| true) else { return };
        let (model, ledger) = (&self.before, &self.fixture().ledger);
        let Some((_, Some(_))) = model.holder else { return };
        let held = model.holding().expect("a load that has the turn").clone();
        let (done, may): (Result<(), LedgerError>, bool) = self.runtime.block_on(async {
            let may_continue = held.stop.is_none();
            let (planning, writing) = (held.state == Some(State::Planning), held.state == Some(State::Writing));
            match step {
                Action::Progress => (ledger.progress(&lease).await, planning && may_continue),
                // Not a second time: only a run that finds no plan does that.
                Action::Planned if writing => (Ok(()), true),
                Action::Planned => (ledger.planned(&lease, &record, CHUNKS).await, may_continue),
                Action::Checkpoint => {
                    let chunks = held.chunks + 1;
                    (ledger.checkpoint(&lease, chunks).await, writing && may_continue && chunks <= CHUNKS)
                }
                Action::GiveWay if planning => (ledger.give_way(&lease, &record.position).await, true),
                Action::End => (ledger.end(&lease, "key", Ending::Done, json!({}), None).await, true),
                Action::HandOver => (ledger.hand_over(&lease).await, true),
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
        let ledger = &self.fixture().ledger;
        self.runtime.block_on(async {
            for (load, expected) in model.loads.iter().enumerate() {
                let record = ledger.read(&announced(load).load).await.expect("an answer");
                let (real, state) = (record.as_ref(), record.as_ref().map(|record| record.state));
                assert_eq!(state, expected.state, "load {load}");
                let Some(real) = real else { continue };
                let stop = real.stop.as_ref().map(|stop| match stop {
                    Stop::Superseded { .. } => StopKind::Superseded,
                    Stop::Cancelled { .. } => StopKind::Cancelled,
                    Stop::GiveWay { .. } => StopKind::GiveWay,
                });
                assert_eq!((real.chunks_done, stop), (expected.chunks, expected.stop.clone()), "load {load}");
                assert_eq!(real.starts_without_progress, expected.without_progress, "load {load}");
            }
            let next = ledger.load_to_start("stock").await.expect("an answer");
            assert_eq!(next, model.next().map(|load| announced(load).load));
        });
    }
}

impl StateMachineTest for RealLedger {
    type SystemUnderTest = RealLedger;
    type Reference = Model;

    fn init_test(_: &Model) -> RealLedger {
        let runtime = Runtime::new().expect("threads");
        let fixture = Some(runtime.block_on(TestLedger::create()));
        RealLedger { runtime, fixture, turn: None, before: Model::default() }
    }

    fn apply(mut real: RealLedger, after: &Model, what: Action) -> RealLedger {
        match &what {
            Action::Event(load, request) => real.request_turn(*load, *request),
            Action::Next => {
                if let Some(load) = real.before.next() {
                    real.request_turn(load, 0);
                }
            }
            Action::Retry => {
                if let Some((load, owner)) = real.before.holder {
                    real.request_turn(load, owner.unwrap_or_default());
                }
            }
            Action::Cancel(load) => {
                let (known, stop) = (announced(*load), Stop::Cancelled { by: "Erika".into() });
                let stopped = real.fixture().ledger.ask_to_stop(&known.load, &stop);
                let stopped = real.runtime.block_on(stopped).expect("an answer");
                assert_eq!(stopped, after.loads[*load].stop != real.before.loads[*load].stop, "{what:?}");
            }
            Action::Drop(load) => {
                let known = announced(*load);
                let dropped = real.fixture().ledger.drop_load(&known, Ending::Superseded, "");
                let dropped = real.runtime.block_on(dropped).expect("an answer");
                assert_eq!(dropped, after.loads[*load].state != real.before.loads[*load].state, "{what:?}");
            }
            step => real.step(step),
        }
        real.check(after);
        real.before = after.clone();
        real
    }

    fn teardown(mut real: RealLedger, _: Model) {
        if let Some(fixture) = real.fixture.take() {
            real.runtime.block_on(fixture.delete());
        }
    }
}

#[test]
fn any_history_of_loads_matches_the_model() {
    let histories = Model::sequential_strategy(1..40usize);
    check_property(6, histories, |(model, actions, seen)| {
        RealLedger::test_sequential(ProptestConfig::default(), model, actions, seen);
        Ok(())
    });
}
