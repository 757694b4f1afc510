//! Text with a delimiter: its rows, the evidence of its columns, the verdicts; and the same rows in another encoding and
//! across the borders of the buffers.

#![no_main]

use std::sync::LazyLock;

use inventory_base::message::Rule;
use inventory_rules::schema::{SHIPPED, Schema};
use inventory_workbook::RawRow;
use inventory_loader_fuzz::{check_refusal, judge, open, read_twice};
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::shipped().expect("the shipped rules"));
/// The reader's buffers, all of them.
const BUFFER_BYTES: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Some(sheets) = read_as_csv(bytes) else { return };
    let mut workbook = open(bytes, "stock.csv").expect("what was opened before");
    judge(&SCHEMA, SHIPPED, &mut workbook, &sheets);
    check_utf16(bytes, &sheets);
    // It costs as much as all the rest many times over.
    if bytes.len().is_multiple_of(16) {
        check_borders(bytes);
    }
});

/// The rows, where the bytes are taken for such a text.
fn read_as_csv(bytes: &[u8]) -> Option<Vec<Vec<RawRow<'static>>>> {
    let told = open(bytes, "stock.csv").and_then(|mut workbook| {
        // It would be noted if the bytes were something else than the name says.
        let is_csv = workbook.notes().iter().all(|note| note.rule != Rule::ExtensionDiffers);
        if is_csv { read_twice(&mut workbook).map(Some) } else { Ok(None) }
    });
    match told {
        Ok(sheets) => sheets,
        Err(refusal) => {
            check_refusal(&refusal, "");
            None
        }
    }
}

/// A text is the same text in UTF-16.
fn check_utf16(bytes: &[u8], sheets: &[Vec<RawRow<'_>>]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.contains('\0') {
        return;
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let wide: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_as_csv(&wide).as_deref(), Some(sheets), "it reads otherwise in UTF-16");
}

/// Blank lines above move the rows down and change nothing in them, wherever the buffer ends.
fn check_borders(bytes: &[u8]) {
    if bytes.contains(&0) {
        return;
    }
    let lines = BUFFER_BYTES - bytes.len().min(BUFFER_BYTES) / 2;
    // The first line names the delimiter, which is otherwise told from the rows that come first.
    let below = |lines: usize| read_as_csv(&[b"sep=;\n", "\n".repeat(lines).as_bytes(), bytes].concat());
    if let (Some(mut sheets), Some(moved)) = (below(0), below(lines)) {
        sheets[0].iter_mut().for_each(|row| row.number += lines as u32);
        assert_eq!(sheets, moved, "it reads otherwise further below");
    }
}
