//! An order of a route in kept state, packed: a large fleet has twenty for each courier.

use super::{Kept, NotState, StateReader, StateWriter, Taken};
use crate::domain::geo::Point;
use crate::domain::ids::OrderId;
use crate::engine::order::{Mark, Order};
use crate::engine::stay::StaySlot;
use crate::engine::terms::{Terms, TermsTable};

impl Order {
    /// Writes it with its terms: two bytes of flags, then what is always there, then what the flags
    /// say is there.
    fn put(&self, terms: &Terms, to: &mut StateWriter) {
        let Self {
            id,
            place,
            told_eta,
            leg_ms,
            stay: _,
            stays_told,
            terms: _,
            nearby_latched,
            nearby_primed,
            status,
            marks: _,
        } = self;
        let Terms { window, radius, service_s, shared_service_s, eta_type } = terms;
        let has = [
            self.has_point(),
            self.is(Mark::Visited),
            self.is(Mark::Next),
            self.is(Mark::WasNext),
            self.is(Mark::Overdue),
            self.is(Mark::Skipped),
            window.is_some(),
            *told_eta != Self::NO_ETA,
            radius.is_some(),
            *leg_ms != Self::NO_LEG,
            eta_type.is_some(),
        ];
        let flags = has.iter().enumerate().map(|(bit, &has)| u16::from(has) << bit);
        to.bytes(&flags.fold(0_u16, |all, bit| all | bit).to_le_bytes());
        status.put(to);
        self.shift_start().put(to);
        id.put(to);
        if self.has_point() {
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
        if let Some(radius) = radius {
            radius.put(to);
        }
        if *leg_ms != Self::NO_LEG {
            leg_ms.put(to);
        }
        if let Some(eta_type) = eta_type {
            eta_type.put(to);
        }
    }

    fn take(table: &mut TermsTable, from: &mut StateReader) -> Taken<Self> {
        let flags = u16::from_le_bytes(from.array()?);
        if flags >= 1 << FLAGS {
            return Err(NotState);
        }
        let has = |bit: u32| flags & 1 << bit != 0;
        let (status, shift_start) = (Kept::take(from)?, Kept::take(from)?);
        let id = OrderId::take(from)?;
        let place = if has(0) { Point::take(from)? } else { Point::NOWHERE };
        let (service_s, shared_service_s) = (Kept::take(from)?, Kept::take(from)?);
        let stays_told = Kept::take(from)?;
        let (nearby_latched, nearby_primed) = (Kept::take(from)?, Kept::take(from)?);
        let window = if has(6) { Some(Kept::take(from)?) } else { None };
        let told_eta = if has(7) { Kept::take(from)? } else { Self::NO_ETA };
        let radius = if has(8) { Some(Kept::take(from)?) } else { None };
        let leg_ms = if has(9) { Kept::take(from)? } else { Self::NO_LEG };
        let eta_type = if has(10) { Some(Kept::take(from)?) } else { None };
        let terms = Terms { window, radius, service_s, shared_service_s, eta_type };
        let mut order = Self {
            id,
            place,
            told_eta,
            leg_ms,
            stay: StaySlot::NONE,
            stays_told,
            terms: table.intern(terms),
            nearby_latched,
            nearby_primed,
            status,
            marks: 0,
        };
        order.set_shift_start(shift_start);
        for (mark, bit) in KEPT_MARKS {
            order.mark(mark, has(bit));
        }
        Ok(order)
    }
}

/// Writes a list of orders with their terms.
pub fn put_orders(orders: &[Order], table: &TermsTable, to: &mut StateWriter) {
    to.varint(orders.len() as u64);
    for order in orders {
        order.put(table.of(order), to);
    }
}

/// Reads a list of orders; their terms go into the table.
///
/// # Errors
/// The bytes are none.
pub fn take_orders(table: &mut TermsTable, from: &mut StateReader) -> Taken<Vec<Order>> {
    let count = from.count(BYTES_MIN)?;
    let mut orders = Vec::with_capacity(count);
    for _ in 0..count {
        if table.is_full() {
            return Err(NotState);
        }
        orders.push(Order::take(table, from)?);
    }
    Ok(orders)
}

/// The marks that are kept, and their flags. [`Mark::Single`] follows from the others.
const KEPT_MARKS: [(Mark, u32); 5] = [
    (Mark::Visited, 1),
    (Mark::Next, 2),
    (Mark::WasNext, 3),
    (Mark::Overdue, 4),
    (Mark::Skipped, 5),
];
/// So many bits say what is there.
const FLAGS: u32 = 11;
/// Flags, status, `shift_start`, id and five numbers take no less.
const BYTES_MIN: usize = 10;
