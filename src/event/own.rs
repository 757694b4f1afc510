//! The loader's own events: those it sends itself, and those of the command and the schedule.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use inventory_base::decision::{Decision, Undo};
use inventory_base::load_id::LoadId;

use super::{EventError, Request};

/// The longest name of a person that is kept.
const BY_CHARACTERS: usize = 128;
/// The number of ended loads that are listed by default.
const DEFAULT_LOADS: u64 = 20;
/// The most loads that fit into one answer, each with a few sentences.
pub const MAX_LOADS: u64 = 1000;

/// The event for a request; `None` for `Request::Load`, which only S3 sends.
pub fn own_event(request: &Request) -> Option<Json> {
    Some(match request {
        Request::Load(_) => return None,
        Request::Continue(load) => json!({ "continue": { "load": load } }),
        Request::Approve(decision) => json!({ "approve": decision }),
        Request::Redrive(decision) => json!({ "redrive": decision }),
        Request::RedriveAll { by, at, since } => json!({ "redrive": { "by": by, "at": at, "since": since } }),
        Request::Undo(undo) => json!({ "undo": undo }),
        Request::Cancel(decision) => json!({ "cancel": decision }),
        Request::ListFailed { since } => json!({ "failed": { "since": since } }),
        Request::ListLoads { at_most } => json!({ "loads": { "at_most": at_most } }),
        Request::Show(load) => json!({ "show": { "load": load } }),
        Request::ShowRows { load, from, fate } => {
            json!({ "show": { "load": load, "rows_from": from, "fate": fate } })
        }
        Request::About => json!({ "about": {} }),
        Request::Sweep => json!({ "sweep": {} }),
    })
}

/// Reads one of the loader's own events; `None` if the event is something else.
pub(super) fn decode(event: &Json) -> Option<Result<Request, EventError>> {
    let body_of = |name: &str| event.get(name);
    if let Some(body) = body_of("continue") {
        return Some(load_of(body).map(Request::Continue));
    }
    if let Some(body) = body_of("approve") {
        return Some(decision_of(body).map(Request::Approve));
    }
    if let Some(body) = body_of("redrive") {
        return Some(match body.get("load") {
            Some(_) => decision_of(body).map(Request::Redrive),
            None => {
                let (by, at) = requester_of(body);
                Ok(Request::RedriveAll { by, at, since: since(body) })
            }
        });
    }
    if let Some(body) = body_of("undo") {
        // Without an explicit `"dry_run": false`, an undo is a dry run.
        let dry_run = body.get("dry_run").and_then(Json::as_bool) != Some(false);
        return Some(decision_of(body).map(|Decision { load, by, at }| Request::Undo(Undo { load, by, at, dry_run })));
    }
    if let Some(body) = body_of("cancel") {
        return Some(decision_of(body).map(Request::Cancel));
    }
    if let Some(body) = body_of("failed") {
        return Some(Ok(Request::ListFailed { since: since(body) }));
    }
    if let Some(body) = body_of("loads") {
        let at_most = body.get("at_most").and_then(Json::as_u64).map_or(DEFAULT_LOADS, |n| n.clamp(1, MAX_LOADS));
        return Some(Ok(Request::ListLoads { at_most: at_most as usize }));
    }
    if let Some(body) = body_of("show") {
        let fate = body.get("fate").and_then(Json::as_str).map(str::to_string);
        return Some(load_of(body).map(|load| match body.get("rows_from").and_then(Json::as_u64) {
            Some(from) => Request::ShowRows { load, from, fate },
            None => Request::Show(load),
        }));
    }
    let simple = [("about", Request::About), ("sweep", Request::Sweep)];
    simple.into_iter().find(|(name, _)| body_of(name).is_some()).map(|(_, request)| Ok(request))
}

fn since(body: &Json) -> Option<Timestamp> {
    body.get("since").and_then(Json::as_str)?.parse().ok()
}

fn load_of(body: &Json) -> Result<LoadId, EventError> {
    body.get("load").and_then(Json::as_str).and_then(LoadId::parse).ok_or(EventError::Unknown)
}

/// Reads which load is meant, who decided, and when.
fn decision_of(body: &Json) -> Result<Decision, EventError> {
    let (by, at) = requester_of(body);
    Ok(Decision { load: load_of(body)?, by, at })
}

fn requester_of(body: &Json) -> (String, Timestamp) {
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let by = text("by").unwrap_or("an unnamed caller").chars().take(BY_CHARACTERS).collect();
    (by, text("at").and_then(|at| at.parse().ok()).unwrap_or_else(Timestamp::now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_events_can_be_read_back() {
        let load = LoadId::parse("0123456789abcdef").unwrap().linked(2);
        let (by, at) = ("Erika".to_string(), Timestamp::UNIX_EPOCH);
        let decision = Decision { load: load.clone(), by: by.clone(), at };
        for request in [
            Request::Continue(load),
            Request::Approve(decision.clone()),
            Request::Redrive(decision.clone()),
            Request::Undo(Undo { load: decision.load.clone(), by: by.clone(), at, dry_run: false }),
            Request::RedriveAll { by: by.clone(), at, since: None },
            Request::RedriveAll { by, at, since: Some(at) },
            Request::Cancel(decision.clone()),
            Request::ListFailed { since: None },
            Request::ListFailed { since: Some(at) },
            Request::ListLoads { at_most: 7 },
            Request::Show(decision.load.clone()),
            Request::ShowRows { load: decision.load.clone(), from: 0, fate: None },
            Request::ShowRows { load: decision.load, from: 4_000, fate: Some("rejected".into()) },
            Request::About,
            Request::Sweep,
        ] {
            assert_eq!(decode(&own_event(&request).unwrap()), Some(Ok(request)));
        }
    }

    #[test]
    fn events_without_a_valid_load_id_are_refused() {
        for verb in ["continue", "approve", "redrive", "undo", "cancel", "show"] {
            for load in ["", "../plan", "0123456789abcdeg", "0123456789abcdef.1", "0123456789abcdef.x"] {
                assert_eq!(decode(&json!({ verb: { "load": load } })), Some(Err(EventError::Unknown)), "{verb} {load}");
            }
        }
        assert_eq!(decode(&json!({ "Records": [] })), None);
        let Some(Ok(Request::Undo(undo))) = decode(&json!({ "undo": { "load": "0123456789abcdef" } })) else {
            panic!("no undo")
        };
        assert!(undo.dry_run);
        for (body, at_most) in [(json!({}), 20), (json!({ "at_most": 0 }), 1), (json!({ "at_most": 1e9 as u64 }), 1000)]
        {
            assert_eq!(decode(&json!({ "loads": body })), Some(Ok(Request::ListLoads { at_most })));
        }
    }
}
