//! Names of the files in a data directory: made and understood here only.

/// The name of a journal segment.
#[must_use]
pub fn journal_name(number: u64) -> String {
    format!("{JOURNAL}{number:020}{SEGMENT}")
}

/// The number of a journal segment of that name.
#[must_use]
pub fn journal_number(name: &str) -> Option<u64> {
    number(name, JOURNAL)
}

/// The journal segments among some names, without a hole up to the last, lowest first. What lies
/// before a hole had been dropped, and is there again after a crash that undid some of that.
#[must_use]
pub fn journal_numbers(names: &[String]) -> Vec<u64> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| journal_number(name)).collect();
    let holes = numbers.windows(2).rposition(|pair| pair[0] + 1 != pair[1]);
    numbers.drain(..holes.map_or(0, |at| at + 1));
    numbers
}

/// The name of the feed segment that begins with a position.
#[must_use]
pub fn feed_name(first: u64) -> String {
    format!("{FEED}{first:020}{SEGMENT}")
}

/// The first position of a feed segment of that name.
#[must_use]
pub fn feed_first(name: &str) -> Option<u64> {
    number(name, FEED)
}

/// Whether a name is that of a snapshot or of what says which one counts.
#[must_use]
pub fn is_snapshot_file(name: &str) -> bool {
    [SNAPSHOT, MANIFEST].iter().any(|prefix| number(name, prefix).is_some())
}

/// The name of the snapshot of a number.
#[must_use]
pub fn snapshot_name(number: u64) -> String {
    format!("{SNAPSHOT}{number:020}{SEGMENT}")
}

/// The number of a snapshot of that name.
#[must_use]
pub fn snapshot_number(name: &str) -> Option<u64> {
    number(name, SNAPSHOT)
}

/// The name of the manifest of a snapshot's number.
#[must_use]
pub fn manifest_name(number: u64) -> String {
    format!("{MANIFEST}{number:020}{SEGMENT}")
}

/// The number of the snapshot that a manifest of that name is of.
#[must_use]
pub fn manifest_number(name: &str) -> Option<u64> {
    number(name, MANIFEST)
}

/// The name under which a file is written that counts only as a whole.
#[must_use]
pub fn aside(name: &str) -> String {
    format!("{name}{ASIDE}")
}

/// The name that a file which is written aside will have.
#[must_use]
pub fn without_aside(name: &str) -> Option<&str> {
    name.strip_suffix(ASIDE)
}

/// Whether a name is that of a file which was not finished.
#[must_use]
pub fn is_aside(name: &str) -> bool {
    let made = |name: &str| snapshot_number(name).or_else(|| manifest_number(name)).is_some();
    name.strip_suffix(ASIDE).is_some_and(made)
}

/// Which file of tracks: an hour of UTC, counted from 1970, and how often it was written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TracksPlace {
    /// The hour.
    pub hour: u64,
    /// How often: 0 is as it came.
    pub rewritten: u64,
}

/// The name of a file of tracks.
#[must_use]
pub fn tracks_name(place: TracksPlace) -> String {
    let TracksPlace { hour, rewritten } = place;
    match rewritten {
        0 => format!("{TRACKS}{hour:020}{SEGMENT}"),
        _ => format!("{TRACKS}{hour:020}-{rewritten}{SEGMENT}"),
    }
}

/// The file of tracks of that name.
#[must_use]
pub fn tracks_place(name: &str) -> Option<TracksPlace> {
    let numbers = name.strip_prefix(TRACKS)?.strip_suffix(SEGMENT)?;
    let (hour, rewritten) = numbers.split_once('-').unwrap_or((numbers, "0"));
    Some(TracksPlace { hour: hour.parse().ok()?, rewritten: rewritten.parse().ok()? })
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.strip_suffix(SEGMENT)?.parse().ok()
}

/// The segment that is made ahead: see [`super::spare`].
pub const SPARE: &str = "journal-spare.part";
/// The notes of panics: see [`super::panic_notes`].
pub const PANICS: &str = "panics";
/// The note of the first engine: see [`super::engine_note`].
pub const ENGINE: &str = "engine";
const SNAPSHOT: &str = "snapshot-";
const MANIFEST: &str = "manifest-";
const ASIDE: &str = ".part";
const JOURNAL: &str = "journal-";
const FEED: &str = "feed-";
const TRACKS: &str = "tracks-";
const SEGMENT: &str = ".seg";

#[cfg(test)]
mod tests {
    use super::{journal_name, journal_numbers};

    #[test]
    fn what_lies_before_a_hole_is_no_part_of_the_journal() {
        let numbers = |of: &[u64]| {
            let names: Vec<_> = of.iter().map(|&number| journal_name(number)).collect();
            journal_numbers(&names)
        };
        assert_eq!(numbers(&[]), [0_u64; 0]);
        assert_eq!(numbers(&[1, 2, 3]), [1, 2, 3]);
        assert_eq!(numbers(&[7]), [7]);
        assert_eq!(numbers(&[1, 3, 5, 6]), [5, 6]);
    }
}
