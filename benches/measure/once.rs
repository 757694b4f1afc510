//! Files that are made once and found again by later runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::stock::SEED;

/// The file of this name and ending, which `write` makes if it is not there yet.
pub fn make(name: &str, ending: &str, write: impl FnOnce(&Path)) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{SEED}.{ending}"));
    if !file.exists() {
        eprintln!("making {}", file.display());
        // Under another name first, so that a run that was stopped leaves nothing that looks whole.
        let partial = file.with_extension("partial");
        write(&partial);
        fs::rename(&partial, &file).expect("the file");
    }
    file
}
