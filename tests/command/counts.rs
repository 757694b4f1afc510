//! Every row of every sample and test file has one fate: the rows are counted independently by Python libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{expectations, json, lines, text};
use crate::harness::{inventory, root};

/// The files refused as a whole and the rule, in addition to those in sample-data/expected.json.
const REFUSED: [(&str, &str); 1] = [("libreoffice.html", "table-not-plain")];

/// Extensions and names of files in the two folders that are not spreadsheets.
const OTHER_ENDINGS: [&str; 4] = ["json", "md", "py", "rs"];
const OTHER_NAMES: [&str; 2] = [".gitattributes", "requirements.txt"];

/// What `tests/files/count_rows.py` prints for a file.
#[derive(Deserialize)]
struct Counted {
    file: PathBuf,
    reader: String,
    sheets: Vec<CountedSheet>,
}

#[derive(Deserialize)]
struct CountedSheet {
    name: String,
    rows: Vec<u64>,
}

/// Returns all spreadsheets in the two folders, so that a new file cannot be forgotten.
fn spreadsheets() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["sample-data", "tests/files"] {
        for entry in std::fs::read_dir(root().join(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_file() && !OTHER_ENDINGS.contains(&ending) && !OTHER_NAMES.contains(&name(&path)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8")
}

fn refusals() -> BTreeMap<String, String> {
    let samples = expectations().into_iter();
    let samples = samples.filter_map(|(name, expected)| Some((name, expected["refusal"].as_str()?.to_owned())));
    samples.chain(REFUSED.map(|(name, rule)| (name.to_owned(), rule.to_owned()))).collect()
}

/// Counts the rows of all files with the readers among the project's pinned tools.
fn count_rows(files: &[PathBuf]) -> Vec<Counted> {
    let tools = Command::new("python3").arg(root().join("infra/tools.py")).arg("check").status();
    assert!(tools.expect("python3").success(), "infra/tools.py could not install the tools");
    let counted = Command::new(root().join(".local/tools/check/bin/python3"))
        .arg(root().join("tests/files/count_rows.py"))
        .args(files)
        .output()
        .expect("the tools' Python");
    assert!(counted.status.success(), "{}", String::from_utf8_lossy(&counted.stderr));
    let lines = String::from_utf8(counted.stdout).expect("text");
    lines.lines().map(|line| serde_json::from_str(line).expect("a file's rows")).collect()
}

#[test]
fn each_row_that_another_reader_finds_has_one_fate_and_no_other_row_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let fates = folder.path().join("fates");
    let mut refusals = refusals();
    let mut accepted = Vec::new();
    for file in spreadsheets() {
        let Some(rule) = refusals.remove(name(&file)) else {
            accepted.push(file);
            continue;
        };
        let output = inventory(&["check", text(&file), "--json", "--fates", text(&fates)]);
        assert_eq!(json(&output)["refusal"]["rule"], rule, "{}", file.display());
        assert_eq!(lines(&fates), [] as [serde_json::Value; 0], "{}", file.display());
    }
    assert_eq!(refusals, BTreeMap::new(), "not found in the folders");

    let counted = count_rows(&accepted);
    assert_eq!(counted.iter().map(|counted| &counted.file).collect::<Vec<_>>(), accepted.iter().collect::<Vec<_>>());
    for Counted { file, sheets, .. } in &counted {
        let output = inventory(&["check", text(file), "--json", "--fates", text(&fates)]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {output:?}", file.display());
        let found: Vec<_> = sheets.iter().flat_map(|sheet| sheet.rows.iter().map(|row| (&*sheet.name, *row))).collect();
        let listed = lines(&fates);
        let listed: Vec<_> =
            listed.iter().map(|line| (line["sheet"].as_str().unwrap(), line["row"].as_u64().unwrap())).collect();
        assert_eq!(listed, found, "{}", file.display());
    }
    // The files cover every format that can be read.
    let readers: BTreeSet<_> = counted.iter().map(|counted| counted.reader.as_str()).collect();
    assert_eq!(readers, ["csv", "html", "ods", "xls", "xlsb", "xlsx", "xml2003"].into());
}
