//! The tone of a report: whether it is good news, for colours and exit codes.

use serde::{Deserialize, Serialize};

use super::Report;
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Weight};

/// The most serious thing a report has to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Everything is as it should be.
    #[default]
    Good,
    /// Everything was loaded, but something is worth a look.
    Look,
    /// Everything was loaded, but some rows lost a value that is in the file.
    Loss,
    /// Rows or items need attention, the load is waiting, or it ended early.
    Attention,
    /// The file was refused, or the load failed.
    Stopped,
}

impl Tone {
    pub(super) fn of(report: &Report) -> Tone {
        let needs_attention = report.needing_attention() > 0 || !report.held.is_empty() || report.differs();
        match report.ending {
            Ending::Refused | Ending::Failed => Tone::Stopped,
            Ending::Done | Ending::DryRun if !needs_attention => match weight(&report.notes) {
                Weight::Remark => Tone::Good,
                Weight::Look => Tone::Look,
                Weight::Loss => Tone::Loss,
            },
            _ => Tone::Attention,
        }
    }
}

/// Returns the weight of the most serious note.
fn weight(notes: &[Note]) -> Weight {
    notes.iter().map(|note| note.rule.weight()).max().unwrap_or(Weight::Remark)
}

impl Report {
    /// Whether rows were loaded without a value that is in the file.
    pub fn lost_values(&self) -> bool {
        weight(&self.notes) == Weight::Loss
    }

    /// Returns the notes that belong in the first sentence.
    pub fn serious_notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.rule.weight() > Weight::Remark)
    }

    /// Returns the summary without the messages of notes, which quote the file.
    pub fn summary_without_notes(&self) -> String {
        self.serious_notes().fold(self.summary.clone(), |summary, Note { message, .. }| {
            summary.replace(&format!(": {message}"), ".").replace(&format!(" {message}"), "")
        })
    }
}
