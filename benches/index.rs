//! The index of couriers by criterion: the same fleet and seed as `doorstep bench index`.

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use doorstep::cli::bench::index_bench::IndexedFleet;
use doorstep::cli::bench::index_fleet::CYCLE_STEPS;

fn index(criterion: &mut Criterion) {
    let mut indexed = IndexedFleet::new(COURIERS, SEED);
    indexed.load();
    for _ in 0..CYCLE_STEPS {
        indexed.fleet.step();
        indexed.report_all();
    }
    let places: Vec<_> = (0..1_000).map(|_| indexed.fleet.somewhere()).collect();
    let mut group = criterion.benchmark_group("index");
    let mut around = places.iter().copied().cycle();
    let mut place = || around.next().expect("a cycle does not end");
    group.bench_function("near_500_m", |bencher| {
        let near = |place| indexed.index.near(place, 500.0, 10_000, |slot| indexed.live(slot));
        bencher.iter_batched(&mut place, near, BatchSize::SmallInput);
    });
    group.bench_function("nearest_10", |bencher| {
        let nearest = |place| indexed.index.nearest(place, 10, |slot| indexed.live(slot));
        bencher.iter_batched(&mut place, nearest, BatchSize::SmallInput);
    });
    group.throughput(criterion::Throughput::Elements(u64::from(COURIERS)));
    group.sample_size(31).bench_function("move_all", |bencher| {
        bencher.iter_custom(|steps| {
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..steps {
                indexed.fleet.step();
                let start = std::time::Instant::now();
                indexed.report_all();
                spent += start.elapsed();
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, index);
criterion_main!(benches);

const COURIERS: u32 = 100_000;
const SEED: u64 = 42;
