//! Puts one scenario to the test: as it stands, again, on several shards, interrupted, among
//! strangers and with its batches cut otherwise.

use std::fmt::Write as _;

use doorstep::domain::event::OrderEvent;
use doorstep::domain::ids::CourierId;
use doorstep::domain::time::DAY_MS;
use doorstep::engine::input::InputBody;
use doorstep::engine::output::OutputBody;
use doorstep::runtime::partition::partition_of;

use super::documents::COMPANY;
use super::expectation::{Expectation, difference};
use super::fact::{Fact, fact};
use super::interrupted::interrupted;
use super::invariants::broken;
use super::play::{Engines, Step, Told, play};
use super::story::Story;

/// Runs the scenario `name` with this text; says what is wrong.
pub fn run(name: &str, text: &str) -> Result<(), String> {
    let story = Story::read(text, 0).map_err(|error| format!("{FOLDER}/{name}.txt, {error}"))?;
    let told = play(&story.steps, 1);
    let flat: Vec<_> = told.iter().flatten().cloned().collect();
    let mut faults = as_expected(&story, &told);
    for invariant in broken(&flat) {
        faults.push_str(&format!("  broken invariant: {invariant}\n"));
    }
    if format!("{told:?}") != format!("{:?}", play(&story.steps, 1)) {
        faults.push_str("  played again, the outputs are not the same bytes\n");
    }
    for shards in [2, 3, 7] {
        if play(&story.steps, shards) != told {
            faults.push_str(&format!("  on {shards} shards the outputs are others\n"));
        }
    }
    // Long scenarios are interrupted less often.
    if interrupted(&story.steps, 1 + story.steps.len() / 60) != told {
        faults.push_str("  interrupted, and taken over by others, the outputs are others\n");
    }
    if among_strangers(text, &story)? != flat {
        faults.push_str("  among strangers the outputs are others\n");
    }
    if story.is_plain_walk && walked_ms(&story.steps) < DAY_MS {
        faults.push_str(&in_other_batches(&story, &flat));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let again = format!("cargo test --test scenarios -- --exact {name}");
    Err(format!("{FOLDER}/{name}.txt\n{faults}again: {again}"))
}

/// Compares block by block.
fn as_expected(story: &Story, told: &[Vec<Told>]) -> String {
    let mut faults = String::new();
    let mut from = 0;
    for block in &story.blocks {
        let expectations: Vec<_> = block.expectations.iter().collect();
        faults.push_str(&block_difference(story, &expectations, &told[from..block.steps]));
        from = block.steps;
    }
    faults.push_str(&block_difference(story, &[], &told[from..]));
    faults
}

fn block_difference(story: &Story, expected: &[&Expectation], told: &[Vec<Told>]) -> String {
    let facts = told.iter().flatten().map(|told| fact(told, story));
    let checked: Vec<Fact> = facts.filter(|fact| story.families.contains(&fact.family)).collect();
    difference(expected, &checked)
}

/// The same scenario beside others who do the same under other ids: nobody hears of them.
fn among_strangers(text: &str, story: &Story) -> Result<Vec<Told>, String> {
    let mut taken: Vec<_> = story.steps.iter().map(|step| step.partition).collect();
    let mut lanes: Vec<Vec<Step>> = vec![story.steps.clone()];
    for id_offset in (100..).step_by(100).take(STRANGERS_TRIED) {
        let stranger = Story::read(text, id_offset)?;
        if stranger.steps.iter().all(|step| !taken.contains(&step.partition)) {
            taken.extend(stranger.steps.iter().map(|step| step.partition));
            lanes.push(stranger.steps);
        }
    }
    let mut engines = Engines::new(3);
    let mut told = Vec::new();
    for place in 0..story.steps.len() {
        for (number, lane) in lanes.iter().enumerate() {
            let outputs = engines.play(&lane[place]);
            if number == 0 {
                told.extend(outputs);
            }
        }
    }
    Ok(told)
}

/// Batches of 7 and of everything, received with their last position: the same events.
fn in_other_batches(story: &Story, told: &[Told]) -> String {
    let mut faults = String::new();
    let couriers: Vec<_> = story.couriers().collect();
    for size in [7, usize::MAX] {
        let batched = play(&in_batches(&story.steps, size), 1);
        let batched: Vec<_> = batched.into_iter().flatten().collect();
        for courier in &couriers {
            if events(&batched, *courier) != events(told, *courier) {
                let at = partition_of(COMPANY, *courier);
                writeln!(faults, "  in batches of {size} partition {at} tells other events")
                    .expect("a String takes it");
            }
        }
    }
    faults
}

/// The same steps, each run of so many positions received with its last one.
pub fn in_batches(steps: &[Step], size: usize) -> Vec<Step> {
    let documents = steps.iter().take_while(|step| is_command(step)).count();
    let (documents, walk) = steps.split_at(documents);
    let mut batched = documents.to_vec();
    for batch in walk.chunks(size.min(walk.len().max(1))) {
        let received_at = batch.last().expect("a chunk is not empty").now;
        batched.extend(batch.iter().cloned().map(|step| Step { now: received_at, ..step }));
    }
    batched
}

/// What batch cuts may not change: a courier's events, without receive time and `backfilled`.
pub fn events(told: &[Told], courier: CourierId) -> Vec<OrderEvent> {
    let of_courier = told.iter().filter(|told| told.output.courier == courier);
    let event = |told: &Told| match told.output.body {
        OutputBody::Event(event) => Some(event),
        OutputBody::Notification(_)
        | OutputBody::Eta { .. }
        | OutputBody::RouteViolated { .. }
        | OutputBody::Dropped { .. } => None,
    };
    of_courier.filter_map(event).collect()
}

/// From the first position to the last: longer walks are too old by the end of one batch.
fn walked_ms(steps: &[Step]) -> i64 {
    let first = steps.iter().find(|step| !is_command(step));
    first.zip(steps.last()).map_or(0, |(first, last)| last.now - first.now)
}

fn is_command(step: &Step) -> bool {
    matches!(step.body, Some(InputBody::Command(_)))
}

const FOLDER: &str = "tests/scenarios";
/// Some of these are left out, since their partition is taken.
const STRANGERS_TRIED: usize = 4;
