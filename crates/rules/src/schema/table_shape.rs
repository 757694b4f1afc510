//! What must be known about the table before judging: its keys, indexes and capacity.

use inventory_base::key_shape::KeyShape;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexShape {
    pub name: String,
    pub key: KeyShape,
    #[serde(default)]
    pub projects: Projection,
}

/// The attributes an index has besides the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Projection {
    #[default]
    All,
    Keys,
    Include(Vec<String>),
}

/// Provisioned units per second; an on-demand table has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    pub read: u64,
    pub write: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    pub table: String,
    /// Changes if the table is deleted and created again under the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub key: KeyShape,
    /// An index with several partition or sort attributes appears several times, once for each pair.
    pub indexes: Vec<IndexShape>,
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

impl TableShape {
    /// Whether the other is certainly a different table, even if it has the same name.
    pub fn is_different_table(&self, other: &TableShape) -> bool {
        matches!((&self.id, &other.id), (Some(ours), Some(theirs)) if ours != theirs)
    }
}
