//! A short life that does everything once, so that its machine can die at every single operation of
//! its disk; and the start after it, whose machine can.

use std::collections::BTreeMap;

use doorstep::domain::time::DAY_MS;
use doorstep::runtime::tracks::Keeping;

use super::faults::End;
use super::life::Life;
use super::run::Run;

/// When the machine dies: after so many operations of the disk that change something.
#[derive(Clone, Copy, Debug)]
pub enum Dies {
    /// Only at the end.
    Never,
    /// While the process works.
    AtWork(u64),
    /// While the next one starts.
    AtStart(u64),
}

impl Run {
    /// A plan, positions, snapshots with and without older ones beside them, an erasure, a day that
    /// passes, a sweep of the tracks, and the feed's oldest segments that go; the power fails, and the next process works everything off
    /// and is judged. Says how many operations the work took and how many the start.
    pub fn script(&mut self, dies: Dies) -> (u64, u64) {
        let mut life = self.begin(false).expect("it starts");
        let begun = self.disk.steps();
        if let Dies::AtWork(operations) = dies {
            self.disk.die_after(operations);
        }
        self.set_up(&mut life);
        for act in 0..ACTS {
            for _ in 0..3 {
                self.tick();
            }
            self.act(act, &life);
            if !self.drain(&mut life) {
                break;
            }
        }
        let at_work = self.disk.steps() - begun;
        drop(life);
        self.crash(End::PowerCut);
        if let Dies::AtStart(operations) = dies {
            self.disk.die_after(operations);
        }
        let started = self.start();
        assert!(started.is_ok() || matches!(dies, Dies::AtStart(_)), "{:?}", started.err());
        drop(started);
        let at_start = self.disk.steps();
        self.crash(End::PowerCut);
        self.finish();
        (at_work, at_start)
    }

    fn act(&mut self, act: usize, life: &Life) {
        match act {
            1 | 3 => assert!(life.node.ask_for_snapshot(false), "it has room"),
            2 | 6 => assert!(life.node.ask_for_snapshot(true), "it has room"),
            4 => self.clients.erase_any(&life.admission, &mut self.chance),
            5 => {
                self.clock.advance(2 * DAY_MS);
                let now = self.clock.now();
                let keeping = Keeping { now, days: BTreeMap::new(), days_default: 1 };
                self.kept_from = Some(now + -DAY_MS);
                assert!(life.node.ask_for_sweep(keeping), "it has room");
            }
            7 => self.let_go_of(life, 0, 0),
            _ => {}
        }
    }
}

const ACTS: usize = 8;
