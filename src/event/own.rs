//! The loader's own events: what it sends itself, and what the command and the schedule ask of it.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use inventory_base::decision::{Decision, Undo};
use inventory_base::load_id::LoadId;

use super::{EventError, Request};

/// Of a name that somebody gives herself.
const BY_CHARACTERS: usize = 128;
/// Of the loads that are over, where nobody says how many.
const LOADS_LISTED: u64 = 20;
/// So many fit into an answer, each with a few sentences.
pub const LOADS_AT_MOST: u64 = 1000;

/// The event that asks for this; an upload is announced by S3 alone.
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

/// Reads an event of our own, if it is one.
pub(super) fn decode(event: &Json) -> Option<Result<Request, EventError>> {
    let asked = |name: &str| event.get(name);
    if let Some(ours) = asked("continue") {
        return Some(load_of(ours).map(Request::Continue));
    }
    if let Some(ours) = asked("approve") {
        return Some(decision_of(ours).map(Request::Approve));
    }
    if let Some(ours) = asked("redrive") {
        return Some(match ours.get("load") {
            Some(_) => decision_of(ours).map(Request::Redrive),
            None => {
                let (by, at) = speaker_of(ours);
                Ok(Request::RedriveAll { by, at, since: since(ours) })
            }
        });
    }
    if let Some(ours) = asked("undo") {
        // Whoever does not say clearly that it is meant, wants to know first.
        let dry_run = ours.get("dry_run").and_then(Json::as_bool) != Some(false);
        return Some(decision_of(ours).map(|Decision { load, by, at }| Request::Undo(Undo { load, by, at, dry_run })));
    }
    if let Some(ours) = asked("cancel") {
        return Some(decision_of(ours).map(Request::Cancel));
    }
    if let Some(ours) = asked("failed") {
        return Some(Ok(Request::ListFailed { since: since(ours) }));
    }
    if let Some(ours) = asked("loads") {
        let at_most = ours.get("at_most").and_then(Json::as_u64).map_or(LOADS_LISTED, |n| n.clamp(1, LOADS_AT_MOST));
        return Some(Ok(Request::ListLoads { at_most: at_most as usize }));
    }
    if let Some(ours) = asked("show") {
        let fate = ours.get("fate").and_then(Json::as_str).map(str::to_string);
        return Some(load_of(ours).map(|load| match ours.get("rows_from").and_then(Json::as_u64) {
            Some(from) => Request::ShowRows { load, from, fate },
            None => Request::Show(load),
        }));
    }
    let simple = [("about", Request::About), ("sweep", Request::Sweep)];
    simple.into_iter().find(|(name, _)| asked(name).is_some()).map(|(_, request)| Ok(request))
}

fn since(ours: &Json) -> Option<Timestamp> {
    ours.get("since").and_then(Json::as_str)?.parse().ok()
}

fn load_of(ours: &Json) -> Result<LoadId, EventError> {
    ours.get("load").and_then(Json::as_str).and_then(LoadId::parse).ok_or(EventError::Unknown)
}

/// Which load somebody speaks of, who it is, and when.
fn decision_of(ours: &Json) -> Result<Decision, EventError> {
    let (by, at) = speaker_of(ours);
    Ok(Decision { load: load_of(ours)?, by, at })
}

fn speaker_of(ours: &Json) -> (String, Timestamp) {
    let text = |name: &str| ours.get(name).and_then(Json::as_str);
    let by = text("by").unwrap_or("nobody named").chars().take(BY_CHARACTERS).collect();
    (by, text("at").and_then(|at| at.parse().ok()).unwrap_or_else(Timestamp::now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_events_are_read_back() {
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
    fn names_that_are_none_of_ours_are_refused() {
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
        for (asked, at_most) in
            [(json!({}), 20), (json!({ "at_most": 0 }), 1), (json!({ "at_most": 1e9 as u64 }), 1000)]
        {
            assert_eq!(decode(&json!({ "loads": asked })), Some(Ok(Request::ListLoads { at_most })));
        }
    }
}
