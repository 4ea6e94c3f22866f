//! Reading a file of somebody else: all of it, or a reason.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The system says so.
    Io(io::Error),
    /// It is a directory, a pipe, a device.
    NoFile,
    /// It has more bytes than are read.
    TooLarge,
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The bytes of a regular file, or of what a link to one leads to, when there are at most `most` of them.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    // A pipe may never say a word, and a device may never end.
    if !fs::metadata(path)?.is_file() {
        return Err(Unread::NoFile);
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read, so what it says of its size is not asked.
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unread::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_not_beyond() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        fs::write(&path, "seven b").expect("it is written");
        assert_eq!(read(&path, 7).expect("it fits"), b"seven b");
        assert!(matches!(read(&path, 6), Err(Unread::TooLarge)));
        assert!(matches!(read(dir.path(), 7), Err(Unread::NoFile)));
        assert!(matches!(read(&dir.path().join("none"), 7), Err(Unread::Io(_))));
    }
}
