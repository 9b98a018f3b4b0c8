//! The noise is what it says: its parts have the stated sizes and rates, and the seed alone decides.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::cli::noise::{Episodes, Link, Noise, NoiseKind, NoisePart, Receiver, Sent};
use doorstep::domain::geo::{Centre, Point};
use doorstep::domain::time::Time;

const SEED: u64 = 42;
const HOURS: i64 = 20;

fn home() -> Point {
    Point::from_degrees(39.3, -76.6).unwrap()
}

fn at(seconds: i64) -> Time {
    Time::from_ms(seconds * 1_000)
}

/// What a standing courier's receiver measures every `step_s`: seconds, east and north metres.
fn measured(noise: Noise, step_s: i64) -> Vec<(i64, f64, f64)> {
    let centre = Centre::new(home());
    let mut receiver = Receiver::new(noise, SEED, 7);
    let times = (0..HOURS * 3600).step_by(usize::try_from(step_s).unwrap());
    let measure = |t| {
        let (east, north) = centre.plane_m(receiver.measure(at(t), home())?);
        Some((t, east, north))
    };
    times.filter_map(measure).collect()
}

fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    (values.map(|value| value * value).sum::<f64>() / count).sqrt()
}

fn sent(noise: Noise, reports: i64) -> Vec<Sent<i64>> {
    let mut link = Link::new(noise, SEED, 7);
    let mut came = Vec::new();
    for t in 0..reports {
        link.send(at(t), t, &mut came);
    }
    link.finish(&mut came);
    came
}

#[test]
fn drift_has_its_size_and_its_memory() {
    for (kind, drift_m) in
        [(NoiseKind::Clean, 3.0), (NoiseKind::Urban, 8.0), (NoiseKind::Canyon, 15.0)]
    {
        let noise = Noise { drift_m: Noise::of(kind).drift_m, ..Noise::default() };
        for step_s in [5, 20] {
            let track = measured(noise, step_s);
            for axis in [|fix: &(i64, f64, f64)| fix.1, |fix: &(i64, f64, f64)| fix.2] {
                let found_m = deviation(track.iter().map(axis));
                assert!((found_m / drift_m - 1.0).abs() < 0.12, "{kind:?}: {found_m}");
                // After one correlation time the covariance is 1/e of the variance.
                let lag = usize::try_from(60 / step_s).unwrap();
                let pairs = track.iter().zip(&track[lag..]);
                let sum: f64 = pairs.map(|(a, b)| axis(a) * axis(b)).sum();
                let memory = sum / (track.len() - lag) as f64 / (drift_m * drift_m);
                assert!((memory - 0.37).abs() < 0.12, "{kind:?}: {memory}");
            }
        }
    }
}

#[test]
fn bursts_and_gaps_come_as_often_and_last_as_long_as_stated() {
    for (kind, bursts_s, gaps_s) in
        [(NoiseKind::Urban, 300.0, 600.0), (NoiseKind::Canyon, 120.0, 300.0)]
    {
        let noise = Noise::of(kind);
        let bursts = measured(Noise { bursts: noise.bursts, ..Noise::default() }, 1);
        let off = bursts.iter().filter(|(_, east, north)| libm::hypot(*east, *north) > 0.1);
        assert!(off.clone().all(|(_, e, n)| libm::hypot(*e, *n) < 80.1));
        assert!(off.clone().any(|(_, e, n)| libm::hypot(*e, *n) > 75.0));
        let share = off.count() as f64 / bursts.len() as f64;
        assert!((share / (25.0 / (bursts_s + 25.0)) - 1.0).abs() < 0.35, "{kind:?}: {share}");

        let heard = measured(Noise { gaps: noise.gaps, ..Noise::default() }, 1);
        let silences: Vec<i64> =
            heard.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|gap| *gap > 1).collect();
        assert!(silences.iter().all(|gap| *gap >= 20));
        // Two gaps may follow on each other.
        let long = silences.iter().filter(|gap| **gap > 181).count();
        assert!(long * 50 <= silences.len(), "{long} of {}", silences.len());
        let lost = 1.0 - heard.len() as f64 / (HOURS * 3600) as f64;
        assert!((lost / (100.0 / (gaps_s + 100.0)) - 1.0).abs() < 0.35, "{kind:?}: {lost}");
    }
}

#[test]
fn jumps_are_single_and_far() {
    let jump_share = Noise::of(NoiseKind::Canyon).jump_share;
    let track = measured(Noise { jump_share, ..Noise::default() }, 5);
    let far: Vec<f64> =
        track.iter().map(|(_, e, n)| libm::hypot(*e, *n)).filter(|off_m| *off_m > 0.1).collect();
    assert!(far.iter().all(|off_m| (99.0..1_001.0).contains(off_m)));
    let share = far.len() as f64 / track.len() as f64;
    assert!((share / 0.005 - 1.0).abs() < 0.35, "{share}");
}

#[test]
fn episodes_do_not_depend_on_how_often_the_receiver_is_asked() {
    let noise = Noise::of(NoiseKind::Canyon).without(NoisePart::Drift).without(NoisePart::White);
    let noise = noise.without(NoisePart::Jumps);
    let often = measured(noise, 1);
    let seldom = measured(noise, 20);
    let thinned: Vec<_> = often.into_iter().filter(|fix| fix.0 % 20 == 0).collect();
    assert_eq!(seldom, thinned);
}

#[test]
fn a_part_left_out_changes_no_other() {
    let noise = Noise::of(NoiseKind::Urban);
    let without = |part| measured(noise.without(part), 5);
    let whole = measured(noise, 5);
    let with_gaps: Vec<i64> = whole.iter().map(|fix| fix.0).collect();
    let calm: Vec<i64> = without(NoisePart::Bursts).iter().map(|fix| fix.0).collect();
    assert_eq!(calm, with_gaps);
    let complete = without(NoisePart::Gaps);
    assert!(whole.iter().all(|fix| complete.contains(fix)));
}

#[test]
fn reports_come_twice_and_in_the_wrong_order_and_none_is_lost() {
    let came = sent(Noise::of(NoiseKind::Clean), 100_000);
    let share = |count: usize| count as f64 / 100_000.0;
    let doubled = came.windows(2).filter(|pair| pair[0].report == pair[1].report).count();
    let swapped = came.windows(2).filter(|pair| pair[0].report > pair[1].report).count();
    assert!((share(doubled) - 0.02).abs() < 0.003, "{doubled}");
    assert!((share(swapped) - 0.01).abs() < 0.002, "{swapped}");
    let mut reports: Vec<i64> = came.iter().map(|sent| sent.report).collect();
    reports.sort_unstable();
    reports.dedup();
    assert_eq!(reports.len(), 100_000);
    assert!(came.iter().all(|sent| !sent.is_late));
}

#[test]
fn a_failing_link_brings_everything_at_once() {
    let late = Some(Episodes { every_s: 100.0, shortest_s: 10.0, longest_s: 20.0 });
    let came = sent(Noise { late, ..Noise::default() }, 10_000);
    assert!(came.iter().map(|sent| sent.report).eq(0..10_000));
    let share = came.iter().filter(|sent| sent.is_late).count() as f64 / 10_000.0;
    assert!((share - 0.13).abs() < 0.05, "{share}");
}

#[test]
fn the_seed_and_the_courier_decide() {
    let noise = Noise::of(NoiseKind::Urban);
    let first = |seed, courier| Receiver::new(noise, seed, courier).measure(at(0), home());
    assert_eq!(measured(noise, 5), measured(noise, 5));
    assert_ne!(first(1, 7), first(2, 7));
    assert_ne!(first(1, 7), first(1, 8));
    let nothing = Receiver::new(Noise::default(), SEED, 7).measure(at(0), home());
    assert_eq!(nothing, Some(home()));
}
