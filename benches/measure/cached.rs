//! Files that are generated once and reused by later runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::stock::SEED;

/// Returns the path of a file with this name and extension, which `write` creates if it does not exist.
pub fn make(name: &str, extension: &str, write: impl FnOnce(&Path)) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{SEED}.{extension}"));
    if !file.exists() {
        eprintln!("making {}", file.display());
        // Under another name first, so that an interrupted run leaves no incomplete file under this name.
        let partial = file.with_extension("partial");
        write(&partial);
        fs::rename(&partial, &file).expect("the file");
    }
    file
}
