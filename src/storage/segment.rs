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

const JOURNAL: &str = "journal-";
const FEED: &str = "feed-";
const TRACKS: &str = "tracks-";
const SEGMENT: &str = ".seg";
