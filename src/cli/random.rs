//! The chance of benches, simulated fleets and noise: a generator that gives the same from the same seed, on every machine.

use core::f64::consts::TAU;

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub(in crate::cli) struct Random(pub(in crate::cli) u64);

impl Random {
    /// The chance that belongs to one courier and one purpose.
    pub(in crate::cli) fn of(seed: u64, slot: u32, purpose: u64) -> Self {
        let mut random = Self(seed ^ u64::from(slot).wrapping_mul(0xd129_42cc_5c4a_9b4d));
        let mixed = random.next() ^ purpose.wrapping_mul(0x9e6c_63d0_876a_68ef);
        Self(Self(mixed).next())
    }

    /// Any 64 bits.
    pub(in crate::cli) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In 0..1.
    pub(in crate::cli) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In -half..half.
    pub(in crate::cli) fn about(&mut self, half: f64) -> f64 {
        (self.unit() * 2.0 - 1.0) * half
    }

    /// In from..to.
    pub(in crate::cli) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Normal, mean 0 and deviation 1 (Box and Muller 1958).
    pub(in crate::cli) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(TAU * self.unit())
    }

    /// Exponential: the wait for what comes once in `mean` on the average.
    pub(in crate::cli) fn wait(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// In 0..end.
    pub(in crate::cli) fn below(&mut self, end: u32) -> u32 {
        (((self.next() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// Any order of the list.
    pub(in crate::cli) fn shuffle(&mut self, list: &mut [u32]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}
