//! The records of an xls workbook: the length of the records before the sheet in two bytes, then these, then those of
//! the sheet.

#![no_main]

use std::sync::LazyLock;

use inventory_loader_fuzz::{check_refusal, judge, open, read_twice, xls_of};
use inventory_rules::schema::{SHIPPED, Schema};
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::shipped().expect("the shipped rules"));

fuzz_target!(|bytes: &[u8]| {
    let Some((length, records)) = bytes.split_first_chunk() else { return };
    let (globals, sheet) = records.split_at(usize::from(u16::from_le_bytes(*length)).min(records.len()));
    let workbook = xls_of(globals, sheet);
    let read = open(&workbook, "stock.xls").and_then(|mut workbook| {
        let sheets = read_twice(&mut workbook)?;
        Ok((workbook, sheets))
    });
    match read {
        Ok((mut workbook, sheets)) => judge(&SCHEMA, SHIPPED, &mut workbook, &sheets),
        Err(refusal) => check_refusal(&refusal, ""),
    }
});
