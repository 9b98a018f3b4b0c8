//! The engine and the oracle, two programs of the same rules, tell the same on random worlds.
//! `PROPTEST_CASES` raises the number of worlds. A disagreement is cut down to few inputs and
//! printed with both tellings.

#![expect(clippy::disallowed_methods, reason = "the number of worlds comes from the environment")]

mod coverage;
mod detection;
mod device;
mod drive;
mod random;
mod walk;
mod world;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(cases())
    })]

    #[test]
    fn engine_and_oracle_tell_the_same(seed in any::<u64>()) {
        agree(seed);
    }
}

/// A stretch of seeds that can be named: `DOORSTEP_SEEDS=1000..2000`.
#[test]
fn engine_and_oracle_tell_the_same_on_known_seeds() {
    let seeds = std::env::var("DOORSTEP_SEEDS").unwrap_or_else(|_| "0..60".into());
    let (from, to) = seeds.split_once("..").expect("a stretch of seeds, as 0..60");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    for seed in number(from)..number(to) {
        agree(seed);
    }
}

fn agree(seed: u64) {
    let script = world::script(seed);
    if let Some(difference) = drive::first_difference(&script) {
        let small = drive::cut_down(script, &difference);
        let difference = drive::first_difference(&small).expect("cut down to a disagreement");
        panic!("seed {seed}\n{}", drive::report(&small, &difference));
    }
}

fn cases() -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok();
    given.and_then(|cases| cases.parse().ok()).unwrap_or(100)
}
