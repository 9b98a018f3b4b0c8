//! Who still needs old segments of the journal. A segment goes once the snapshots that are kept
//! begin after it, and everybody named here says that what lies before is durable elsewhere.

use std::sync::{Mutex, PoisonError};

/// A boundary in the journal: everything before it is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The first segment that stays.
    pub segment: u64,
    /// No frame of this sequence or a later one goes.
    pub frame: u64,
    /// No command after this one goes, by its number among the command frames.
    pub command: u64,
}

/// Those who are asked, by name.
///
/// Whoever makes something durable from the journal (documents, tracks) adds itself before the node
/// starts, with a question that is put on the snapshot writer's thread, once for each new snapshot:
/// *is everything of yours from before this boundary durable?* It may read and write files, and
/// should take at most a second or so. `false` keeps the segments until the next snapshot; nothing
/// else waits for it.
///
/// ```ignore
/// let retainers = Retainers::default();
/// retainers.add("tracks", move |boundary| tracks.synced_up_to() >= boundary.frame - 1);
/// let node = Node::start_with(&settings, &disk, clock, &travel, retainers, &mut on_note)?;
/// ```
#[derive(Default)]
pub struct Retainers {
    list: Mutex<Vec<(&'static str, Question)>>,
}

type Question = Box<dyn FnMut(Boundary) -> bool + Send>;

impl Retainers {
    /// Adds somebody who is asked.
    pub fn add(&self, name: &'static str, may_go: impl FnMut(Boundary) -> bool + Send + 'static) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((name, Box::new(may_go)));
    }

    /// The first who needs something from before a boundary; `None`: it may go.
    #[must_use]
    pub fn holder(&self, boundary: Boundary) -> Option<&'static str> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter_mut().find_map(|(name, may_go)| (!may_go(boundary)).then_some(*name))
    }
}
