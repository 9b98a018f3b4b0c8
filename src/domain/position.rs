//! One GPS report of a courier's device and where it came from.

use core::cmp::Ordering;
use core::fmt;
use core::num::NonZeroU32;

use super::geo::Point;
use super::time::{DAY_MS, SECOND_MS, Time};

/// One GPS report. `device_time` is the device's clock; the receive time belongs to the input
/// that carries the position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// When the device says it was here.
    pub device_time: Time,
    /// Where.
    pub point: Point,
    /// Radius of the 68 % error circle as the device states it; `None`: unknown.
    pub accuracy_m: Option<Accuracy>,
    /// Speed over ground in m/s as the device states it, 0 or more.
    pub speed_mps: Option<f32>,
    /// Heading in degrees clockwise from north, 0..360.
    pub heading_deg: Option<f32>,
    /// Battery, 0..=100.
    pub battery_pct: Option<u8>,
    /// What kind of sender reported it.
    pub source: Source,
    /// The device said that it falls silent while it stands.
    pub silent_when_still: bool,
}

impl Position {
    /// A bare position: no accuracy, speed, heading or battery, from the courier's app.
    #[must_use]
    pub const fn bare(device_time: Time, point: Point) -> Self {
        Self {
            device_time,
            point,
            accuracy_m: None,
            speed_mps: None,
            heading_deg: None,
            battery_pct: None,
            source: Source::App,
            silent_when_still: false,
        }
    }

    /// The order of positions within one frame or batch: by device time, latitude, longitude and
    /// accuracy (unknown first), so that a shuffled batch is the same batch.
    #[must_use]
    pub fn frame_order(&self, other: &Self) -> Ordering {
        (self.device_time, self.point)
            .cmp(&(other.device_time, other.point))
            .then_with(|| self.accuracy_or_zero().total_cmp(&other.accuracy_or_zero()))
    }

    fn accuracy_or_zero(&self) -> f32 {
        self.accuracy_m.map_or(0.0, Accuracy::metres)
    }
}

/// A known accuracy: finite and over 0 metres. What a device states as zero, negative or not a
/// number is unknown, never perfect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accuracy {
    /// The bits of a float over 0, which rise with it; never 0, so that an option costs nothing.
    bits: NonZeroU32,
}

impl Accuracy {
    /// The accuracy, or `None` (unknown) for zero, negative and non-finite values.
    #[must_use]
    pub fn new(metres: f32) -> Option<Self> {
        let bits = NonZeroU32::new(metres.to_bits())?;
        (metres.is_finite() && metres > 0.0).then_some(Self { bits })
    }

    /// Metres, over 0.
    #[must_use]
    pub const fn metres(self) -> f32 {
        f32::from_bits(self.bits.get())
    }
}

impl fmt::Debug for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Accuracy").field(&self.metres()).finish()
    }
}

/// A position taken longer than this before it came is refused as too old.
pub const AGE_MAX_MS: i64 = DAY_MS;
/// A position taken longer than this after it came is refused as future.
pub const LEAD_MAX_MS: i64 = 60 * SECOND_MS;

/// What kind of sender reported a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The courier's phone app.
    App,
    /// A hardware tracker.
    GpsTracker,
    /// Another server (gateway streams, HTTP pushes).
    S2sApi,
    /// The `yanavi` navigator.
    Yanavi,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::App, Self::GpsTracker, Self::S2sApi, Self::Yanavi];

    /// Its place among the sources that may speak for a courier, from 0: the lower is heard first.
    #[must_use]
    pub const fn priority(self) -> usize {
        match self {
            Self::GpsTracker => 0,
            Self::S2sApi => 1,
            Self::App => 2,
            Self::Yanavi => 3,
        }
    }

    /// The name used in the API documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::GpsTracker => "gps_tracker",
            Self::S2sApi => "s2s_api",
            Self::Yanavi => "yanavi",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// A set of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceSet(u8);

impl SourceSet {
    /// Every source.
    pub const ALL: Self = Self(0b1111);
    /// No source.
    pub const NONE: Self = Self(0);

    /// The set with `source` added.
    #[must_use]
    pub const fn with(self, source: Source) -> Self {
        Self(self.0 | 1 << source as u8)
    }

    /// Whether `source` is in the set.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & 1 << source as u8 != 0
    }
}

impl FromIterator<Source> for SourceSet {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        sources.into_iter().fold(Self::NONE, Self::with)
    }
}
