//! A load that asks for its turn, and what has to be known of it.

use jiff::Timestamp;

use super::place::Place;
use super::record::{LoadRecord, State};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// What has to be known of a load before it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    pub load: LoadId,
    pub upload: Upload,
    /// The inventory table.
    pub table: String,
    /// When it came.
    pub at: Timestamp,
    /// The decision that made it, and the attribute it is written down as.
    pub decision: Option<(&'static str, serde_json::Value)>,
    /// Whether it counts as that version of the upload; what takes a load back does not.
    pub is_version: bool,
}

impl Announced {
    /// A load as S3 announces it.
    pub fn upload(load: &LoadId, upload: &Upload, table: &str) -> Announced {
        let at = upload.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or_else(Timestamp::now);
        let (load, upload, table) = (load.clone(), upload.clone(), table.to_string());
        Announced { load, upload, table, at, decision: None, is_version: true }
    }

    /// A load that has a record.
    pub fn known(record: LoadRecord) -> Announced {
        let LoadRecord { load, upload, table, is_version, place, .. } = record;
        Announced { load, upload, table, at: place.at(), decision: None, is_version }
    }
}

/// A load that asks for its turn.
pub(super) struct Asking {
    pub announced: Announced,
    pub place: Place,
    pub state: Option<State>,
    pub request_id: String,
    pub kept_in: Option<String>,
}
