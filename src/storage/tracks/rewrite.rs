//! Takes chunks out of the tracks: a file is written anew without them, beside the old one, which
//! goes once the new one is durable. While both are there the old one counts.

use super::super::disk::Disk;
use super::super::error::StorageError;
use super::super::segment::{TracksPlace, tracks_name};
use super::block::{Block, Contents, Entry, FileOf};
use super::{TrackFile, TrackLog};

impl TrackLog {
    /// The hours of which there are files, the earliest first.
    #[must_use]
    pub fn hours(&self) -> Vec<u64> {
        self.read_files().iter().map(|file| file.place.hour).collect()
    }

    /// Takes out of an hour's file what is not kept; says whether there was any. A file without
    /// chunks goes, but for the last, which says how far the tracks reach.
    ///
    /// # Errors
    /// The disk fails, or the file is not what was written: it stays as it was.
    pub fn keep_only(
        &self,
        hour: u64,
        is_kept: &dyn Fn(&Entry) -> bool,
    ) -> Result<bool, StorageError> {
        let (old, is_last) = {
            let files = self.read_files();
            let Some(at) = files.iter().position(|file| file.place.hour == hour) else {
                return Ok(false);
            };
            (files[at].clone(), at + 1 == files.len())
        };
        let opened = self.disk.open(&old.name).map_err(StorageError::disk("open", &old.name))?;
        let file = FileOf { file: &*opened, name: &old.name };
        let mut kept = Vec::new();
        let mut is_changed = false;
        for (at, block) in old.blocks.iter().enumerate() {
            let entries = entries(block, &file)?;
            let all = entries.len();
            let entries: Vec<_> = entries.into_iter().filter(|entry| is_kept(entry)).collect();
            // An empty block is kept only to say how far the tracks reach.
            let is_end = is_last && at + 1 == old.blocks.len();
            is_changed |= entries.len() < all || all == 0 && !is_end;
            if !entries.is_empty() || is_end {
                kept.push((block, entries));
            }
        }
        if !is_changed {
            return Ok(false);
        }
        let new = if kept.is_empty() {
            self.drop_unfinished_of(&old)?;
            None
        } else {
            Some(self.write_anew(&old, &file, &kept)?)
        };
        self.replace(&old, new)?;
        Ok(true)
    }

    /// Writes a file with these chunks of the old one.
    fn write_anew(
        &self,
        old: &TrackFile,
        from: &FileOf<'_>,
        kept: &[(&Block, Vec<Entry>)],
    ) -> Result<TrackFile, StorageError> {
        let place = written_anew(old.place);
        let name = tracks_name(place);
        let file = self.disk.open(&name).map_err(StorageError::disk("open", &name))?;
        file.cut(0).map_err(StorageError::disk("cut", &name))?;
        let (mut size, mut blocks) = (0, Vec::new());
        for (block, entries) in kept {
            let points = entries.iter().map(|entry| block.points(from, entry));
            let points: Vec<_> = points.collect::<Result<_, _>>()?;
            let chunks = entries.iter().zip(&points).map(|(entry, points)| (*entry, &points[..]));
            let contents = Contents { next: block.next, chunks: chunks.collect() };
            let offset = size;
            let written = contents.write(&mut |piece| {
                file.write_at(piece, size).map_err(StorageError::disk("write", &name))?;
                size += piece.len() as u64;
                Ok::<_, StorageError>(())
            })?;
            blocks.push(Block { offset, ..written });
        }
        file.sync().map_err(StorageError::disk("sync", &name))?;
        self.sync_entries()?;
        Ok(TrackFile { place, name, size, blocks })
    }

    /// Drops what an earlier try to write a file anew has left: it would count once the file is gone.
    fn drop_unfinished_of(&self, old: &TrackFile) -> Result<(), StorageError> {
        let name = tracks_name(written_anew(old.place));
        let names = self.disk.names().map_err(StorageError::disk("list", "the data directory"))?;
        if !names.contains(&name) {
            return Ok(());
        }
        self.disk.remove(&name).map_err(StorageError::disk("remove", &name))?;
        self.sync_entries()
    }

    /// From here on the new file counts. Who reads the old one is waited for.
    fn replace(&self, old: &TrackFile, new: Option<TrackFile>) -> Result<(), StorageError> {
        let mut files = self.write_files();
        self.disk.remove(&old.name).map_err(StorageError::disk("remove", &old.name))?;
        let Some(at) = files.iter().position(|file| file.place == old.place) else {
            return Ok(());
        };
        match new {
            Some(new) => files[at] = new,
            None => drop(files.remove(at)),
        }
        drop(files);
        self.sync_entries()
    }

    fn sync_entries(&self) -> Result<(), StorageError> {
        let synced = self.disk.sync_entries();
        synced.map_err(StorageError::disk("sync", "the data directory"))
    }
}

/// Drops files that were being written anew: `found` is sorted, and what is written anew comes after
/// what it was made from.
pub(super) fn drop_unfinished(
    disk: &dyn Disk,
    found: &mut Vec<TracksPlace>,
) -> Result<(), StorageError> {
    let mut kept: Vec<TracksPlace> = Vec::new();
    for place in found.drain(..) {
        if kept.last().is_some_and(|last| last.hour == place.hour) {
            let name = tracks_name(place);
            disk.remove(&name).map_err(StorageError::disk("remove", &name))?;
        } else {
            kept.push(place);
        }
    }
    *found = kept;
    Ok(())
}

/// Where the file that is made from one stands.
const fn written_anew(old: TracksPlace) -> TracksPlace {
    TracksPlace { rewritten: old.rewritten + 1, ..old }
}

fn entries(block: &Block, file: &FileOf<'_>) -> Result<Vec<Entry>, StorageError> {
    (0..block.chunks).map(|place| block.entry(file, place)).collect()
}
