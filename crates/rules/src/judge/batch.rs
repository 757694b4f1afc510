//! Passes rows from the reading thread to the judging thread, a thousand at a time, in buffers that are reused.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use inventory_base::message::Refusal;
use inventory_workbook::{RawCell, RawRow, RawValue, Workbook};

use super::JudgeError;

const BATCH_ROWS: usize = 1000;
/// Rows with long texts make smaller batches.
const BATCH_BYTES: usize = 1 << 20;
/// Full batches that may wait in the queue; more would only take memory.
const QUEUED_BATCHES: usize = 2;

/// Reads a sheet and passes its rows to `take` until one of them returns an error.
pub(super) fn read_rows(
    workbook: &mut Workbook,
    sheet: usize,
    take: &mut dyn FnMut(&RawRow<'_>) -> Result<(), JudgeError>,
) -> Result<(), JudgeError> {
    if workbook.uses_threads() { read_in_thread(workbook, sheet, take) } else { read_inline(workbook, sheet, take) }
}

/// Reads and judges row by row on this thread.
fn read_inline(
    workbook: &mut Workbook,
    sheet: usize,
    take: &mut dyn FnMut(&RawRow<'_>) -> Result<(), JudgeError>,
) -> Result<(), JudgeError> {
    let mut judged = Ok(());
    let read = workbook.visit_rows(sheet, &mut |row| {
        judged = take(row);
        if judged.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    judged.and(read.map_err(JudgeError::from))
}

/// Reads the sheet on its own thread and judges it on this one.
fn read_in_thread(
    workbook: &mut Workbook,
    sheet: usize,
    take: &mut dyn FnMut(&RawRow<'_>) -> Result<(), JudgeError>,
) -> Result<(), JudgeError> {
    thread::scope(|scope| {
        let (full, filled) = sync_channel::<Batch>(QUEUED_BATCHES);
        let (empty, emptied) = channel::<Batch>();
        let reader = scope.spawn(move || -> Result<(), Refusal> {
            let mut batch = Batch::default();
            workbook.visit_rows(sheet, &mut |row| {
                batch.push(row);
                if !batch.is_full() {
                    return ControlFlow::Continue(());
                }
                let next = emptied.try_recv().unwrap_or_default();
                match full.send(std::mem::replace(&mut batch, next)) {
                    Ok(()) => ControlFlow::Continue(()),
                    // The judge stopped.
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            // The last, partial batch; if the judge has stopped, it isn't needed.
            let _ = full.send(batch);
            Ok(())
        });
        let mut judged = Ok(());
        for mut batch in filled.iter() {
            judged = batch.hand_out(take);
            if judged.is_err() {
                break;
            }
            batch.clear();
            // If the reader has finished, the buffer isn't needed.
            let _ = empty.send(batch);
        }
        drop(filled);
        match reader.join() {
            Ok(read) => judged.and(read.map_err(JudgeError::from)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A batch of rows: their cells in one list, their texts in one string.
#[derive(Default)]
struct Batch {
    rows: Vec<BatchRow>,
    cells: Vec<BatchCell>,
    text: String,
}

struct BatchRow {
    number: u32,
    /// The end of its cells; they begin where those of the previous row end.
    end: usize,
    fields: Option<u32>,
}

struct BatchCell {
    column: u32,
    value: BatchValue,
    /// The end of the format's text; it begins where the value's text ends.
    format: Option<usize>,
}

/// A `RawValue` with the end of its text; the text begins where that of the previous cell ends.
enum BatchValue {
    Text(usize),
    Number(f64),
    Date(f64),
    DateOrNumber(f64),
    Bool(bool),
    Error(usize),
    NoResult,
    Unreadable,
}

impl Batch {
    fn push(&mut self, row: &RawRow<'_>) {
        for cell in &row.cells {
            let value = match &cell.value {
                RawValue::Text(text) => BatchValue::Text(self.keep(text)),
                RawValue::Error(text) => BatchValue::Error(self.keep(text)),
                RawValue::Number(number) => BatchValue::Number(*number),
                RawValue::Date(serial) => BatchValue::Date(*serial),
                RawValue::DateOrNumber(number) => BatchValue::DateOrNumber(*number),
                RawValue::Bool(flag) => BatchValue::Bool(*flag),
                RawValue::NoResult => BatchValue::NoResult,
                RawValue::Unreadable => BatchValue::Unreadable,
            };
            let format = cell.format.as_ref().map(|format| self.keep(format));
            self.cells.push(BatchCell { column: cell.column, value, format });
        }
        self.rows.push(BatchRow { number: row.number, end: self.cells.len(), fields: row.fields });
    }

    fn keep(&mut self, text: &str) -> usize {
        self.text.push_str(text);
        self.text.len()
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.text.len() >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.cells.clear();
        self.text.clear();
    }

    fn hand_out(&self, take: &mut dyn FnMut(&RawRow<'_>) -> Result<(), JudgeError>) -> Result<(), JudgeError> {
        let mut at = 0;
        let mut text_to = |end: usize| {
            let text = &self.text[at..end];
            at = end;
            Cow::Borrowed(text)
        };
        let mut row = RawRow { number: 0, cells: Vec::new(), fields: None };
        let mut taken = 0;
        for &BatchRow { number, end, fields } in &self.rows {
            (row.number, row.fields) = (number, fields);
            row.cells.clear();
            row.cells.extend(self.cells[taken..end].iter().map(|cell| RawCell {
                column: cell.column,
                value: match cell.value {
                    BatchValue::Text(end) => RawValue::Text(text_to(end)),
                    BatchValue::Error(end) => RawValue::Error(text_to(end)),
                    BatchValue::Number(number) => RawValue::Number(number),
                    BatchValue::Date(serial) => RawValue::Date(serial),
                    BatchValue::DateOrNumber(number) => RawValue::DateOrNumber(number),
                    BatchValue::Bool(flag) => RawValue::Bool(flag),
                    BatchValue::NoResult => RawValue::NoResult,
                    BatchValue::Unreadable => RawValue::Unreadable,
                },
                format: cell.format.map(&mut text_to),
            }));
            taken = end;
            take(&row)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_workbook::Budget;
    use std::io::{Seek, Write};

    fn workbook(content: &[u8]) -> Workbook {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        Workbook::open(file, "Stock.csv", Budget::default()).unwrap()
    }

    #[test]
    fn rows_arrive_as_they_were_sent() {
        let text = |s: &'static str| RawValue::Text(Cow::Borrowed(s));
        let cell =
            |column, value, format: Option<&'static str>| RawCell { column, value, format: format.map(Cow::Borrowed) };
        let rows = [
            RawRow {
                number: 3,
                cells: vec![cell(0, text("ä"), None), cell(2, RawValue::Number(1.5), Some("0.00"))],
                fields: Some(4),
            },
            RawRow { number: 4, cells: vec![], fields: None },
            RawRow {
                number: 9,
                cells: vec![
                    cell(1, RawValue::Error("#N/A".into()), Some("@")),
                    cell(2, RawValue::Date(46298.0), Some("d")),
                    cell(3, text(""), None),
                    cell(4, RawValue::Bool(true), None),
                    cell(5, RawValue::NoResult, None),
                    cell(6, RawValue::DateOrNumber(46298.0), None),
                    cell(7, RawValue::Unreadable, None),
                ],
                fields: None,
            },
        ];
        let mut batch = Batch::default();
        for _ in 0..2 {
            rows.iter().for_each(|row| batch.push(row));
            let mut seen = Vec::new();
            batch
                .hand_out(&mut |row| {
                    seen.push(format!("{row:?}"));
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>());
            batch.clear();
        }
    }

    #[test]
    fn all_rows_arrive_in_order_whatever_their_number() {
        for rows in [1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 1, 5 * BATCH_ROWS + 7] {
            let mut numbers = Vec::new();
            read_rows(&mut workbook("a,b\n".repeat(rows).as_bytes()), 0, &mut |row| {
                numbers.push(row.number);
                Ok(())
            })
            .unwrap();
            assert!(numbers.iter().copied().eq(1..=rows as u32), "{rows}");
        }
    }

    #[test]
    fn a_judge_that_stops_stops_the_reader() {
        let mut seen = 0;
        let stopped = read_rows(&mut workbook("a,b\n".repeat(20 * BATCH_ROWS).as_bytes()), 0, &mut |_| {
            seen += 1;
            if seen == 10 { Err(std::io::Error::other("enough").into()) } else { Ok(()) }
        });
        assert!(matches!(stopped, Err(JudgeError::Output(_))));
        assert_eq!(seen, 10);
    }

    #[test]
    fn a_file_that_breaks_off_is_refused_after_its_full_batches() {
        let content = "a,b\n".repeat(2 * BATCH_ROWS + 10) + "\"never closed";
        let mut numbers = Vec::new();
        let refused = read_rows(&mut workbook(content.as_bytes()), 0, &mut |row| {
            numbers.push(row.number);
            Ok(())
        });
        assert!(matches!(refused, Err(JudgeError::Refused(_))));
        // The rows that don't fill a batch are not judged: the file is refused anyway.
        assert!(numbers.iter().copied().eq(1..=2 * BATCH_ROWS as u32), "{} rows", numbers.len());
    }
}
