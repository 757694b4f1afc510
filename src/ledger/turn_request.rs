//! A load's request for its turn, and what the ledger has to know about the load.

use jiff::Timestamp;

use super::queue_position::QueuePosition;
use super::record::{LoadRecord, State};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// What has to be known about a load before it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnouncedLoad {
    pub load: LoadId,
    pub upload: Upload,
    /// The inventory table.
    pub table: String,
    /// When the upload, or the request for this load, was made.
    pub at: Timestamp,
    /// The decision that caused this load, and the attribute under which the record stores it.
    pub decision: Option<(&'static str, serde_json::Value)>,
    /// Whether it counts as this version of the upload. An undo doesn't.
    pub is_version: bool,
}

impl AnnouncedLoad {
    /// The load of an upload.
    pub fn from_upload(load: &LoadId, upload: &Upload, table: &str) -> AnnouncedLoad {
        let at = upload.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or_else(Timestamp::now);
        let (load, upload, table) = (load.clone(), upload.clone(), table.to_string());
        AnnouncedLoad { load, upload, table, at, decision: None, is_version: true }
    }

    /// A load that already has a record.
    pub fn from_record(record: LoadRecord) -> AnnouncedLoad {
        let LoadRecord { load, upload, table, is_version, position, .. } = record;
        AnnouncedLoad { load, upload, table, at: position.at(), decision: None, is_version }
    }
}

/// A request for a turn.
pub(super) struct TurnRequest {
    pub announced: AnnouncedLoad,
    pub position: QueuePosition,
    pub state: Option<State>,
    pub request_id: String,
    pub kept_in: Option<String>,
}
