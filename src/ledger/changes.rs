//! The conditional writes by which a turn is taken, renewed and released, and by which a load changes its state.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::expiry_of_record;
use super::lease::{Lease, LeaseRecord};
use super::queue::EndedLoad;
use super::record::{State, Step, Stop, TRANSITIONS};
use super::turn_request::TurnRequest;
use super::write::{ItemWrite, Key, number, text};
use inventory_base::load_id::LoadId;
use inventory_check::plan::LastLoad;

/// Takes the lease, unless it has changed since it was read: its holder may have renewed it, even after it expired.
pub(super) fn lease_taken(lease: &Lease, found: Option<&LeaseRecord>, expiry: u64, duration: Duration) -> ItemWrite {
    let condition = match found {
        None => "attribute_not_exists(#epoch)",
        Some(_) => "#epoch = :found_epoch AND #expires_at = :found_expires_at",
    };
    let update = "SET #load = :load, #owner = :owner, #epoch = :epoch, #expires_at = :expires_at, #lasts = :lasts \
                  REMOVE #progress";
    let found =
        found.map(|found| [("found_epoch", number(found.epoch)), ("found_expires_at", number(found.expires_at))]);
    ItemWrite::update(Key::lease(&lease.table), update, condition).with(found.into_iter().flatten()).with([
        ("load", text(lease.load.as_str())),
        ("owner", text(&lease.owner)),
        ("epoch", number(lease.epoch)),
        ("expires_at", number(expiry)),
        ("lasts", milliseconds(duration)),
    ])
}

/// Renews the lease. The owner is part of the condition, so that a late heartbeat can't reclaim a lease that was freed
/// or handed over.
pub(super) fn lease_renewed(lease: &Lease, expiry: u64, duration: Duration) -> ItemWrite {
    let update = "SET #expires_at = :expires_at, #lasts = :lasts";
    let change = ItemWrite::update(Key::lease(&lease.table), update, "#epoch = :epoch AND #owner = :owner");
    change.with([
        ("expires_at", number(expiry)),
        ("lasts", milliseconds(duration)),
        ("epoch", number(lease.epoch)),
        ("owner", text(&lease.owner)),
    ])
}

fn milliseconds(duration: Duration) -> AttributeValue {
    number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Adds the load's progress counts, if its run has noted any.
pub(super) fn with_counts(change: ItemWrite, lease: &Lease) -> ItemWrite {
    match lease.counts() {
        Some(counts) => {
            change.and_set(", #progress = :progress", [("progress", text(&serde_json::json!(counts).to_string()))])
        }
        None => change,
    }
}

/// Frees the lease. The epoch stays. What was loaded is kept for comparison with the next load, and the time for the
/// check whether an expected load is missing.
pub(super) fn lease_freed(lease: &Lease, loaded: Option<&LastLoad>) -> ItemWrite {
    let change = lease_renewed(lease, 0, Duration::ZERO);
    let Some(loaded) = loaded else { return change.and_set(" REMOVE #load, #owner, #progress", []) };
    let last =
        [("last", text(&serde_json::json!(loaded).to_string())), ("last_at", text(&Timestamp::now().to_string()))];
    change.and_set(", #last = :last, #last_at = :last_at REMOVE #load, #owner, #progress, #missed", last)
}

/// Hands the lease over to whichever run continues the load.
pub(super) fn lease_handed_over(lease: &Lease, expiry: u64, duration: Duration) -> ItemWrite {
    lease_renewed(lease, expiry, duration).and_set(" REMOVE #owner", [])
}

/// The attributes that every load's record has from its announcement on.
const ANNOUNCED: &str = "#load = :load, #upload = :upload, #table = :table, #place = :place, \
     #is_version = :is_version, #started = if_not_exists(#started, :now), \
     #chunks_total = if_not_exists(#chunks_total, :zero), #chunks_done = if_not_exists(#chunks_done, :zero)";

fn announced(request: &TurnRequest) -> Vec<(&'static str, AttributeValue)> {
    let announced = &request.announced;
    vec![
        ("load", text(announced.load.as_str())),
        ("upload", text(&serde_json::json!(announced.upload).to_string())),
        ("table", text(&announced.table)),
        ("place", text(request.position.as_str())),
        ("is_version", AttributeValue::Bool(announced.is_version)),
        ("zero", number(0u32)),
    ]
}

/// Adds the decision that caused the load and where its reports are kept, if known.
fn with_origin(change: ItemWrite, request: &TurnRequest) -> ItemWrite {
    let decision = request.announced.decision.as_ref().map(|(name, decision)| (*name, text(&decision.to_string())));
    let kept_in = request.kept_in.as_ref().map(|kept_in| ("kept_in", text(kept_in)));
    decision.into_iter().chain(kept_in).fold(change, |change, (name, value)| {
        change.and_set(&format!(", #{name} = if_not_exists(#{name}, :{name})"), [(name, value)])
    })
}

pub(super) fn load_taken(lease: &Lease, request: &TurnRequest, now: u64) -> ItemWrite {
    let set = format!(
        "{ANNOUNCED}, #owner = :owner, #epoch = :epoch, #starts = if_not_exists(#starts, :zero) + :one, \
         #starts_without_progress = if_not_exists(#starts_without_progress, :zero) + :one"
    );
    let mut values = announced(request);
    values.extend([("owner", text(&lease.owner)), ("epoch", number(lease.epoch)), ("one", number(1u32))]);
    let change = LoadWrite { step: Step::Start, set: &set, and: "", values };
    with_origin(change.of_state(&lease.load, request.state, now), request)
}

pub(super) fn load_queued(request: &TurnRequest, now: u64) -> ItemWrite {
    let set = format!(
        "{ANNOUNCED}, #owner = :owner, #epoch = if_not_exists(#epoch, :zero), \
         #starts = if_not_exists(#starts, :zero), \
         #starts_without_progress = if_not_exists(#starts_without_progress, :zero)"
    );
    let mut values = announced(request);
    values.push(("owner", text(&request.request_id)));
    let change = LoadWrite { step: Step::Queue, set: &set, and: "", values };
    with_origin(change.of(&request.announced.load, now), request)
}

/// Ends a load that has not begun.
pub(super) fn load_dropped(request: &TurnRequest, ended: &EndedLoad, now: u64) -> ItemWrite {
    let set = format!(
        "{ANNOUNCED}, #owner = if_not_exists(#owner, :nobody), #epoch = if_not_exists(#epoch, :zero), \
         #starts = if_not_exists(#starts, :zero), \
         #starts_without_progress = if_not_exists(#starts_without_progress, :zero), \
         #ending = :ending, #summary = :summary"
    );
    let mut values = announced(request);
    let summary = serde_json::json!({ "summary": ended.summary });
    values.extend([
        ("nobody", text("nobody")),
        ("ending", text(ended.ending.name())),
        ("summary", text(&summary.to_string())),
    ]);
    let change = LoadWrite { step: Step::Drop, set: &set, and: "", values };
    with_origin(change.of(&request.announced.load, now), request)
}

/// Asks a running load to stop. A request to give way may be replaced by one to stop for good; otherwise the first
/// request counts.
pub(super) fn asked_to_stop(load: &LoadId, stop: &Stop) -> ItemWrite {
    let (why, by) = stop.parts();
    let under_way = match stop {
        Stop::GiveWay { .. } => "#state = :planning",
        // Once everything is written there is nothing left to stop.
        Stop::Superseded { .. } | Stop::Cancelled { .. } => {
            "(#state = :planning OR (#state = :writing AND #chunks_done < #chunks_total))"
        }
    };
    let condition = format!("{under_way} AND (attribute_not_exists(#stop) OR #stop = :give_way)");
    let change = ItemWrite::update(Key::load(load), "SET #stop = :stop, #stop_by = :by", condition).with([
        ("stop", text(why)),
        ("by", text(by)),
        ("give_way", text(Stop::GIVE_WAY)),
        ("planning", text(State::Planning.name())),
    ]);
    match stop {
        Stop::GiveWay { .. } => change,
        Stop::Superseded { .. } | Stop::Cancelled { .. } => change.with([("writing", text(State::Writing.name()))]),
    }
}

/// What a step changes in a load's record, in addition to what every step changes.
pub(super) struct LoadWrite<'a> {
    pub step: Step,
    pub set: &'a str,
    pub and: &'static str,
    pub values: Vec<(&'static str, AttributeValue)>,
}

impl LoadWrite<'_> {
    /// The write for a load in any state that allows the step. Such a step leads to one state only.
    pub fn of(self, load: &LoadId, now: u64) -> ItemWrite {
        let mut states: Vec<State> = Vec::new();
        let mut allowed = Vec::new();
        let mut target = State::Ended;
        for (from, _, to) in TRANSITIONS.into_iter().filter(|(_, step, _)| *step == self.step) {
            allowed.push(match from {
                None => "attribute_not_exists(#state)".to_string(),
                Some(from) => format!("#state = :{}", from.name()),
            });
            states.extend(from);
            target = to;
        }
        self.change(load, &allowed.join(" OR "), &states, target, now)
    }

    /// The write for a load that was found in this state.
    pub fn of_state(self, load: &LoadId, found: Option<State>, now: u64) -> ItemWrite {
        let transition = TRANSITIONS.into_iter().find(|(from, step, _)| *from == found && *step == self.step);
        // Without a transition, the condition cannot hold.
        let target = transition.map_or(State::Ended, |(.., to)| to);
        match found {
            None => self.change(load, "attribute_not_exists(#state)", &[], target, now),
            Some(found) => self.change(load, &format!("#state = :{}", found.name()), &[found], target, now),
        }
    }

    fn change(self, load: &LoadId, allowed: &str, states: &[State], target: State, now: u64) -> ItemWrite {
        let time = i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()).unwrap_or_default();
        let update = format!("SET #state = :{}, {}, #updated = :now, #expires = :expires", target.name(), self.set);
        let states = states.iter().chain([&target]).map(|state| (state.name(), text(state.name())));
        ItemWrite::update(Key::load(load), update, format!("({allowed}){}", self.and))
            .with(self.values)
            .with(states)
            .with([("now", text(&time.to_string())), ("expires", number(expiry_of_record(now)))])
    }
}
