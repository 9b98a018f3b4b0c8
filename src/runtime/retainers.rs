//! Who still needs old segments of the journal. A segment goes once the snapshots that are kept
//! begin after it, and everybody named here says that what lies before is durable elsewhere. A start
//! reads the journal from its snapshot on, so whoever makes something anew from it only then is asked
//! before a snapshot counts.

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
    list: Mutex<Vec<Retainer>>,
}

struct Retainer {
    name: &'static str,
    /// Asked before a snapshot counts, too.
    is_founded: bool,
    may_go: Question,
}

type Question = Box<dyn FnMut(Boundary) -> bool + Send>;

impl Retainers {
    /// Adds somebody who is asked before segments go, and reads those that are there by itself.
    pub fn add(&self, name: &'static str, may_go: impl FnMut(Boundary) -> bool + Send + 'static) {
        self.put(Retainer { name, is_founded: false, may_go: Box::new(may_go) });
    }

    /// Adds somebody who is asked before segments go, and before a snapshot counts: a start tells it
    /// only what the journal holds from the snapshot on.
    pub fn add_founded(
        &self,
        name: &'static str,
        may_go: impl FnMut(Boundary) -> bool + Send + 'static,
    ) {
        self.put(Retainer { name, is_founded: true, may_go: Box::new(may_go) });
    }

    fn put(&self, retainer: Retainer) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(retainer);
    }

    /// The first who needs something from before a boundary; `None`: it may go.
    #[must_use]
    pub fn holder(&self, boundary: Boundary) -> Option<&'static str> {
        self.first(boundary, |_| true)
    }

    /// The first who would not be told what it needs if a start began at a boundary.
    #[must_use]
    pub fn founded_holder(&self, boundary: Boundary) -> Option<&'static str> {
        self.first(boundary, |retainer| retainer.is_founded)
    }

    fn first(&self, boundary: Boundary, of: fn(&Retainer) -> bool) -> Option<&'static str> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = list.iter_mut().filter(|retainer| of(retainer));
        asked.find_map(|Retainer { name, may_go, .. }| (!may_go(boundary)).then_some(*name))
    }
}
