//! Delimited text: its rows, the evidence of its columns, the verdicts; and the same rows in another encoding and
//! across the ends of the buffers.

#![no_main]

use std::sync::LazyLock;

use inventory_base::message::Rule;
use inventory_loader_fuzz::{check_refusal, judge, open, read_twice};
use inventory_rules::schema::{SHIPPED, Schema};
use inventory_workbook::RawRow;
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::shipped().expect("the shipped rules"));
/// The size of all of the reader's buffers.
const BUFFER_BYTES: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Some(sheets) = read_as_csv(bytes) else { return };
    let mut workbook = open(bytes, "stock.csv").expect("a file that was opened before");
    judge(&SCHEMA, SHIPPED, &mut workbook, &sheets);
    check_utf16(bytes, &sheets);
    // Only for some inputs: it costs many times as much as all the rest.
    if bytes.len().is_multiple_of(16) {
        check_borders(bytes);
    }
});

/// Returns the rows, if the bytes are taken for delimited text.
fn read_as_csv(bytes: &[u8]) -> Option<Vec<Vec<RawRow<'static>>>> {
    let read = open(bytes, "stock.csv").and_then(|mut workbook| {
        // There is a note if the content does not match the extension.
        let is_csv = workbook.notes().iter().all(|note| note.rule != Rule::ExtensionDiffers);
        if is_csv { read_twice(&mut workbook).map(Some) } else { Ok(None) }
    });
    match read {
        Ok(sheets) => sheets,
        Err(refusal) => {
            check_refusal(&refusal, "");
            None
        }
    }
}

/// The same text in UTF-16 has the same rows.
fn check_utf16(bytes: &[u8], sheets: &[Vec<RawRow<'_>>]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.contains('\0') {
        return;
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let wide: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_as_csv(&wide).as_deref(), Some(sheets), "different rows in UTF-16");
}

/// Blank lines above move the rows down and do not change them, wherever the buffer ends.
fn check_borders(bytes: &[u8]) {
    if bytes.contains(&0) {
        return;
    }
    let lines = BUFFER_BYTES - bytes.len().min(BUFFER_BYTES) / 2;
    // The first line sets the delimiter, which is otherwise detected from the first rows.
    let below = |lines: usize| read_as_csv(&[b"sep=;\n", "\n".repeat(lines).as_bytes(), bytes].concat());
    if let (Some(mut sheets), Some(moved)) = (below(0), below(lines)) {
        sheets[0].iter_mut().for_each(|row| row.number += lines as u32);
        assert_eq!(sheets, moved, "different rows further below");
    }
}
