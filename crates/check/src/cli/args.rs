//! Arguments of commands: rules, files, and where to report.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use clap::Args;
use inventory_base::upload::Upload;
use inventory_rules::schema::{Mistake, Mistakes, Schema};
use sha2::{Digest, Sha256};

use super::exit::CliError;
use crate::child::Reader;

/// What to report, where, and by which rules.
#[derive(Args)]
pub struct ReportArgs {
    /// Print the report as JSON, as `report.json` holds it (docs/report.md).
    #[arg(long)]
    pub json: bool,
    /// Write the fate of each row into this file, as JSON Lines: {"sheet":"Stock","row":12,"fate":"rejected"}.
    #[arg(long, value_name = "OUT")]
    pub fates: Option<PathBuf>,
    /// Write the items of the accepted rows into this file, as JSON Lines in DynamoDB's JSON.
    #[arg(long, value_name = "OUT")]
    pub items: Option<PathBuf>,
    /// Use the rules in this file instead of those that come with the loader (inventory.toml).
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
}

impl ReportArgs {
    pub fn rules(&self) -> Result<Schema, CliError> {
        read_rules(self.schema.as_deref())
    }
}

/// Returns a reader that runs this program again as its child.
pub fn own_reader() -> Result<Reader, CliError> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::usage(format!("The program's own file was not found, so it cannot start its reader: {error}."))
    })?;
    Ok(Reader::new(program, std::env::temp_dir()))
}

/// Reads the rules in a file, or returns the mistakes in them.
pub(super) fn parse_rules(path: &Path) -> Result<Result<Schema, Mistakes>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| CliError::file("read", path, &error))?;
    Ok(Schema::from_toml(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// Lists the mistakes one to a line, in the format of compilers, so that editors can jump to them.
pub(super) fn list_mistakes(path: &Path, mistakes: &Mistakes) -> String {
    let line = |mistake: &Mistake| format!("{}:{}: {}.", path.display(), mistake.line, mistake.sentence);
    mistakes.all().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the rules in a file, or those that come with the loader.
pub fn read_rules(file: Option<&Path>) -> Result<Schema, CliError> {
    match file {
        None => Schema::shipped().map_err(|mistakes| CliError::usage(format!("{mistakes}."))),
        Some(path) => parse_rules(path)?.map_err(|mistakes| CliError::usage(list_mistakes(path, &mistakes))),
    }
}

/// Opens a file on this machine and describes it as an upload. Its version is a digest of its content, so the same file
/// is the same load.
pub fn local_upload(path: &Path) -> Result<(File, Upload), CliError> {
    let fault = |error: std::io::Error| CliError::file("read", path, &error);
    let full = path.canonicalize().map_err(fault)?;
    let mut file = File::open(&full).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if !metadata.is_file() {
        return Err(CliError::usage(format!("{} is not a file. Name the spreadsheet itself.", path.display())));
    }
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(fault)? {
            0 => break,
            length => digest.update(&block[..length]),
        }
    }
    let version = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    file.rewind().map_err(fault)?;
    let upload = Upload {
        bucket: String::new(),
        key: full.to_string_lossy().into_owned(),
        version: Some(version),
        sequencer: None,
        etag: None,
        size: Some(metadata.len()),
        time: None,
    };
    Ok((file, upload))
}
