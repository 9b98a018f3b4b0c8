//! How often what goes wrong: one struct of ratios, drawn for each run, so that some runs are
//! quiet, some have one fault over and over, and some have everything.

use super::chance::Chance;

/// How the machine ends a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process is killed: the system keeps what was written.
    Kill,
    /// The power fails: of what was not synced any sectors are there, torn, or not.
    PowerCut,
    /// In order.
    Stop,
}

/// So many times in a thousand, of steps unless said otherwise.
#[derive(Clone, Debug)]
pub struct Ratios {
    /// A part of the node, a sender or a reader does nothing for a while.
    pub stall: u32,
    /// A session ends, and its sender begins a new one where it was acknowledged.
    pub reconnect: u32,
    /// A delivery of before comes once more.
    pub resend: u32,
    /// A sender is switched off and on, and counts anew.
    pub reboot: u32,
    /// Of deliveries: it waits in line for room, instead of being refused.
    pub in_turn: u32,
    /// The clock moves on by hours.
    pub long_wait: u32,
    /// A snapshot is asked for.
    pub snapshot: u32,
    /// Of those: beside which nothing older stays.
    pub alone: u32,
    /// What the tracks need not keep any more is taken out of them.
    pub sweep: u32,
    /// A courier is erased.
    pub erase: u32,
    /// Of lives: the disk dies in the middle of a step.
    pub dies_in_step: u32,
    /// Of lives: one sync fails.
    pub failed_sync: u32,
    /// Of lives: the disk gets full.
    pub full_disk: u32,
    /// Of lives: a bit of a file is found turned.
    pub bit_flip: u32,
    /// Of lives: a courier makes the step panic, once.
    pub panic: u32,
    /// Of lives: a courier makes replay panic, in one life of a run.
    pub panic_in_replay: u32,
    /// Of lives: from then on a courier makes every step panic.
    pub poison: u32,
    /// Of unsynced sectors, in a hundred: they survive a power cut.
    pub kept_pct: u64,
    /// How lives end.
    pub ends: Vec<End>,
}

impl Ratios {
    /// The ratios of one run.
    pub fn draw(chance: &mut Chance) -> Self {
        let mut often = |most: usize| match chance.below(3) {
            0 => 0,
            1 => chance.below(most) as u32 / 8,
            _ => chance.below(most) as u32,
        };
        Self {
            stall: often(60),
            reconnect: often(60),
            resend: often(80),
            reboot: often(15),
            in_turn: often(1_000),
            long_wait: often(20),
            snapshot: often(30),
            alone: often(600),
            sweep: often(20),
            erase: often(12),
            dies_in_step: often(1_000),
            failed_sync: often(700),
            full_disk: often(700),
            bit_flip: often(700),
            panic: often(800),
            panic_in_replay: often(400),
            poison: often(400),
            kept_pct: *chance.pick(&[0, 10, 50, 90, 100]),
            ends: match chance.below(4) {
                0 => vec![End::Kill],
                1 => vec![End::PowerCut],
                _ => vec![End::Kill, End::PowerCut, End::PowerCut, End::Stop],
            },
        }
    }

    /// A run in which nothing goes wrong but what is set afterwards.
    pub fn none() -> Self {
        Self {
            stall: 0,
            reconnect: 0,
            resend: 0,
            reboot: 0,
            in_turn: 0,
            long_wait: 0,
            snapshot: 0,
            alone: 0,
            sweep: 0,
            erase: 0,
            dies_in_step: 0,
            failed_sync: 0,
            full_disk: 0,
            bit_flip: 0,
            panic: 0,
            panic_in_replay: 0,
            poison: 0,
            kept_pct: 50,
            ends: vec![End::PowerCut],
        }
    }
}
