//! What the files of a feed log hold beyond the place where recovery goes on: what was told, by
//! whatever engine, up to the first record that is not whole.

use std::collections::VecDeque;

use super::{Cursor, FeedLog};
use crate::storage::bytes::Reader;
use crate::storage::codec::outputs::feed_event;
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::feed_event::FeedEvent;
use crate::storage::segment::feed_first;

/// The events beyond a place, one after another. What is appended to the log meanwhile must be
/// these very events.
pub struct KeptFeed {
    segments: VecDeque<Cursor>,
    cursor: Option<Cursor>,
    next: Option<FeedEvent>,
    /// Position of the event after `next`.
    position: u64,
}

impl FeedLog {
    /// The events that the files hold beyond the head.
    ///
    /// # Errors
    /// The disk fails.
    pub fn kept(&self) -> Result<KeptFeed, StorageError> {
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let (last, offset, head) = {
            let index = self.read_index();
            let last = index.segments.last();
            (last.map_or(1, |last| last.first), last.map_or(0, |last| last.size), index.head)
        };
        let mut segments = segments(&*self.disk, &names, last)?;
        let cursor = segments.pop_front().filter(|segment| segment.position == last);
        let cursor = cursor.map(|segment| Cursor { offset, position: head + 1, ..segment });
        let mut kept = KeptFeed { segments, cursor, next: None, position: head + 1 };
        kept.advance()?;
        Ok(kept)
    }
}

/// The segments of a directory from a position on.
fn segments(
    disk: &dyn Disk,
    names: &[String],
    from: u64,
) -> Result<VecDeque<Cursor>, StorageError> {
    let firsts = names.iter().filter_map(|name| feed_first(name).map(|first| (first, name)));
    let wanted = firsts.filter(|&(first, _)| first >= from);
    let open = wanted.map(|(first, name)| {
        let file = disk.open_to_read(name).map_err(StorageError::disk("open", name))?;
        let size = file.size().map_err(StorageError::disk("read", name))?;
        Ok(Cursor::new(name.clone(), file, size, first))
    });
    open.collect()
}

impl KeptFeed {
    /// All events that a directory still holds, whoever writes them meanwhile.
    ///
    /// # Errors
    /// The disk fails.
    pub fn whole(disk: &dyn Disk) -> Result<Self, StorageError> {
        let names = disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        let mut segments = segments(disk, &names, 0)?;
        let cursor = segments.pop_front();
        let position = cursor.as_ref().map_or(1, |first| first.position);
        let mut kept = Self { segments, cursor, next: None, position };
        kept.advance()?;
        Ok(kept)
    }

    /// The next event; `None`: there is no more.
    #[must_use]
    pub const fn peek(&self) -> Option<&FeedEvent> {
        self.next.as_ref()
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The disk fails.
    pub fn take(&mut self) -> Result<Option<FeedEvent>, StorageError> {
        let taken = self.next.take();
        self.advance()?;
        Ok(taken)
    }

    fn advance(&mut self) -> Result<(), StorageError> {
        while let Some(cursor) = &mut self.cursor {
            if !cursor.has_more() {
                let next = self.segments.pop_front();
                self.cursor = next.filter(|segment| segment.position == self.position);
                continue;
            }
            let event = match cursor.next_record() {
                Ok(bytes) => feed_event(&mut Reader::new(bytes), self.position).ok(),
                Err(StorageError::Corrupt { .. }) => None,
                Err(error) => return Err(error),
            };
            if event.is_none() {
                // Nothing after it has a position.
                self.cursor = None;
            }
            if let Some(cursor) = &mut self.cursor {
                cursor.position += 1;
            }
            (self.next, self.position) = (event, self.position + 1);
            return Ok(());
        }
        Ok(())
    }
}
