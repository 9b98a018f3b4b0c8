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

/// The name of the tracks that came in one hour of UTC, counted from 1970.
#[must_use]
pub fn tracks_name(hour: u64) -> String {
    format!("{TRACKS}{hour:020}{SEGMENT}")
}

/// The hour of the tracks of that name.
#[must_use]
pub fn tracks_hour(name: &str) -> Option<u64> {
    number(name, TRACKS)
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.strip_suffix(SEGMENT)?.parse().ok()
}

const JOURNAL: &str = "journal-";
const FEED: &str = "feed-";
const TRACKS: &str = "tracks-";
const SEGMENT: &str = ".seg";
