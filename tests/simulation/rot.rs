//! Bytes that rot: what a start makes of them.

use doorstep::runtime::node::NodeSettings;
use doorstep::storage::disk::Disk;
use doorstep::storage::segment::feed_first;

use super::checks;
use super::documents::COURIERS_MAX;
use super::held::{begins_with, living, living_from};
use super::run::Run;

impl Run {
    /// A byte of some file is found changed: the start refuses, or ends the journal before it, or
    /// writes the feed anew, and never takes it for what it is not.
    pub(super) fn flip(&mut self) {
        let names = self.disk.names().expect("it lives");
        let files: Vec<_> =
            names.iter().filter(|name| !self.disk.bytes(name).is_empty()).cloned().collect();
        if files.is_empty() {
            return;
        }
        let name = self.chance.pick(&files).clone();
        let bytes = self.disk.bytes(&name);
        // Most of a segment is zeros that nobody wrote yet.
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(1, |last| last + 1);
        let at = self.chance.below(end);
        let from = living_from(&self.disk);
        let before = living(&self.disk, from).expect("it is whole");
        let copy = self.disk.after_kill();
        copy.flip(&name, at);
        self.did.flips += 1;
        let settings = NodeSettings {
            segment_bytes: 64 << 10,
            feed_segment_bytes: 1 << 10,
            ..self.settings.clone()
        };
        let mut images = self.images.copy();
        match self.start_on(&copy, &settings, Some(&mut images)) {
            Err(error) => {
                // The feed is made anew as far as the journal reaches.
                let is_rewritten = feed_first(&name).is_some() && !error.contains("is corrupt at");
                assert!(!is_rewritten, "{name}, byte {at}: {error}");
                // What the catalog holds may have been in a frame that counts no more.
                let names_it = error.contains(".seg") || error.contains("the catalog holds");
                assert!(names_it, "it names the place: {error}");
            }
            Ok(life) => {
                // Where a snapshot counts no more, the replay began earlier.
                let earlier = begins_with(&copy, life.node.recovered().snapshot);
                let after = living(&copy, earlier).expect("it is whole");
                // The start may quarantine, by frames of its own.
                let others = after.iter().skip_while(|(at, frame)| {
                    before.get(at).map_or(**at < from.next, |before| before == *frame)
                });
                assert!(
                    others.count() <= COURIERS_MAX,
                    "{name}, byte {at}: other frames than before"
                );
                let gone = life.node.feed().first() - 1;
                let feed = checks::feed_after(&life.node.feed(), gone);
                let is_whole = gone + feed.len() as u64 == life.node.feed().head();
                assert!(is_whole || feed_first(&name).is_some(), "{name}, byte {at}");
                let published = self.published.iter().skip(gone as usize);
                assert!(feed.iter().zip(published).all(|(a, b)| a == b), "{name}, byte {at}");
            }
        }
    }
}
