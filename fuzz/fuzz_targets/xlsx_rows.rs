//! The sheet of a workbook, its shared strings and its styles, separated by zero bytes: rows, then verdicts.

#![no_main]

use std::sync::LazyLock;

use inventory_loader_fuzz::{
    check_refusal, forgive_calamine, judge, open, read_twice, unless_calamine_panics, xlsx_of,
};
use inventory_rules::schema::{SHIPPED, Schema};
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::shipped().expect("the shipped rules"));

fuzz_target!(init: forgive_calamine(), |bytes: &[u8]| unless_calamine_panics(|| read_and_judge(bytes)));

fn read_and_judge(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == 0);
    let sheet = parts.next().unwrap_or_default();
    let workbook = xlsx_of(sheet, parts.next(), parts.next());
    let read = open(&workbook, "stock.xlsx").and_then(|mut workbook| {
        let sheets = read_twice(&mut workbook)?;
        Ok((workbook, sheets))
    });
    match read {
        Ok((mut workbook, sheets)) => judge(&SCHEMA, SHIPPED, &mut workbook, &sheets),
        Err(refusal) => check_refusal(&refusal, ""),
    }
}
