//! `inventory schema check [FILE]` and `inventory schema show`: a set of rules, checked or printed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Exit, Trouble};
use crate::message::count;
use crate::schema::{self, Mistakes, SHIPPED};

#[derive(Subcommand)]
pub(super) enum Schema {
    /// Check a set of rules and name every mistake with its line.
    Check {
        /// The rules.
        #[arg(value_name = "FILE", default_value = "inventory.toml")]
        file: PathBuf,
    },
    /// Print the rules the loader comes with, to start your own from.
    Show,
}

impl Schema {
    pub fn run(self) -> Result<Exit, Trouble> {
        let file = match self {
            Schema::Show => return print(SHIPPED).map(|()| Exit::Good),
            Schema::Check { file } => file,
        };
        match read_rules(&file)? {
            Ok(rules) => {
                let key: Vec<&str> = rules.key.attributes().collect();
                let columns = count(rules.columns.len() as u64);
                print(&format!("{}: {columns} columns, key {}. No mistakes.\n", file.display(), key.join(" and ")))?;
                Ok(Exit::Good)
            }
            Err(mistakes) => {
                print(&(listed(&file, &mistakes) + "\n"))?;
                Ok(Exit::Usage)
            }
        }
    }
}

/// The rules in a file, or what is wrong with them.
pub(super) fn read_rules(path: &Path) -> Result<Result<schema::Schema, Mistakes>, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|error| Trouble::file("read", path, &error))?;
    Ok(schema::Schema::from_toml(text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

/// Each mistake in a line of its own, as compilers write them, so that editors find the place.
pub(super) fn listed(path: &Path, mistakes: &Mistakes) -> String {
    let line = |mistake: &schema::Mistake| format!("{}:{}: {}.", path.display(), mistake.line, mistake.sentence);
    mistakes.all().iter().map(line).collect::<Vec<_>>().join("\n")
}

fn print(text: &str) -> Result<(), Trouble> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Trouble::file("written", Path::new("standard output"), &error)),
    }
}
