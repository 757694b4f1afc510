//! Workbooks of Excel 95 to 2003: a stream of records, each a kind, a length and that many bytes. Parsed here and not
//! with calamine, which reports no number formats, decides from its own list what is a date, and skips older kinds of
//! formulas together with their rows.

mod book;
mod sheet;
#[cfg(test)]
pub mod tests;
mod text;

use super::scan::damaged;
use super::xlsb::records::Body;
use inventory_base::message::Refusal;

pub use book::Book;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const CONTINUE: u16 = 0x003C;
const FORMULA: [u16; 3] = [0x0006, 0x0206, 0x0406];
/// The text result of the formula before it.
const STRING: u16 = 0x0207;
const LABEL: u16 = 0x0204;
const RSTRING: u16 = 0x00D6;
const LABEL_SST: u16 = 0x00FD;
const NUMBER: u16 = 0x0203;
const RK: u16 = 0x027E;
const MUL_RK: u16 = 0x00BD;
const MERGED_CELLS: u16 = 0x00E5;
const BOOL_ERR: u16 = 0x0205;

#[derive(Clone, Copy)]
struct Record<'a> {
    kind: u16,
    body: Body<'a>,
    /// Its offset in the stream.
    at: usize,
}

/// The records from an offset in the stream on. Iteration ends after a truncated one.
#[derive(Clone, Copy)]
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    fn from(stream: &'a [u8], at: usize) -> Records<'a> {
        Records { stream, at }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.stream.get(self.at..).filter(|rest| !rest.is_empty())?;
        let read = || {
            let head = Body(rest);
            let length = usize::from(head.u16(2)?);
            Some(Record { kind: head.u16(0)?, body: Body(rest.get(4..4 + length)?), at: self.at })
        };
        let Some(record) = read() else {
            self.at = self.stream.len();
            return Some(Err(damaged()));
        };
        self.at += 4 + record.body.0.len();
        Some(Ok(record))
    }
}
