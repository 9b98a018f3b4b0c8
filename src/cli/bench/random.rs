//! The benches' chance: a generator that gives the same from the same seed, on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    /// The chance that belongs to one courier and one purpose.
    pub(super) fn of(seed: u64, slot: u32, purpose: u64) -> Self {
        let mut random = Self(seed ^ u64::from(slot).wrapping_mul(0xd129_42cc_5c4a_9b4d));
        let mixed = random.next() ^ purpose.wrapping_mul(0x9e6c_63d0_876a_68ef);
        Self(Self(mixed).next())
    }

    /// Any 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In -half..half.
    pub(super) fn about(&mut self, half: f64) -> f64 {
        (self.unit() * 2.0 - 1.0) * half
    }

    /// In 0..end.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        (((self.next() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// Any order of the list.
    pub(super) fn shuffle(&mut self, list: &mut [u32]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}
