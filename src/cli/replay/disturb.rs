//! Noise over recorded rows: what is measured, and when it comes.

use std::collections::VecDeque;

use super::intake::Fix;
use super::tally::Tally;
use crate::cli::noise::{Link, Noise, Receiver, Sent};
use crate::domain::ids::CourierId;
use crate::domain::position::Position;
use crate::domain::time::Time;

/// Every courier's receiver and link.
pub(super) struct Disturbance {
    noise: Noise,
    seed: u64,
    /// By courier id.
    devices: Vec<Option<Device>>,
    came: Vec<Sent<Fix>>,
}

struct Device {
    receiver: Receiver,
    link: Link<Fix>,
    /// The true time of its last row.
    last: Time,
}

impl Disturbance {
    pub(super) fn new(noise: Noise, seed: u64, couriers: usize) -> Self {
        let devices = std::iter::repeat_with(|| None).take(couriers + 1).collect();
        Self { noise, seed, devices, came: Vec::new() }
    }

    /// Takes a row as it was recorded, and appends what comes of it and of those before.
    pub(super) fn take(&mut self, mut fix: Fix, into: &mut VecDeque<Fix>, tally: &mut Tally) {
        let (noise, seed, CourierId(courier)) = (self.noise, self.seed, fix.courier);
        let t = fix.position.device_time;
        let device = self.devices[courier as usize].get_or_insert_with(|| Device {
            receiver: Receiver::new(noise, seed, courier),
            link: Link::new(noise, seed, courier),
            last: t,
        });
        device.last = t.max(device.last);
        let Some(point) = device.receiver.measure(t, fix.position.point) else {
            tally.lost += 1;
            return;
        };
        if noise.clock_offset_ms != 0 {
            fix.received = fix.received.or(Some(t));
        }
        let device_time = t + noise.clock_offset_ms;
        fix.position = Position { device_time, point, ..fix.position };
        device.link.send(t, fix, &mut self.came);
        deliver(&mut self.came, device.last, into);
    }

    /// Appends what is still on its way when there are no more rows.
    pub(super) fn finish(&mut self, into: &mut VecDeque<Fix>) {
        for device in self.devices.iter_mut().flatten() {
            device.link.finish(&mut self.came);
            deliver(&mut self.came, device.last, into);
        }
    }
}

fn deliver(came: &mut Vec<Sent<Fix>>, now: Time, into: &mut VecDeque<Fix>) {
    into.extend(came.drain(..).map(|Sent { report, is_late }| {
        let received = if is_late { Some(now) } else { report.received };
        Fix { received, ..report }
    }));
}
