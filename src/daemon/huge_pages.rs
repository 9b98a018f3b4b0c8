//! Huge pages of memory, for a large fleet: positions come from its couriers in no order, so that
//! nearly every look at one of them also waits for the tables that say where its page is. The
//! allocator learns what it is to do as the program begins, so the program begins anew, as the
//! same process, with that in its environment.

use std::env;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::config::HugePagesConfig;
use crate::storage::segment::snapshot_number;

/// Begins the program anew with huge pages if the directory's fleet is to have them, and its
/// operator has not said in the environment what the allocator is to do. Comes back if nothing has
/// to change.
///
/// # Errors
/// The system refuses: all goes on without them.
pub fn begin_with(wanted: HugePagesConfig, data_dir: &Path) -> io::Result<()> {
    let is_wanted = match wanted {
        HugePagesConfig::Auto => snapshot_bytes(data_dir) >= LARGE_SNAPSHOT_BYTES,
        HugePagesConfig::On => true,
        HugePagesConfig::Off => false,
    };
    if is_wanted { begin_anew() } else { Ok(()) }
}

/// Begins the program anew with huge pages, unless it has them, or whatever the environment says.
///
/// # Errors
/// As [`begin_with`].
pub fn begin_anew() -> io::Result<()> {
    if env::var_os(ALLOCATOR).is_some() {
        return Ok(());
    }
    let mut words = env::args_os();
    let name = words.next().unwrap_or_default();
    Err(Command::new(env::current_exe()?).arg0(name).args(words).env(ALLOCATOR, ALL_HUGE).exec())
}

/// The length of the largest snapshot: what the engine's memory comes to is some multiple of it.
fn snapshot_bytes(data_dir: &Path) -> u64 {
    // A directory that is not there, or cannot be read, is for others to tell of.
    let files = fs::read_dir(data_dir).into_iter().flatten().filter_map(Result::ok);
    let snapshots =
        files.filter(|file| file.file_name().to_str().and_then(snapshot_number).is_some());
    snapshots.filter_map(|file| file.metadata().ok()).map(|file| file.len()).max().unwrap_or(0)
}

/// Where jemalloc, as it is built here, looks for what it is to do...
const ALLOCATOR: &str = "_RJEM_MALLOC_CONF";
/// ...and what that is.
const ALL_HUGE: &str = "thp:always";
/// A courier with twenty orders takes some 600 bytes of a snapshot.
const LARGE_SNAPSHOT_BYTES: u64 = 32 << 20;
/// So many couriers with twenty orders make a large fleet.
pub const LARGE_FLEET: u32 = 50_000;

#[cfg(test)]
mod tests {
    use super::{LARGE_SNAPSHOT_BYTES, snapshot_bytes};
    use crate::storage::segment::snapshot_name;
    use std::fs::{self, File};

    #[test]
    fn the_largest_snapshot_tells_how_large_a_fleet_is() {
        let directory = std::env::temp_dir().join(format!("doorstep-huge-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        assert_eq!(snapshot_bytes(&directory.join("nothing here")), 0);
        assert_eq!(snapshot_bytes(&directory), 0);
        let sizes = [(snapshot_name(7), 12), (snapshot_name(8), LARGE_SNAPSHOT_BYTES)];
        for (name, bytes) in
            sizes.into_iter().chain([("catalog.sqlite".to_owned(), u64::MAX >> 24)])
        {
            File::create(directory.join(name))
                .and_then(|file| file.set_len(bytes))
                .expect("a file");
        }
        assert_eq!(snapshot_bytes(&directory), LARGE_SNAPSHOT_BYTES);
        fs::remove_dir_all(directory).expect("it goes");
    }
}
