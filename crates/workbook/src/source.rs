//! A file that several readers read at once, each at its own position, until they are stopped.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that can be read at any offset: a file, or memory.
pub trait ReadAt: std::fmt::Debug + Send + Sync {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

#[cfg(unix)]
impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        (&self[start..]).read(buffer)
    }
}

/// A file with a position of its own: two handles of one file would share theirs, which two threads cannot use.
#[derive(Debug, Clone)]
pub struct Source {
    file: Arc<dyn ReadAt>,
    position: u64,
    length: u64,
    stopped: Arc<AtomicBool>,
}

impl Source {
    pub fn new(file: impl ReadAt + 'static, length: u64) -> Source {
        Source { file: Arc::new(file), position: 0, length, stopped: Arc::default() }
    }

    /// The size of the whole file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The same file from its start; stopping either stops both.
    pub fn from_start(&self) -> Source {
        Source { position: 0, ..self.clone() }
    }

    /// Makes every reader of the file fail at its next read, so that even a library in an endless loop ends.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
impl TryFrom<File> for Source {
    type Error = io::Error;

    fn try_from(file: File) -> io::Result<Source> {
        let length = file.metadata()?.len();
        Ok(Source::new(file, length))
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Source {
        let length = bytes.len() as u64;
        Source::new(bytes, length)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_stopped() {
            return Err(io::ErrorKind::Other.into());
        }
        let length = self.file.read_at(buffer, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn readers_of_one_file_keep_separate_positions_and_stop_together() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        let mut first = Source::try_from(file).unwrap();
        let mut second = first.from_start();
        let take = |source: &mut Source| {
            let mut byte = [0];
            source.read_exact(&mut byte).map(|()| byte[0])
        };
        assert_eq!(take(&mut first).unwrap(), b'a');
        assert_eq!(take(&mut first).unwrap(), b'b');
        assert_eq!(take(&mut second).unwrap(), b'a');
        first.seek(SeekFrom::End(-1)).unwrap();
        assert_eq!((take(&mut first).unwrap(), take(&mut second).unwrap()), (b'f', b'b'));
        second.stop();
        assert!(take(&mut first).is_err() && take(&mut second).is_err());
    }
}
