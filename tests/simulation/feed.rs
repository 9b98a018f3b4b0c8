//! The feed's readers, and its oldest segments that go while they stand still: who is behind is told
//! what is missing, exactly, and what is left is as it was.

use doorstep::domain::time::HOUR_MS;
use doorstep::runtime::feed_reader::{Feed, FeedGap};

use super::checks;
use super::life::Life;
use super::run::Run;

impl Run {
    /// A reader takes a page of the feed from its cursor on.
    pub(super) fn read(&mut self, life: &Life, at: usize) -> bool {
        let events_max = 1 + self.chance.below(50);
        let (feed, cursor) = (life.node.feed(), self.readers[at]);
        let page = feed.read(cursor, events_max).expect("it can be read");
        if let Some(FeedGap { first_missing, first_available }) = page.gap {
            assert_eq!((first_missing, first_available), (cursor + 1, feed.first()), "reader {at}");
            self.readers[at] = first_available - 1;
            self.did.gaps += 1;
        }
        for event in &page.events {
            self.readers[at] += 1;
            assert_eq!(event.position, self.readers[at], "the next event of reader {at}");
            match self.published.get(event.position as usize - 1) {
                Some(known) => assert_eq!(event, known, "readers see one feed"),
                None => self.published.push(event.clone()),
            }
        }
        !page.events.is_empty()
    }

    /// In every other run segments of the feed go now and then, by age or by size. Somebody has read
    /// what goes, so that the judges know it.
    pub(super) fn let_go(&mut self, life: &Life) {
        let has_fault = life.node.fault().has_failed();
        if !self.letting_go.permille(LET_GO) || self.ratios.snapshot == 0 || has_fault {
            return;
        }
        let age_ms = *self.letting_go.pick(&[0, HOUR_MS, 20 * HOUR_MS]);
        let bytes_max = *self.letting_go.pick(&[0, 10_000, u64::MAX]);
        self.let_go_of(life, age_ms, bytes_max);
    }

    /// Lets go what is older, or more than so many bytes.
    pub(super) fn let_go_of(&mut self, life: &Life, age_ms: i64, bytes_max: u64) {
        let feed = life.node.feed();
        let after = (self.published.len() as u64).max(feed.first() - 1);
        self.published.extend(checks::feed_after(&feed, after));
        // A disk that dies lets nothing go, or something.
        let gone = feed.let_go(self.clock.now() + -age_ms, bytes_max);
        self.did.let_go += gone.unwrap_or(0);
    }

    /// What is left of the feed is what was published, and nothing is gone that nobody has read.
    pub(super) fn judge_feed(&mut self, feed: &Feed) {
        let left = checks::feed_after(feed, feed.first() - 1);
        assert_eq!(feed.first() + left.len() as u64, feed.head() + 1, "the feed can be read");
        assert!(feed.first() <= self.published.len() as u64 + 1, "nobody has read what is gone");
        let gone = self.published[..feed.first() as usize - 1].iter().cloned();
        let whole: Vec<_> = gone.chain(left).collect();
        checks::judge_feed(&whole, &self.published);
        self.published = whole;
    }
}

/// So many times in a thousand steps, where snapshots are taken.
const LET_GO: u32 = 30;
