//! Plays steps on engines whose state is taken over, as bytes, by other engines every now and then.

use doorstep::domain::ids::{PARTITIONS, PartitionId};
use doorstep::engine::Engine;
use doorstep::engine::state::LAYOUT;

use super::play::{Engines, Step, Told};

/// Plays all steps, and before every `every`th lets others take over; the outputs of each.
pub fn interrupted(steps: &[Step], every: usize) -> Vec<Vec<Told>> {
    let mut engines = Engines::new(1);
    let mut told = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if at % every == every - 1 {
            engines = reborn(engines, 1 + at % 3);
        }
        told.push(engines.play(step));
    }
    told
}

/// The same state in the hands of the engines of so many shards.
fn reborn(engines: Engines, shards: usize) -> Engines {
    let images: Vec<_> = (0..PARTITIONS).map(|at| image(&engines.engines, at)).collect();
    let mut next = Engines::new(shards);
    next.partitions = engines.partitions;
    for (at, image) in images.iter().enumerate() {
        let engine = &mut next.engines[at % shards];
        engine.import(PartitionId(at as u16), image, LAYOUT).expect("it was written so");
    }
    for (at, before) in (0..PARTITIONS).zip(&images) {
        assert_eq!(&image(&next.engines, at), before, "partition {at}");
    }
    next
}

fn image(engines: &[Engine], at: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    engines[usize::from(at) % engines.len()].export(PartitionId(at), &mut bytes);
    bytes
}
