//! What a snapshot is made of, from bytes that nobody wrote: the image of a partition, a manifest, a
//! file of frames. Nothing panics, no length asks for more memory than came, and what is read is
//! what is written again.

#![no_main]

use std::sync::Arc;

use doorstep::domain::ids::PartitionId;
use doorstep::engine::Engine;
use doorstep::engine::state::LAYOUT;
use doorstep::storage::disk::Disk;
use doorstep::storage::manifest::Manifest;
use doorstep::storage::segment::{manifest_name, snapshot_name};
use doorstep::storage::sim_disk::SimDisk;
use doorstep::storage::snapshot::{PieceKind, SnapshotWriter, read_pieces};
use doorstep::travel::straight_line::StraightLine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    image(bytes);
    manifest(bytes);
    file(bytes);
    framed(bytes);
});

fn engine() -> Engine {
    Engine::new(Box::new(StraightLine::default()))
}

/// An image that is taken over is written as it is from then on, by whoever takes it over next.
fn image(bytes: &[u8]) {
    let partition = PartitionId(3);
    for layout in 1..=LAYOUT {
        let mut first = engine();
        if first.import(partition, bytes, layout).is_err() {
            continue;
        }
        let mut written = Vec::new();
        first.export(partition, &mut written);
        let mut second = engine();
        second.import(partition, &written, LAYOUT).expect("an engine wrote it");
        let mut again = Vec::new();
        second.export(partition, &mut again);
        assert_eq!(written, again);
    }
}

/// A disk with one file of these bytes.
fn disk_with(name: &str, bytes: &[u8]) -> SimDisk {
    let disk = SimDisk::new();
    let file = disk.open(name).expect("it lives");
    file.write_at(bytes, 0).expect("it lives");
    disk
}

/// Bytes as a manifest, and as the body of one whose head is right.
fn manifest(bytes: &[u8]) {
    let name = manifest_name(7);
    let read = |bytes: &[u8]| Manifest::read(&disk_with(&name, bytes), &name).ok();
    let mut whole = b"DSM\x01\0\0\0\0".to_vec();
    whole.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    whole.extend_from_slice(bytes);
    let crc = crc32c::crc32c(&whole[8..]);
    whole[4..8].copy_from_slice(&crc.to_le_bytes());
    for found in [read(bytes), read(&whole)].into_iter().flatten() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        found.write(&disk).expect("it lives, and gives back what was written");
    }
}

/// Bytes as a file of frames: pieces are never larger than the file.
fn file(bytes: &[u8]) {
    let name = snapshot_name(7);
    let disk = disk_with(&name, bytes);
    let mut found = 0;
    // What cannot be read is refused.
    let _ = read_pieces(&disk, &name, bytes.len() as u64, &mut |piece| {
        found += piece.payload.len();
        Ok(())
    });
    assert!(found <= bytes.len());
}

/// Bytes in a frame come back, unless one of them turns.
fn framed(bytes: &[u8]) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let mut writer = SnapshotWriter::begin(Arc::clone(&disk), 7).expect("it lives");
    writer.put(PieceKind::Partition, 5, bytes).expect("it lives");
    let size = writer.finish().expect("it lives, and gives back what was written");
    let name = snapshot_name(7);
    let read = |size| {
        let mut found = None;
        let end = read_pieces(&*disk, &name, size, &mut |piece| {
            found = Some(piece.payload);
            Ok(())
        });
        end.ok().and(found)
    };
    assert_eq!(read(size).as_deref(), Some(bytes));
    let at = bytes.first().map_or(0, |&byte| u64::from(byte)) % size;
    let opened = disk.open(&name).expect("it lives");
    let mut byte = [0];
    opened.read_at(&mut byte, at).expect("it lives");
    opened.write_at(&[byte[0] ^ 0x10], at).expect("it lives");
    assert_eq!(read(size), None, "byte {at}");
}
