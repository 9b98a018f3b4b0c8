//! What a journal holds.

use std::collections::BTreeMap;

use doorstep::engine::input::InputBody;
use doorstep::storage::bytes::Reader;
use doorstep::storage::codec::input::ChunkReader;
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::{CommandHead, FrameKind};
use doorstep::storage::replay::replay;
use doorstep::storage::sim_disk::SimDisk;

use super::senders::Numbered;

/// What is in it.
#[derive(Debug, Default)]
pub struct Held {
    /// How often each position is in it.
    pub positions: BTreeMap<Numbered, u32>,
    /// Of every position: courier, receive time, device time.
    pub tracked: Vec<(u32, i64, i64)>,
    /// The payload of every frame.
    pub frames: Vec<Vec<u8>>,
}

/// Reads a journal.
pub fn held(disk: &SimDisk) -> Result<Held, StorageError> {
    let mut held = Held::default();
    replay(disk, &mut |frame, _, _| {
        held.frames.push(frame.payload.to_vec());
        let mut chunks = frame.payload;
        if frame.kind == FrameKind::Command {
            let mut reader = Reader::new(frame.payload);
            CommandHead::read(&mut reader).expect("a head");
            chunks = reader.rest();
        }
        for record in ChunkReader::new(chunks) {
            let record = record.expect("a record");
            let InputBody::Position { courier, position, .. } = &record.input.body else {
                continue;
            };
            let at = (record.input.received_at.ms(), position.device_time.ms());
            held.tracked.push((courier.0, at.0, at.1));
            if let Some(by) = record.by {
                *held.positions.entry((by.sender, by.boot, by.seq)).or_default() += 1;
            }
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(held)
}
