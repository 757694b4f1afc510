//! Checks what the documentation says about the code.

mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

use crate::harness::root;

/// Returns the Rust files in a folder and its subfolders.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "rs")).chain(below).collect()
}

#[test]
fn every_test_named_in_promises_exists() {
    let function = Regex::new(r"fn ([a-z0-9_]+)").expect("an expression");
    let mut known = BTreeSet::new();
    for file in ["crates", "src", "tests", "fuzz/src"].iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = fs::read_to_string(file).expect("a source file");
        known.extend(function.captures_iter(&text).map(|found| found[1].to_string()));
    }
    // A name of three words or more is the name of a test.
    let named = Regex::new(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`").expect("an expression");
    let promises = fs::read_to_string(root().join("docs/promises.md")).expect("the promises");
    let missing: Vec<String> =
        named.captures_iter(&promises).map(|found| found[1].to_string()).filter(|name| !known.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}
