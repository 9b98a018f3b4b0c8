//! What every sender will say, encoded ahead: the run itself only sets the times in it, in place.

use super::PipelineBenchArgs;
use super::prepared::WARM_UP_TICKS;
use crate::cli::bench::workload::{Report, TICK_MS, Workload};

/// The frames of all senders.
pub(super) struct Frames {
    pub(super) senders: Vec<Sender>,
    pub(super) positions: u64,
    couriers: u32,
    /// By tick and courier: the frame's number among its sender's.
    frame_of: Vec<u32>,
}

/// One gateway's or device's frames, in order.
#[derive(Default)]
pub(super) struct Sender {
    bytes: Vec<u8>,
    pub(super) frames: Vec<Frame>,
}

/// One frame.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    start: usize,
    /// Where the times are: at `first_time` and then every `stride` bytes.
    first_time: usize,
    stride: usize,
    pub(super) fixes: u32,
    pub(super) last_seq: u64,
    /// Seconds after the start at which a paced run sends it.
    pub(super) due_s: f64,
    /// Milliseconds after the first tick at which its last position is taken.
    pub(super) last_ms: i64,
}

/// Positions that wait for their frame.
#[derive(Default)]
struct Open {
    fixes: Vec<(u32, i64, i32, i32)>,
    seq: u64,
}

impl Frames {
    /// The frames of so many positions, whole ticks of them; paced if there is a rate.
    pub(super) fn new(args: &PipelineBenchArgs, positions: u64, rate: Option<f64>) -> Self {
        let mut workload = Workload::new(args.couriers, args.seed);
        let mut reports = Vec::new();
        for _ in 0..WARM_UP_TICKS {
            workload.tick(&mut reports);
        }
        let senders = if args.devices { args.couriers } else { args.gateways } as usize;
        let batch = args.batch.unwrap_or(if args.devices { 1 } else { GATEWAY_BATCH }) as usize;
        let ticks = positions.div_ceil(u64::from(args.couriers));
        let mut frames = Self {
            senders: (0..senders).map(|_| Sender::default()).collect(),
            positions: ticks * u64::from(args.couriers),
            couriers: args.couriers,
            frame_of: vec![0; (ticks * u64::from(args.couriers)) as usize],
        };
        let mut open: Vec<Open> = (0..senders).map(|_| Open::default()).collect();
        let mut count = 0_u64;
        for tick in 0..ticks as i64 {
            workload.tick(&mut reports);
            for report in &reports {
                count += 1;
                let due_s = rate.map_or(0.0, |rate| count as f64 / rate);
                let slot = report.courier.0 - 1;
                let at = slot as usize % senders;
                let place = tick as usize * args.couriers as usize + slot as usize;
                frames.frame_of[place] = frames.senders[at].frames.len() as u32;
                open[at].fixes.push(fix(report, tick * TICK_MS));
                if open[at].fixes.len() == batch {
                    frames.senders[at].end(&mut open[at], args.devices, due_s);
                }
            }
        }
        let due_s = rate.map_or(0.0, |rate| count as f64 / rate);
        for (sender, open) in frames.senders.iter_mut().zip(&mut open) {
            sender.end(open, args.devices, due_s);
        }
        frames
    }

    /// Which frame of which sender brings a courier's position of that many milliseconds after the
    /// first tick.
    pub(super) fn frame_of(&self, courier: u32, ms: i64) -> Option<(usize, usize)> {
        let (slot, tick) = (courier.checked_sub(1)?, usize::try_from(ms / TICK_MS).ok()?);
        if slot >= self.couriers || ms % TICK_MS != 0 {
            return None;
        }
        let frame = self.frame_of.get(tick * self.couriers as usize + slot as usize)?;
        Some((slot as usize % self.senders.len(), *frame as usize))
    }
}

impl Sender {
    /// The bytes of a frame, with its times counted from `first_tick_ms`.
    pub(super) fn bytes(&self, frame: &Frame, first_tick_ms: i64, to: &mut Vec<u8>) {
        to.clear();
        let end = frame.first_time + frame.fixes as usize * frame.stride - frame.stride;
        to.extend_from_slice(&self.bytes[frame.start..end + FIX_BYTES]);
        for fix in 0..frame.fixes as usize {
            let at = frame.first_time - frame.start + fix * frame.stride;
            let mut time = [0; 8];
            time.copy_from_slice(&to[at..at + 8]);
            let time = i64::from_be_bytes(time) + first_tick_ms;
            to[at..at + 8].copy_from_slice(&time.to_be_bytes());
        }
    }

    fn end(&mut self, open: &mut Open, is_device: bool, due_s: f64) {
        let fixes = core::mem::take(&mut open.fixes);
        let Some(last) = fixes.last() else { return };
        let (start, first_seq) = (self.bytes.len(), open.seq + 1);
        open.seq += fixes.len() as u64;
        let to = &mut self.bytes;
        // The length is set at the end; four bytes hold any and are always allowed.
        to.extend_from_slice(&[0; 4]);
        to.extend_from_slice(if is_device { &[0x94, 2] } else { &[0x93, 6] });
        unsigned(to, first_seq);
        if is_device {
            to.push(NIL);
        }
        to.push(0xdc);
        to.extend_from_slice(&(fixes.len() as u16).to_be_bytes());
        let first = to.len();
        for &(courier, ms, lat_e7, lon_e7) in &fixes {
            if !is_device {
                to.extend_from_slice(&[0x93, 0xce]);
                to.extend_from_slice(&courier.to_be_bytes());
                to.push(NIL);
            }
            to.extend_from_slice(&[0x93, 0xd3]);
            to.extend_from_slice(&ms.to_be_bytes());
            to.push(0xd2);
            to.extend_from_slice(&lat_e7.to_be_bytes());
            to.push(0xd2);
            to.extend_from_slice(&lon_e7.to_be_bytes());
        }
        let stride = (to.len() - first) / fixes.len();
        let length = 0x8000_0000 | (to.len() - start - 4) as u32;
        to[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self.frames.push(Frame {
            start,
            first_time: first + stride - FIX_BYTES,
            stride,
            fixes: fixes.len() as u32,
            last_seq: open.seq,
            due_s,
            last_ms: last.1,
        });
    }
}

fn fix(report: &Report, ms: i64) -> (u32, i64, i32, i32) {
    let point = report.position.point;
    (report.courier.0, ms, point.lat_e7(), point.lon_e7())
}

fn unsigned(to: &mut Vec<u8>, value: u64) {
    to.push(0xcf);
    to.extend_from_slice(&value.to_be_bytes());
}

const GATEWAY_BATCH: u32 = 256;
const NIL: u8 = 0xc0;
/// From a fix's time, its marker passed over, to the fix's end.
const FIX_BYTES: usize = 8 + 5 + 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::quic::wire::client_frame::ClientFrame;

    #[test]
    fn frames_are_what_the_daemon_reads_and_times_are_set_in_place() {
        for devices in [false, true] {
            let mut args = crate::cli::bench::pipeline::tests::args(&["--couriers", "10"]);
            args.devices = devices;
            args.batch = Some(3);
            let frames = Frames::new(&args, 40, None);
            let (mut fixes, mut bytes) = (0, Vec::new());
            for (at, sender) in frames.senders.iter().enumerate() {
                for (number, frame) in sender.frames.iter().enumerate() {
                    sender.bytes(frame, 1_000_000, &mut bytes);
                    let times: Vec<(u64, i64)> = match ClientFrame::decode(&bytes[4..]).unwrap() {
                        ClientFrame::Positions(sent) => {
                            sent.fixes.iter().map(|f| (at as u64 + 1, f.device_time.ms())).collect()
                        }
                        ClientFrame::GatewayPositions(sent) => {
                            sent.fixes.iter().map(|f| (f.courier, f.fix.device_time.ms())).collect()
                        }
                        other => panic!("{other:?}"),
                    };
                    fixes += times.len();
                    for (courier, ms) in times {
                        let place = frames.frame_of(courier as u32, ms - 1_000_000);
                        assert_eq!(place, Some((at, number)));
                    }
                }
            }
            assert_eq!(fixes as u64, frames.positions);
        }
    }
}
