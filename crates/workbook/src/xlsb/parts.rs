//! The parts of a binary workbook that are read before its rows: shared texts and formats, and whether the formulas of
//! a sheet were calculated.

use std::collections::HashMap;
use std::io::BufReader;
use std::sync::Arc;

use super::super::budget::{Budget, holds_too_much};
use super::super::number_format::{CellFormat, is_eastern_name};
use super::super::scan::damaged;
use super::super::zipped::{Unpacked, Zipped};
use super::records::{Body, Records};
use inventory_base::message::{Refusal, count};

pub fn read_texts(zipped: &mut Zipped, budget: &Budget, unpacked: &mut Unpacked) -> Result<Vec<String>, Refusal> {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    each_record(zipped, "xl/sharedStrings.bin", budget, unpacked, &mut |kind, body| {
        // BrtSSTItem: flags, then the text without its formatting runs.
        if kind == 0x0013 {
            let (text, _) = body.text(1).ok_or_else(damaged)?;
            bytes += text.len() as u64;
            if bytes > budget.shared_text_bytes {
                let limit = format!("{} MB", count(budget.shared_text_bytes >> 20));
                return Err(holds_too_much("too much text", &limit));
            }
            if texts.len() as u64 >= budget.shared_texts {
                return Err(holds_too_much("too many different texts", &count(budget.shared_texts)));
            }
            texts.push(text);
        }
        Ok(())
    })?;
    Ok(texts)
}

pub fn read_formats(zipped: &mut Zipped, budget: &Budget, unpacked: &mut Unpacked) -> Result<Vec<CellFormat>, Refusal> {
    /// The number of styles that Excel allows in a workbook.
    const MAX_FORMATS: usize = 65_536;
    let (mut codes, mut formats, mut in_cells) = (HashMap::new(), Vec::new(), false);
    let mut is_eastern = false;
    each_record(zipped, "xl/styles.bin", budget, unpacked, &mut |kind, body| {
        match kind {
            // BrtFmt
            0x002C => {
                let (id, code) = (body.u16(0).ok_or_else(damaged)?, body.text(2).ok_or_else(damaged)?.0);
                codes.insert(id, Arc::from(code));
            }
            // BrtFont: attributes, then its name.
            0x002B => is_eastern |= body.text(21).is_some_and(|(name, _)| is_eastern_name(&name)),
            // BrtBeginCellXFs, BrtEndCellXFs
            0x0269 => in_cells = true,
            0x026A => in_cells = false,
            // BrtXF
            0x002F if in_cells => {
                let id = body.u16(2).ok_or_else(damaged)?;
                formats.push(CellFormat::new(id, codes.get(&id), is_eastern));
            }
            _ => {}
        }
        if codes.len().max(formats.len()) > MAX_FORMATS { Err(damaged()) } else { Ok(()) }
    })?;
    Ok(formats)
}

fn each_record(
    zipped: &mut Zipped,
    part: &str,
    budget: &Budget,
    unpacked: &mut Unpacked,
    take: &mut dyn FnMut(u16, Body<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let Some(part) = zipped.part(part, budget, *unpacked)? else {
        return Ok(());
    };
    let mut records = Records::new(BufReader::new(part));
    loop {
        match records.next() {
            Ok(Some((kind, body))) => take(kind, body)?,
            Ok(None) => break,
            Err(error) => return Err(records.get_ref().get_ref().refuse(error)),
        }
    }
    unpacked.0 += records.get_ref().get_ref().unpacked();
    Ok(())
}

/// Whether a formula of the sheet has a result other than 0 or an empty text, which is what a program that does not
/// calculate stores.
pub fn has_results(zipped: &mut Zipped, part: &str, budget: &Budget, mut unpacked: Unpacked) -> bool {
    let mut found = false;
    // The first one is enough; damage in the sheet is found when its rows are read.
    let _ = each_record(zipped, part, budget, &mut unpacked, &mut |kind, body| {
        found |= matches!(kind, 0x0008..=0x000B) && body.after(4).is_some_and(|body| !is_zero(kind, body));
        if found { Err(damaged()) } else { Ok(()) }
    });
    found
}

/// Whether a cell is a formula with the result 0 or an empty text. `body` is the record after the column.
pub fn is_zero(kind: u16, body: Body<'_>) -> bool {
    match kind {
        // BrtFmlaString, BrtFmlaNum
        0x0008 => body.u32(4) == Some(0),
        0x0009 => body.f64(4) == Some(0.0),
        _ => false,
    }
}
