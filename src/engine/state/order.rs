//! An order of a route in kept state, packed: a large fleet has twenty for each courier.

use super::{Kept, NotState, StateReader, StateWriter, Taken};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::engine::route::{Mark, Marks, Order};
use crate::engine::stay::StaySlot;

/// Two bytes of flags, then what is always there, then what the flags say is there.
impl Kept for Order {
    fn put(&self, to: &mut StateWriter) {
        let Self {
            id,
            place,
            window,
            told_eta,
            radius_mm,
            service_s,
            shared_service_s,
            leg_ms,
            stay: _,
            stays_told,
            nearby_latched,
            nearby_primed,
            status,
            eta_type,
            shift_start,
            has_point,
            is_visited,
            is_next,
            marks,
            is_skipped,
        } = self;
        let has = [
            *has_point,
            *is_visited,
            *is_next,
            marks.has(Mark::WasNext),
            marks.has(Mark::Overdue),
            *is_skipped,
            window.is_some(),
            *told_eta != Self::NO_ETA,
            *radius_mm != Self::NO_RADIUS,
            *leg_ms != Self::NO_LEG,
            eta_type.is_some(),
        ];
        let flags = has.iter().enumerate().map(|(bit, &has)| u16::from(has) << bit);
        to.bytes(&flags.fold(0_u16, |all, bit| all | bit).to_le_bytes());
        status.put(to);
        shift_start.put(to);
        id.put(to);
        if *has_point {
            place.put(to);
        }
        service_s.put(to);
        shared_service_s.put(to);
        stays_told.put(to);
        nearby_latched.put(to);
        nearby_primed.put(to);
        if let Some(window) = window {
            window.put(to);
        }
        if *told_eta != Self::NO_ETA {
            told_eta.put(to);
        }
        if *radius_mm != Self::NO_RADIUS {
            radius_mm.put(to);
        }
        if *leg_ms != Self::NO_LEG {
            leg_ms.put(to);
        }
        if let Some(eta_type) = eta_type {
            eta_type.put(to);
        }
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let flags = u16::from_le_bytes(from.array()?);
        if flags >= 1 << FLAGS {
            return Err(NotState);
        }
        let has = |bit: u32| flags & 1 << bit != 0;
        let (status, shift_start) = (Kept::take(from)?, Kept::take(from)?);
        let mut marks = Marks::default();
        marks.set(Mark::WasNext, has(3));
        marks.set(Mark::Overdue, has(4));
        let id = OrderId::take(from)?;
        let place = if has(0) { Point::take(from)? } else { Point::ANYWHERE };
        let mut marks = Marks::default();
        marks.set(Mark::WasNext, has(3));
        marks.set(Mark::Overdue, has(4));
        Ok(Self {
            id,
            place,
            service_s: Kept::take(from)?,
            shared_service_s: Kept::take(from)?,
            stays_told: Kept::take(from)?,
            nearby_latched: Kept::take(from)?,
            nearby_primed: Kept::take(from)?,
            window: if has(6) { Some(Kept::take(from)?) } else { None },
            told_eta: if has(7) { Kept::take(from)? } else { Self::NO_ETA },
            radius_mm: if has(8) { Kept::take(from)? } else { Self::NO_RADIUS },
            leg_ms: if has(9) { Kept::take(from)? } else { Self::NO_LEG },
            eta_type: if has(10) { Some(Kept::take(from)?) } else { None },
            stay: StaySlot::NONE,
            status,
            shift_start,
            has_point: has(0),
            is_visited: has(1),
            is_next: has(2),
            marks,
            is_skipped: has(5),
        })
    }
}

/// So many bits say what is there.
const FLAGS: u32 = 11;
