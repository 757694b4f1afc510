//! Surveys the parts of an xlsx workbook in a pass of its own. It enforces the budget on actual data, finds what the
//! reader does not report (hidden rows, merged cells), and detects what would make the reader stop, abort or misread. A
//! second thread scans the sheets while they are read.

mod cell;
mod package;
mod sheet;

use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::assembly::damaged_after;
use super::budget::{Budget, holds_too_much};
use super::scan::{CheckOnly, Listener, Scan, attributes, damaged, name_of};
use super::source::Source;
use super::zipped::{Unpacked, Zipped};
use inventory_base::message::{Refusal, Rule, count};

pub use cell::Odd;
use package::Package;
pub use package::{attribute, each_start};
pub use sheet::OddCell;
use sheet::{SheetListener, SheetSurvey};

/// Programs write no more than a declaration before the count of the shared texts.
const CLAIM_WITHIN_BYTES: u64 = 4096;

/// Odd cells of all sheets are kept until they are read; this many take 32 MB.
const MAX_ODD_CELLS: usize = 1_000_000;

/// The survey of a workbook, as far as it has got.
pub struct Survey {
    source: Source,
    /// Received in the order in which the sheets are scanned.
    updates: Receiver<Update>,
    known: HashMap<String, SheetState>,
}

/// A message from the scanning thread about a sheet.
struct Update {
    sheet: String,
    progress: Progress,
}

enum Progress {
    /// The number of rows scanned, and the odd cells found since the last message.
    Rows(u32, Vec<OddCell>),
    End(Result<SheetSurvey, Refusal>),
}

/// What was received about a sheet so far.
#[derive(Default)]
struct SheetState {
    rows: u32,
    odd: Vec<OddCell>,
    end: Option<Result<SheetSurvey, Refusal>>,
}

impl Survey {
    /// Scans everything that the reader reads before the sheets, then starts scanning the sheets, in the order in which
    /// they should be read.
    pub fn begin(source: &Source, budget: &Budget) -> Result<Survey, Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        let package = Package::read(&mut zipped, budget, &mut unpacked)?;
        for part in &package.others {
            let mut scan = Scan::default();
            if let Some(bytes) = zipped.read_small(part, budget, &mut unpacked)? {
                scan.take(&bytes, &mut CheckOnly)?;
            }
        }
        check_claimed_texts(&mut zipped, &package.shared_texts, budget)?;

        // If the scanning thread ends, the channel closes, so that a caller that waits for a sheet does not wait
        // forever.
        let (sender, updates) = channel();
        let (budget, source) = (budget.clone(), source.clone());
        let worker_source = source.clone();
        let threads = budget.threads;
        let work = move || {
            if threads {
                lower_priority();
            }
            let mut totals = Totals { is_calculated: package.is_calculated, ..Totals::default() };
            let mut texts = survey_texts(&mut zipped, &package.shared_texts, &budget, &mut unpacked)
                .map(|texts| totals.texts = texts);
            for (name, part) in package.sheets {
                if worker_source.is_stopped() {
                    return;
                }
                let result = std::mem::replace(&mut texts, Ok(())).and_then(|()| {
                    survey_sheet(&mut zipped, &name, &part, &budget, &mut unpacked, &mut totals, &sender)
                });
                // The reader may still be busy with a gigabyte of padding, so it is stopped. Not if the sheet is
                // damaged: the reader can say where, so it continues to there.
                let too_much = result
                    .as_ref()
                    .is_err_and(|refusal| !matches!(refusal.rule, Rule::FileDamaged | Rule::SheetDamaged));
                let failed = result.is_err();
                let delivered = sender.send(Update { sheet: name, progress: Progress::End(result) }).is_ok();
                if too_much {
                    worker_source.stop();
                }
                if failed || !delivered {
                    return;
                }
            }
        };
        if threads {
            thread::Builder::new().name("survey".into()).spawn(work).map_err(|_| damaged())?;
        } else {
            work();
        }
        Ok(Survey { source, updates, known: HashMap::new() })
    }

    /// Waits for the survey of a sheet.
    pub fn sheet(&mut self, name: &str) -> Result<&SheetSurvey, Refusal> {
        while self.known.get(name).is_none_or(|known| known.end.is_none()) {
            if !self.receive() {
                return Err(self.refusal());
            }
        }
        match self.known.get(name).and_then(|known| known.end.as_ref()) {
            Some(Ok(survey)) => Ok(survey),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err(self.refusal()),
        }
    }

    /// The `nth` odd cell of the sheet, from 0; `None` if there is no such cell up to `row`. Waits until that row was
    /// scanned, and also returns the row up to which everything is known.
    pub fn odd(&mut self, name: &str, nth: usize, row: u32) -> (Option<OddCell>, u32) {
        loop {
            if let Some(known) = self.known.get(name) {
                let rows = if known.end.is_some() { u32::MAX } else { known.rows };
                match known.odd.get(nth) {
                    Some(odd) => return (Some(*odd), rows),
                    None if rows >= row => return (None, rows),
                    None => {}
                }
            }
            // Without the scanning thread the reading fails as a whole.
            if !self.receive() {
                return (None, u32::MAX);
            }
        }
    }

    /// Waits for the next message; returns false if there are no more.
    fn receive(&mut self) -> bool {
        let Ok(Update { sheet, progress }) = self.updates.recv() else {
            return false;
        };
        let known = self.known.entry(sheet).or_default();
        match progress {
            Progress::Rows(rows, odd) => {
                known.rows = rows;
                known.odd.extend(odd);
            }
            Progress::End(mut result) => {
                if let Ok(survey) = &mut result {
                    known.odd.append(&mut survey.odd);
                }
                known.end = Some(result);
            }
        }
        true
    }

    /// Why the survey stopped the reading, if it did.
    pub fn stopped(&mut self) -> Option<Refusal> {
        if !self.source.is_stopped() {
            return None;
        }
        while self.receive() {}
        Some(self.refusal())
    }

    fn refusal(&self) -> Refusal {
        let ends = self.known.values().filter_map(|known| known.end.as_ref());
        ends.filter_map(|end| end.as_ref().err()).next().cloned().unwrap_or_else(damaged)
    }
}

impl Drop for Survey {
    fn drop(&mut self) {
        self.source.stop();
    }
}

/// Totals of what was scanned before a sheet.
#[derive(Default)]
struct Totals {
    is_calculated: bool,
    texts: u64,
    cells: u64,
    odd: usize,
}

fn survey_sheet(
    zipped: &mut Zipped,
    name: &str,
    part: &str,
    budget: &Budget,
    unpacked: &mut Unpacked,
    totals: &mut Totals,
    sender: &Sender<Update>,
) -> Result<SheetSurvey, Refusal> {
    let (mut scan, mut listener) = (Scan::default(), SheetListener::new(totals.texts, totals.is_calculated));
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        if let Err(refusal) = scan.take(chunk, &mut listener) {
            let broken = refusal.rule == Rule::FileDamaged;
            return Err(if broken { damaged_after(name, listener.rows_before()) } else { refusal });
        }
        if totals.cells + listener.survey.cells > budget.cells {
            return Err(holds_too_much("too many cells", &count(budget.cells)));
        }
        if totals.odd + listener.survey.odd.len() > MAX_ODD_CELLS {
            let what = "too many formulas without a result or unreadable cells";
            return Err(holds_too_much(what, &count(MAX_ODD_CELLS as u64)));
        }
        // The reader waits in the meantime.
        let Some(odd) = listener.take_odd() else {
            return Ok(());
        };
        totals.odd += odd.len();
        let progress = Progress::Rows(listener.rows_before(), odd);
        // If the receiver is gone, the reading has stopped; that is noticed after this sheet.
        let _ = sender.send(Update { sheet: name.to_owned(), progress });
        Ok(())
    })?;
    totals.cells += listener.survey.cells;
    totals.odd += listener.survey.odd.len();
    Ok(listener.survey)
}

/// Checks how many shared texts their part claims to have, because the reader allocates room for that many. A claim
/// over the limit is false, unless there really are that many.
fn check_claimed_texts(zipped: &mut Zipped, name: &str, budget: &Budget) -> Result<(), Refusal> {
    let Some(mut part) = zipped.part(name, budget, Unpacked::default())? else {
        return Ok(());
    };
    let mut head = Vec::new();
    if let Err(error) = part.by_ref().take(CLAIM_WITHIN_BYTES).read_to_end(&mut head) {
        return Err(part.refuse(error));
    }
    drop(part);
    let mut listener = TextsListener::default();
    Scan::default().take(&head, &mut listener)?;
    if listener.claimed <= budget.shared_texts {
        return Ok(());
    }
    survey_texts(zipped, name, budget, &mut Unpacked::default())?;
    Err(damaged())
}

/// Scans and counts the shared texts.
fn survey_texts(zipped: &mut Zipped, part: &str, budget: &Budget, unpacked: &mut Unpacked) -> Result<u64, Refusal> {
    let (mut scan, mut listener) = (Scan::default(), TextsListener::default());
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        scan.take(chunk, &mut listener)?;
        if listener.texts > budget.shared_texts {
            return Err(holds_too_much("too many different texts", &count(budget.shared_texts)));
        }
        if listener.bytes > budget.shared_text_bytes {
            let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
            return Err(holds_too_much("too much text", &limit));
        }
        Ok(())
    })?;
    Ok(listener.texts)
}

/// Lowers the priority of the scanning thread, so that the threads that read and judge go first if there are fewer
/// cores than threads: the survey still finishes before them.
fn lower_priority() {
    /// The lowest priority: it takes what the others leave.
    #[cfg(target_os = "linux")]
    const NICENESS: i32 = 19;
    // Only Linux sets this for a single thread. If it fails, all threads have the same priority.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

#[derive(Debug, Default)]
struct TextsListener {
    /// The count that the part claims. Some programs count a few too many, which does no harm.
    claimed: u64,
    texts: u64,
    bytes: u64,
}

impl Listener for TextsListener {
    fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal> {
        let (name, rest) = name_of(tag);
        if tag.first() == Some(&b'/') {
            return Ok(());
        }
        match name {
            b"si" => self.texts += 1,
            b"sst" => {
                for (_, value) in attributes(rest).filter(|(name, _)| *name == b"uniqueCount") {
                    let claimed = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
                    self.claimed = claimed.ok_or_else(damaged)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn other(&mut self) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
