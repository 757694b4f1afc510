//! The baseline: reads each cell of the first sheet with calamine and does nothing else. In a process of its own, so
//! that it is measured like the others.

use std::ffi::OsStr;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use calamine::{Reader, Xlsx};

const VERB: &str = "bare";

pub fn command(file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(VERB).arg(file);
    command
}

/// Reads the file if this process was started by `command`; returns whether it was.
pub fn ran() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    let (verb, file) = (arguments.next(), arguments.next());
    let Some(file) = file.filter(|_| verb.as_deref() == Some(OsStr::new(VERB))) else {
        return false;
    };
    let file = BufReader::new(File::open(file).expect("the file"));
    let mut workbook = Xlsx::new(file).expect("a workbook");
    let sheet = workbook.sheet_names()[0].clone();
    let mut cells = workbook.worksheet_cells_reader(&sheet).expect("a sheet");
    let mut count = 0u64;
    while cells.next_cell().expect("a cell").is_some() {
        count += 1;
    }
    println!("{count} cells");
    true
}
