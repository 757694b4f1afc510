//! Opens the workbooks we write in LibreOffice: headless, with a temporary profile and a deadline.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::timeout;

/// Long, because the first start creates a profile, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(180);
/// Separated by commas, quoted, in UTF-8; every cell as displayed, and every sheet in a file.
const AS_CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1";

/// The cells of a sheet, row by row, as displayed, without the empty cells at the end of a row.
pub type Displayed = Vec<Vec<String>>;

/// Returns the path of LibreOffice, or `None` if it is not installed; panics in CI, where it must be.
fn find_libreoffice() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join("soffice")).find(|path| path.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "LibreOffice is not installed: libreoffice-calc");
    found
}

/// Returns the sheets of a workbook by name, as LibreOffice displays them, or `None`, with a notice, if it is not
/// installed.
pub async fn show(workbook: &Path) -> Option<BTreeMap<String, Displayed>> {
    let Some(office) = find_libreoffice() else {
        // Directly to stderr: the test runner does not show the captured output of a test that passes.
        let _ = writeln!(
            std::io::stderr(),
            "Skipped: LibreOffice is not installed, so {} was not opened in it.",
            workbook.display()
        );
        return None;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let sheets = folder.path().join("sheets");
    let profile = format!("-env:UserInstallation=file://{}", folder.path().join("profile").display());
    let mut command = Command::new(office);
    command
        .args([&profile, "--headless", "--norestore", "--convert-to", AS_CSV, "--outdir"])
        .arg(&sheets)
        .arg(workbook);
    // In its own process group: the program is started by a script, and both must be killed.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).spawn().expect("LibreOffice");
    let group = child.id().and_then(|id| Pid::from_raw(id.try_into().expect("an id"))).expect("a process");
    let ended = timeout(PATIENCE, child.wait_with_output()).await;
    if ended.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let output = ended.unwrap_or_else(|_| panic!("LibreOffice had {} open for {PATIENCE:?}", workbook.display()));
    let output = output.expect("LibreOffice");
    let output_text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !output_text.contains("Error"), "{}: {output_text}", workbook.display());
    let book = workbook.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    Some(read_sheets(&sheets, book, &output_text))
}

/// Asserts that LibreOffice opens the workbook and displays exactly these rows in these sheets.
pub async fn assert_shows(workbook: &Path, expected: &[(&str, Displayed)]) {
    let Some(sheets) = show(workbook).await else { return };
    for (name, rows) in expected {
        let shown = sheets.get(*name).unwrap_or_else(|| panic!("no sheet {name} among {:?}", sheets.keys()));
        for (number, (shown, row)) in (1..).zip(shown.iter().zip(rows)) {
            assert_eq!(shown, row, "row {number} of {name}");
        }
        assert_eq!(shown.len(), rows.len(), "rows of {name}");
    }
}

/// Reads the sheets that LibreOffice converted, named `BOOK-SHEET.csv`.
fn read_sheets(folder: &Path, book: &str, output_text: &str) -> BTreeMap<String, Displayed> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}: {output_text}"));
    let sheet = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let name = stem.strip_prefix(book).and_then(|rest| rest.strip_prefix('-')).expect("the name of a sheet");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).expect("a csv");
        let rows = reader.records().map(|row| {
            let mut cells: Vec<String> = row.expect("a row").iter().map(str::to_string).collect();
            while cells.last().is_some_and(String::is_empty) {
                cells.pop();
            }
            cells
        });
        (name.to_string(), rows.collect())
    };
    files.map(sheet).collect()
}
