//! Cancels loads.

use crate::ledger::{AnnouncedLoad, State, Stop};
use crate::load::admin::answer::Answer;
use crate::load::error::LoadError;
use crate::load::finish::unstarted::end_unstarted;
use crate::load::job::RunEnd;
use crate::load::services::Services;
use crate::load::turn::start_next;
use inventory_base::decision::Decision;
use inventory_check::report::Report;

/// How many times to try to cancel a load whose state changes in between.
const CANCEL_TRIES: u32 = 5;

/// Cancels a load: a waiting load ends at once, a running one at its next step.
pub async fn cancel(decision: &Decision, services: &Services) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let (load, by) = (decision.load.clone(), decision.by.clone());
    for _ in 0..CANCEL_TRIES {
        let record = ledger.read(&load).await?.ok_or_else(|| LoadError::NotActive(load.clone()))?;
        match record.state {
            State::Ended => return Err(LoadError::NotActive(load)),
            State::Queued => {
                let report = Report::cancelled(load.clone(), record.upload.clone(), &by);
                let announced = AnnouncedLoad::from_record(record);
                if let RunEnd::Ended(_) = end_unstarted(announced, report, ledger, services).await? {
                    return Ok(Answer::Cancelled { load, had_begun: false });
                }
            }
            State::Writing if record.is_written() => return Err(LoadError::AllWritten(load)),
            State::Planning | State::Writing => {
                if ledger.ask_to_stop(&load, &Stop::Cancelled { by: by.clone() }).await? {
                    // If its run has died, another one is needed to end the load.
                    start_next(services).await;
                    return Ok(Answer::Cancelled { load, had_begun: true });
                }
            }
        }
    }
    Err(LoadError::NotActive(load))
}
