//! Whether a report is good news, before its first word is read.

use serde::{Deserialize, Serialize};

use super::Report;
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Weight};

/// The gravest thing a report has to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// All is as it should be.
    #[default]
    Good,
    /// Everything is loaded, and something about it is worth a look.
    Look,
    /// Everything is loaded, and some rows without a value that the file has.
    Loss,
    /// Rows or items need somebody, the load waits, or it ended before it was done.
    Attention,
    /// The file is refused, or the load failed.
    Stopped,
}

impl Tone {
    pub(super) fn of(report: &Report) -> Tone {
        let needs_somebody = report.needing_attention() > 0 || !report.held.is_empty() || report.differs();
        match report.ending {
            Ending::Refused | Ending::Failed => Tone::Stopped,
            Ending::Done | Ending::DryRun if !needs_somebody => match weight(&report.notes) {
                Weight::Remark => Tone::Good,
                Weight::Look => Tone::Look,
                Weight::Loss => Tone::Loss,
            },
            _ => Tone::Attention,
        }
    }
}

/// Of the gravest of the notes.
fn weight(notes: &[Note]) -> Weight {
    notes.iter().map(|note| note.rule.weight()).max().unwrap_or(Weight::Remark)
}

impl Report {
    /// Whether rows were loaded without a value that the file has.
    pub fn lost_values(&self) -> bool {
        weight(&self.notes) == Weight::Loss
    }

    /// The notes that belong into the first sentence.
    pub fn grave_notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.rule.weight() > Weight::Remark)
    }

    /// The answer without what notes quote from the file.
    pub fn summary_without_notes(&self) -> String {
        self.grave_notes().fold(self.summary.clone(), |summary, Note { message, .. }| {
            summary.replace(&format!(": {message}"), ".").replace(&format!(" {message}"), "")
        })
    }
}
