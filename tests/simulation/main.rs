//! Deterministic simulation: the node, its journal, recovery, committer, admission and feed as they
//! run in production, on a simulated disk and clock, in one thread, everything drawn from a seed.
//!
//!   cargo test --test simulation                               fixed seeds, and one that is new
//!   DOORSTEP_SEED=17 cargo test --test simulation              that one run
//!   DOORSTEP_SEEDS=0..20000 cargo test --release --test simulation
//!   DOORSTEP_EVERY=1 cargo test --release --test simulation every_operation
//!
//! A run that finds something prints its seed and the command that runs it again.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the seeds come from the environment; the seed of a finding is printed"
)]

mod chance;
mod checks;
mod documents;
mod end;
mod faults;
mod feed;
mod held;
mod life;
mod rot;
mod run;
mod script;
mod senders;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support"]
mod support {
    pub mod invariants;
    pub mod play;
    pub mod trap;
    pub mod world;
}

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use faults::{End, Ratios};
use run::{Did, Run};
use script::Dies;

/// Plays a seed; a finding is told with the command that shows it again.
fn play(seed: u64) -> Did {
    match catch_unwind(AssertUnwindSafe(|| Run::new(seed, None).play())) {
        Ok(did) => did,
        Err(finding) => {
            println!("seed {seed} has found something; again:");
            println!("DOORSTEP_SEED={seed} cargo test --test simulation -- --nocapture seeds");
            resume_unwind(finding)
        }
    }
}

/// The seeds to be played: those that are asked for, else fixed ones and one that is new.
fn seeds() -> Vec<u64> {
    let asked = |name| std::env::var(name).ok();
    if let Some(seed) = asked("DOORSTEP_SEED").and_then(|seed| seed.parse().ok()) {
        return vec![seed];
    }
    if let Some(range) = asked("DOORSTEP_SEEDS") {
        let (from, to) = range.split_once("..").expect("DOORSTEP_SEEDS=FROM..TO");
        let number = |text: &str| text.parse::<u64>().expect("a number");
        return (number(from)..number(to)).collect();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let mut seeds: Vec<_> = (0..SEEDS).chain(FOUND).collect();
    seeds.push(u64::from(now.subsec_nanos()));
    seeds
}

#[test]
fn seeds_find_nothing() {
    let mut sum = Did::default();
    let seeds = seeds();
    for &seed in &seeds {
        let did = play(seed);
        sum.lives += did.lives;
        sum.failed_starts += did.failed_starts;
        sum.failures += did.failures;
        sum.panics += did.panics;
        sum.quarantined += did.quarantined;
        sum.from_snapshots += did.from_snapshots;
        sum.snapshots += did.snapshots;
        sum.failed_snapshots += did.failed_snapshots;
        sum.flips += did.flips;
        sum.acked += did.acked;
        sum.accepted += did.accepted;
        sum.events += did.events;
        sum.let_go += did.let_go;
        sum.gaps += did.gaps;
    }
    println!("{} seeds: {sum:?}", seeds.len());
}

/// Every step of one run is the last of its process in turn, and of its machine.
#[test]
fn every_step_can_be_the_last() {
    for end in [End::Kill, End::PowerCut] {
        for step in 0..STEPS {
            let ratios = Ratios { ends: vec![end], ..Ratios::none() };
            let mut run = Run::new(u64::from(step) % 7, Some(ratios));
            run.die_at(step as usize);
        }
    }
}

/// Every operation of the disk in a short life that does everything once, and every one of the start
/// after it, is the last of its machine in turn: some of them in the tests, all with
/// `DOORSTEP_EVERY=1`.
#[test]
fn every_operation_of_the_disk_can_be_the_last() {
    let every = std::env::var("DOORSTEP_EVERY").ok().and_then(|every| every.parse().ok());
    let every: usize = every.unwrap_or(OPERATIONS_APART);
    for seed in 0..SCRIPTS {
        let script = |dies| Run::new(seed, Some(Ratios::none())).script(dies);
        let (at_work, at_start) = script(Dies::Never);
        let ends = (0..at_work).map(Dies::AtWork).chain((0..at_start).map(Dies::AtStart));
        let mut count = 0;
        for dies in ends.skip(seed as usize % every).step_by(every) {
            count += 1;
            if let Err(finding) = catch_unwind(AssertUnwindSafe(|| script(dies))) {
                println!("seed {seed}, {dies:?}");
                resume_unwind(finding);
            }
        }
        println!("seed {seed}: {count} of {} operations", at_work + at_start);
    }
}

/// Whoever stands still for long, the others go on as the graph of who may block on whom says, and
/// everything is worked off once all work again.
#[test]
fn whoever_stands_still_nobody_waits_in_a_circle() {
    for seed in 0..4 {
        let mut run = Run::new(seed, Some(Ratios { in_turn: 500, ..Ratios::none() }));
        run.stall_each();
    }
}

/// Steps of the run that is cut off at each of them.
const STEPS: u32 = 60;
/// Seeds of the script.
const SCRIPTS: u64 = 3;
/// Of the script's operations the tests take one in so many.
const OPERATIONS_APART: usize = 17;
/// Seeds of every run of the tests.
const SEEDS: u64 = 60;
/// Seeds that found something: deadlines that were due before a quarantine at the start were told
/// nowhere.
const FOUND: [u64; 1] = [4_730];
