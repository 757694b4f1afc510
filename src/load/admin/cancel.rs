//! Cancels loads.

use crate::ledger::{AnnouncedLoad, State, Stop};
use crate::load::admin::answer::Answer;
use crate::load::error::LoadError;
use crate::load::finish::unbegun::drop_unbegun;
use crate::load::job::RunEnd;
use crate::load::services::Services;
use crate::load::turn::start_next;
use inventory_base::decision::Decision;
use inventory_check::report::Report;

/// How often a load that moves on is asked to stop before somebody has to ask again.
const CANCEL_TRIES: u32 = 5;

/// Stops a load: one that waits is over at once, one under way at its next step.
pub async fn cancel(decision: &Decision, services: &Services) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let (load, by) = (decision.load.clone(), decision.by.clone());
    for _ in 0..CANCEL_TRIES {
        let record = ledger.read(&load).await?.ok_or_else(|| LoadError::NotUnderWay(load.clone()))?;
        match record.state {
            State::Ended => return Err(LoadError::NotUnderWay(load)),
            State::Queued => {
                let report = Report::cancelled(load.clone(), record.upload.clone(), &by);
                let announced = AnnouncedLoad::from_record(record);
                if let RunEnd::Ended(_) = drop_unbegun(announced, report, ledger, services).await? {
                    return Ok(Answer::Cancelled { load, had_begun: false });
                }
            }
            State::Writing if record.is_written() => return Err(LoadError::AllWritten(load)),
            State::Planning | State::Writing => {
                if ledger.ask_to_stop(&load, &Stop::Cancelled { by: by.clone() }).await? {
                    // Should its run have died, another one is needed to end it.
                    start_next(services).await;
                    return Ok(Answer::Cancelled { load, had_begun: true });
                }
            }
        }
    }
    Err(LoadError::NotUnderWay(load))
}
