//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the system lets this process, and gives how many connections fit: at
/// most half of it, so that files of the data directory always find room.
pub fn connections_within(connections_max: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(OPEN_FILES_MAX).min(OPEN_FILES_MAX);
    let wanted = current.map_or(wanted, |current| current.max(wanted));
    // A limit that cannot be raised is the limit.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    let open_max = getrlimit(Resource::Nofile).current.unwrap_or(OPEN_FILES_MAX);
    connections_max.min(open_max as usize / 2).max(1)
}

/// More is not asked for.
const OPEN_FILES_MAX: u64 = 1 << 20;
