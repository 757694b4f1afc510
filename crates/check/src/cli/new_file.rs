//! A file that is being made: beside its place until it is whole, and never in place of another unless that is asked for.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::exit::CliError;

/// As any file that is made, less what the user's mask takes away.
const MODE: u32 = 0o666;

pub struct NewFile {
    path: PathBuf,
    force: bool,
    file: NamedTempFile,
}

impl NewFile {
    pub fn begin(path: &Path, force: bool) -> Result<NewFile, CliError> {
        if !force && path.exists() {
            return Err(is_there(path));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(CliError::usage(format!(
                "There is no folder {folder}. Make it, or name another file with --out."
            )));
        }
        let mut unfinished = tempfile::Builder::new();
        let unfinished = unfinished.prefix(".unfinished-").permissions(Permissions::from_mode(MODE));
        let file = unfinished.tempfile_in(folder).map_err(|error| CliError::file("written", path, &error))?;
        Ok(NewFile { path: path.to_path_buf(), force, file })
    }

    /// To write into, more than once at the same place.
    pub fn file(&self) -> Result<File, CliError> {
        self.file.as_file().try_clone().map_err(|error| CliError::file("written", &self.path, &error))
    }

    /// Puts the file, now whole, in its place.
    pub fn keep(self) -> Result<(), CliError> {
        let NewFile { path, force, file } = self;
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(()),
            // Somebody made one meanwhile.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(is_there(&path)),
            Err(error) => Err(CliError::file("written", &path, &error.error)),
        }
    }
}

fn is_there(path: &Path) -> CliError {
    let path = path.display();
    CliError::usage(format!("{path} is there already. Name another file with --out, or write over it with --force."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(path: &Path, force: bool, text: &str) -> Result<(), String> {
        let new = NewFile::begin(path, force).map_err(|trouble| trouble.sentence)?;
        new.file().map_err(|trouble| trouble.sentence)?.write_all(text.as_bytes()).unwrap();
        new.keep().map_err(|trouble| trouble.sentence)
    }

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_may_be_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        write(&path, false, "first").unwrap();
        assert!(write(&path, false, "second").unwrap_err().contains("is there already"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        write(&path, true, "third").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        // Nothing unfinished is left beside it.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("quarters");
        let said = format!("There is no folder {}. Make it, or name another file with --out.", missing.display());
        assert_eq!(write(&missing.join("stock.csv"), false, "first").unwrap_err(), said);
    }

    #[test]
    fn a_file_that_somebody_made_meanwhile_is_kept_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        let new = NewFile::begin(&path, false).unwrap_or_else(|trouble| panic!("{trouble:?}"));
        std::fs::write(&path, "theirs").unwrap();
        assert!(new.keep().unwrap_err().sentence.contains("is there already"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
    }
}
