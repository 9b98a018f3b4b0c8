//! The erasure of a courier: from the documents and the engine by one request, and then from every
//! file that remembers. Each step may be done again, and an erasure that a crash broke off is done
//! again as a whole: the catalog knows which are open.
//!
//! 1. Admission takes the courier, its routes and its tokens out of the documents, forgets where it
//!    was when statuses were set, and tells the engine, which forgets it; nothing of it comes in any
//!    more.
//! 2. A snapshot without the courier is taken; older ones go, and the journal before it.
//! 3. The feed's events keep their positions and times, without the courier's id and places.
//! 4. The tracks are written anew without its chunks.
//! 5. Answers that were kept for repeated requests of the company go; both databases are written
//!    anew, so that no free page keeps anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::admission::{Admission, Refusal, Request};
use super::error::{ErasureError, SnapshotError};
use super::feed_reader::Feed;
use super::rounds::Snapshots;
use super::tracks::Tracks;
use crate::domain::ids::{CompanyId, CourierId};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::Kind;
use crate::storage::ledger::Ledger;

/// Who takes part in an erasure.
pub struct Erasure<'a> {
    /// The documents.
    pub admission: &'a Admission,
    /// The feed.
    pub feed: &'a Feed,
    /// The tracks.
    pub tracks: &'a Tracks,
    /// The snapshots, and with them the journal.
    pub snapshots: &'a Snapshots,
    /// What is remembered beside the documents.
    pub ledger: &'a Ledger,
}

/// What an erasure changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Events of the feed that were blanked.
    pub events: u64,
    /// Files of tracks that were written anew or removed.
    pub track_files: u64,
}

impl Erasure<'_> {
    /// Erases a company's courier. Blocks the thread, for as long as rewriting the files takes.
    ///
    /// # Errors
    /// There is no such courier, or a step failed: then the erasure is open, and finished at the
    /// next start at the latest.
    pub fn erase_blocking(
        &self,
        company: CompanyId,
        courier: CourierId,
    ) -> Result<Erased, ErasureError> {
        let id = u64::from(courier.0);
        let found = self.admission.readers().read(|catalog| catalog.document(Kind::Courier, id))?;
        if found.is_none_or(|found| found.company != u64::from(company.0)) {
            return Err(Refusal::NotFound(Kind::Courier.name()).into());
        }
        let orders = self.feed.log().orders_of(courier)?;
        let orders = orders.into_iter().map(|order| order.0).collect();
        self.admission.ask_blocking(Request::EraseCourier { company, courier, orders })?;
        self.finish_blocking(courier)
    }

    /// Finishes every erasure that is open. Blocks the thread.
    ///
    /// # Errors
    /// A step failed.
    pub fn finish_open_blocking(&self) -> Result<(), ErasureError> {
        for courier in self.admission.readers().read(Catalog::open_erasures)? {
            self.finish_blocking(CourierId(courier as u32))?;
        }
        Ok(())
    }

    fn finish_blocking(&self, courier: CourierId) -> Result<Erased, ErasureError> {
        // What is told from now on needs no blanking.
        self.feed.log().begin_anew()?;
        self.force_snapshot()?;
        let events = self.feed.log().erase_courier(courier)?;
        let track_files = self.tracks.forget_blocking(courier)?;
        self.ledger.forget_answers(&self.tokens_beside(courier)?)?;
        self.admission.ask_blocking(Request::FinishErasure { courier })?;
        Ok(Erased { events, track_files })
    }

    /// Takes a snapshot beside which no older one stays, nor any journal from before it. The tracks
    /// hold the journal until they have written what is in it: they are kept at it meanwhile.
    fn force_snapshot(&self) -> Result<(), ErasureError> {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    self.tracks.write_soon();
                    std::thread::sleep(WRITE_PACE);
                }
            });
            let mut forced = self.snapshots.force();
            for _ in 1..FORCED_MAX {
                let is_passing = |error: &SnapshotError| {
                    use SnapshotError::{Busy, Held, Unfounded};
                    matches!(error, Held(_) | Unfounded(_) | Busy)
                };
                if !forced.as_ref().is_err_and(is_passing) {
                    break;
                }
                std::thread::sleep(WRITE_PACE);
                forced = self.snapshots.force();
            }
            is_done.store(true, Ordering::Relaxed);
            Ok(forced?)
        })
    }

    /// The tokens of the courier's company.
    fn tokens_beside(&self, courier: CourierId) -> Result<Vec<u64>, ErasureError> {
        let id = u64::from(courier.0);
        Ok(self.admission.readers().read(|catalog| {
            let Some(erased) = catalog.document_ever(Kind::Courier, id)? else {
                return Ok(Vec::new());
            };
            let tokens = catalog.tokens_of(erased.company, 0, TOKENS_MAX)?;
            Ok(tokens.into_iter().map(|token| token.id).collect())
        })?)
    }
}

/// While the journal is held, what holds it is asked to let go this often.
const WRITE_PACE: Duration = Duration::from_millis(100);
/// So often a snapshot is forced while somebody holds the journal.
const FORCED_MAX: u32 = 50;
/// More tokens than a company has.
const TOKENS_MAX: u64 = 1 << 32;
