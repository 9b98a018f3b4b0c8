//! What only the first start of a data directory shows: the admin token, once, and the file that
//! keeps it for its owner alone.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::error::DaemonError;

/// Makes a data directory that only its owner may enter; one that is there stays as it is.
pub fn make_private(directory: &Path) -> Result<(), DaemonError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| DaemonError::Directory { path: directory.to_owned(), source })
}

/// Writes a secret into a file that only its owner may read.
pub fn keep_secret(directory: &Path, name: &str, secret: &str) -> Result<(), DaemonError> {
    let path = directory.join(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{secret}"));
    written.map_err(|source| DaemonError::File { path, source })
}
