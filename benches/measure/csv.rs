//! Writes rows as a CSV file that all programs understand: the header has the names of the attributes, and booleans are
//! true or false.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::{ToSpan, civil};

use super::cached;
use super::stock::{HEADER, Row};

const BYTE_ORDER_MARK: &str = "\u{feff}";

pub fn make(name: &str, rows: impl Iterator<Item = Row>) -> PathBuf {
    cached::make(name, "csv", |file| write(file, "", rows).expect("the file"))
}

/// As saved by some programs on Windows.
pub fn make_with_byte_order_mark(name: &str, rows: impl Iterator<Item = Row>) -> PathBuf {
    cached::make(name, "csv", |file| write(file, BYTE_ORDER_MARK, rows).expect("the file"))
}

fn write(file: &Path, before: &str, rows: impl Iterator<Item = Row>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let names = HEADER.map(|title| title.to_lowercase().replace(' ', "_"));
    writeln!(out, "{before}{}", names.join(","))?;
    for row in rows {
        let date = civil::date(1899, 12, 30) + i64::from(row.last_counted).days();
        let price = format!("{}.{:02}", row.pence / 100, row.pence % 100);
        let Row { sku, name, category, warehouse, quantity, reorder_level, supplier, discontinued, .. } = row;
        writeln!(
            out,
            "{sku},{name},{category},{warehouse},{quantity},{price},{reorder_level},{supplier},{date},{discontinued}"
        )?;
    }
    out.flush()
}
