//! What a data directory needs to come alive, without an endpoint: disk, catalog, node, admission.
//! The daemon serves it; commands that work offline use it alone.

use std::sync::Arc;

use super::error::DaemonError;
use super::first_start::{keep_secret, make_private};
use super::settings::Settings;
use crate::engine::travel_time::TravelTime;
use crate::runtime::access::Access;
use crate::runtime::admission::{Admission, Recovery, Surroundings};
use crate::runtime::error::{AdmissionError, RuntimeError};
use crate::runtime::node::{Around, Node};
use crate::storage::disk::{Disk, RealDisk};
use crate::storage::error::StorageError;
use crate::travel::straight_line::StraightLine;

/// A recovered node with its admission. [`Self::stop`] ends it in order.
pub struct Core {
    /// The node.
    pub node: Node,
    /// The way in for documents.
    pub admission: Admission,
    /// The tokens that are in force.
    pub access: Arc<Access>,
    /// The admin token of company 1, on the first start of a data directory only.
    pub first_token: Option<String>,
    /// How many requests the catalog had missed.
    pub redone: u64,
}

impl Core {
    /// Recovers what the data directory holds; on the first start makes company 1 and its admin
    /// token, which is kept in a file for the owner alone. Must be called on a multi-threaded
    /// tokio runtime.
    ///
    /// # Errors
    /// The directory is in use, damaged or cannot be written.
    pub async fn open(settings: &Settings) -> Result<Self, DaemonError> {
        let directory = settings.data_dir.clone();
        make_private(&directory)?;
        let disk = RealDisk::open(&directory)
            .map_err(|source| DaemonError::Directory { path: directory.clone(), source })?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let in_directory = |error: AdmissionError| error.in_directory(&directory);
        let mut recovery = Recovery::open(&directory).map_err(in_directory)?;
        let travel = || -> Box<dyn TravelTime> { Box::new(StraightLine::default()) };
        let clock = settings.clock.clone();
        let around = Around { progress: Arc::clone(&settings.progress), ..Around::default() };
        around.retainers.add_founded("the catalog", Recovery::retainer(&directory));
        // The runtime goes on beside it: somebody may ask how far it is.
        let node = tokio::task::block_in_place(|| {
            Node::start_with(&settings.node, &disk, clock, &travel, around, &mut |note| {
                recovery.redo(note);
            })
        });
        let node = node.map_err(|error| match error {
            RuntimeError::Storage(StorageError::Locked) => {
                DaemonError::InUse { path: directory.clone() }
            }
            other => other.into(),
        })?;
        let redone = recovery.redone();
        let access = Arc::new(Access::default());
        let around = Surroundings {
            commands: node.commands(),
            views: node.views(),
            clock: node.clock(),
            access: Arc::clone(&access),
            fault: node.fault(),
            runtime: tokio::runtime::Handle::current(),
        };
        let admission = Admission::start(recovery, around).map_err(in_directory)?;
        let first_token = first_token(settings, &admission).await?;
        Ok(Self { node, admission, access, first_token, redone })
    }

    /// Works off what has come, syncs, and ends.
    ///
    /// # Errors
    /// The node had failed, or fails now.
    pub async fn stop(self) -> Result<(), DaemonError> {
        stop(self.node, self.admission).await
    }
}

/// Ends admission, then the node.
pub(super) async fn stop(node: Node, admission: Admission) -> Result<(), DaemonError> {
    let stopped = tokio::task::spawn_blocking(move || {
        admission.stop();
        node.stop()
    });
    Ok(stopped.await.map_err(|error| DaemonError::System(error.into()))??)
}

async fn first_token(
    settings: &Settings,
    admission: &Admission,
) -> Result<Option<String>, DaemonError> {
    let admission = admission.clone();
    let made = tokio::task::spawn_blocking(move || admission.first_start());
    let made = made.await.map_err(|error| DaemonError::System(error.into()))?;
    let token = made.map_err(DaemonError::FirstStart)?.and_then(|accepted| accepted.token);
    let Some((token, _)) = token else { return Ok(None) };
    keep_secret(&settings.data_dir, TOKEN_FILE, &token)?;
    Ok(Some(token))
}

/// The first admin token, in the data directory.
pub const TOKEN_FILE: &str = "admin.token";
