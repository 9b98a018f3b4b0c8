//! Takes a snapshot back: reads its file once, from start to end, while each shard's part of it is
//! made into an engine on a thread of its own.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender as Way, bounded};

use super::acks::Acks;
use super::directory::Directory;
use super::intake::{Sender, partitions_of, shard_of};
use super::node::TravelFactory;
use super::order_chain::{OrderChain, Pages, take_pages};
use super::partition::Partitions;
use super::picture::{Sitting, develop, hold};
use super::progress::{Progress, Stage};
use super::seen::Seen;
use crate::domain::ids::{CourierId, PARTITIONS, PartitionId};
use crate::engine::Engine;
use crate::engine::state::LAYOUT;
use crate::storage::bytes::{Malformed, Read};
use crate::storage::disk::Disk;
use crate::storage::error::StorageError;
use crate::storage::manifest::Manifest;
use crate::storage::segment::{manifest_name, snapshot_name};
use crate::storage::snapshot::{Piece, PieceKind, read_pieces};

/// What a snapshot holds.
pub struct Loaded {
    /// One engine per shard.
    pub engines: Vec<Engine>,
    /// The stamps of all partitions.
    pub partitions: Partitions,
    /// What the partitions have seen of senders.
    pub seen: Seen,
    /// The couriers' companies.
    pub directory: Directory,
    /// The senders' settled numbers.
    pub acks: Acks,
    /// The orders' chains.
    pub chain: OrderChain,
}

impl Loaded {
    /// What there is before the first input.
    #[must_use]
    pub fn nothing(shards: usize, travel: &TravelFactory) -> Self {
        Self {
            engines: (0..shards).map(|_| Engine::new(travel())).collect(),
            partitions: Partitions::default(),
            seen: Seen::default(),
            directory: Directory::default(),
            acks: Acks::default(),
            chain: OrderChain::default(),
        }
    }
}

/// Reads the snapshot of a manifest.
///
/// # Errors
/// The disk fails, a byte is not what was written, or a later version wrote it.
pub fn load(
    disk: &Arc<dyn Disk>,
    manifest: &Manifest,
    shards: usize,
    travel: &TravelFactory,
    progress: &Progress,
) -> Result<Loaded, StorageError> {
    if manifest.layout > LAYOUT {
        let (name, version) = (manifest_name(manifest.number), manifest.layout as u8);
        return Err(StorageError::LaterVersion { name, offset: 0, version });
    }
    progress.begin(Stage::Snapshot, manifest.bytes);
    let engines: Vec<Engine> = (0..shards).map(|_| Engine::new(travel())).collect();
    let mut pages = Pages::new();
    let parts = thread::scope(|scope| {
        let (ways, threads): (Vec<_>, Vec<_>) = engines
            .into_iter()
            .map(|engine| {
                let (way, pieces) = bounded(PIECES_MAX);
                (way, scope.spawn(move || ShardPart::import(engine, &pieces, manifest)))
            })
            .unzip();
        let read = read(disk, manifest, &ways, &mut pages, progress);
        drop(ways);
        // A panic in a thread is one of this thread too.
        let parts = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let parts: Read<Vec<ShardPart>> = parts.collect();
        read.and(parts.map_err(|Malformed| not_understood(manifest)))
    })?;
    join(parts, pages, manifest)
}

/// Hands each piece to the thread of its shard.
fn read(
    disk: &Arc<dyn Disk>,
    manifest: &Manifest,
    ways: &[Way<Own>],
    pages: &mut Pages,
    progress: &Progress,
) -> Result<(), StorageError> {
    let mut done = 0;
    let name = snapshot_name(manifest.number);
    read_pieces(&**disk, &name, manifest.bytes, &mut |piece| {
        let Piece { kind, key, payload } = piece;
        done += payload.len() as u64;
        progress.reach(done);
        match kind {
            PieceKind::Chains => {
                take_pages(&payload, pages).map_err(|Malformed| not_understood(manifest))
            }
            PieceKind::Partition | PieceKind::Quarantine if key >= PARTITIONS.into() => {
                Err(not_understood(manifest))
            }
            PieceKind::Partition | PieceKind::Quarantine => {
                let partition = PartitionId(key as u16);
                let way = &ways[shard_of(partition, ways.len())];
                let sent = way.send(Own { partition, kind, payload });
                sent.map_err(|_| not_understood(manifest))
            }
        }
    })
}

/// A piece of a partition, on its way to its shard's thread.
struct Own {
    partition: PartitionId,
    kind: PieceKind,
    payload: Vec<u8>,
}

/// What one shard's thread has made.
struct ShardPart {
    engine: Engine,
    partitions: Partitions,
    seen: Seen,
    settled: Vec<(Sender, u64)>,
    quarantined: Vec<(CourierId, usize)>,
    /// How many partitions came.
    count: usize,
}

impl ShardPart {
    fn import(engine: Engine, pieces: &Receiver<Own>, manifest: &Manifest) -> Read<Self> {
        let (partitions, seen) = (Partitions::default(), Seen::default());
        let (settled, quarantined) = (Vec::new(), Vec::new());
        let mut part = Self { engine, partitions, seen, settled, quarantined, count: 0 };
        while let Ok(Own { partition, kind, payload }) = pieces.recv() {
            let Self { engine, partitions, seen, settled, quarantined, count } = &mut part;
            if kind == PieceKind::Quarantine {
                quarantined.extend(hold(&payload, partition, engine)?);
                continue;
            }
            let sitting = Sitting { engine, partitions, seen };
            let sequence =
                develop(&payload, manifest.layout, partition, sitting, |sender, last| {
                    settled.push((sender, last));
                })?;
            if manifest.sequences.get(partition.0 as usize) != Some(&sequence) {
                return Err(Malformed);
            }
            *count += 1;
        }
        Ok(part)
    }
}

fn join(parts: Vec<ShardPart>, pages: Pages, manifest: &Manifest) -> Result<Loaded, StorageError> {
    let mut loaded = Loaded {
        engines: Vec::new(),
        partitions: Partitions::default(),
        seen: Seen::default(),
        directory: Directory::default(),
        acks: Acks::default(),
        chain: OrderChain::of(pages),
    };
    let (shards, mut count) = (parts.len(), 0);
    for (shard, part) in parts.into_iter().enumerate() {
        for partition in partitions_of(shard, shards) {
            let (sequence, received_at) = part.partitions.last(partition);
            loaded.partitions.resume(partition, sequence, received_at);
            loaded.directory.enlist(part.engine.couriers_of(partition));
        }
        loaded.seen.join(part.seen, partitions_of(shard, shards));
        for (sender, last) in part.settled {
            loaded.acks.recovered(sender, last);
        }
        for (courier, waiting) in part.quarantined {
            loaded.directory.quarantine(courier, waiting);
        }
        loaded.engines.push(part.engine);
        count += part.count;
    }
    if count == usize::from(PARTITIONS) { Ok(loaded) } else { Err(not_understood(manifest)) }
}

fn not_understood(manifest: &Manifest) -> StorageError {
    let name = snapshot_name(manifest.number);
    let found = "whole frames that cannot be understood".to_owned();
    StorageError::Corrupt { name, offset: 0, found }
}

/// Images that wait for a shard's thread.
const PIECES_MAX: usize = 4;
