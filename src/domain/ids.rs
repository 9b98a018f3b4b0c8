//! Identities. Each kind is its own type, drawn from one counter per kind and never reused, so
//! that a table may be addressed by the number itself.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A company: the owner of couriers, depots, routes and orders.
    CompanyId,
    u32
);
id!(
    /// A courier. Dense: the engine's courier table is an array addressed by this number.
    CourierId,
    u32
);
id!(
    /// A depot of a company.
    DepotId,
    u32
);
id!(
    /// A route: one courier's tour of one day.
    RouteId,
    u64
);
id!(
    /// An order: one customer's job on a route.
    OrderId,
    u64
);
id!(
    /// One of [`PARTITIONS`] independent sequences of inputs; a courier belongs to exactly one.
    PartitionId,
    u16
);

/// Number of partitions. Fixed: it is part of every event's id.
pub const PARTITIONS: u16 = 1024;

/// Identity of an output: a pure function of the input that made it, equal in every replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Partition of the input.
    pub partition: PartitionId,
    /// Sequence of the input in its partition, from 1.
    pub sequence: u64,
    /// Place among the outputs of that input, from 0.
    pub ordinal: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.partition, self.sequence, self.ordinal)
    }
}
