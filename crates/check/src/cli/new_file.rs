//! Writes a new file under a temporary name in the same folder until it is complete, and replaces an existing file only
//! with `--force`.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::exit::CliError;

/// The usual permissions of new files, before the user's umask.
const MODE: u32 = 0o666;

pub struct NewFile {
    path: PathBuf,
    force: bool,
    file: NamedTempFile,
}

impl NewFile {
    pub fn begin(path: &Path, force: bool) -> Result<NewFile, CliError> {
        if !force && path.exists() {
            return Err(already_exists(path));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(CliError::usage(format!(
                "There is no folder {folder}. Create it, or name another file with --out."
            )));
        }
        let mut unfinished = tempfile::Builder::new();
        let unfinished = unfinished.prefix(".unfinished-").permissions(Permissions::from_mode(MODE));
        let file = unfinished.tempfile_in(folder).map_err(|error| CliError::file("written", path, &error))?;
        Ok(NewFile { path: path.to_path_buf(), force, file })
    }

    /// Returns a handle to write to. All handles share one position.
    pub fn file(&self) -> Result<File, CliError> {
        self.file.as_file().try_clone().map_err(|error| CliError::file("written", &self.path, &error))
    }

    /// Moves the complete file to its place.
    pub fn keep(self) -> Result<(), CliError> {
        let NewFile { path, force, file } = self;
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(()),
            // Another program has created the file in the meantime.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(already_exists(&path)),
            Err(error) => Err(CliError::file("written", &path, &error.error)),
        }
    }
}

fn already_exists(path: &Path) -> CliError {
    let path = path.display();
    CliError::usage(format!("{path} already exists. Name another file with --out, or overwrite it with --force."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(path: &Path, force: bool, text: &str) -> Result<(), String> {
        let new = NewFile::begin(path, force).map_err(|error| error.sentence)?;
        new.file().map_err(|error| error.sentence)?.write_all(text.as_bytes()).unwrap();
        new.keep().map_err(|error| error.sentence)
    }

    #[test]
    fn an_existing_file_is_only_overwritten_with_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        write(&path, false, "first").unwrap();
        assert!(write(&path, false, "second").unwrap_err().contains("already exists"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        write(&path, true, "third").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        // No unfinished file is left in the folder.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("quarters");
        let said = format!("There is no folder {}. Create it, or name another file with --out.", missing.display());
        assert_eq!(write(&missing.join("stock.csv"), false, "first").unwrap_err(), said);
    }

    #[test]
    fn a_file_created_in_the_meantime_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        let new = NewFile::begin(&path, false).unwrap_or_else(|error| panic!("{error:?}"));
        std::fs::write(&path, "theirs").unwrap();
        assert!(new.keep().unwrap_err().sentence.contains("already exists"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
    }
}
