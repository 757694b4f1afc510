//! Undoes loads, or reports what an undo would change.

use crate::ledger::AnnouncedLoad;
use crate::load::admin::answer::Answer;
use crate::load::error::LoadError;
use crate::load::job::{Job, Run, RunEnd};
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::load::stage::undo::{find_undoable, read_record_and_ending};
use crate::load::turn::{act_on_turn, enqueue, start_next, wait_for_turn};
use inventory_base::decision::Undo;
use inventory_check::report::{Seconds, UndoAnswer};

/// Undoes a load, or resumes its undo.
pub async fn undo(undo: &Undo, services: &Services, settings: &Settings, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let load = undo.load.undoing();
    match &services.ledger {
        Some(ledger) => {
            let announced = match ledger.read(&load).await? {
                Some(record) => AnnouncedLoad::from_record(record),
                None => announce(undo, services).await?,
            };
            let turn = wait_for_turn(ledger, &announced, run).await?;
            act_on_turn(turn, &load, ledger, services, settings, run).await
        }
        None => match read_record_and_ending(&load, services).await? {
            (_, Some(ending)) => Ok(RunEnd::EndedBefore { ending }),
            _ => {
                let undoable = find_undoable(undo, services).await?;
                let job = Job::new(load, undoable.plan.upload, None, services, settings, run);
                Job { undo: Some(undo.clone()), ..job }.run().await
            }
        },
    }
}

/// Reports what an undo would change. Nothing is changed and nothing is kept.
pub async fn preview_undo(
    undo: &Undo,
    services: &Services,
    settings: &Settings,
    run: &Run<'_>,
) -> Result<UndoAnswer, LoadError> {
    let load = undo.load.undoing();
    if let (_, Some(ending)) = read_record_and_ending(&load, services).await? {
        return Ok(UndoAnswer::EndedBefore(ending));
    }
    let undoable = find_undoable(undo, services).await?;
    let job = Job::new(load, undoable.plan.upload, None, services, settings, run);
    let job = Job { undo: Some(undo.clone()), dry_run: true, ..job };
    let plan = job.plan_undo(undo, &mut Seconds::default()).await?;
    let report = job.report_unwritten(plan, job.seconds()).await?;
    tracing::info!(event = "undo_previewed", load = %job.load, summary = report.summary);
    Ok(UndoAnswer::Report(Box::new(report)))
}

/// Queues an undo, unless it is queued already.
pub async fn queue_undo(undo: &Undo, services: &Services, run: &Run<'_>) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let load = undo.load.undoing();
    if ledger.read(&load).await?.is_none() {
        enqueue(announce(undo, services).await?, services, run).await?;
    }
    start_next(services).await;
    Ok(Answer::Undoing { load })
}

async fn announce(undo: &Undo, services: &Services) -> Result<AnnouncedLoad, LoadError> {
    let upload = find_undoable(undo, services).await?.plan.upload;
    let (load, table) = (undo.load.undoing(), services.table.name().to_string());
    let decision = Some(("undo", serde_json::json!(undo)));
    Ok(AnnouncedLoad { load, upload, table, at: undo.at, decision, is_version: false })
}
