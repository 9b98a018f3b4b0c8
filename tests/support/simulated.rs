//! Nodes on simulated disks, and what their journals and feeds hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorstep::engine::input::InputBody;
use doorstep::runtime::clock::Clock;
use doorstep::runtime::commands::Note;
use doorstep::runtime::error::RuntimeError;
use doorstep::runtime::node::{Node, NodeSettings};
use doorstep::storage::bytes::Reader;
use doorstep::storage::codec::input::ChunkReader;
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::feed_event::FeedEvent;
use doorstep::storage::frame::{CommandHead, FrameKind};
use doorstep::storage::replay::replay;
use doorstep::storage::sim_disk::SimDisk;
use doorstep::travel::straight_line::StraightLine;

/// Small segments, so that many are filled.
pub fn settings(shards: usize) -> NodeSettings {
    NodeSettings {
        shards,
        segment_bytes: 64 << 10,
        feed_segment_bytes: 4 << 10,
        ..NodeSettings::default()
    }
}

/// Starts a node and gives the notes that recovery found.
pub fn start(
    disk: &SimDisk,
    settings: &NodeSettings,
    clock: &Clock,
) -> Result<(Node, Vec<Note>), RuntimeError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut notes = Vec::new();
    let travel = || Box::new(StraightLine::default()) as _;
    let node = Node::start(settings, &disk, clock.clone(), &travel, &mut |note| notes.push(note))?;
    Ok((node, notes))
}

/// The feed of a node from its start.
pub fn whole_feed(node: &Node) -> Vec<FeedEvent> {
    let feed = node.feed();
    let mut events = Vec::new();
    loop {
        let page = feed.read(events.len() as u64, 500).expect("the feed can be read");
        if page.events.is_empty() {
            return events;
        }
        events.extend(page.events);
    }
}

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Held {
    /// How often each position is in it, by (sender, sequence number).
    pub positions: BTreeMap<(u64, u64), u32>,
    /// The command frames: note and number of commands.
    pub commands: Vec<(Vec<u8>, usize)>,
    /// Ticks.
    pub ticks: usize,
    /// Frames: segment, place there, bytes of the payload.
    pub frames: Vec<(String, u64, usize)>,
}

/// Reads a journal.
pub fn held(disk: &SimDisk) -> Result<Held, StorageError> {
    let mut held = Held::default();
    replay(disk, &mut |frame, name, offset| {
        held.frames.push((name.to_owned(), offset, frame.payload.len()));
        let mut chunks = frame.payload;
        if frame.kind == FrameKind::Command {
            let mut reader = Reader::new(frame.payload);
            let head = CommandHead::read(&mut reader).expect("a head");
            held.commands.push((head.note.to_vec(), 0));
            chunks = reader.rest();
        }
        for record in ChunkReader::new(chunks) {
            let record = record.expect("a record");
            match record.input.body {
                InputBody::Position { .. } => {
                    let by = record.by.expect("every position has a sender here");
                    *held.positions.entry((by.sender, by.seq)).or_default() += 1;
                }
                InputBody::Command(_) => {
                    held.commands.last_mut().expect("in a command frame").1 += 1;
                }
                InputBody::Tick => held.ticks += 1,
            }
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(held)
}
