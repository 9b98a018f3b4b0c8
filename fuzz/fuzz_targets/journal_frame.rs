//! What is stored, from bytes that nobody wrote: frames, the inputs in them, events of the feed, a
//! journal segment as a whole. Nothing panics, and what is read is what is written again.

#![no_main]

use doorstep::domain::time::Time;
use doorstep::engine::input::InputBody;
use doorstep::storage::bytes::{Reader, Writer};
use doorstep::storage::codec::input::{ChunkReader, ChunkWriter};
use doorstep::storage::codec::outputs::{feed_event, put_feed_event};
use doorstep::storage::disk::Disk;
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::{CommandHead, Frame, FrameKind, FrameStamp, HEAD};
use doorstep::storage::replay::replay;
use doorstep::storage::segment::journal_name;
use doorstep::storage::sim_disk::SimDisk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    inputs(bytes);
    event(bytes);
    let mut from = Reader::new(bytes);
    if CommandHead::read(&mut from).is_ok() {
        inputs(from.rest());
    }
    segment(bytes);
});

/// The inputs before the first that is none come back after they are written again.
fn inputs(bytes: &[u8]) {
    let records: Vec<_> = ChunkReader::new(bytes).map_while(Result::ok).collect();
    // Times at the ends of what can be written stay there when they are moved.
    let is_far = |time: Time| time.ms().unsigned_abs() > 1 << 60;
    if records.iter().any(|record| match &record.input.body {
        InputBody::Position { position, .. } => is_far(position.device_time),
        InputBody::Command(_) | InputBody::Tick => false,
    } || is_far(record.input.received_at)) {
        return;
    }
    let mut writer = ChunkWriter::default();
    for record in &records {
        writer.put(&record.input, record.by.as_ref());
    }
    let chunk = writer.finish();
    let again: Result<Vec<_>, _> = ChunkReader::new(&chunk.bytes).collect();
    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, ()>(records)));
}

fn event(bytes: &[u8]) {
    let Ok(event) = feed_event(&mut Reader::new(bytes), 1) else { return };
    let mut writer = Writer::default();
    put_feed_event(&mut writer, &event);
    let again = feed_event(&mut Reader::new(&writer.bytes), 1);
    // As text: a float that is no number is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, ()>(event)));
}

/// The bytes as a segment; and as what stands behind a whole frame, whose last byte they flip.
fn segment(bytes: &[u8]) {
    assert!(frames(bytes).is_none_or(|frames| frames <= bytes.len() / HEAD));
    let (flip, payload) = bytes.split_first().unwrap_or((&0, &[]));
    let mut written = Vec::new();
    let stamp = FrameStamp { segment: 1, sequence: 1, synced_before: 0 };
    let kind = if flip & 1 == 0 { FrameKind::Positions } else { FrameKind::Command };
    Frame { stamp, kind, payload }.write(&mut written);
    let whole = written.clone();
    written.extend_from_slice(payload);
    let found = frames(&written);
    assert!(found.is_none_or(|frames| frames >= 1), "{found:?}");
    written.truncate(whole.len());
    let at = usize::from(*flip) % (HEAD + payload.len());
    written[at] ^= 0x10;
    assert_eq!(Frame::read(&written, 1), None, "byte {at}");
}

/// How many frames the journal has; `None`: it is refused.
fn frames(bytes: &[u8]) -> Option<usize> {
    let disk = SimDisk::new();
    let file = disk.open(&journal_name(1)).expect("it lives");
    file.write_at(bytes, 0).expect("it lives");
    let mut frames = 0;
    let end = replay(&disk, &mut |frame, _, _| {
        frames += 1;
        assert_eq!(frame.stamp.sequence, frames as u64);
        Ok::<_, StorageError>(())
    });
    end.ok().map(|end| {
        assert!(end.offset <= bytes.len() as u64);
        frames
    })
}
