//! Where a company's couriers are now. Answers come from live positions; the index only preselects.

use super::Engine;
use super::courier_index::Nearby;
use super::courier_index::bounds::Bounds;
use super::couriers::CourierSlot;
use crate::domain::geo::Point;
use crate::domain::ids::{CompanyId, CourierId};

impl Engine {
    /// The couriers of a company at most `radius_m` from a point, border included, by (distance,
    /// courier): the first `nearby_max` of them.
    #[must_use]
    pub fn couriers_near(
        &self,
        company: CompanyId,
        around: Point,
        radius_m: f64,
        nearby_max: usize,
    ) -> Vec<Nearby> {
        self.index.near(around, radius_m, nearby_max, |slot| self.live(company, slot))
    }

    /// The `nearby_max` couriers of a company nearest to a point, by (distance, courier).
    #[must_use]
    pub fn couriers_nearest(
        &self,
        company: CompanyId,
        around: Point,
        nearby_max: usize,
    ) -> Vec<Nearby> {
        self.index.nearest(around, nearby_max, |slot| self.live(company, slot))
    }

    /// The couriers of a company within bounds, by id: the first `inside_max` of them.
    #[must_use]
    pub fn couriers_within(
        &self,
        company: CompanyId,
        bounds: Bounds,
        inside_max: usize,
    ) -> Vec<CourierId> {
        self.index.within(bounds, inside_max, |slot| self.live(company, slot))
    }

    fn live(&self, company: CompanyId, slot: u32) -> Option<(CourierId, Point)> {
        let line = self.couriers.line(CourierSlot(slot));
        let located = line.located.filter(|_| line.company == company)?;
        Some((line.id, located.point))
    }
}
