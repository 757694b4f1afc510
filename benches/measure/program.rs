//! The programs that load a file into a table, ours and its peers, each as a command line with placeholders.

use std::path::Path;
use std::process::Command;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.local/peers/python/bin/python3");
const DDBIMPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.local/peers/ddbimport");
const REGION: &str = "eu-central-1";
/// The folder in which our own program stores its plan and report.
pub const OUT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/loads");

/// Placeholders for the file and the table's URL.
const FILE: &str = "{file}";
const URL: &str = "{url}";

pub struct Program {
    pub name: String,
    words: Vec<String>,
    /// Whether the program takes minutes for large files, so that it runs in fewer rounds.
    pub is_slow: bool,
}

impl Program {
    pub fn inventory(name: &str, more: &[&str]) -> Program {
        let ours = env!("CARGO_BIN_EXE_inventory");
        Program::new(
            name,
            &[&[ours, "load", FILE, "--table", "stock", "--endpoint-url", URL, "--out", OUT], more].concat(),
        )
    }

    pub fn openpyxl() -> Program {
        Program::script("openpyxl, boto3", "openpyxl_boto3.py")
    }

    pub fn calamine() -> Program {
        Program::script("python-calamine, boto3", "calamine_boto3.py")
    }

    pub fn csv() -> Program {
        Program::script("csv, boto3", "csv_boto3.py")
    }

    pub fn ddbimport(name: &str, more: &[&str]) -> Program {
        let numbers = "quantity,unit_price,reorder_level";
        let typed = ["-numericFields", numbers, "-booleanFields", "discontinued", "-delimiter", "comma"];
        let words = [DDBIMPORT, "-inputFile", FILE, "-tableName", "stock", "-tableRegion", REGION];
        Program::new(name, &[&words[..], &typed, more].concat())
    }

    fn script(name: &str, script: &str) -> Program {
        let script = format!("{FOLDER}/benches/peers/{script}");
        Program { is_slow: true, ..Program::new(name, &[PYTHON, &script, FILE, "stock", URL]) }
    }

    fn new(name: &str, words: &[&str]) -> Program {
        let words = words.iter().map(ToString::to_string).collect();
        Program { name: name.to_string(), words, is_slow: false }
    }

    /// Makes another program, such as `taskset`, start this one.
    pub fn wrapped_in(mut self, words: &[&str]) -> Program {
        self.words.splice(0..0, words.iter().map(ToString::to_string));
        self
    }

    /// Returns the programs that are installed.
    pub fn installed(programs: Vec<Program>) -> Vec<Program> {
        let (installed, missing): (Vec<_>, Vec<_>) =
            programs.into_iter().partition(|program| Path::new(&program.words[0]).exists());
        for program in missing {
            eprintln!("{} is skipped: it is not installed (benches/peers/install)", program.name);
        }
        installed
    }

    /// Returns the number of `rounds` with `rows` rows in which the program takes part.
    pub fn rounds(&self, rounds: usize, rows: u32) -> usize {
        match (self.is_slow, rows) {
            (false, _) | (true, ..100_000) => rounds,
            (true, 100_000) => 1,
            (true, 100_001..) => 0,
        }
    }

    pub fn command(&self, file: &Path, url: &str) -> Command {
        let file = file.to_str().expect("a path in UTF-8");
        let mut words = self.words.iter().map(|word| match word.as_str() {
            FILE => file,
            URL => url,
            word => word,
        });
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).env("AWS_ENDPOINT_URL", url);
        for (name, value) in CREDENTIALS {
            command.env(name, value);
        }
        command
    }
}

/// Any credentials: a simulated table does not check them.
pub const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_REGION", REGION),
    ("AWS_DEFAULT_REGION", REGION),
];
