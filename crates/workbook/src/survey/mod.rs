//! A pass of our own over the parts of an xlsx workbook: it holds the reader to the budget by what really comes out,
//! finds what the reader does not tell (hidden rows, merged cells), and what would make it stop, abort or misread.
//! The sheets are passed over on another thread while they are read.

mod cell;
mod package;
mod sheet;

use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::assembly::damaged_after;
use super::budget::{Budget, holds_too_much};
use super::scan::{Listener, Plain, Scan, attributes, damaged, name_of};
use super::source::Source;
use super::zipped::{Unpacked, Zipped};
use inventory_base::message::{Refusal, Rule, count};

pub use cell::Odd;
use package::Package;
pub use package::{attribute, each_start};
pub use sheet::OddCell;
use sheet::{SheetListener, SheetSurvey};

/// No program writes more than a declaration before the count of the shared texts.
const CLAIM_WITHIN_BYTES: u64 = 4096;

/// Odd cells of all sheets are kept until they are read; this many take 32 MB.
const MOST_ODD: usize = 1_000_000;

/// The survey of a workbook, as far as it has come.
pub struct Survey {
    source: Source,
    /// In the order they are passed over.
    coming: Receiver<News>,
    known: HashMap<String, Known>,
}

/// What the one who passes over the sheets has to tell of one of them.
struct News {
    sheet: String,
    what: What,
}

enum What {
    /// How many rows are behind him, and the odd cells that he met since he last told.
    Rows(u32, Vec<OddCell>),
    End(Result<SheetSurvey, Refusal>),
}

/// What was told of a sheet so far.
#[derive(Default)]
struct Known {
    rows: u32,
    odd: Vec<OddCell>,
    end: Option<Result<SheetSurvey, Refusal>>,
}

impl Survey {
    /// Passes over all that the reader reads before the sheets, and begins with the sheets: in this order, which
    /// should be that of their reading.
    pub fn begin(source: &Source, budget: &Budget) -> Result<Survey, Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        let package = Package::read(&mut zipped, budget, &mut unpacked)?;
        for part in &package.others {
            let mut scan = Scan::default();
            if let Some(bytes) = zipped.read_small(part, budget, &mut unpacked)? {
                scan.take(&bytes, &mut Plain)?;
            }
        }
        check_claimed_texts(&mut zipped, &package.shared_texts, budget)?;

        // Whoever waits for a sheet gets it at once or learns that there is no one left to bring it.
        let (sender, coming) = channel();
        let (budget, source) = (budget.clone(), source.clone());
        let surveyor = source.clone();
        let threads = budget.threads;
        let work = move || {
            if threads {
                step_back();
            }
            let mut before = Before { is_calculated: package.is_calculated, ..Before::default() };
            let mut texts = survey_texts(&mut zipped, &package.shared_texts, &budget, &mut unpacked)
                .map(|texts| before.texts = texts);
            for (name, part) in package.sheets {
                if surveyor.is_stopped() {
                    return;
                }
                let result = std::mem::replace(&mut texts, Ok(())).and_then(|()| {
                    survey_sheet(&mut zipped, &name, &part, &budget, &mut unpacked, &mut before, &sender)
                });
                // The reader may be on its way through a gigabyte of nothing. Of what is damaged it can tell the place,
                // so there it goes on.
                let too_much = result
                    .as_ref()
                    .is_err_and(|refusal| !matches!(refusal.rule, Rule::FileDamaged | Rule::SheetDamaged));
                let failed = result.is_err();
                let delivered = sender.send(News { sheet: name, what: What::End(result) }).is_ok();
                if too_much {
                    surveyor.stop();
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
        Ok(Survey { source, coming, known: HashMap::new() })
    }

    /// What was found in a sheet; waits for it.
    pub fn sheet(&mut self, name: &str) -> Result<&SheetSurvey, Refusal> {
        while self.known.get(name).is_none_or(|known| known.end.is_none()) {
            if !self.listen() {
                return Err(self.refusal());
            }
        }
        match self.known.get(name).and_then(|known| known.end.as_ref()) {
            Some(Ok(survey)) => Ok(survey),
            Some(Err(refusal)) => Err(refusal.clone()),
            None => Err(self.refusal()),
        }
    }

    /// The sheet's odd cell that is the `nth` of them, from 0; none where there is no such cell up to this row. Waits
    /// until the row was passed over, and returns up to which row all is known.
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
            // With no one left to tell, the reading will end as a whole.
            if !self.listen() {
                return (None, u32::MAX);
            }
        }
    }

    /// Waits for the next news; false when there are no more.
    fn listen(&mut self) -> bool {
        let Ok(News { sheet, what }) = self.coming.recv() else {
            return false;
        };
        let known = self.known.entry(sheet).or_default();
        match what {
            What::Rows(rows, odd) => {
                known.rows = rows;
                known.odd.extend(odd);
            }
            What::End(mut result) => {
                if let Ok(survey) = &mut result {
                    known.odd.append(&mut survey.odd);
                }
                known.end = Some(result);
            }
        }
        true
    }

    /// Why the reading was stopped, where it was not the reader's own doing.
    pub fn stopped(&mut self) -> Option<Refusal> {
        if !self.source.is_stopped() {
            return None;
        }
        while self.listen() {}
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

/// What was passed over before a sheet.
#[derive(Default)]
struct Before {
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
    before: &mut Before,
    sender: &Sender<News>,
) -> Result<SheetSurvey, Refusal> {
    let (mut scan, mut listener) = (Scan::default(), SheetListener::new(before.texts, before.is_calculated));
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        if let Err(refusal) = scan.take(chunk, &mut listener) {
            let broken = refusal.rule == Rule::FileDamaged;
            return Err(if broken { damaged_after(name, listener.rows_before()) } else { refusal });
        }
        if before.cells + listener.survey.cells > budget.cells {
            return Err(holds_too_much("too many cells", &count(budget.cells)));
        }
        if before.odd + listener.survey.odd.len() > MOST_ODD {
            let what = "too many formulas without a result, or cells that cannot be read";
            return Err(holds_too_much(what, &count(MOST_ODD as u64)));
        }
        // The reader waits meanwhile.
        let Some(odd) = listener.take_odd() else {
            return Ok(());
        };
        before.odd += odd.len();
        let what = What::Rows(listener.rows_before(), odd);
        // Whoever listens no more has stopped reading, which is seen once the sheet is passed over.
        let _ = sender.send(News { sheet: name.to_owned(), what });
        Ok(())
    })?;
    before.cells += listener.survey.cells;
    before.odd += listener.survey.odd.len();
    Ok(listener.survey)
}

/// The reader makes room for as many shared texts as their part claims to have, so that is looked at before. A claim
/// beyond what may be read is a lie unless there really are so many.
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

/// Passes over the texts that all sheets share, and counts them.
fn survey_texts(zipped: &mut Zipped, part: &str, budget: &Budget, unpacked: &mut Unpacked) -> Result<u64, Refusal> {
    let (mut scan, mut listener) = (Scan::default(), TextsListener::default());
    zipped.unpack(part, budget, unpacked, &mut |chunk| {
        scan.take(chunk, &mut listener)?;
        if listener.texts > budget.shared_texts {
            return Err(holds_too_much("too many different texts", &count(budget.shared_texts)));
        }
        if listener.bytes > budget.shared_text_bytes {
            let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
            return Err(holds_too_much("too long texts in all", &limit));
        }
        Ok(())
    })?;
    Ok(listener.texts)
}

/// Lets the threads that read and judge go first where there are fewer cores than threads: the survey is done before
/// them all the same.
fn step_back() {
    /// The last there is: it takes what the others leave.
    #[cfg(target_os = "linux")]
    const NICENESS: i32 = 19;
    // Only Linux takes it of one thread alone. Should it refuse, all go on as equals.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICENESS);
}

#[derive(Debug, Default)]
struct TextsListener {
    /// As many as the part says there are. Programs are known to count a few too many, which costs nothing.
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
