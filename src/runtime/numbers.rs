//! The customers' numbers of orders that events were about lately, so that an event asks no
//! database for the number it carries. Bounded, whatever the number of orders.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::OrderId;

/// A table with one place for each order; orders that share a place push each other out.
#[derive(Debug)]
pub struct Numbers {
    stripes: Vec<Mutex<Stripe>>,
}

#[derive(Debug, Default)]
struct Stripe {
    /// Empty until the first number comes.
    places: Vec<Option<(OrderId, Box<str>)>>,
    /// How often something was forgotten: what was read before that may be out of date.
    forgotten: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }
}

impl Numbers {
    /// The number of an order, from here or from where `read` finds it.
    pub fn number(
        &self,
        order: OrderId,
        read: impl FnOnce(OrderId) -> Option<String>,
    ) -> Option<String> {
        let (stripe, place) = place(order);
        let forgotten = {
            let stripe = self.lock(stripe);
            if let Some(Some((held, number))) = stripe.places.get(place)
                && *held == order
            {
                return Some(number.as_ref().to_owned());
            }
            stripe.forgotten
        };
        let number = read(order)?;
        let mut stripe = self.lock(stripe);
        if stripe.forgotten == forgotten && number.len() <= NUMBER_BYTES_MAX {
            if stripe.places.is_empty() {
                stripe.places.resize(PLACES, None);
            }
            stripe.places[place] = Some((order, number.as_str().into()));
        }
        Some(number)
    }

    /// The order was stored anew: its number may be another.
    pub fn forget(&self, order: OrderId) {
        let (stripe, place) = place(order);
        let mut stripe = self.lock(stripe);
        stripe.forgotten += 1;
        if let Some(held) = stripe.places.get_mut(place) {
            held.take_if(|(held, _)| *held == order);
        }
    }

    fn lock(&self, stripe: usize) -> MutexGuard<'_, Stripe> {
        // Whoever panicked had not begun to change anything.
        self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stripe and place of an order. Ids are dense, so that they spread by themselves.
fn place(order: OrderId) -> (usize, usize) {
    ((order.0 % STRIPES) as usize, (order.0 / STRIPES) as usize % PLACES)
}

const STRIPES: u64 = 64;
/// Places of one stripe: with all stripes 262,144 orders, in at most about 35 MB.
const PLACES: usize = 4_096;
/// Longer numbers are always read.
const NUMBER_BYTES_MAX: usize = 96;

#[cfg(test)]
mod tests {
    use super::{Numbers, PLACES, STRIPES};
    use crate::domain::ids::OrderId;

    #[test]
    fn a_number_is_read_once_until_it_is_forgotten() {
        let numbers = Numbers::default();
        let (order, number) = (OrderId(7), |name: &'static str| move |_| Some(name.to_owned()));
        assert_eq!(numbers.number(order, |_| None), None);
        assert_eq!(numbers.number(order, number("a")).as_deref(), Some("a"));
        assert_eq!(numbers.number(order, |_| panic!("read again")).as_deref(), Some("a"));
        numbers.forget(order);
        assert_eq!(numbers.number(order, number("b")).as_deref(), Some("b"));
    }

    #[test]
    fn what_was_read_before_it_was_forgotten_is_not_kept() {
        let numbers = Numbers::default();
        let told = numbers.number(OrderId(7), |order| {
            numbers.forget(order);
            Some("old".to_owned())
        });
        assert_eq!(told.as_deref(), Some("old"));
        let told = numbers.number(OrderId(7), |_| Some("new".to_owned()));
        assert_eq!(told.as_deref(), Some("new"));
    }

    #[test]
    fn orders_that_share_a_place_are_told_apart() {
        let (numbers, other) = (Numbers::default(), 1 + STRIPES * PLACES as u64);
        for id in [1, other, 1, other] {
            let number = numbers.number(OrderId(id), |order| Some(order.to_string()));
            assert_eq!(number, Some(id.to_string()));
        }
    }
}
