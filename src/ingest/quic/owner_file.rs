//! Files for the owner alone: of mode 0600, there as a whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::QuicError;

/// What a file holds; `None`: it is not there.
pub(super) fn read_kept(path: &Path) -> Result<Option<Vec<u8>>, QuicError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

/// Writes a file under another name, makes it durable and moves it into place. Makes its
/// directory if that is not there.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), QuicError> {
    let unfinished = path.with_extension("unfinished");
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made
        .and_then(|()| {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)
        })
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|source| failed(path, source))
}

pub(super) fn failed(path: &Path, source: io::Error) -> QuicError {
    QuicError::File { path: path.to_owned(), source }
}
